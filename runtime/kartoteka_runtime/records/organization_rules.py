"""What always holds of business units, users, teams and roles: the platform's own handlers.

One root unit; a default team in every unit, whose members are the unit's users; records that follow
their owner from unit to unit; somebody who administers; teams that only receive have no roles.
Source: reference platform, section 6.1; reference crm, section 1.12; decisions/0034.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.plugin_api.contexts import (
    CommandContext,
    CommandHandler,
    CommandResult,
    RecordHandler,
    Records,
    WriteContext,
)
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.compiled_model import POINTER, CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.owners import organization_setting
from kartoteka_runtime.storage.access_facts import ACCESS_TEAM
from kartoteka_runtime.storage.shares import ids_parameter, in_ids
from kartoteka_runtime.storage.tables import link_columns

UNIT, USER, TEAM, ROLE = "businessunit", "systemuser", "team", "role"
MEMBERSHIP, USER_ROLES, TEAM_ROLES = "teammembership", "systemuserroles", "teamroles"
OWNER_TEAM = 0  # option of team.teamtype
KEEPS_ROLES = "donotremoverolesonchangebusinessunit"  # field of the organization
_MOVED_WITH_ROLE = "moved with a role"


# --- business units ------------------------------------------------------------------------------


async def place_unit(context: WriteContext) -> None:
    """Put a new unit that names none above it below the root."""
    if context.value("parentbusinessunitid") is not None:
        return
    if await context.system_records.count(UNIT, filter="parentbusinessunitid eq null"):
        root = await _root(context.system_records)
        context.values["parentbusinessunitid"] = Reference(UNIT, root)


async def guard_unit(context: WriteContext) -> None:
    """Refuse to disable the root or to put it below another, and a second root."""
    assert context.before is not None
    is_root = context.before["parentbusinessunitid"] is None
    if is_root and (
        context.values.get("parentbusinessunitid") is not None or context.values.get("isdisabled")
    ):
        raise _refused(UNIT, "violation.root_unit")
    if not is_root and context.value("parentbusinessunitid") is None:
        raise _refused(UNIT, "violation.one_root", field="parentbusinessunitid")


async def give_default_team(context: WriteContext) -> None:
    """Give a new unit its team."""
    op = _operation(context)
    if _has(op, TEAM):
        await _default_team(op, context.record_id, str(context.value("name")))


async def rename_default_team(context: WriteContext) -> None:
    """Let the team of a unit be called like it."""
    op = _operation(context)
    if _has(op, TEAM):
        team = await _default_team(op, context.record_id, str(context.value("name")))
        await context.system_records.update(TEAM, team, {"name": context.value("name")})


async def before_unit_goes(context: WriteContext) -> None:
    """Refuse to delete the root; the team of another unit goes with it."""
    assert context.before is not None
    if context.before["parentbusinessunitid"] is None:
        raise _refused(UNIT, "violation.root_unit")
    op = _operation(context)
    if _has(op, TEAM):
        team = await _find_default_team(op, context.record_id)
        if team:
            await context.system_records.delete(TEAM, team)


# --- users ---------------------------------------------------------------------------------------


async def join_default_team(context: WriteContext) -> None:
    """Make a new user a member of the unit's team."""
    unit = context.value("businessunitid")
    if unit is not None:
        await _join(_operation(context), context.record_id, unit.id)


async def move_user(context: WriteContext) -> None:
    """Let teams, roles and records follow a user to another unit."""
    assert context.before is not None
    before, now = context.before["businessunitid"], context.values.get("businessunitid")
    if now is None or now.is_same(before):
        return
    op, user_id = _operation(context), context.record_id
    if before is not None and _has_link(op, MEMBERSHIP):
        team = await _find_default_team(op, before.id)
        if team:
            await _unlink(op, MEMBERSHIP, {USER: user_id, TEAM: team})
    await _join(op, user_id, now.id)
    await move_records(op, Reference(USER, user_id), now.id)
    if _has_link(op, USER_ROLES) and not await organization_setting(op, KEEPS_ROLES):
        await _take_roles(op, context)


