"""Access teams: a hidden team for one record, whose members share the rights of a template.

The first member makes the team and its share, the last one who leaves ends both. A change of the
template concerns teams that are made later. Source: reference platform, section 6.5.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.access.facts import UserFacts
from kartoteka.access.reach import reach_of
from kartoteka.access.rights import RIGHTS, mask_of, privileges_of
from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound, Violation
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.contexts import (
    AccessTeam,
    Panel,
    PanelContext,
    PanelRows,
    RecordHandler,
    WriteContext,
)
from kartoteka.query.query import LinkedTo
from kartoteka.record_values import Reference
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.link_tables import MEMBERSHIP
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.receivers import TEAM, USER, facts_of, missing_of_receiver
from kartoteka_runtime.records.record_access import allowed, require_record
from kartoteka_runtime.records.sharing import write_explicit
from kartoteka_runtime.storage.access_facts import ACCESS_TEAM

TEMPLATE = "teamtemplate"
NAME, MEANT_FOR, GIVES = "teamtemplatename", "objecttypecode", "defaultaccessrights"
_MOST_MEMBERS = 1000
_MOST_TEAMS = 100_000


async def teams_of(op: Operation, name: str, record_id: str) -> list[AccessTeam]:
    """Return what templates there are for records of an entity, with a record's members.

    Raises:
        RecordNotFound: There is no such record, or it may not be read.
    """
    await require_record(op, name, record_id, "read")
    if TEMPLATE not in op.model.registry.entities or not op.model.share_paths.is_shareable(name):
        return []
    system = op.records_for(op.as_system())
    templates = await system.list(
        TEMPLATE, filter=f"{MEANT_FOR} eq '{name}'", fields=(f"{TEMPLATE}id", NAME, GIVES),
        order=(NAME,),
    )  # fmt: skip
    found = []
    for template in templates:
        template_id = str(template[f"{TEMPLATE}id"])
        team_id = await _team_of(op, record_id, template_id)
        members: tuple[Reference, ...] = ()
        if team_id:
            rows = await system.list(
                USER, linked_to=LinkedTo(_membership(op), team_id), order=("fullname",),
                fields=(f"{USER}id", "fullname"), limit=_MOST_MEMBERS,
            )  # fmt: skip
            members = tuple(
                Reference(USER, str(row[f"{USER}id"]), row.get("fullname") or "") for row in rows
            )
        reference = Reference(TEMPLATE, template_id, template[NAME] or "")
        rights = privileges_of(sum(template[GIVES] or ()))
        found.append(AccessTeam(reference, rights, members))
    return found


async def add_member(
    op: Operation, name: str, record_id: str, template_id: str, user_id: str
) -> None:
    """Make a user a member of a record's team.

    Raises:
        RecordNotFound: There is no such record, or no such template.
        AccessDenied: Whoever adds may not share the record, or has not what the template gives.
        RecordInvalid: The user has not every privilege that the template gives, or is a member.
    """
    rights = await _prepare(op, name, record_id, template_id)
    entity = op.entity(name).entity
    user = Reference(USER, user_id)
    missing = await missing_of_receiver(op, user, entity)
    facts = None if missing else await facts_of(op, user)
    label = await _user_name(op, user_id)
    if missing or facts is None:
        raise RecordInvalid(
            name, [Violation(None, missing or "violation.no_receiver", {"value": label})]
        )
    lacking = _lacking(op.model, facts, entity, rights)
    if lacking:
        params = {"value": label, "right": lacking}
        raise RecordInvalid(name, [Violation(None, "violation.member_lacks_right", params)])
    system = op.records_for(op.as_system())
    team_id = await _team_of(op, record_id, template_id)
    if not team_id:
        team_id = await _make_team(op, name, record_id, template_id)
        await write_explicit(op, name, record_id, Reference(TEAM, team_id), mask_of(rights))
    await system.associate(_membership(op), *_ends(op, user_id, team_id))


async def remove_member(
    op: Operation, name: str, record_id: str, template_id: str, user_id: str
) -> None:
    """Let a user leave a record's team; without members it ends.

    Raises:
        RecordNotFound: There is no such record, template or member.
        AccessDenied: Whoever removes may not share the record.
    """
    await _prepare(op, name, record_id, template_id, gives=False)
    team_id = await _team_of(op, record_id, template_id)
    if not team_id:
        raise RecordNotFound(USER, user_id)
    system = op.records_for(op.as_system())
    await system.disassociate(_membership(op), *_ends(op, user_id, team_id))
    if not await system.count(USER, linked_to=LinkedTo(_membership(op), team_id)):
        await write_explicit(op, name, record_id, Reference(TEAM, team_id), 0)
        await system.delete(TEAM, team_id)


async def check_template(context: WriteContext) -> None:
    """Refuse a template for records that are not shared."""
    name = context.value(MEANT_FOR)
    entity = context.registry.entities.get(name or "")
    if entity is None or entity.ownership != "user" or entity.parent_field:
        params = {"entities": name or ""}
        raise RecordInvalid(TEMPLATE, [Violation(MEANT_FOR, "violation.never_shared", params)])


async def end_teams(context: WriteContext) -> None:
    """Let the teams of a template go with it."""
    records = context.system_records
    teams = await records.list(
        TEAM, filter=f"teamtemplateid eq {context.record_id}", fields=("teamid",), limit=_MOST_TEAMS
    )
    for team in teams:
        await records.delete(TEAM, str(team["teamid"]))


async def _no_rows(context: PanelContext) -> PanelRows | None:
    """Return nothing: the pages list members by template, not as rows of one view."""
    return None


# Forms place it as ``panel: access_teams``; it lists the members that the record has.
MEMBERS_PANEL = Panel("access_teams", "", "access_team.members", _no_rows)
RECORD_HANDLERS: tuple[RecordHandler, ...] = (
    RecordHandler(TEMPLATE, "before_create", check_template, rank=10),
    RecordHandler(TEMPLATE, "before_update", check_template, (MEANT_FOR,), rank=10),
    RecordHandler(TEMPLATE, "before_delete", end_teams, rank=10),
)


async def _prepare(
    op: Operation, name: str, record_id: str, template_id: str, *, gives: bool = True
) -> tuple[str, ...]:
    """Hold the record and return what the template gives, which whoever adds must have."""
    await require_record(op, name, record_id, "read", "share")
    compiled = op.entity(name)
    op.written.add(name)
    await compiled.queries.read(
        op.connection, record_id, names=(compiled.entity.primary_id,), for_update=True
    )
    template = await op.records_for(op.as_system()).read(TEMPLATE, template_id)
    if template[MEANT_FOR] != name:
        raise RecordInvalid(name, [Violation(None, "violation.template_of_other_entity")])
    rights = privileges_of(sum(template[GIVES] or ()))
    if gives and not op.is_system:
        found = await allowed(op, name, record_id, rights) or frozenset()
        for privilege in rights:
            if privilege not in found:
                params = {"privilege": privilege, "entity": name}
                raise AccessDenied("error.share_of_missing_right", params)
    return rights


def _lacking(
    model: CompiledModel, facts: UserFacts, entity: Entity, rights: tuple[str, ...]
) -> str:
    """Return a privilege that a template gives and a user's roles do not, or ``""``."""
    for privilege in ("read", *(right for right in RIGHTS if right in rights)):
        if reach_of(model.registry, facts, entity, privilege) is None:
            return privilege
    return ""


