"""Users, credentials and sessions as the database keeps them; tokens are in ``token_rows``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from kartoteka.text_folding import fold
from kartoteka_runtime.identity import (
    Credential,
    KnownSession,
    KnownToken,
    KnownUser,
    SeenAs,
    UserNames,
)
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.database import BadParameter, Database, Row
from kartoteka_runtime.storage.identity_rows import (
    ID_LENGTH,
    certain_moment,
    moment,
    now_text,
)
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.system_tables import credential, preference, session, token
from kartoteka_runtime.storage.tables import folded
from kartoteka_runtime.storage.token_rows import TOKEN_COLUMNS, TokenRows, token_of

_ACCESS_TEAM = 1  # option of team.teamtype; such teams have no roles
_MOST_PEOPLE = 5  # users of one mail address
_USER_COLUMNS = 8
_LONGEST_ADDRESS, _LONGEST_BROWSER = 100, 100  # characters
_SESSION_COLUMNS = "token_hash, user_id, address, browser, created_on, used_on, expires_on"
_IS_OPEN = "expires_on > :now AND coalesce(used_on, created_on) > :idle"

TOUCH_SESSION = "UPDATE kartoteka_session SET used_on = :now WHERE token_hash = :hash"
ADD_SESSION = f"""INSERT INTO kartoteka_session ({_SESSION_COLUMNS}) VALUES (:token_hash, :user_id,
 :address, :browser, :created_on, :used_on, :expires_on)"""
REMOVE_SESSION = "DELETE FROM kartoteka_session WHERE token_hash = :hash OR expires_on < :now"
SEE_AS = (
    "UPDATE kartoteka_session SET seen_as = :user, seen_until = :until WHERE token_hash = :hash"
)
SEE_NOBODY = """UPDATE kartoteka_session SET seen_as = NULL, seen_until = NULL
 WHERE token_hash = :hash AND seen_as IS NOT NULL"""
SESSIONS_OF = f"""SELECT {_SESSION_COLUMNS} FROM kartoteka_session
 WHERE user_id = :user AND {_IS_OPEN} ORDER BY used_on DESC, token_hash"""
END_SESSION = f"""DELETE FROM kartoteka_session
 WHERE user_id = :user AND substr(token_hash, 1, {ID_LENGTH}) = :id"""
END_OTHERS = "DELETE FROM kartoteka_session WHERE user_id = :user AND token_hash <> :keep"
END_RESETS = "DELETE FROM kartoteka_password_reset WHERE user_id = :user"
ADD_FAILURE = """UPDATE kartoteka_credential SET failures = failures + 1
 WHERE user_id = :user RETURNING failures"""
LOCK = "UPDATE kartoteka_credential SET locked_until = :until WHERE user_id = :user"
FORGET_FAILURES = """UPDATE kartoteka_credential SET failures = 0, locked_until = NULL
 WHERE user_id = :user"""
REPLACE_HASH = """UPDATE kartoteka_credential SET password_hash = :new
 WHERE user_id = :user AND password_hash = :old"""
LANGUAGE = "SELECT language FROM kartoteka_preference WHERE user_id = :user"


class DatabaseIdentityStore(TokenRows):
    """An ``IdentityStore`` in the records' own database; each call is one short transaction."""

    def __init__(
        self, database: Database, *, has_team_roles: Callable[[], bool] = lambda: True
    ) -> None:
        """Compile the statements; the tables need not exist yet.

        ``has_team_roles`` tells whether the app has teams that are given roles.
        """
        super().__init__(database)
        self._has_team_roles = has_team_roles
        engine = database.engine
        id_type: sa.types.TypeEngine[Any] = sa.Uuid() if engine == "postgresql" else sa.String(36)
        users = sa.table(
            "systemuser",
            sa.column("systemuserid", id_type),
            sa.column("fullname", sa.Text()),
            sa.column("domainname", sa.Text()),
            sa.column("internalemailaddress", sa.Text()),
            sa.column("isdisabled", sa.Boolean() if engine == "postgresql" else sa.Integer()),
            sa.column("businessunitid", id_type),
        )
        is_disabled = sa.func.coalesce(
            users.c.isdisabled, sa.false() if engine == "postgresql" else sa.literal_column("0")
        )
        user_key = sa.cast(users.c.systemuserid, sa.String(36))
        with_credential = users.join(credential, user_key == credential.c.user_id)
        of_credential = sa.select(
            users.c.systemuserid,
            credential.c.password_hash,
            credential.c.failures,
            credential.c.locked_until,
            is_disabled,
        ).select_from(with_credential)
        name = sa.bindparam("name", type_=sa.Text())
        self._credential = self._text(
            of_credential.where(folded(users.c.domainname, engine) == name)
        )
        self._credential_of = self._text(
            of_credential.where(credential.c.user_id == sa.bindparam("user", type_=sa.String(36)))
        )
        names = sa.select(
            users.c.systemuserid,
            users.c.domainname,
            users.c.fullname,
            users.c.internalemailaddress,
            is_disabled,
        )
        self._people_at = self._text(
            names.select_from(with_credential)
            .where(
                sa.or_(
                    folded(users.c.domainname, engine) == name,
                    folded(users.c.internalemailaddress, engine) == name,
                )
            )
            .order_by(users.c.domainname)
        )
        self._names = self._text(
            names.where(users.c.systemuserid == sa.bindparam("user", type_=id_type))
        )

        def known_user(
            source: sa.FromClause,
            user_id: sa.ColumnElement[str],
            *conditions: sa.ColumnElement[bool],
            also: Sequence[sa.ColumnElement[Any]] = (),
        ) -> tuple[str, str]:
            """Return a statement without, and one with the roles of teams."""
            made = []
            for team_roles in (sa.null(), _team_roles(users, id_type, engine)):
                columns = (
                    users.c.systemuserid,
                    users.c.fullname,
                    users.c.businessunitid,
                    is_disabled,
                    preference.c.language,
                    preference.c.time_zone,
                    _own_roles(users, id_type, engine),
                    team_roles,
                )
                assert len(columns) == _USER_COLUMNS
                statement = sa.select(*columns, *also).select_from(
                    source.outerjoin(preference, preference.c.user_id == user_id)
                )
                made.append(self._text(statement.where(*conditions)))
            return made[0], made[1]

        def carried(
            carrier: sa.Table,
            *conditions: sa.ColumnElement[bool],
            also: Sequence[sa.ColumnElement[Any]],
        ) -> tuple[str, str]:
            joined = carrier.join(
                users, users.c.systemuserid == sa.cast(carrier.c.user_id, id_type)
            )
            by_hash = carrier.c.token_hash == sa.bindparam("hash", type_=sa.String(64))
            return known_user(joined, carrier.c.user_id, by_hash, *conditions, also=also)

        used_on = sa.func.coalesce(session.c.used_on, session.c.created_on)
        self._session_user = carried(
            session,
            session.c.expires_on > sa.bindparam("now", type_=sa.String(20)),
            used_on > sa.bindparam("idle", type_=sa.String(20)),
            also=[used_on, session.c.seen_as, session.c.seen_until],
        )
        self._token_user = carried(token, also=[token.c[name] for name in TOKEN_COLUMNS])
        self._user_by_id = known_user(
            users,
            user_key,
            users.c.systemuserid == sa.bindparam("user", type_=id_type),
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
        return await self._one_credential(self._credential, {"name": fold(user_name)})

    async def credential_of(self, user_id: str) -> Credential | None:
        """Return the credential of a user."""
        return await self._one_credential(self._credential_of, {"user": user_id})

    async def save_password(self, user_id: str, password_hash: str, *, keep: str = "") -> None:
        """Keep a password's hash; forget failures and resets, and end the user's sessions."""
        async with self._database.writing() as connection:
            params = {"user": user_id, "hash": password_hash}
            await connection.execute(self._save_password, params)
            await connection.execute(self._sql(END_OTHERS), {"user": user_id, "keep": keep})
            await connection.execute(self._sql(END_RESETS), {"user": user_id})

    async def replace_hash(self, user_id: str, old: str, new: str) -> None:
        """Keep another hash of the same password, unless it was changed meanwhile."""
        await self._run(REPLACE_HASH, {"user": user_id, "old": old, "new": new})

    async def add_failure(
        self, user_id: str, locked_until: Callable[[int], datetime | None]
    ) -> int:
        """Count one more wrong password, keep until when the user has to wait, return the count."""
        async with self._database.writing() as connection:
            row = await connection.fetch_one(self._sql(ADD_FAILURE), {"user": user_id})
            if row is None:
                return 0
            failures = int(row[0])
            until = locked_until(failures)
            locked = {"user": user_id, "until": encode_instant(until) if until else None}
            await connection.execute(self._sql(LOCK), locked)
        return failures

    async def forget_failures(self, user_id: str) -> None:
        """Count no wrong passwords any more."""
        await self._run(FORGET_FAILURES, {"user": user_id})

    async def add_session(self, token_hash: str, session: KnownSession) -> None:
        """Keep a session, and forget those that have expired."""
        params = {
            "token_hash": token_hash,
            "user_id": session.user_id,
            "address": _storable(session.address)[:_LONGEST_ADDRESS],
            "browser": _storable(session.browser)[:_LONGEST_BROWSER],
            "created_on": encode_instant(session.created_on),
            "used_on": encode_instant(session.used_on),
            "expires_on": encode_instant(session.expires_on),
        }
        async with self._database.writing() as connection:
            await connection.execute(self._sql(REMOVE_SESSION), {"hash": "", "now": now_text()})
            await connection.execute(self._sql(ADD_SESSION), params)

    async def remove_session(self, token_hash: str) -> None:
        """Forget a session."""
        await self._run(REMOVE_SESSION, {"hash": token_hash, "now": now_text()})

    async def session_user(
        self, token_hash: str, idle_since: datetime
    ) -> tuple[KnownUser, datetime, SeenAs | None] | None:
        """Return the user of a session, when it was used last, and whom it sees the app as."""
        params = {"hash": token_hash, "now": now_text(), "idle": encode_instant(idle_since)}
        row = await self._one(self._with_teams(self._session_user), params)
        if row is None:
            return None
        used_on, seen_as, until = row[_USER_COLUMNS:]
        seen = SeenAs(str(seen_as), certain_moment(until)) if seen_as else None
        return _known_user(row), certain_moment(used_on), seen

    async def set_seen_as(self, token_hash: str, seen_as: SeenAs | None) -> bool:
        """Keep whom a session sees the app as (None: nobody); return whether that is news."""
        if seen_as is None:
            return await self._run(SEE_NOBODY, {"hash": token_hash}) > 0
        params = {
            "hash": token_hash,
            "user": seen_as.user_id,
            "until": encode_instant(seen_as.until),
        }
        return await self._run(SEE_AS, params) > 0

    async def touch_session(self, token_hash: str, now: datetime) -> None:
        """Keep when a session was used, unless the database is busy with something else."""
        await self._run_if_idle(TOUCH_SESSION, {"hash": token_hash, "now": encode_instant(now)})

    async def sessions_of(self, user_id: str, idle_since: datetime) -> Sequence[KnownSession]:
        """Return a user's sessions that have not expired, the one used last first."""
        params = {"user": user_id, "now": now_text(), "idle": encode_instant(idle_since)}
        return [_session_of(row) for row in await self._fetch_all(SESSIONS_OF, params)]

    async def end_session(self, user_id: str, session_id: str) -> bool:
        """End a session of a user; return whether there was one."""
        try:
            return await self._run(END_SESSION, {"user": user_id, "id": session_id}) > 0
        except BadParameter:
            return False

    async def end_other_sessions(self, user_id: str, keep: str) -> int:
        """End the sessions of a user but the one with a token hash; return how many."""
        return await self._run(END_OTHERS, {"user": user_id, "keep": keep})

    async def token_user(self, token_hash: str) -> tuple[KnownUser, KnownToken] | None:
        """Return the user of a token, whether it still holds or not."""
        row = await self._one(self._with_teams(self._token_user), {"hash": token_hash})
        return None if row is None else (_known_user(row), token_of(row[_USER_COLUMNS:]))

    async def user(self, user_id: str) -> KnownUser | None:
        """Return a user, whether disabled or not."""
        try:
            row = await self._one(self._with_teams(self._user_by_id), {"user": user_id})
        except BadParameter:  # no id at all
            return None
        return None if row is None else _known_user(row)

    async def people_at(self, address: str) -> Sequence[UserNames]:
        """Return users who have a password, by user name or mail address in any case, at most 5."""
        try:
            async with self._database.reading() as connection:
                rows = await connection.fetch_all(self._people_at, {"name": fold(address)})
        except BadParameter:
            return ()
        return [_names_of(row) for row in rows[:_MOST_PEOPLE]]

    async def names(self, user_id: str) -> UserNames | None:
        """Return what a user is called."""
        try:
            row = await self._one(self._names, {"user": user_id})
        except BadParameter:
            return None
        return None if row is None else _names_of(row)

    async def preferred_language(self, user_id: str) -> str | None:
        """Return the language that a user chose."""
        row = await self._fetch(LANGUAGE, {"user": user_id})
        return None if row is None else row[0]

    async def save_preferences(
        self, user_id: str, language: str | None, time_zone: str | None
    ) -> None:
        """Keep what a user prefers; None leaves it as it is."""
        params = {"user": user_id, "language": language, "zone": time_zone}
        async with self._database.writing() as connection:
            await connection.execute(self._save_preferences, params)

    async def _one_credential(self, sql: str, params: Mapping[str, Any]) -> Credential | None:
        try:
            row = await self._one(sql, params)
        except BadParameter:  # characters that no stored name can have
            return None
        if row is None:
            return None
        return Credential(str(row[0]), row[1], row[2], moment(row[3]), bool(row[4]))

    async def _one(self, sql: str, params: Mapping[str, Any]) -> Row | None:
        async with self._database.reading() as connection:
            return await connection.fetch_one(sql, params)

    def _with_teams(self, texts: tuple[str, str]) -> str:
        return texts[1] if self._has_team_roles() else texts[0]

    def _text(self, statement: sa.ClauseElement) -> str:
        return compile_text(statement, self._dialect)


def _own_roles(
    users: sa.TableClause, id_type: sa.types.TypeEngine[Any], engine: str
) -> sa.ScalarSelect[Any]:
    """Return the ids of a user's own roles, parted by blanks."""
    links = sa.table(
        "systemuserroles", sa.column("systemuserid", id_type), sa.column("roleid", id_type)
    )
    found = sa.select(_joined(links.c.roleid, engine))
    return found.where(links.c.systemuserid == users.c.systemuserid).scalar_subquery()


def _team_roles(
    users: sa.TableClause, id_type: sa.types.TypeEngine[Any], engine: str
) -> sa.ScalarSelect[Any]:
    """Return the ids of the roles of a user's owner teams, parted by blanks."""
    members = sa.table(
        "teammembership", sa.column("systemuserid", id_type), sa.column("teamid", id_type)
    )
    given = sa.table("teamroles", sa.column("teamid", id_type), sa.column("roleid", id_type))
    teams = sa.table("team", sa.column("teamid", id_type), sa.column("teamtype", sa.Integer()))
    source = members.join(teams, teams.c.teamid == members.c.teamid).join(
        given, given.c.teamid == members.c.teamid
    )
    kind = sa.func.coalesce(teams.c.teamtype, sa.literal_column("0"))
    return (
        sa.select(_joined(given.c.roleid, engine))
        .select_from(source)
        .where(
            members.c.systemuserid == users.c.systemuserid,
            kind != sa.literal_column(str(_ACCESS_TEAM)),
        )
        .scalar_subquery()
    )


def _joined(column: sa.ColumnElement[Any], engine: str) -> sa.ColumnElement[str]:
    joined = sa.func.string_agg if engine == "postgresql" else sa.func.group_concat
    return joined(sa.cast(column, sa.String(36)), sa.literal_column("' '"))


def _known_user(row: Row) -> KnownUser:
    roles = tuple(f"{row[6] or ''} {row[7] or ''}".split())
    unit = "" if row[2] is None else str(row[2])
    return KnownUser(str(row[0]), row[1] or "", unit, bool(row[3]), row[4], row[5], roles)


def _names_of(row: Row) -> UserNames:
    return UserNames(str(row[0]), row[1] or "", row[2] or "", row[3] or "", bool(row[4]))


def _session_of(row: Row) -> KnownSession:
    token_hash, user_id, address, browser, created, used, expires = row
    return KnownSession(
        id=token_hash[:ID_LENGTH],
        user_id=user_id,
        address=address or "",
        browser=browser or "",
        created_on=certain_moment(created),
        used_on=certain_moment(used or created),
        expires_on=certain_moment(expires),
    )


def _storable(text: str) -> str:
    """Return a text without what no database takes."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")
