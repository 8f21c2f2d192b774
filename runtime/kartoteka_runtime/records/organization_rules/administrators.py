"""Somebody administers: whatever takes a role, a member or a user away leaves one who does."""

from __future__ import annotations

from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.plugin_api.contexts import WriteContext
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.link_tables import (
    MEMBERSHIP,
    TEAM_ROLES,
    USER_ROLES,
    has_link,
    link_table,
    linked_ids,
)
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.organization_rules.rule_context import refused
from kartoteka_runtime.storage.access_facts import ROLE, TEAM, USER
from kartoteka_runtime.storage.shares import ids_parameter, in_ids


async def after_user_disabled(context: WriteContext) -> None:
    """Refuse to disable the last one who administers."""
    if context.values.get("isdisabled"):
        op = operation_of(context.system_records)
        if administrator_roles(op) & await roles_of_user(op, context.record_id):
            await require_administrator(op)


async def after_principal_went(context: WriteContext) -> None:
    """Refuse that nobody is left who administers."""
    if context.shared.get("administered"):
        await require_administrator(operation_of(context.system_records))


async def after_links_changed(context: WriteContext) -> None:
    """Refuse that the last one who administers loses the role, or the team that gave it."""
    op = operation_of(context.system_records)
    relationship = op.model.registry.relationships[context.values["relationship"]]
    ids = {
        relationship.left: context.values["left_id"],
        relationship.right: context.values["right_id"],
    }
    administrators = administrator_roles(op)
    match relationship.intersect:
        case "systemuserroles" | "teamroles":
            concerned = ids.get(ROLE) in administrators
        case "teammembership":
            roles = await linked_ids(op, TEAM_ROLES, TEAM, ids[TEAM], ROLE)
            concerned = bool(roles & administrators)
        case _:
            return
    if concerned:
        await require_administrator(op)


async def after_role_went(context: WriteContext) -> None:
    """Refuse to delete the role of the last one who administers."""
    op = operation_of(context.system_records)
    if context.record_id in administrator_roles(op):
        await require_administrator(op)


async def require_administrator(op: Operation) -> None:
    """Return when an enabled user administers.

    Raises:
        RecordInvalid: Nobody would be left.
    """
    roles = administrator_roles(op)
    if not roles or not has_link(op, USER_ROLES):
        return
    sql = op.model.text("administrator", partial(_administrator, op.model))
    params = {"ids": ids_parameter(roles, op.model.tables.engine)}
    if await op.connection.fetch_one(sql, params) is None:
        raise refused(USER, "violation.last_administrator")


def administrator_roles(op: Operation) -> set[str]:
    """Return the ids of the roles that grant everything."""
    registry = op.model.registry
    return {
        record_id
        for record_id, name in op.model.role_names.items()
        if name in registry.roles and registry.roles[name].grants_all
    }


async def roles_of_user(op: Operation, user_id: str) -> set[str]:
    """Return the roles that a user has, directly and through teams that own records."""
    found = await linked_ids(op, USER_ROLES, USER, user_id, ROLE)
    for team in await linked_ids(op, MEMBERSHIP, USER, user_id, TEAM):
        found |= await linked_ids(op, TEAM_ROLES, TEAM, team, ROLE)
    return found


def _administrator(model: CompiledModel) -> sa.Select[Any]:
    """Return an enabled user who has one of some roles, directly or through a team."""
    users = model.tables.entities[USER]
    engine = model.tables.engine
    _, given = link_table(model, USER_ROLES)
    found = [sa.select(given[USER]).where(in_ids(given[ROLE], "ids", engine))]
    if {MEMBERSHIP, TEAM_ROLES} <= model.registry.relationship_by_intersect.keys():
        members, member = link_table(model, MEMBERSHIP)
        of_teams, of_team = link_table(model, TEAM_ROLES)
        found.append(
            sa.select(member[USER])
            .join_from(members, of_teams, of_team[TEAM] == member[TEAM])
            .where(in_ids(of_team[ROLE], "ids", engine))
        )
    is_chosen = sa.or_(*(users.c.systemuserid.in_(one) for one in found))
    query: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(users).where(is_chosen)
    if "isdisabled" in users.c:
        disabled = users.c.isdisabled
        query = query.where(sa.or_(disabled.is_(None), disabled != sa.true()))
    return query
