"""Users: their team and records follow them to another unit, their roles only when that is said."""

from __future__ import annotations

from kartoteka.plugin_api.contexts import CommandContext, CommandResult, WriteContext
from kartoteka.record_values import Reference
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.link_tables import (
    MEMBERSHIP,
    USER_ROLES,
    has_link,
    linked_ids,
    remove_links,
)
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.organization_rules import default_teams
from kartoteka_runtime.records.organization_rules.administrators import (
    administrator_roles,
    require_administrator,
    roles_of_user,
)
from kartoteka_runtime.records.organization_rules.owned_records import move_records, refuse_owner
from kartoteka_runtime.records.organization_rules.rule_context import is_by_people, refused
from kartoteka_runtime.records.owners import organization_setting
from kartoteka_runtime.records.role_giving import KEEPS_ROLES
from kartoteka_runtime.storage.access_facts import ROLE, TEAM, USER

_MOVED_WITH_ROLE = "moved with a role"


async def join_default_team(context: WriteContext) -> None:
    """Make a new user a member of the unit's team."""
    unit = context.value("businessunitid")
    if unit is not None:
        await default_teams.join_default_team(
            operation_of(context.system_records), context.record_id, unit.id
        )


async def move_user(context: WriteContext) -> None:
    """Let teams, roles and records follow a user to another unit."""
    assert context.before is not None
    before, now = context.before["businessunitid"], context.values.get("businessunitid")
    if now is None or now.is_same(before):
        return
    op, user_id = operation_of(context.system_records), context.record_id
    if before is not None and has_link(op, MEMBERSHIP):
        team = await default_teams.find_default_team(op, before.id)
        if team:
            await remove_links(op, MEMBERSHIP, {USER: user_id, TEAM: team})
    await default_teams.join_default_team(op, user_id, now.id)
    await move_records(op, Reference(USER, user_id), now.id)
    if has_link(op, USER_ROLES) and not await organization_setting(op, KEEPS_ROLES):
        await _take_roles(op, context)


async def _take_roles(op: Operation, context: WriteContext) -> None:
    user_id = context.record_id
    had_any = await linked_ids(op, USER_ROLES, USER, user_id, ROLE)
    if not had_any:
        return
    administers = bool(had_any & administrator_roles(op))
    await remove_links(op, USER_ROLES, {USER: user_id})
    is_given_one = (_MOVED_WITH_ROLE, USER, user_id) in op.visited
    if not is_given_one and is_by_people(context):
        facts = await op.model.access_facts.load(op.connection, user_id)
        if facts is None or not facts.roles:
            raise refused(USER, "violation.roles_left_behind", field="businessunitid")
    if administers and not is_given_one:
        await require_administrator(op)


async def before_user_goes(context: WriteContext) -> None:
    """Refuse to delete a user who owns records, or the last one who administers."""
    op = operation_of(context.system_records)
    await refuse_owner(op, context, "violation.owns_records")
    roles = await roles_of_user(op, context.record_id)
    context.shared["administered"] = bool(administrator_roles(op) & roles)


async def move_with_role(context: CommandContext) -> CommandResult:
    """Move a user to another unit and give a role there."""
    records, op, user_id = context.records, operation_of(context.records), context.record_id
    op.visited.add((_MOVED_WITH_ROLE, USER, user_id))
    await records.update(USER, user_id, {"businessunitid": context.parameters["businessunitid"]})
    role: Reference = context.parameters["roleid"]
    if role.id not in await linked_ids(op, USER_ROLES, USER, user_id, ROLE):
        relationship = op.model.registry.relationship_by_intersect[USER_ROLES]
        ids = {USER: user_id, ROLE: role.id}
        await records.associate(relationship.name, ids[relationship.left], ids[relationship.right])
    await require_administrator(op)
    return CommandResult()
