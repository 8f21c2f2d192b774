"""Users, sessions and tokens as the database keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from kartoteka.text_folding import fold
from kartoteka_runtime.identity import Credential, KnownUser
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.database import BadParameter, Connection, Database
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.system_tables import credential, preference, session, token
from kartoteka_runtime.storage.tables import folded


class DatabaseIdentityStore:
    """An ``IdentityStore`` in the records' own database; each call is one short statement."""

    def __init__(self, database: Database) -> None:
        """Compile the statements; the tables need not exist yet."""
        self._database = database
        engine, self._dialect = database.engine, database.dialect
        id_type: sa.types.TypeEngine[Any] = sa.Uuid() if engine == "postgresql" else sa.String(36)
        users = sa.table(
            "systemuser",
            sa.column("systemuserid", id_type),
            sa.column("fullname", sa.Text()),
            sa.column("domainname", sa.Text()),
            sa.column("isdisabled", sa.Boolean() if engine == "postgresql" else sa.Integer()),
            sa.column("businessunitid", id_type),
        )
        links = sa.table(
            "systemuserroles", sa.column("systemuserid", id_type), sa.column("roleid", id_type)
        )
        is_disabled = sa.func.coalesce(
            users.c.isdisabled, sa.false() if engine == "postgresql" else sa.literal_column("0")
        )
        self._credential = self._text(
            sa.select(
                users.c.systemuserid,
                credential.c.password_hash,
                credential.c.failures,
                credential.c.locked_until,
                is_disabled,
            )
            .select_from(
                users.join(
                    credential,
                    sa.cast(users.c.systemuserid, sa.String(36)) == credential.c.user_id,
                )
            )
            .where(folded(users.c.domainname, engine) == sa.bindparam("name", type_=sa.Text()))
        )
        joined = sa.func.string_agg if engine == "postgresql" else sa.func.group_concat
        roles = (
            sa.select(joined(sa.cast(links.c.roleid, sa.String(36)), sa.literal_column("' '")))
            .where(links.c.systemuserid == users.c.systemuserid)
            .scalar_subquery()
        )

        def known_user(
            source: sa.FromClause,
            user_id: sa.ColumnElement[str],
            *conditions: sa.ColumnElement[bool],
        ) -> str:
            return self._text(
                sa.select(
                    users.c.systemuserid,
                    users.c.fullname,
                    users.c.businessunitid,
                    is_disabled,
                    preference.c.language,
                    preference.c.time_zone,
                    roles,
                )
                .select_from(source.outerjoin(preference, preference.c.user_id == user_id))
                .where(*conditions)
            )

        def carried(carrier: sa.Table, *conditions: sa.ColumnElement[bool]) -> str:
            joined = carrier.join(
                users, users.c.systemuserid == sa.cast(carrier.c.user_id, id_type)
            )
            by_hash = carrier.c.token_hash == sa.bindparam("hash", type_=sa.String(64))
            return known_user(joined, carrier.c.user_id, by_hash, *conditions)

        now = sa.bindparam("now", type_=sa.String(20))
        self._session_user = carried(session, session.c.expires_on > now)
        self._token_user = carried(token)
        self._user_by_id = known_user(
            users,
            sa.cast(users.c.systemuserid, sa.String(36)),
            users.c.systemuserid == sa.bindparam("user", type_=id_type),
        )
        self._add_session = self._text(sa.insert(session))
        self._add_token = self._text(sa.insert(token))
        self._remove_session = self._text(
            sa.delete(session).where(
                sa.or_(
                    session.c.token_hash == sa.bindparam("hash", type_=sa.String(64)),
                    session.c.expires_on < now,
                )
            )
        )
        is_user = credential.c.user_id == sa.bindparam("user", type_=sa.String(36))
        one_more = credential.c.failures + sa.literal_column("1")
        self._add_failure = self._text(
            sa.update(credential)
            .where(is_user)
            .values(failures=one_more, locked_until=sa.bindparam("until", type_=sa.String(20)))
        )
        self._forget_failures = self._text(
            sa.update(credential)
            .where(is_user)
            .values(failures=sa.literal_column("0"), locked_until=sa.null())
        )
        self._end_sessions = self._text(
            sa.delete(session).where(session.c.user_id == sa.bindparam("user", type_=sa.String(36)))
        )
        upsert = postgresql.insert if engine == "postgresql" else sqlite.insert
        new_credential = upsert(credential).values(
            user_id=sa.bindparam("user"), password_hash=sa.bindparam("hash"), failures=sa.text("0")
        )
        self._save_password = self._text(
            new_credential.on_conflict_do_update(
                index_elements=["user_id"],
                set_={
                    "password_hash": new_credential.excluded.password_hash,
                    "failures": sa.text("0"),
                    "locked_until": sa.null(),
                },
            )
        )
        chosen = upsert(preference).values(
            user_id=sa.bindparam("user"),
            language=sa.bindparam("language"),
            time_zone=sa.bindparam("zone"),
        )
        self._save_preferences = self._text(
            chosen.on_conflict_do_update(
                index_elements=["user_id"],
                set_={
                    "language": sa.func.coalesce(chosen.excluded.language, preference.c.language),
                    "time_zone": sa.func.coalesce(
                        chosen.excluded.time_zone, preference.c.time_zone
                    ),
                },
            )
        )

    async def credential(self, user_name: str) -> Credential | None:
        """Return the credential of a user name, written in any case."""
        try:
            row = await self._fetch(self._credential, {"name": fold(user_name)})
        except BadParameter:  # characters that no stored name can have
            return None
        if row is None:
            return None
        locked_until = datetime.fromisoformat(row[3]) if row[3] else None
        return Credential(str(row[0]), row[1], row[2], locked_until, bool(row[4]))

    async def save_password(self, user_id: str, password_hash: str) -> None:
        """Keep a password's hash; forget failures and end the user's sessions."""
        async with self._database.writing() as connection:
            params = {"user": user_id, "hash": password_hash}
            await connection.execute(self._save_password, params)
            await connection.execute(self._end_sessions, {"user": user_id})

    async def add_failure(self, user_id: str, locked_until: datetime | None) -> None:
        """Count one more wrong password, and keep until when the user has to wait."""
        until = encode_instant(locked_until) if locked_until else None
        await self._run(self._add_failure, {"user": user_id, "until": until})

    async def forget_failures(self, user_id: str) -> None:
        """Count no wrong passwords any more."""
        await self._run(self._forget_failures, {"user": user_id})

    async def add_session(self, token_hash: str, user_id: str, expires_on: datetime) -> None:
        """Keep a session, and forget those that have expired."""
        await self._run(self._remove_session, {"hash": "", "now": _now()})
        params = {
            "token_hash": token_hash,
            "user_id": user_id,
            "created_on": _now(),
            "expires_on": encode_instant(expires_on),
        }
        await self._run(self._add_session, params)

    async def remove_session(self, token_hash: str) -> None:
        """Forget a session."""
        await self._run(self._remove_session, {"hash": token_hash, "now": _now()})

    async def session_user(self, token_hash: str) -> KnownUser | None:
        """Return the user of a session that has not expired."""
        return await self._user(self._session_user, {"hash": token_hash, "now": _now()})

    async def add_token(self, token_hash: str, user_id: str, name: str) -> None:
        """Keep an API token."""
        params = {
            "token_hash": token_hash,
            "user_id": user_id,
            "name": name[:100],
            "created_on": _now(),
        }
        await self._run(self._add_token, params)

    async def token_user(self, token_hash: str) -> KnownUser | None:
        """Return the user of an API token."""
        return await self._user(self._token_user, {"hash": token_hash})

    async def user(self, user_id: str) -> KnownUser | None:
        """Return a user, whether disabled or not."""
        try:
            return await self._user(self._user_by_id, {"user": user_id})
        except BadParameter:  # no id at all
            return None

    async def save_preferences(
        self, user_id: str, language: str | None, time_zone: str | None
    ) -> None:
        """Keep what a user prefers; None leaves it as it is."""
        await self._run(
            self._save_preferences, {"user": user_id, "language": language, "zone": time_zone}
        )

    async def _user(self, sql: str, params: Mapping[str, Any]) -> KnownUser | None:
        row = await self._fetch(sql, params)
        if row is None:
            return None
        roles = tuple(row[6].split()) if row[6] else ()
        unit = "" if row[2] is None else str(row[2])
        return KnownUser(str(row[0]), row[1] or "", unit, bool(row[3]), row[4], row[5], roles)

    async def _fetch(self, sql: str, params: Mapping[str, Any]) -> tuple[Any, ...] | None:
        async with self._database.reading() as connection:
            return await connection.fetch_one(sql, params)

    async def _run(self, sql: str, params: Mapping[str, Any]) -> None:
        connection: Connection
        async with self._database.writing() as connection:
            await connection.execute(sql, params)

    def _text(self, statement: sa.ClauseElement) -> str:
        return compile_text(statement, self._dialect)


def _now() -> str:
    return encode_instant(datetime.now(UTC))