async def _take_roles(op: Operation, context: WriteContext) -> None:
    user_id = context.record_id
    had_any = await _linked(op, USER_ROLES, USER, user_id, ROLE)
    if not had_any:
        return
    administers = bool(had_any & _administrator_roles(op))
    await _unlink(op, USER_ROLES, {USER: user_id})
    op.written.add(_link_name(op, USER_ROLES))
    is_given_one = (_MOVED_WITH_ROLE, USER, user_id) in op.visited
    if not is_given_one and _is_by_people(context):
        facts = await op.model.access_facts.load(op.connection, user_id)
        if facts is None or not facts.roles:
            raise _refused(USER, "violation.roles_left_behind", field="businessunitid")
    if administers and not is_given_one:
        await require_administrator(op)


async def after_user_disabled(context: WriteContext) -> None:
    """Refuse to disable the last one who administers."""
    if context.values.get("isdisabled"):
        op = _operation(context)
        if _administrator_roles(op) & await _roles_of_user(op, context.record_id):
            await require_administrator(op)


async def before_user_goes(context: WriteContext) -> None:
    """Refuse to delete a user who owns records, or the last one who administers."""
    op = _operation(context)
    await _refuse_owner(op, context, "violation.owns_records")
    roles = await _roles_of_user(op, context.record_id)
    context.shared["administered"] = bool(_administrator_roles(op) & roles)


async def after_principal_went(context: WriteContext) -> None:
    """Refuse that nobody is left who administers."""
    if context.shared.get("administered"):
        await require_administrator(_operation(context))


# --- teams ---------------------------------------------------------------------------------------


async def guard_team(context: WriteContext) -> None:
    """Refuse changes of units' own teams, and of a team's kind where it does not fit."""
    assert context.before is not None
    op = _operation(context)
    fixed = {"name", "businessunitid", "teamtype", "isdefault"} & context.values.keys()
    if context.before.get("isdefault") and fixed and _is_by_people(context):
        raise _refused(TEAM, "violation.default_team")
    kind, was = context.values.get("teamtype"), context.before.get("teamtype")
    if kind is None or kind == was:
        return
    if was == ACCESS_TEAM:
        raise _refused(TEAM, "violation.access_team_stays", field="teamtype")
    if kind == ACCESS_TEAM:
        if await _linked(op, TEAM_ROLES, TEAM, context.record_id, ROLE):
            raise _refused(TEAM, "violation.team_has_roles", field="teamtype")
        await _refuse_owner(op, context, "violation.team_owns_records")


async def move_team(context: WriteContext) -> None:
    """Let a team's records follow it to another unit."""
    unit = context.values.get("businessunitid")
    if unit is not None:
        await move_records(_operation(context), Reference(TEAM, context.record_id), unit.id)


async def before_team_goes(context: WriteContext) -> None:
    """Refuse to delete a unit's own team, and a team that owns records."""
    assert context.before is not None
    op = _operation(context)
    unit = context.before.get("businessunitid")
    if context.before.get("isdefault"):
        goes_too = unit is not None and ("delete", UNIT, unit.id) in op.visited
        if not goes_too:
            raise _refused(TEAM, "violation.default_team")
    await _refuse_owner(op, context, "violation.team_owns_records")
    roles = await _linked(op, TEAM_ROLES, TEAM, context.record_id, ROLE)
    context.shared["administered"] = bool(_administrator_roles(op) & roles)


async def guard_links_of_team(context: WriteContext) -> None:
    """Refuse members of teams that follow something else, and roles of access teams."""
    op = _operation(context)
    intersect = op.model.registry.relationships[context.values["relationship"]].intersect
    if intersect not in (MEMBERSHIP, TEAM_ROLES):
        return
    names = tuple(
        name for name in ("isdefault", "systemmanaged", "teamtype") if name in op.entity(TEAM).names
    )
    team = await op.entity(TEAM).queries.read(op.connection, context.record_id, names=names)
    if team is None:
        return
    if intersect == TEAM_ROLES:
        if context.message == "associate" and team.get("teamtype") == ACCESS_TEAM:
            raise _refused(TEAM, "violation.access_team_has_no_roles")
    elif _is_by_people(context):
        if team.get("isdefault"):
            raise _refused(TEAM, "violation.default_team")
        if team.get("systemmanaged"):
            raise _refused(TEAM, "violation.team_of_record")


