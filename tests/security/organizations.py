"""Random organizations: what kinds of records there are, how one is drawn, and how it is built."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hypothesis import strategies as st
from oracle import (  # type: ignore[import-not-found]
    ACTIVITY,
    SHARED_RIGHTS,
    Column,
    Hierarchy,
    Kind,
    Position,
    Record,
    Role,
    Shared,
    Team,
    Unit,
    User,
    World,
)

from kartoteka.access.rights import mask_of
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ORGANIZATION, ROOT_UNIT, profile_id, role_id
from kartoteka_runtime.records import inherited_shares
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.storage.shares import Share
from kartoteka_runtime.testing.running_app import (
    RunningApp,
    publish_folder,
    running_app,
    write_app,
)

DOSSIER, BOX, PAGE, SCRAP, MARKER, ERRAND = "dossier", "box", "page", "scrap", "marker", "errand"
KINDS = {
    DOSSIER: Kind(DOSSIER),
    BOX: Kind(BOX, "organization"),
    PAGE: Kind(PAGE, "child", parent=DOSSIER),
    SCRAP: Kind(SCRAP, "child", parent=PAGE),
    MARKER: Kind(MARKER),
    ERRAND: Kind(ERRAND, is_activity=True),
    ACTIVITY: Kind(ACTIVITY),
    "systemuser": Kind("systemuser", "business_unit"),
    "team": Kind("team", "business_unit"),
}
NAMES = {"errand": "subject", ACTIVITY: "subject", "systemuser": "fullname"}
IDS = {ERRAND: "activityid", ACTIVITY: "activityid"}
PARENT_FIELDS = {PAGE: "dossierid", SCRAP: "pageid"}
LOOKUPS = {
    DOSSIER: ("above", "boxid"),
    ERRAND: ("dossierid",),
    PAGE: ("dossierid",),
    SCRAP: ("pageid",),
}
SECRET = "secret"
PROFILES = {
    "seers": {DOSSIER: {SECRET: Column(read=True)}},
    "writers": {DOSSIER: {SECRET: Column(read=True, create=True, update=True)}},
    "blind": {DOSSIER: {SECRET: Column(update=True)}},
}
_VERBS = ("create", "read", "write", "delete", "append", "append_to", "assign", "share")
_LEVELS = ("none", "user", "business_unit", "parent_child", "organization")


def _roles() -> dict[str, Role]:
    """Return the roles of the app: some plain, some wild; users of each example are given some."""
    dice = random.Random(33)
    found = {}
    for level in _LEVELS[1:]:
        for is_for_member in (True, False):
            name = f"all_{level}{'' if is_for_member else '_team'}"
            levels = {
                entity: dict.fromkeys(_verbs(entity), _fitting(entity, level))
                for entity in (DOSSIER, BOX, MARKER, ACTIVITY, "systemuser", "team")
            }
            found[name] = Role(name, levels, is_for_member)
    for number in range(14):
        levels = {}
        for entity in (DOSSIER, BOX, MARKER, ACTIVITY, "systemuser", "team"):
            if dice.random() < 0.2:
                continue
            base = dice.choice(_LEVELS)
            levels[entity] = {
                verb: _fitting(entity, base if dice.random() < 0.6 else dice.choice(_LEVELS))
                for verb in _verbs(entity)
            }
        found[f"wild_{number}"] = Role(f"wild_{number}", levels, number % 3 != 0)
    found["reader"] = Role("reader", {DOSSIER: {"read": "user"}, ACTIVITY: {"read": "user"}})
    found["deleter"] = Role(
        "deleter", {DOSSIER: {"read": "organization", "delete": "organization"}}
    )
    found["creator"] = Role(
        "creator", {MARKER: {"create": "user"}, DOSSIER: {"create": "user", "read": "user"}}
    )
    found["mover"] = Role(
        "mover",
        {
            DOSSIER: {
                "read": "business_unit", "write": "user", "append": "organization",
                "append_to": "organization",
            }
        },
    )  # fmt: skip
    found["system_administrator"] = Role("system_administrator", {}, is_administrator=True)
    return found


def _verbs(entity: str) -> tuple[str, ...]:
    return _VERBS if KINDS[entity].ownership == "user" else _VERBS[:-2]


def _fitting(entity: str, level: str) -> str:
    ownership = KINDS[entity].ownership
    if ownership == "organization":
        return "none" if level == "none" else "organization"
    if ownership == "business_unit" and level == "user":
        return "business_unit"
    return level


ROLES = _roles()


def _role_text(role: Role) -> str:
    lines = [
        "kind: role", "format: 1", f"name: {role.name}", f"label: {{ en: {role.name} }}",
        "privileges:",
    ]  # fmt: skip
    for entity, levels in role.levels.items():
        said = ", ".join(f"{verb}: {level}" for verb, level in levels.items())
        lines.append(f"  - {{ entity: {entity}, {said} }}")
    return "\n".join(lines) + "\n"


def _profile_text(name: str) -> str:
    lines = [
        "kind: column_profile", "format: 1", f"name: {name}", f"label: {{ en: {name} }}",
        "privileges:",
    ]  # fmt: skip
    for entity, fields in PROFILES[name].items():
        lines += [f"  - entity: {entity}", "    columns:"]
        for field, column in fields.items():
            said = "".join(
                f", {verb}: true" for verb in ("read", "create", "update") if getattr(column, verb)
            )
            lines.append(f"      - {{ field: {field}{said} }}")
    return "\n".join(lines) + "\n"


def _entity(name: str, rest: str, *, more: str = "", primary: str = "name") -> str:
    return (
        f"kind: entity\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\n"
        f"plural_label: {{ en: {name}s }}\nset_name: {name}s\nprimary_field: {primary}\n{more}"
        f"fields:\n{rest}"
    )


_NAME = "  - { name: name, type: text, label: { en: Name }, required: true }\n"
_REMARK = "  - { name: remark, type: text, label: { en: Remark } }\n"


def _lookup(name: str, target: str, relationship: str, more: str = "") -> str:
    return (
        f"  - {{ name: {name}, type: lookup, label: {{ en: {name} }}, target: {target}, "
        f"relationship: {relationship}{more} }}\n"
    )


METADATA = {
    "entities/dossier.yaml": _entity(
        DOSSIER,
        _NAME + _REMARK
        + "  - { name: secret, type: text, label: { en: Secret }, secured: true }\n"
        + "  - { name: amount, type: whole_number, label: { en: Amount } }\n"
        + _lookup("above", DOSSIER, "dossier_above", ", hierarchical: true")
        + _lookup("boxid", BOX, "box_dossiers"),
        more="features: [notes, activities]\n",
    ),
    "entities/box.yaml": _entity(BOX, _NAME + _REMARK, more="ownership: organization\n"),
    "entities/page.yaml": _entity(
        PAGE,
        _NAME + _REMARK + _lookup("dossierid", DOSSIER, "dossier_pages", ", relation: parental"),
        more="ownership: none\nparent: dossierid\n",
    ),
    "entities/scrap.yaml": _entity(
        SCRAP, _NAME + _REMARK + _lookup("pageid", PAGE, "page_scraps", ", relation: parental"),
        more="ownership: none\nparent: pageid\n",
    ),
    "entities/marker.yaml": _entity(MARKER, _NAME + _REMARK),
    "entities/errand.yaml": _entity(
        ERRAND, _REMARK + _lookup("dossierid", DOSSIER, "dossier_errands"),
        more="activity: true\n", primary="subject",
    ),
    "relationships/dossier_marker.yaml": (
        "kind: relationship\nformat: 1\nname: dossier_marker\nleft: dossier\nright: marker\n"
        "intersect: dossiermarkers\nleft_label: { en: Dossiers }\nright_label: { en: Markers }\n"
    ),
    "views/dossiers.yaml": """\
