"""Tokens of programs, secrets of services, and ways to a new password, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kartoteka_runtime.identity import ClientSecret, KnownToken, Reset, TokenKind
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.database import BadParameter, Row
from kartoteka_runtime.storage.identity_rows import (
    BUMP,
    ID_LENGTH,
    IdentityRows,
    certain_moment,
    moment,
    now_text,
)

_KEPT = timedelta(days=30)  # how long what has ended is shown to have ended
_LONGEST_TOKEN = timedelta(days=365)  # of tokens that were made without an end
TOKEN_COLUMNS = (
    "token_hash", "user_id", "name", "kind", "scopes", "created_on", "expires_on", "used_on",
    "revoked_on", "issued_by",
)  # fmt: skip
_TOKEN = ", ".join(TOKEN_COLUMNS)
_SECRET = "id, user_id, client_id, name, created_on, expires_on, used_on, revoked_on"
_BY_ID = f"substr(token_hash, 1, {ID_LENGTH}) = :id AND (:user = '' OR user_id = :user)"

ADD_TOKEN = f"""INSERT INTO kartoteka_token ({_TOKEN}) VALUES (:token_hash, :user_id, :name, :kind,
 :scopes, :created_on, :expires_on, NULL, NULL, :issued_by)"""
FORGET_TOKENS = "DELETE FROM kartoteka_token WHERE expires_on < :long_ago OR revoked_on < :long_ago"
FORGET_ACCESS = "DELETE FROM kartoteka_token WHERE kind = 'access' AND expires_on < :now"
TOUCH_TOKEN = "UPDATE kartoteka_token SET used_on = :now WHERE token_hash = :hash"
TOKENS_OF = f"""SELECT {_TOKEN} FROM kartoteka_token
 WHERE kind = 'api' AND (:user = '' OR user_id = :user) ORDER BY created_on DESC, token_hash"""
TOKEN_BY_ID = f"SELECT {_TOKEN} FROM kartoteka_token WHERE kind = 'api' AND {_BY_ID}"
REVOKE_TOKEN = """UPDATE kartoteka_token SET revoked_on = :now
 WHERE token_hash = :hash AND revoked_on IS NULL"""
VERSION = "SELECT version FROM kartoteka_access"
ADD_SECRET = f"""INSERT INTO kartoteka_client_secret ({_SECRET}, secret_hash) VALUES (:id, :user_id,
 :client_id, :name, :created_on, :expires_on, NULL, NULL, :secret_hash)"""
SECRET = f"""SELECT {_SECRET} FROM kartoteka_client_secret
 WHERE client_id = :client AND secret_hash = :hash"""
SECRETS_OF = f"""SELECT {_SECRET} FROM kartoteka_client_secret
 WHERE :user = '' OR user_id = :user ORDER BY created_on DESC, id"""
TOUCH_SECRET = "UPDATE kartoteka_client_secret SET used_on = :now WHERE id = :id"
REVOKE_SECRETS = """UPDATE kartoteka_client_secret SET revoked_on = :now
 WHERE user_id = :user AND (:id = '' OR id = :id) AND revoked_on IS NULL"""
REVOKE_ACCESS = """UPDATE kartoteka_token SET revoked_on = :now
 WHERE user_id = :user AND kind = 'access' AND (:id = '' OR issued_by = :id)
 AND revoked_on IS NULL"""
ADD_RESET = """INSERT INTO kartoteka_password_reset (token_hash, user_id, for_hash, created_on,
 expires_on) VALUES (:hash, :user, :for_hash, :now, :expires_on)"""
FORGET_RESETS = "DELETE FROM kartoteka_password_reset WHERE expires_on < :now"
RESET = """SELECT user_id, for_hash FROM kartoteka_password_reset
 WHERE token_hash = :hash AND expires_on > :now"""
TAKE_RESET = "DELETE FROM kartoteka_password_reset WHERE token_hash = :hash"
RESETS_SINCE = """SELECT count(*) FROM kartoteka_password_reset
 WHERE user_id = :user AND created_on > :since"""


class TokenRows(IdentityRows):
    """Reads and writes tokens, secrets and resets."""

    async def add_token(self, token_hash: str, token: KnownToken) -> None:
        """Keep a token, and forget those that ended long ago."""
        now = datetime.now(UTC)
        params = {
            "token_hash": token_hash,
            "user_id": token.user_id,
            "name": token.name[:100],
            "kind": token.kind,
            "scopes": None if token.scopes is None else " ".join(sorted(token.scopes)),
            "created_on": encode_instant(token.created_on),
            "expires_on": encode_instant(token.expires_on),
            "issued_by": token.issued_by or None,
        }
        async with self._database.writing() as connection:
            forgotten = {"long_ago": encode_instant(now - _KEPT)}
            await connection.execute(self._sql(FORGET_TOKENS), forgotten)
            await connection.execute(self._sql(FORGET_ACCESS), {"now": encode_instant(now)})
            await connection.execute(self._sql(ADD_TOKEN), params)

    async def touch_token(self, token_hash: str, now: datetime) -> None:
        """Keep when a token was used, unless the database is busy with something else."""
        await self._run_if_idle(TOUCH_TOKEN, {"hash": token_hash, "now": encode_instant(now)})

    async def tokens_of(self, user_id: str) -> Sequence[KnownToken]:
        """Return the API tokens of a user (of everybody: ""), the newest first."""
        return [token_of(row) for row in await self._fetch_all(TOKENS_OF, {"user": user_id})]

    async def revoke_token(self, token_id: str, user_id: str, now: datetime) -> KnownToken | None:
        """Revoke a token of a user (of anybody: ""), and return it; None: no such is in force."""
        try:
            rows = await self._fetch_all(TOKEN_BY_ID, {"id": token_id, "user": user_id})
        except BadParameter:
            return None
        if len(rows) != 1:
            return None
        params = {"hash": rows[0][0], "now": encode_instant(now)}
        async with self._database.writing() as connection:
            if not await connection.execute(self._sql(REVOKE_TOKEN), params):
                return None
            await connection.execute(self._sql(BUMP), {})
        return token_of(rows[0])

    async def access_version(self) -> int:
        """Return the number that changes with every write that may change what somebody may do."""
        row = await self._fetch(VERSION, {})
        return 0 if row is None else int(row[0])

    async def add_secret(self, secret_hash: str, secret: ClientSecret) -> None:
        """Keep a secret of a service."""
        params = {
            "id": secret.id,
            "user_id": secret.user_id,
            "client_id": secret.client_id,
            "name": secret.name[:100],
            "created_on": encode_instant(secret.created_on),
            "expires_on": encode_instant(secret.expires_on),
            "secret_hash": secret_hash,
        }
        await self._run(ADD_SECRET, params)

    async def secret(self, client_id: str, secret_hash: str) -> ClientSecret | None:
        """Return the secret of a client id that has a hash."""
        try:
            row = await self._fetch(SECRET, {"client": client_id, "hash": secret_hash})
        except BadParameter:
            return None
        return None if row is None else _secret_of(row)

    async def touch_secret(self, secret_id: str, now: datetime) -> None:
        """Keep when a secret was used, unless the database is busy with something else."""
        await self._run_if_idle(TOUCH_SECRET, {"id": secret_id, "now": encode_instant(now)})

    async def secrets_of(self, user_id: str) -> Sequence[ClientSecret]:
        """Return the secrets of a service (of every service: ""), the newest first."""
        return [_secret_of(row) for row in await self._fetch_all(SECRETS_OF, {"user": user_id})]

    async def revoke_secrets(self, user_id: str, now: datetime, *, secret_id: str = "") -> int:
        """Revoke the secrets of a service, or one, with what was given for them; say how many."""
        params = {"user": user_id, "id": secret_id, "now": encode_instant(now)}
        async with self._database.writing() as connection:
            count = await connection.execute(self._sql(REVOKE_SECRETS), params)
            await connection.execute(self._sql(REVOKE_ACCESS), params)
            await connection.execute(self._sql(BUMP), {})
        return count

    async def add_reset(self, token_hash: str, reset: Reset, expires_on: datetime) -> None:
        """Keep a way to a new password, and forget those that have expired."""
        params = {
            "hash": token_hash,
            "user": reset.user_id,
            "for_hash": reset.for_hash,
            "now": now_text(),
            "expires_on": encode_instant(expires_on),
        }
        async with self._database.writing() as connection:
            await connection.execute(self._sql(FORGET_RESETS), {"now": now_text()})
            await connection.execute(self._sql(ADD_RESET), params)

    async def reset(self, token_hash: str) -> Reset | None:
        """Return a way to a new password that has neither expired nor been used."""
        row = await self._fetch(RESET, {"hash": token_hash, "now": now_text()})
        return None if row is None else Reset(row[0], row[1])

    async def take_reset(self, token_hash: str) -> Reset | None:
        """Return the same and forget it: whoever asks again gets nothing."""
        async with self._database.writing() as connection:
            params = {"hash": token_hash, "now": now_text()}
            row = await connection.fetch_one(self._sql(RESET), params)
            taken = await connection.execute(self._sql(TAKE_RESET), {"hash": token_hash})
        return None if row is None or taken != 1 else Reset(row[0], row[1])

    async def resets_since(self, user_id: str, since: datetime) -> int:
        """Return how many ways to a new password were made for a user since a moment."""
        params = {"user": user_id, "since": encode_instant(since)}
        row = await self._fetch(RESETS_SINCE, params)
        return 0 if row is None else int(row[0])


def token_of(row: Row) -> KnownToken:
    """Return a row with ``TOKEN_COLUMNS`` as a token."""
    token_hash, user_id, name, kind, scopes, created, expires, used, revoked, issued_by = row
    created_on = certain_moment(created)
    known: TokenKind = "access" if kind == "access" else "api"
    return KnownToken(
        id=token_hash[:ID_LENGTH],
        user_id=user_id,
        name=name,
        kind=known,
        scopes=None if scopes is None else frozenset(scopes.split()),
        created_on=created_on,
        expires_on=moment(expires) or created_on + _LONGEST_TOKEN,
        used_on=moment(used),
        revoked_on=moment(revoked),
        issued_by=issued_by or "",
    )


def _secret_of(row: Row) -> ClientSecret:
    secret_id, user_id, client_id, name, created, expires, used, revoked = row
    return ClientSecret(
        id=secret_id,
        user_id=user_id,
        client_id=client_id,
        name=name,
        created_on=certain_moment(created),
        expires_on=certain_moment(expires),
        used_on=moment(used),
        revoked_on=moment(revoked),
    )
