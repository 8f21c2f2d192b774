"""Half-way sign-ins, second factors, passkeys and linked identities as the database keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import sqlalchemy as sa

from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.database import Database, Row, UniqueViolation
from kartoteka_runtime.storage.record_queries import compile_text


@dataclass(frozen=True, slots=True)
class StoredAttempt:
    """A sign-in, or a change of factors, that is half-way; ``user_id`` is empty for a stranger."""

    kind: str
    user_id: str
    data: Mapping[str, str]
    failures: int


@dataclass(frozen=True, slots=True)
class StoredTotp:
    """A user's generator of codes: its encrypted secret, and the counter accepted last."""

    secret: str
    last_counter: int
    added_on: str


@dataclass(frozen=True, slots=True)
class StoredPasskey:
    """A passkey; bytes are base64url, moments are UTC."""

    credential_id: str
    user_id: str
    name: str
    public_key: str
    sign_count: int
    added_on: str
    used_on: str | None


@dataclass(frozen=True, slots=True)
class Failures:
    """Wrong second factors in a row, and until when the next one has to wait."""

    count: int = 0
    locked_until: datetime | None = None


_PASSKEY = "credential_id, user_id, name, public_key, sign_count, added_on, used_on"


class SignInStore:
    """Each call is one short transaction; what must happen once is decided by the database."""

    def __init__(self, database: Database) -> None:
        """Keep everything in ``database``; the tables need not exist yet."""
        self._database = database
        self._compiled: dict[str, str] = {}

    async def add_attempt(
        self,
        token_hash: str,
        *,
        kind: str,
        user_id: str,
        data: Mapping[str, str],
        expires_on: datetime,
    ) -> None:
        """Keep an attempt, and forget those whose time is over."""
        await self._run(
            "DELETE FROM kartoteka_sign_in_attempt WHERE expires_on < :now", {"now": _now()}
        )
        await self._run(
            "INSERT INTO kartoteka_sign_in_attempt (token_hash, kind, user_id, data, expires_on)"
            " VALUES (:hash, :kind, :user, :data, :expires)",
            {
                "hash": token_hash,
                "kind": kind,
                "user": user_id,
                "data": orjson.dumps(dict(data)).decode(),
                "expires": encode_instant(expires_on),
            },
        )

    async def attempt(self, token_hash: str) -> StoredAttempt | None:
        """Return an attempt whose time is not over."""
        row = await self._one(
            "SELECT kind, user_id, data, failures FROM kartoteka_sign_in_attempt"
            " WHERE token_hash = :hash AND expires_on >= :now",
            {"hash": token_hash, "now": _now()},
        )
        return _attempt(row)

    async def end_attempt(self, token_hash: str) -> StoredAttempt | None:
        """Forget an attempt and return it; of several who ask at once, one gets it."""
        async with self._database.writing() as connection:
            row = await connection.fetch_one(
                self._text(
                    "DELETE FROM kartoteka_sign_in_attempt"
                    " WHERE token_hash = :hash AND expires_on >= :now"
                    " RETURNING kind, user_id, data, failures"
                ),
                {"hash": token_hash, "now": _now()},
            )
        return _attempt(row)

    async def fail_attempt(self, token_hash: str) -> None:
        """Count a wrong factor against an attempt."""
        await self._run(
            "UPDATE kartoteka_sign_in_attempt SET failures = failures + 1 WHERE token_hash = :hash",
            {"hash": token_hash},
        )

    async def failures(self, user_id: str) -> Failures:
        """Return a user's wrong factors in a row."""
        row = await self._one(
            "SELECT failures, locked_until FROM kartoteka_factor_failure WHERE user_id = :user",
            {"user": user_id},
        )
        if row is None:
            return Failures()
        return Failures(int(row[0]), datetime.fromisoformat(row[1]) if row[1] else None)

    async def take_try(self, user_id: str, known: Failures, locked_until: datetime | None) -> bool:
        """Count a factor as wrong before it is looked at; False: another one came first.

        ``locked_until`` is until when the next one has to wait.
        """
        until = encode_instant(locked_until) if locked_until else None
        params = {"user": user_id, "until": until, "known": known.count}
        if not known.count:
            return await self._run(
                "INSERT INTO kartoteka_factor_failure (user_id, failures, locked_until)"
                " VALUES (:user, 1, :until) ON CONFLICT (user_id) DO NOTHING",
                {"user": user_id, "until": until},
            )
        return await self._run(
            "UPDATE kartoteka_factor_failure SET failures = failures + 1, locked_until = :until"
            " WHERE user_id = :user AND failures = :known",
            params,
        )

    async def forget_failures(self, user_id: str) -> None:
        """Count no wrong factors any more."""
        await self._run(
            "DELETE FROM kartoteka_factor_failure WHERE user_id = :user", {"user": user_id}
        )

    async def totp(self, user_id: str) -> StoredTotp | None:
        """Return a user's generator of codes."""
        row = await self._one(
            "SELECT secret, last_counter, added_on FROM kartoteka_totp WHERE user_id = :user",
            {"user": user_id},
        )
        return StoredTotp(row[0], int(row[1]), row[2]) if row else None

    async def add_totp(
        self, user_id: str, *, secret: str, counter: int, code_hashes: Sequence[str]
    ) -> bool:
        """Keep a generator of codes and its recovery codes; False: the user has one already."""
        try:
            async with self._database.writing() as connection:
                await connection.execute(
                    self._text(
                        "INSERT INTO kartoteka_totp (user_id, secret, last_counter, added_on)"
                        " VALUES (:user, :secret, :counter, :now)"
                    ),
                    {"user": user_id, "secret": secret, "counter": counter, "now": _now()},
                )
        except UniqueViolation:
            return False
        await self.set_recovery_codes(user_id, code_hashes)
        return True

    async def use_counter(self, user_id: str, counter: int) -> bool:
        """Accept a counter, if none as high was accepted before."""
        return await self._run(
            "UPDATE kartoteka_totp SET last_counter = :counter"
            " WHERE user_id = :user AND last_counter < :counter",
            {"user": user_id, "counter": counter},
        )

    async def remove_totp(self, user_id: str) -> bool:
        """Forget a user's generator of codes."""
        return await self._run("DELETE FROM kartoteka_totp WHERE user_id = :u", {"u": user_id})

    async def set_recovery_codes(self, user_id: str, code_hashes: Sequence[str]) -> None:
        """Replace a user's recovery codes."""
        async with self._database.writing() as connection:
            await connection.execute(
                self._text("DELETE FROM kartoteka_recovery_code WHERE user_id = :user"),
                {"user": user_id},
            )
            insert = self._text(
                "INSERT INTO kartoteka_recovery_code (user_id, code_hash) VALUES (:user, :hash)"
            )
            for code_hash in code_hashes:
                await connection.execute(insert, {"user": user_id, "hash": code_hash})

    async def recovery_codes_left(self, user_id: str) -> int:
        """Return how many recovery codes a user has not used."""
        row = await self._one(
            "SELECT count(*) FROM kartoteka_recovery_code WHERE user_id = :user", {"user": user_id}
        )
        return int(row[0]) if row else 0

    async def use_recovery_code(self, user_id: str, code_hash: str) -> bool:
        """Use a recovery code up, if the user has it."""
        return await self._run(
            "DELETE FROM kartoteka_recovery_code WHERE user_id = :user AND code_hash = :hash",
            {"user": user_id, "hash": code_hash},
        )

    async def passkeys(self, user_id: str) -> tuple[StoredPasskey, ...]:
        """Return a user's passkeys, the oldest first."""
        async with self._database.reading() as connection:
            rows = await connection.fetch_all(
                self._text(
                    f"SELECT {_PASSKEY} FROM kartoteka_passkey WHERE user_id = :user"
                    " ORDER BY added_on, credential_id"
                ),
                {"user": user_id},
            )
        return tuple(_passkey(row) for row in rows)

    async def passkey(self, credential_id: str) -> StoredPasskey | None:
        """Return a passkey by its id."""
        row = await self._one(
            f"SELECT {_PASSKEY} FROM kartoteka_passkey WHERE credential_id = :id",
            {"id": credential_id},
        )
        return _passkey(row) if row else None

    async def add_passkey(
        self, credential_id: str, *, user_id: str, name: str, public_key: str, sign_count: int
    ) -> bool:
        """Keep a passkey; False: its id is known already."""
        try:
            return await self._run(
                "INSERT INTO kartoteka_passkey"
                " (credential_id, user_id, name, public_key, sign_count, added_on)"
                " VALUES (:id, :user, :name, :key, :count, :now)",
                {
                    "id": credential_id,
                    "user": user_id,
                    "name": name,
                    "key": public_key,
                    "count": sign_count,
                    "now": _now(),
                },
            )
        except UniqueViolation:
            return False

    async def use_passkey(self, passkey: StoredPasskey, sign_count: int) -> bool:
        """Keep how often a passkey was used, if nobody else used it meanwhile."""
        return await self._run(
            "UPDATE kartoteka_passkey SET sign_count = :new, used_on = :now"
            " WHERE credential_id = :id AND sign_count = :known",
            {
                "id": passkey.credential_id,
                "known": passkey.sign_count,
                "new": sign_count,
                "now": _now(),
            },
        )

    async def rename_passkey(self, user_id: str, credential_id: str, name: str) -> bool:
        """Call a user's passkey otherwise."""
        return await self._run(
            "UPDATE kartoteka_passkey SET name = :name WHERE credential_id = :id"
            " AND user_id = :user",
            {"id": credential_id, "user": user_id, "name": name},
        )

    async def remove_passkey(self, user_id: str, credential_id: str) -> bool:
        """Forget a user's passkey."""
        return await self._run(
            "DELETE FROM kartoteka_passkey WHERE credential_id = :id AND user_id = :user",
            {"id": credential_id, "user": user_id},
        )

    async def forget_factors(self, user_id: str) -> int:
        """Forget everything that a user has beside a password; return how many factors there were.

        What is half-way ends too.
        """
        count = 0
        async with self._database.writing() as connection:
            for table in ("totp", "passkey", "recovery_code", "factor_failure", "sign_in_attempt"):
                sql = self._text(f"DELETE FROM kartoteka_{table} WHERE user_id = :user")
                removed = await connection.execute(sql, {"user": user_id})
                count += removed if table in ("totp", "passkey") else 0
        return count

    async def linked_user(self, issuer: str, subject: str) -> str | None:
        """Return the id of the user who is ``subject`` at ``issuer``."""
        row = await self._one(
            "SELECT user_id FROM kartoteka_external_identity"
            " WHERE issuer = :issuer AND subject = :subject",
            {"issuer": issuer, "subject": subject},
        )
        return str(row[0]) if row else None

    async def is_linked(self, user_id: str, issuer: str) -> bool:
        """Return whether a user is somebody at ``issuer``."""
        row = await self._one(
            "SELECT 1 FROM kartoteka_external_identity WHERE user_id = :user AND issuer = :issuer",
            {"user": user_id, "issuer": issuer},
        )
        return row is not None

    async def link(self, issuer: str, subject: str, user_id: str) -> bool:
        """Keep who a user is at an issuer; False: ``subject`` is somebody already."""
        return await self._run(
            "INSERT INTO kartoteka_external_identity (issuer, subject, user_id, linked_on)"
            " VALUES (:issuer, :subject, :user, :now) ON CONFLICT (issuer, subject) DO NOTHING",
            {"issuer": issuer, "subject": subject, "user": user_id, "now": _now()},
        )

    async def unlink_all(self, user_id: str) -> bool:
        """Forget who a user is at every issuer."""
        return await self._run(
            "DELETE FROM kartoteka_external_identity WHERE user_id = :user", {"user": user_id}
        )

    async def unlink(self, issuer: str, subject: str, user_id: str) -> None:
        """Forget who a user is at an issuer."""
        await self._run(
            "DELETE FROM kartoteka_external_identity"
            " WHERE issuer = :issuer AND subject = :subject AND user_id = :user",
            {"issuer": issuer, "subject": subject, "user": user_id},
        )

    async def _one(self, sql: str, params: Mapping[str, Any]) -> Row | None:
        async with self._database.reading() as connection:
            return await connection.fetch_one(self._text(sql), params)

    async def _run(self, sql: str, params: Mapping[str, Any]) -> bool:
        async with self._database.writing() as connection:
            return bool(await connection.execute(self._text(sql), params))

    def _text(self, sql: str) -> str:
        compiled = self._compiled.get(sql)
        if compiled is None:
            compiled = compile_text(sa.text(sql), self._database.dialect)
            self._compiled[sql] = compiled
        return compiled


def _attempt(row: Row | None) -> StoredAttempt | None:
    return StoredAttempt(row[0], row[1], orjson.loads(row[2]), int(row[3])) if row else None


def _passkey(row: Row) -> StoredPasskey:
    return StoredPasskey(row[0], row[1], row[2], row[3], int(row[4]), row[5], row[6])


def _now() -> str:
    return encode_instant(datetime.now(UTC))