kind: view
format: 1
name: dossiers
label: { en: Dossiers }
entity: dossier
type: public
default: true
order: [name]
columns: [name, remark, above, above/remark, boxid/remark]
""",
    **{
        f"security_roles/{name}.yaml": _role_text(role)
        for name, role in ROLES.items()
        if not role.is_administrator
    },
    **{f"column_profiles/{name}.yaml": _profile_text(name) for name in PROFILES},
}  # fmt: skip


# --- drawing -------------------------------------------------------------------------------------


def _id(kind: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{kind} {number}"))


@st.composite
def worlds(draw: Any, *, people: int = 5, records: int = 14) -> World:
    """Draw an organization."""

    def number(low: int, high: int) -> int:
        return int(draw(st.integers(low, high)))

    def one_of(choices: list[str]) -> str:
        return choices[number(0, len(choices) - 1)]

    def some(choices: list[str], most: int) -> tuple[str, ...]:
        return tuple(draw(st.lists(st.sampled_from(choices), max_size=most, unique=True)))

    world = World(ORGANIZATION, KINDS, ROLES, profiles=PROFILES, secured={DOSSIER: (SECRET,)})
    world.units[ROOT_UNIT] = Unit(ROOT_UNIT)
    for index in range(number(0, 4)):
        above = one_of(list(world.units))
        world.units[_id("unit", index)] = Unit(_id("unit", index), above)
    units = list(world.units)
    for index in range(number(0, 4)):
        above = one_of(["", *world.positions])
        world.positions[_id("position", index)] = Position(_id("position", index), above)
    names = list(ROLES)
    plain = [name for name in names if not ROLES[name].is_administrator]
    for index in range(number(2, people)):
        identity = _id("user", index)
        world.users[identity] = User(
            identity,
            one_of(units),
            some(names if number(0, 9) == 9 else plain, 2),
            manager=one_of(["", *world.users, *world.users]),
            position=one_of(["", *world.positions, *world.positions]),
            profiles=some(list(PROFILES), 1),
            is_disabled=number(0, 9) == 9,
        )
    users = list(world.users)
    for index in range(number(0, 4)):
        identity = _id("team", index)
        kind = one_of(["owner", "owner", "access"])
        world.teams[identity] = Team(
            identity,
            one_of(units),
            kind,
            some(users, 3),
            some(plain, 2) if kind == "owner" else (),
            some(list(PROFILES), 1),
        )
    owners = users + [team.id for team in world.teams.values() if team.kind == "owner"]
    principals = users + list(world.teams) + [ORGANIZATION]
    model = one_of(["off", "manager", "manager", "position"])
    world.hierarchy = Hierarchy(model, number(1, 3))
    kinds = [DOSSIER, DOSSIER, DOSSIER, MARKER, ERRAND, PAGE, SCRAP, BOX]
    by_kind: dict[str, list[str]] = {kind: [] for kind in kinds}
    for index in range(number(4, records)):
        kind = one_of(kinds)
        parent = world.kinds[kind].parent
        if parent and not by_kind[parent]:
            kind, parent = DOSSIER, ""
        identity = _id("record", index)
        record = Record(identity, kind)
        if world.kinds[kind].ownership == "user":
            record.owner = one_of(owners)
            for principal in some(principals, 2):
                shared = Shared(principal, some(list(SHARED_RIGHTS), 4), some(["read", "write"], 1))
                if shared.explicit or shared.inherited:
                    record.shares.append(shared)
        if parent:
            record.parent = one_of(by_kind[parent])
            record.lookups[PARENT_FIELDS[kind]] = record.parent
        record.values = {
            NAMES.get(kind, "name"): f"n{index}",
            "remark": one_of(["one", "two", "three"]),
        }
        if kind == DOSSIER:
            record.values |= {SECRET: f"s{number(0, 2)}", "amount": number(0, 3)}
            for field, target in (("above", DOSSIER), ("boxid", BOX)):
                if by_kind[target] and number(0, 2):
                    record.lookups[field] = one_of(by_kind[target])
        if kind == ERRAND and by_kind[DOSSIER] and number(0, 2):
            record.lookups["dossierid"] = one_of(by_kind[DOSSIER])
        if kind == MARKER and by_kind[DOSSIER]:
            record.links["dossier_marker"] = list(some(by_kind[DOSSIER], 3))
        by_kind[kind].append(identity)
        world.records[identity] = record
    return world


def known_world() -> World:
    """Return an organization in which the program once decided otherwise than the reference.

    One may delete what has children but not change it; one may create but not read, or not read
    users; one moves children to what others own; one looks for what is below something hidden.
    """
    world = World(ORGANIZATION, KINDS, ROLES, profiles=PROFILES, secured={DOSSIER: (SECRET,)})
    far, near = _id("unit", 0), _id("unit", 1)
    for unit in (ROOT_UNIT, far, near):
        world.units[unit] = Unit(unit, "" if unit == ROOT_UNIT else ROOT_UNIT)
    for number, (role, unit) in enumerate(
        (("deleter", near), ("creator", near), ("mover", near), ("all_organization", far))
    ):
        world.users[_id("user", number)] = User(_id("user", number), unit, (role,))
    mover, other, far_away = _id("user", 2), _id("user", 1), _id("user", 3)
    chain = [
        (DOSSIER, far_away, ""), (DOSSIER, other, "above"), (DOSSIER, far_away, "above"),
        (DOSSIER, mover, "above"), (PAGE, "", "dossierid"), (SCRAP, "", "pageid"),
    ]  # fmt: skip
    for number, (kind, owner, lookup) in enumerate(chain):
        record = Record(_id("record", number), kind, owner)
        record.values = {"name": f"n{number}", "remark": "one"}
        if kind == DOSSIER:
            record.values |= {SECRET: "s1", "amount": number}
        if lookup:
            record.lookups[lookup] = _id("record", number - 1)
        if kind != DOSSIER:
            record.parent = _id("record", number - 1)
        world.records[record.id] = record
    return world


# --- building ------------------------------------------------------------------------------------


class Stage:
    """One published app whose organization is replaced again and again."""

    def __init__(self, loop: asyncio.AbstractEventLoop, app: RunningApp) -> None:
        self.loop = loop
        self.app = app
        self._first = self.run(self._identities())
        self.run(self._prepare_roles())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run something to its end."""
        return self.loop.run_until_complete(work)

    def build(self, world: World) -> None:
        """Replace what there is by an organization."""
        self.run(self._wipe())
        self.run(self._build(world))

    def records_of(self, world: World, user_id: str) -> ActingRecords:
        """Return the record service as a user."""
        user = world.users[user_id]
        return self.app.parts.records.acting_as(
            Principal(user_id, user_id, business_unit_id=user.unit)
        )

    async def _prepare_roles(self) -> None:
        published = self.app.parts.live_registry.current
        for role in ROLES.values():
            if not role.is_for_member:
                await self.app.system_records.update(
                    "role", role_id(published, role.name), {"isinherited": 0}
                )

    async def _build(self, world: World) -> None:
        published = self.app.parts.live_registry.current
        async with self.app.system_records.transaction() as system:
            for unit in world.units.values():
                if unit.above:
                    values = {
                        "businessunitid": unit.id, "name": f"unit {unit.id[:8]}",
                        "parentbusinessunitid": Reference("businessunit", unit.above),
                    }  # fmt: skip
                    await system.create("businessunit", values)
            for position in world.positions.values():
                values = {"positionid": position.id, "name": position.id}
                if position.above:
                    values["parentpositionid"] = Reference("position", position.above)
                await system.create("position", values)
            for user in world.users.values():
                await self._user(system, user)
                for role in user.roles:
                    await system.associate(
                        "systemuserroles_association", user.id, role_id(published, role)
                    )
                for profile in user.profiles:
                    await system.associate(
                        "systemuserprofiles_association", user.id, profile_id(published, profile)
                    )
            for team in world.teams.values():
                await self._team(system, published, team)
            for row in await system.list(
                "team", filter="isdefault eq true", fields=("businessunitid",)
            ):
                unit = str(getattr(row["businessunitid"], "id", ""))
                members = tuple(user.id for user in world.users.values() if user.unit == unit)
                world.teams[str(row["teamid"])] = Team(str(row["teamid"]), unit, members=members)
            for record in world.records.values():
                await self._record(system, world, record)
            await system.update(
                "organization",
                ORGANIZATION,
                {
                    "ishierarchicalsecuritymodelenabled": world.hierarchy.model != "off",
                    "usepositionhierarchy": world.hierarchy.model == "position",
                    "maxdepthforhierarchicalsecuritymodel": world.hierarchy.depth,
                },
            )
            await self._share(system, world)

    async def _user(self, system: ActingRecords, user: User) -> None:
        values: dict[str, object] = {
            "systemuserid": user.id, "domainname": user.id, "firstname": "U",
            "lastname": user.id[:8], "businessunitid": Reference("businessunit", user.unit),
            "isdisabled": user.is_disabled,
        }  # fmt: skip
        if user.manager:
            values["parentsystemuserid"] = Reference("systemuser", user.manager)
        if user.position:
            values["positionid"] = Reference("position", user.position)
        await system.create("systemuser", values)

    async def _team(self, system: ActingRecords, published: Any, team: Team) -> None:
        await system.create(
            "team",
            {
                "teamid": team.id,
                "name": f"team {team.id[:8]}",
                "businessunitid": Reference("businessunit", team.unit),
                "teamtype": 1 if team.kind == "access" else 0,
            },
        )
        for user in team.members:
            await system.associate("teammembership_association", user, team.id)
        for role in team.roles:
            await system.associate("teamroles_association", team.id, role_id(published, role))
        for profile in team.profiles:
            await system.associate(
                "teamprofiles_association", team.id, profile_id(published, profile)
            )

    async def _record(self, system: ActingRecords, world: World, record: Record) -> None:
        values: dict[str, object] = {IDS.get(record.entity, f"{record.entity}id"): record.id}
        values |= record.values
        if record.owner:
            kind = "systemuser" if record.owner in world.users else "team"
            values["ownerid"] = Reference(kind, record.owner)
        for field, target in record.lookups.items():
            values[field] = Reference(world.records[target].entity, target)
        await system.create(record.entity, values)
        for relationship, others in record.links.items():
            for other in others:
                await system.associate(relationship, other, record.id)

    async def _share(self, system: ActingRecords, world: World) -> None:
        """Share records as they are drawn, whatever would be inherited: rows are what decides."""
        op = system.open_operation
        assert op is not None
        shares = [
            Share(
                record.entity, record.id, shared.principal, _type_of(world, shared.principal),
                mask_of(shared.explicit), mask_of(shared.inherited), "", "2031-01-01T00:00:00Z",
            )
            for record in world.records.values()
            for shared in record.shares
        ]  # fmt: skip
        await inherited_shares.write(op, shares)

    # The tables are emptied behind the app's back, down to what every organization has.

    def _tables(self) -> Iterator[tuple[str, str]]:
        tables, registry = self.app.parts.records.model.tables, self.app.registry
        for name in (*KINDS, "activityparty", "businessunit", "position", "securityevent"):
            yield tables.entities[name].name, registry.entities[name].primary_id

    async def _identities(self) -> dict[str, list[str]]:
        async with self.app.parts.database.reading() as connection:
            return {
                table: [
                    str(row[0])
                    for row in await connection.fetch_all(f"SELECT {key} FROM {table}", {})
                ]
                for table, key in self._tables()
            }

    async def _wipe(self) -> None:
        database, links = self.app.parts.database, self.app.parts.records.model.tables.links
        unchecked = "PRAGMA defer_foreign_keys = ON"
        if database.engine == "postgresql":
            unchecked = "SET LOCAL session_replication_role = replica"
        async with database.writing() as connection:
            await connection.execute(unchecked, {})
            for name in (
                "dossier_marker", "teammembership_association", "teamroles_association",
                "systemuserroles_association", "systemuserprofiles_association",
                "teamprofiles_association",
            ):  # fmt: skip
                await connection.execute(f"DELETE FROM {links[name].name}", {})
            for table in ("kartoteka_session", "kartoteka_token", "kartoteka_share"):
                await connection.execute(f"DELETE FROM {table}", {})
            for table, key in self._tables():
                first = ", ".join(f"'{item}'" for item in self._first[table])
                rest = f" WHERE {key} NOT IN ({first})" if first else ""
                await connection.execute(f"DELETE FROM {table}{rest}", {})


def _type_of(world: World, principal: str) -> str:
    if principal == ORGANIZATION:
        return "organization"
    return "systemuser" if principal in world.users else "team"


@contextmanager
def stage(folder: Path, address: str) -> Iterator[Stage]:
    """Open one app for many organizations."""
    loop = asyncio.new_event_loop()
    try:
        written = write_app(folder, metadata=METADATA, languages=("en",))
        loop.run_until_complete(publish_folder(written, address))
        opened = running_app(written, address)
        app = loop.run_until_complete(opened.__aenter__())
        try:
            yield Stage(loop, app)
        finally:
            loop.run_until_complete(opened.__aexit__(None, None, None))
    finally:
        loop.close()