async def after_links_changed(context: WriteContext) -> None:
    """Refuse that the last one who administers loses the role, or the team that gave it."""
    op = _operation(context)
    relationship = op.model.registry.relationships[context.values["relationship"]]
    ids = {
        relationship.left: context.values["left_id"],
        relationship.right: context.values["right_id"],
    }
    administrators = _administrator_roles(op)
    match relationship.intersect:
        case "systemuserroles" | "teamroles":
            concerned = ids.get(ROLE) in administrators
        case "teammembership":
            roles = await _linked(op, TEAM_ROLES, TEAM, ids[TEAM], ROLE)
            concerned = bool(roles & administrators)
        case _:
            return
    if concerned:
        await require_administrator(op)


async def after_role_went(context: WriteContext) -> None:
    """Refuse to delete the role of the last one who administers."""
    op = _operation(context)
    if context.record_id in _administrator_roles(op):
        await require_administrator(op)


# --- commands ------------------------------------------------------------------------------------


async def reassign_all(context: CommandContext) -> CommandResult:
    """Give everything that a user or team owns to somebody else, record by record."""
    records = context.records
    assert isinstance(records, ActingRecords) and records.open_operation is not None
    op = records.open_operation
    to: Reference = context.parameters["to"]
    params = {"owner": context.record_id}
    count = 0
    for entity in _owned(op.model):
        sql = op.model.text(("owned ids", entity), partial(_owned_ids, op.model, entity))
        for row in await op.connection.fetch_all(sql, params):
            await records.update(entity, str(row[0]), {"ownerid": to})
            count += 1
    return CommandResult(message="command.reassigned", params={"count": count})


async def move_with_role(context: CommandContext) -> CommandResult:
    """Move a user to another unit and give a role there."""
    records = context.records
    assert isinstance(records, ActingRecords) and records.open_operation is not None
    op, user_id = records.open_operation, context.record_id
    op.visited.add((_MOVED_WITH_ROLE, USER, user_id))
    await records.update(USER, user_id, {"businessunitid": context.parameters["businessunitid"]})
    role: Reference = context.parameters["roleid"]
    if role.id not in await _linked(op, USER_ROLES, USER, user_id, ROLE):
        relationship = op.model.registry.relationships[_link_name(op, USER_ROLES)]
        ids = {USER: user_id, ROLE: role.id}
        await records.associate(relationship.name, ids[relationship.left], ids[relationship.right])
    await require_administrator(op)
    return CommandResult()


RECORD_HANDLERS: tuple[RecordHandler, ...] = (
    RecordHandler(UNIT, "before_create", place_unit, rank=10),
    RecordHandler(UNIT, "after_create", give_default_team, rank=10),
    RecordHandler(
        UNIT, "before_update", guard_unit, ("parentbusinessunitid", "isdisabled"), rank=10
    ),
    RecordHandler(UNIT, "after_update", rename_default_team, ("name",), rank=10),
    RecordHandler(UNIT, "before_delete", before_unit_goes, rank=10),
    RecordHandler(USER, "after_create", join_default_team, rank=10),
    RecordHandler(USER, "after_update", move_user, ("businessunitid",), rank=10),
    RecordHandler(USER, "after_update", after_user_disabled, ("isdisabled",), rank=11),
    RecordHandler(USER, "before_delete", before_user_goes, rank=10),
    RecordHandler(USER, "after_delete", after_principal_went, rank=10),
    RecordHandler(TEAM, "before_update", guard_team, rank=10),
    RecordHandler(TEAM, "after_update", move_team, ("businessunitid",), rank=10),
    RecordHandler(TEAM, "before_delete", before_team_goes, rank=10),
    RecordHandler(TEAM, "after_delete", after_principal_went, rank=10),
    RecordHandler(TEAM, "before_associate", guard_links_of_team, rank=10),
    RecordHandler(TEAM, "before_disassociate", guard_links_of_team, rank=10),
    RecordHandler(TEAM, "after_disassociate", after_links_changed, rank=10),
    RecordHandler(USER, "after_disassociate", after_links_changed, rank=10),
    RecordHandler(ROLE, "after_delete", after_role_went, rank=10),
)
COMMAND_HANDLERS: tuple[CommandHandler, ...] = (
    CommandHandler(USER, "reassign_all", reassign_all),
    CommandHandler(TEAM, "reassign_all", reassign_all),
    CommandHandler(USER, "move_to_unit", move_with_role),
)


