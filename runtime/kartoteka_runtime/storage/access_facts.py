"""UserFacts read from the tables of users, teams, roles, units and positions.

An app need not have every one of these entities, nor all their fields: what it lacks decides
nothing. Sources: reference platform, sections 6.1, 6.3 and 6.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from kartoteka.access.facts import GivenRole, PeopleBelow, UserFacts, units_below
from kartoteka.registry import Registry
from kartoteka_runtime.storage.database import Connection, Row
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.system_tables import access_version
from kartoteka_runtime.storage.tables import Tables, link_columns

USER, TEAM, UNIT, ROLE = "systemuser", "team", "businessunit", "role"
POSITION, ORGANIZATION = "position", "organization"
ACCESS_TEAM, TEAM_ONLY = 1, 0  # options of team.teamtype and role.isinherited
# Entities and N:N relationships (by link entity) whose records decide over access.
DECIDING = frozenset({USER, TEAM, UNIT, ROLE, POSITION, ORGANIZATION, "fieldsecurityprofile"})
DECIDING_LINKS = frozenset({
    "systemuserroles", "teamroles", "teammembership", "systemuserprofiles", "teamprofiles",
})  # fmt: skip
# Webhooks see what users may read: what is known of them is watched with the same number.
SUBSCRIPTIONS = "webhook subscriptions"
_MOST_LEVELS = 100
_OTHERS = (
    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
    "AND starts_with(application_name, 'kartoteka ') "
    "AND application_name <> current_setting('application_name'))"
)
Column = sa.ColumnElement[Any]


class AccessFacts:
    """Reads the facts of users; statements are made once for a publication."""

    def __init__(
        self,
        registry: Registry,
        tables: Tables,
        dialect: Dialect,
        *,
        roles: Mapping[str, str],
        profiles: Mapping[str, str],
    ) -> None:
        """``roles`` and ``profiles`` give logical names by the ids of their records."""
        self._registry = registry
        self._tables = tables
        self._dialect = dialect
        self._roles = roles
        self._profiles = profiles
        self._links = {item.intersect: name for name, item in registry.relationships.items()}
        self._texts: dict[str, str] = {}
        self.deciding = frozenset(
            {name for name in DECIDING if name in registry.entities}
            | {self._links[name] for name in DECIDING_LINKS if name in self._links}
            | {SUBSCRIPTIONS}
        )

    async def load(self, connection: Connection, user_id: str) -> UserFacts | None:
        """Return what is known of a user, or None when there is no such user."""
        user = await self._one(connection, "user", self._user, {"user": user_id})
        if user is None:
            return None
        unit_id = _id(user[0])
        facts = UserFacts(
            user_id,
            unit_id,
            bool(user[1]),
            units={_id(row[0]): _id(row[1]) for row in await self._units(connection)},
        )
        given = [
            GivenRole(self._roles[_id(row[0])], unit_id)
            for row in await self._all(connection, "roles", self._user_roles, {"user": user_id})
            if _id(row[0]) in self._roles
        ]
        teams, owner_teams = set(), set()
        for team, team_type, team_unit, role, inherits in await self._all(
            connection, "teams", self._teams, {"user": user_id}
        ):
            teams.add(_id(team))
            if team_type == ACCESS_TEAM:
                continue
            owner_teams.add(_id(team))
            name = self._roles.get(_id(role))
            if name is not None:
                given.append(GivenRole(name, _id(team_unit), _id(team), inherits != TEAM_ONLY))
        facts = replace(
            facts,
            roles=tuple(sorted(given, key=lambda item: (item.role, item.team_id))),
            team_ids=frozenset(teams),
            owner_team_ids=frozenset(owner_teams),
            profiles=frozenset(await self._profiles_of(connection, user_id)),
        )
        return await self._with_organization(connection, facts, user)

    async def load_team(self, connection: Connection, team_id: str) -> UserFacts | None:
        """Return what the roles of a team give, as if it were a user; None: no such team."""
        rows = await self._all(connection, "team roles", self._team_roles, {"team": team_id})
        if not rows:
            return None
        unit_id = _id(rows[0][0])
        names = {self._roles[_id(row[1])] for row in rows if _id(row[1]) in self._roles}
        return UserFacts(
            team_id,
            unit_id,
            roles=tuple(GivenRole(name, unit_id) for name in sorted(names)),
            units={_id(row[0]): _id(row[1]) for row in await self._units(connection)},
        )

    async def version(self, connection: Connection) -> int:
        """Return the number that changes with every write that may change facts."""
        row = await self._one(connection, "version", lambda: sa.select(access_version.c.version))
        return 0 if row is None else int(row[0])

    async def note_change(self, connection: Connection) -> None:
        """Count a write that may change facts, in the transaction that made it."""
        await connection.execute(self._text("note", self._counted), {})

    async def may_have_others(self, connection: Connection) -> bool:
        """Return whether other processes, or other parts of this one, use the database too.

        A SQLite file does not tell.
        """
        if self._tables.engine == "sqlite":
            return True
        row = await connection.fetch_one(_OTHERS, {})
        return row is not None and bool(row[0])

    def _counted(self) -> sa.ClauseElement:
        upsert = sqlite.insert if self._tables.engine == "sqlite" else postgresql.insert
        one = sa.literal_column("1", sa.Integer())
        first = upsert(access_version).values(id=one, version=one)
        return first.on_conflict_do_update(
            index_elements=["id"], set_={"version": access_version.c.version + one}
        )

    async def _profiles_of(self, connection: Connection, user_id: str) -> Sequence[str]:
        if not self._profiles:
            return ()
        rows = await self._all(connection, "profiles", self._user_profiles, {"user": user_id})
        return [self._profiles[_id(row[0])] for row in rows if _id(row[0]) in self._profiles]

    async def _with_organization(
        self, connection: Connection, facts: UserFacts, user: Row
    ) -> UserFacts:
        """Return the facts with the organization and, where it is on, hierarchy security."""
        row = await self._one(connection, "organization", self._organization)
        if row is None:
            return facts
        identity, is_on, by_position, depth, editing, excluded = row
        facts = replace(
            facts,
            organization_id=_id(identity),
            editing_levels=1 if editing is None else int(editing),
            hierarchy_excludes=frozenset((excluded or "").replace(",", " ").split()),
        )
        if not is_on:
            return facts
        most = max(1, min(int(depth or 1), _MOST_LEVELS))
        if by_position:
            if user[2] is None or POSITION not in self._registry.entities:
                return facts
            begin, build, name = _id(user[2]), self._people_by_position, "by position"
        else:
            begin, build, name = facts.user_id, self._people_by_manager, "by manager"
        rows = await self._all(connection, name, build, {"begin": begin, "most": most})
        units = units_below(facts.units, facts.unit_id)
        levels: dict[int, set[str]] = {}
        known = {facts.user_id}
        for person, unit, level in sorted(rows, key=lambda found: int(found[2])):
            if _id(person) in known or (not by_position and _id(unit) not in units):
                continue
            known.add(_id(person))
            levels.setdefault(int(level), set()).add(_id(person))
        if not levels:
            return facts
        teams = await self._all(connection, "all teams", self._memberships)
        people = tuple(
            PeopleBelow(
                level,
                frozenset(found),
                frozenset(_id(team) for person, team in teams if _id(person) in found),
            )
            for level, found in sorted(levels.items())
        )
        return replace(facts, people=people)

    async def _units(self, connection: Connection) -> Sequence[Row]:
        if UNIT not in self._registry.entities:
            return ()
        return await self._all(connection, "units", self._all_units)

    def _user(self) -> sa.Select[Any]:
        table = self._tables.entities[USER]
        return sa.select(
            self._column(table, "businessunitid"),
            self._column(table, "isdisabled"),
            self._column(table, "positionid"),
        ).where(table.c[f"{USER}id"] == _asked("user", table.c[f"{USER}id"]))

    def _user_roles(self) -> sa.Select[Any]:
        return self._linked("systemuserroles", USER, ROLE)

    def _user_profiles(self) -> sa.Select[Any] | sa.CompoundSelect[Any]:
        profile = "fieldsecurityprofile"
        own = self._linked("systemuserprofiles", USER, profile)
        if not {"teamprofiles", "teammembership"} <= self._links.keys():
            return own
        link, team, other = self._link("teamprofiles", TEAM, profile)
        mine = self._linked("teammembership", USER, TEAM)
        return own.union(sa.select(link.c[other]).where(link.c[team].in_(mine)))

    def _teams(self) -> sa.Select[Any]:
        """Return each team of a user once for each of its roles."""
        member, user, of_team = self._link("teammembership", USER, TEAM)
        team = self._tables.entities[TEAM]
        source: sa.FromClause = member.join(team, team.c[f"{TEAM}id"] == member.c[of_team])
        role: Column = sa.null()
        inherits: Column = sa.null()
        if "teamroles" in self._links:
            given, given_team, given_role = self._link("teamroles", TEAM, ROLE)
            roles = self._tables.entities[ROLE]
            source = source.outerjoin(given, given.c[given_team] == team.c[f"{TEAM}id"])
            source = source.outerjoin(roles, roles.c[f"{ROLE}id"] == given.c[given_role])
            role, inherits = given.c[given_role], self._column(roles, "isinherited")
        return (
            sa.select(
                team.c[f"{TEAM}id"],
                self._column(team, "teamtype"),
                self._column(team, "businessunitid"),
                role,
                inherits,
            )
            .select_from(source)
            .where(member.c[user] == _asked("user", member.c[user]))
        )

    def _team_roles(self) -> sa.Select[Any]:
        """Return the unit of a team with each of its roles, or alone."""
        team = self._tables.entities[TEAM]
        source: sa.FromClause = team
        role: Column = sa.null()
        if "teamroles" in self._links:
            given, given_team, given_role = self._link("teamroles", TEAM, ROLE)
            source = team.outerjoin(given, given.c[given_team] == team.c[f"{TEAM}id"])
            role = given.c[given_role]
        return (
            sa.select(self._column(team, "businessunitid"), role)
            .select_from(source)
            .where(team.c[f"{TEAM}id"] == _asked("team", team.c[f"{TEAM}id"]))
        )

    def _all_units(self) -> sa.Select[Any]:
        table = self._tables.entities[UNIT]
        return sa.select(table.c[f"{UNIT}id"], self._column(table, "parentbusinessunitid"))

    def _organization(self) -> sa.Select[Any]:
        table = self._tables.entities[ORGANIZATION]
        names = (
            "ishierarchicalsecuritymodelenabled", "usepositionhierarchy",
            "maxdepthforhierarchicalsecuritymodel", "hierarchicalsecurityeditlevels",
            "hierarchicalsecurityexcludes",
        )  # fmt: skip
        columns = [self._column(table, name) for name in names]
        return sa.select(table.c[f"{ORGANIZATION}id"], *columns)

    def _people_by_manager(self) -> sa.Select[Any]:
        users = self._tables.entities[USER]
        identity, manager = users.c[f"{USER}id"], self._column(users, "parentsystemuserid")
        reached = self._below(identity, manager)
        unit = self._column(users, "businessunitid")
        return sa.select(identity, unit, reached.c.level).select_from(
            users.join(reached, reached.c.id == identity)
        )

    def _people_by_position(self) -> sa.Select[Any]:
        positions, users = self._tables.entities[POSITION], self._tables.entities[USER]
        identity, above = positions.c[f"{POSITION}id"], self._column(positions, "parentpositionid")
        reached = self._below(identity, above)
        unit = self._column(users, "businessunitid")
        return sa.select(users.c[f"{USER}id"], unit, reached.c.level).select_from(
            users.join(reached, reached.c.id == users.c.positionid)
        )

    def _below(self, identity: Column, above: Column) -> sa.CTE:
        """Return the records below the one asked for, with their level (1 and more)."""
        one = sa.literal_column("1", sa.Integer())
        begin = sa.bindparam("begin", type_=identity.type)
        most = sa.bindparam("most", type_=sa.Integer())
        first = sa.select(identity.label("id"), one.label("level")).where(above == begin)
        reached = first.cte("reached", recursive=True)
        step = sa.select(identity, reached.c.level + one).where(
            above == reached.c.id, reached.c.level < most
        )
        return reached.union(step)

    def _memberships(self) -> sa.Select[Any]:
        link, user, team = self._link("teammembership", USER, TEAM)
        return sa.select(link.c[user], link.c[team])

    def _linked(self, intersect: str, asked: str, other: str) -> sa.Select[Any]:
        """Return what a link table links with one record."""
        link, one, found = self._link(intersect, asked, other)
        return sa.select(link.c[found]).where(link.c[one] == _asked("user", link.c[one]))

    def _link(self, intersect: str, left: str, right: str) -> tuple[sa.Table, str, str]:
        """Return a link table and its columns for two entities, whichever side they are on."""
        name = self._links[intersect]
        relationship = self._registry.relationships[name]
        columns = link_columns(relationship.left, relationship.right)
        sides = dict(zip((relationship.left, relationship.right), columns, strict=True))
        return self._tables.links[name], sides[left], sides[right]

    def _column(self, table: sa.Table, name: str) -> Column:
        return table.c[name] if name in table.c else sa.null()

    def _is_there(self, name: str) -> bool:
        needed = {
            "roles": "systemuserroles", "teams": "teammembership", "all teams": "teammembership",
            "profiles": "systemuserprofiles",
        }.get(name)  # fmt: skip
        if needed is not None:
            return needed in self._links
        return name != "organization" or ORGANIZATION in self._registry.entities

    async def _one(
        self,
        connection: Connection,
        name: str,
        build: Callable[[], sa.ClauseElement],
        params: Mapping[str, Any] | None = None,
    ) -> Row | None:
        if not self._is_there(name):
            return None
        return await connection.fetch_one(self._text(name, build), params or {})

    async def _all(
        self,
        connection: Connection,
        name: str,
        build: Callable[[], sa.ClauseElement],
        params: Mapping[str, Any] | None = None,
    ) -> Sequence[Row]:
        if not self._is_there(name):
            return ()
        return await connection.fetch_all(self._text(name, build), params or {})

    def _text(self, name: str, build: Callable[[], sa.ClauseElement]) -> str:
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = compile_text(build(), self._dialect)
        return text


def _asked(name: str, column: Column) -> Column:
    return sa.bindparam(name, type_=column.type)


def _id(value: Any) -> str:
    return "" if value is None else str(value)
