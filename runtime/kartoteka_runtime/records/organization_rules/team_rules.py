"""Teams: a unit's own stays as it is, and one that only receives neither owns nor has roles."""

from __future__ import annotations

from kartoteka.plugin_api.contexts import WriteContext
from kartoteka.record_values import Reference
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.link_tables import MEMBERSHIP, TEAM_ROLES, linked_ids
from kartoteka_runtime.records.organization_rules.administrators import administrator_roles
from kartoteka_runtime.records.organization_rules.owned_records import move_records, refuse_owner
from kartoteka_runtime.records.organization_rules.rule_context import is_by_people, refused
from kartoteka_runtime.storage.access_facts import ACCESS_TEAM, ROLE, TEAM, UNIT


async def guard_team(context: WriteContext) -> None:
    """Refuse changes of units' own teams, and of a team's kind where it does not fit."""
    assert context.before is not None
    op = operation_of(context.system_records)
    fixed = {"name", "businessunitid", "teamtype", "isdefault"} & context.values.keys()
    if context.before.get("isdefault") and fixed and is_by_people(context):
        raise refused(TEAM, "violation.default_team")
    kind, was = context.values.get("teamtype"), context.before.get("teamtype")
    if kind is None or kind == was:
        return
    if was == ACCESS_TEAM:
        raise refused(TEAM, "violation.access_team_stays", field="teamtype")
    if kind == ACCESS_TEAM:
        if await linked_ids(op, TEAM_ROLES, TEAM, context.record_id, ROLE):
            raise refused(TEAM, "violation.team_has_roles", field="teamtype")
        await refuse_owner(op, context, "violation.team_owns_records")


async def move_team(context: WriteContext) -> None:
    """Let a team's records follow it to another unit."""
    unit = context.values.get("businessunitid")
    if unit is not None:
        await move_records(
            operation_of(context.system_records), Reference(TEAM, context.record_id), unit.id
        )


async def before_team_goes(context: WriteContext) -> None:
    """Refuse to delete a unit's own team, and a team that owns records."""
    assert context.before is not None
    op = operation_of(context.system_records)
    unit = context.before.get("businessunitid")
    if context.before.get("isdefault"):
        goes_too = unit is not None and ("delete", UNIT, unit.id) in op.visited
        if not goes_too:
            raise refused(TEAM, "violation.default_team")
    await refuse_owner(op, context, "violation.team_owns_records")
    roles = await linked_ids(op, TEAM_ROLES, TEAM, context.record_id, ROLE)
    context.shared["administered"] = bool(administrator_roles(op) & roles)


async def guard_links_of_team(context: WriteContext) -> None:
    """Refuse members of teams that follow something else, and roles of access teams."""
    op = operation_of(context.system_records)
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
            raise refused(TEAM, "violation.access_team_has_no_roles")
    elif is_by_people(context):
        if team.get("isdefault"):
            raise refused(TEAM, "violation.default_team")
        if team.get("systemmanaged"):
            raise refused(TEAM, "violation.team_of_record")