# --- what the rules share ------------------------------------------------------------------------


async def ensure_default_teams(records: ActingRecords) -> None:
    """Give every unit its team with exactly its users, whatever made the unit."""
    op = records.open_operation
    assert op is not None
    if not (_has(op, UNIT) and _has(op, TEAM)):
        return
    for unit in await records.list(UNIT, fields=("businessunitid", "name"), limit=100_000):
        if not await _find_default_team(op, str(unit["businessunitid"])):
            await _default_team(op, str(unit["businessunitid"]), str(unit["name"]))


async def require_administrator(op: Operation) -> None:
    """Return when an enabled user administers.

    Raises:
        RecordInvalid: Nobody would be left.
    """
    roles = _administrator_roles(op)
    if not roles or not _has_link(op, USER_ROLES):
        return
    sql = op.model.text("administrator", partial(_administrator, op.model))
    params = {"ids": ids_parameter(roles, op.model.tables.engine)}
    if await op.connection.fetch_one(sql, params) is None:
        raise _refused(USER, "violation.last_administrator")


async def move_records(op: Operation, owner: Reference, unit_id: str) -> None:
    """Let everything that somebody owns belong to a unit: one statement an entity."""
    for entity in (*_owned(op.model), *((POINTER,) if _has(op, POINTER) else ())):
        sql = op.model.text(("move owned", entity), partial(_move, op.model, entity))
        await op.connection.execute(sql, {"owner": owner.id, "unit": unit_id})
        op.written.add(entity)


async def owned_counts(op: Operation, owner_id: str) -> dict[str, int]:
    """Return how many records of each entity somebody owns, without those that own none."""
    owned = _owned(op.model)
    if not owned:
        return {}
    sql = op.model.text("owned counts", partial(_counts, op.model, owned))
    rows = await op.connection.fetch_all(sql, {"owner": owner_id})
    return {str(row[0]): int(row[1]) for row in rows if row[1]}


async def _refuse_owner(op: Operation, context: WriteContext, code: str) -> None:
    counts = await owned_counts(op, context.record_id)
    if counts:
        entity = op.entity(context.entity).entity
        name = (context.before or {}).get(entity.primary_field) or context.record_id
        params = {"value": name, "count": sum(counts.values()), "entities": tuple(counts)}
        raise RecordInvalid(context.entity, [Violation(None, code, params)])


async def _default_team(op: Operation, unit_id: str, name: str) -> str:
    """Return the team of a unit, made with the unit's users if there is none."""
    found = await _find_default_team(op, unit_id)
    if found:
        return found
    records = op.records_for(op.as_system())
    values = {
        "name": name,
        "businessunitid": Reference(UNIT, unit_id),
        "teamtype": OWNER_TEAM,
        "isdefault": True,
    }
    known = op.entity(TEAM).names
    team = await records.create(TEAM, {key: item for key, item in values.items() if key in known})
    if _has_link(op, MEMBERSHIP) and _has(op, USER):
        sql = op.model.text("members of unit", partial(_add_members, op.model))
        await op.connection.execute(sql, {"team": team, "unit": unit_id})
        op.written.add(_link_name(op, MEMBERSHIP))
    return team


async def _find_default_team(op: Operation, unit_id: str) -> str:
    if not {"isdefault", "businessunitid"} <= op.entity(TEAM).names:
        return ""
    sql = op.model.text("default team", partial(_default_team_query, op.model))
    row = await op.connection.fetch_one(sql, {"unit": unit_id})
    return "" if row is None else str(row[0])


