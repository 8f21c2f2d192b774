"""Business units: one root, and a team of its own for each."""

from __future__ import annotations

from kartoteka.plugin_api.contexts import Records, WriteContext
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.organization_rules.default_teams import (
    default_team,
    find_default_team,
)
from kartoteka_runtime.records.organization_rules.rule_context import has_entity, refused
from kartoteka_runtime.storage.access_facts import TEAM, UNIT


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
        raise refused(UNIT, "violation.root_unit")
    if not is_root and context.value("parentbusinessunitid") is None:
        raise refused(UNIT, "violation.one_root", field="parentbusinessunitid")


async def give_default_team(context: WriteContext) -> None:
    """Give a new unit its team."""
    op = operation_of(context.system_records)
    if has_entity(op, TEAM):
        await default_team(op, context.record_id, str(context.value("name")))


async def rename_default_team(context: WriteContext) -> None:
    """Let the team of a unit be called like it."""
    op = operation_of(context.system_records)
    if has_entity(op, TEAM):
        team = await default_team(op, context.record_id, str(context.value("name")))
        await context.system_records.update(TEAM, team, {"name": context.value("name")})


async def before_unit_goes(context: WriteContext) -> None:
    """Refuse to delete the root; the team of another unit goes with it."""
    assert context.before is not None
    if context.before["parentbusinessunitid"] is None:
        raise refused(UNIT, "violation.root_unit")
    op = operation_of(context.system_records)
    if has_entity(op, TEAM):
        team = await find_default_team(op, context.record_id)
        if team:
            await context.system_records.delete(TEAM, team)


async def _root(records: Records) -> str:
    found = await records.list(
        UNIT, filter="parentbusinessunitid eq null", fields=("businessunitid",), limit=2
    )
    ids = [str(item["businessunitid"]) for item in found]
    return ROOT_UNIT if ROOT_UNIT in ids or not ids else ids[0]