async def _make_team(op: Operation, name: str, record_id: str, template_id: str) -> str:
    record = await op.entity(name).queries.read(
        op.connection, record_id, names=("owningbusinessunit",)
    )
    assert record is not None
    return await op.records_for(op.as_system()).create(
        TEAM,
        {
            "name": f"{record_id}+{template_id}",
            "businessunitid": record["owningbusinessunit"],
            "teamtype": ACCESS_TEAM,
            "systemmanaged": True,
            "teamtemplateid": template_id,
            "regardingid": record_id,
            "regardingtype": name,
        },
    )


async def _team_of(op: Operation, record_id: str, template_id: str) -> str:
    sql = op.model.text("team of record", partial(_team_query, op.model))
    row = await op.connection.fetch_one(sql, {"record": record_id, "template": template_id})
    return "" if row is None else str(row[0])


def _team_query(model: CompiledModel) -> sa.Select[Any]:
    table = model.tables.entities[TEAM]
    record, template = table.c.regardingid, table.c.teamtemplateid
    return sa.select(table.c.teamid).where(
        record == sa.bindparam("record", type_=record.type),
        template == sa.bindparam("template", type_=template.type),
    )


async def _user_name(op: Operation, user_id: str) -> str:
    """Return what a user is called; the id of one who may not be read."""
    if await allowed(op, USER, user_id, ()) is None:
        return user_id
    found = await op.entity(USER).queries.read(op.connection, user_id, names=("fullname",))
    return (found or {}).get("fullname") or user_id


def _membership(op: Operation) -> str:
    """Return the name of the relationship of users and teams."""
    return op.model.registry.relationship_by_intersect[MEMBERSHIP].name


def _ends(op: Operation, user_id: str, team_id: str) -> tuple[str, str]:
    relationship = op.model.registry.relationship_by_intersect[MEMBERSHIP]
    return (user_id, team_id) if relationship.left == USER else (team_id, user_id)