async def _join(op: Operation, user_id: str, unit_id: str) -> None:
    if not (_has(op, TEAM) and _has_link(op, MEMBERSHIP)):
        return
    team = await _find_default_team(op, unit_id)
    if team and team not in await _linked(op, MEMBERSHIP, USER, user_id, TEAM):
        sql = op.model.text("join team", partial(_link_insert, op.model, MEMBERSHIP, USER, TEAM))
        await op.connection.execute(sql, {USER: user_id, TEAM: team})
        op.written.add(_link_name(op, MEMBERSHIP))


async def _roles_of_user(op: Operation, user_id: str) -> set[str]:
    """Return the roles that a user has, directly and through teams that own records."""
    found = await _linked(op, USER_ROLES, USER, user_id, ROLE)
    for team in await _linked(op, MEMBERSHIP, USER, user_id, TEAM):
        found |= await _linked(op, TEAM_ROLES, TEAM, team, ROLE)
    return found


async def _linked(op: Operation, intersect: str, side: str, record_id: str, other: str) -> set[str]:
    """Return the ids that a link table links with one record; none without that table."""
    if not _has_link(op, intersect):
        return set()
    build = partial(_linked_query, op.model, intersect, side, other)
    sql = op.model.text(("linked ids", intersect, side), build)
    return {str(row[0]) for row in await op.connection.fetch_all(sql, {"one": record_id})}


async def _unlink(op: Operation, intersect: str, ids: dict[str, str]) -> None:
    build = partial(_link_delete, op.model, intersect, tuple(ids))
    sql = op.model.text(("unlink ids", intersect, tuple(ids)), build)
    await op.connection.execute(sql, ids)
    op.written.add(_link_name(op, intersect))


async def _root(records: Records) -> str:
    found = await records.list(
        UNIT, filter="parentbusinessunitid eq null", fields=("businessunitid",), limit=2
    )
    ids = [str(item["businessunitid"]) for item in found]
    return ROOT_UNIT if ROOT_UNIT in ids or not ids else ids[0]


def _administrator_roles(op: Operation) -> set[str]:
    """Return the ids of the roles that grant everything."""
    registry = op.model.registry
    return {
        record_id
        for record_id, name in op.model.role_names.items()
        if name in registry.roles and registry.roles[name].grants_all
    }


def _operation(context: WriteContext) -> Operation:
    records = context.system_records
    assert isinstance(records, ActingRecords) and records.open_operation is not None
    return records.open_operation


def _is_by_people(context: WriteContext) -> bool:
    """Return whether somebody asked for it, and not the platform."""
    records = context.records
    assert isinstance(records, ActingRecords) and records.open_operation is not None
    return not records.open_operation.is_system


def _refused(entity: str, code: str, *, field: str | None = None) -> RecordInvalid:
    return RecordInvalid(entity, [Violation(field, code)])


def _has(op: Operation, entity: str) -> bool:
    return entity in op.model.registry.entities


def _has_link(op: Operation, intersect: str) -> bool:
    return any(item.intersect == intersect for item in op.model.registry.relationships.values())


def _link_name(op: Operation, intersect: str) -> str:
    return next(
        item.name
        for item in op.model.registry.relationships.values()
        if item.intersect == intersect
    )


def _owned(model: CompiledModel) -> tuple[str, ...]:
    """Return the entities whose records users and teams own; pointers follow their activities."""
    return tuple(
        entity.name
        for entity in model.registry.entities.values()
        if "ownerid" in entity.field_by_name and entity.name != POINTER
    )


# --- statements ----------------------------------------------------------------------------------


def _link(model: CompiledModel, intersect: str) -> tuple[sa.Table, dict[str, str]]:
    """Return a link table, and its columns by the entity that they name."""
    relationship = next(
        item for item in model.registry.relationships.values() if item.intersect == intersect
    )
    sides = (relationship.left, relationship.right)
    return model.tables.links[relationship.name], dict(
        zip(sides, link_columns(*sides), strict=True)
    )


def _linked_query(model: CompiledModel, intersect: str, side: str, other: str) -> sa.Select[Any]:
    table, columns = _link(model, intersect)
    one = table.c[columns[side]]
    return sa.select(table.c[columns[other]]).where(one == sa.bindparam("one", type_=one.type))


def _link_delete(model: CompiledModel, intersect: str, sides: Iterable[str]) -> sa.Delete:
    table, columns = _link(model, intersect)
    return sa.delete(table).where(
        *(
            table.c[columns[side]] == sa.bindparam(side, type_=table.c[columns[side]].type)
            for side in sides
        )
    )


def _link_insert(model: CompiledModel, intersect: str, *sides: str) -> sa.Insert:
    table, columns = _link(model, intersect)
    return sa.insert(table).values(
        {columns[side]: sa.bindparam(side, type_=table.c[columns[side]].type) for side in sides}
    )


def _add_members(model: CompiledModel) -> sa.Insert:
    table, columns = _link(model, MEMBERSHIP)
    users = model.tables.entities[USER]
    team = sa.bindparam("team", type_=table.c[columns[TEAM]].type)
    unit = users.c.businessunitid
    chosen = sa.select(users.c.systemuserid, team).where(
        unit == sa.bindparam("unit", type_=unit.type)
    )
    return sa.insert(table).from_select([columns[USER], columns[TEAM]], chosen)


def _default_team_query(model: CompiledModel) -> sa.Select[Any]:
    table = model.tables.entities[TEAM]
    unit = table.c.businessunitid
    return sa.select(table.c.teamid).where(
        unit == sa.bindparam("unit", type_=unit.type), _is_true(model, table.c.isdefault)
    )


def _administrator(model: CompiledModel) -> sa.Select[Any]:
    """Return an enabled user who has one of some roles, directly or through a team."""
    users = model.tables.entities[USER]
    engine = model.tables.engine
    table, columns = _link(model, USER_ROLES)
    found = [sa.select(table.c[columns[USER]]).where(in_ids(table.c[columns[ROLE]], "ids", engine))]
    names = {item.intersect for item in model.registry.relationships.values()}
    if {MEMBERSHIP, TEAM_ROLES} <= names:
        members, of_member = _link(model, MEMBERSHIP)
        given, of_team = _link(model, TEAM_ROLES)
        found.append(
            sa.select(members.c[of_member[USER]])
            .join_from(members, given, given.c[of_team[TEAM]] == members.c[of_member[TEAM]])
            .where(in_ids(given.c[of_team[ROLE]], "ids", engine))
        )
    is_chosen = sa.or_(*(users.c.systemuserid.in_(one) for one in found))
    query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(users).where(is_chosen)
    if "isdisabled" in users.c:
        disabled = _is_true(model, users.c.isdisabled)
        query = query.where(sa.or_(users.c.isdisabled.is_(None), sa.not_(disabled)))
    return query


def _move(model: CompiledModel, entity: str) -> sa.Update:
    table = model.tables.entities[entity]
    unit = table.c.owningbusinessunit
    return (
        sa.update(table)
        .values(owningbusinessunit=sa.bindparam("unit", type_=unit.type))
        .where(_is_owned(table))
    )


def _owned_ids(model: CompiledModel, entity: str) -> sa.Select[Any]:
    table = model.tables.entities[entity]
    identity = table.c[model.registry.entities[entity].primary_id]
    return sa.select(identity).where(_is_owned(table)).order_by(identity)


def _counts(model: CompiledModel, owned: tuple[str, ...]) -> sa.ClauseElement:
    return sa.union_all(*_count_queries(model, owned))


def _count_queries(model: CompiledModel, owned: tuple[str, ...]) -> Iterator[sa.Select[Any]]:
    for name in owned:
        table = model.tables.entities[name]
        columns: tuple[sa.ColumnElement[Any], ...] = (
            sa.literal_column(f"'{name}'"),
            sa.func.count(),
        )
        yield sa.select(*columns).select_from(table).where(_is_owned(table))


def _is_owned(table: sa.Table) -> sa.ColumnElement[bool]:
    owner = table.c.ownerid
    return owner == sa.bindparam("owner", type_=owner.type)


def _is_true(model: CompiledModel, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return column == (sa.literal_column("1") if model.tables.engine == "sqlite" else sa.true())
