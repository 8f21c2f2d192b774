"""The default team of a business unit: made with it, with exactly its users as members."""

from __future__ import annotations

from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.record_values import Reference
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.link_tables import (
    MEMBERSHIP,
    add_link,
    has_link,
    link_table,
    linked_ids,
    note_written,
)
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.organization_rules.rule_context import has_entity
from kartoteka_runtime.storage.access_facts import TEAM, UNIT, USER

OWNER_TEAM = 0  # option of team.teamtype


async def ensure_default_teams(records: ActingRecords) -> None:
    """Give every unit its team with exactly its users, whatever made the unit."""
    op = records.operation
    if not (has_entity(op, UNIT) and has_entity(op, TEAM)):
        return
    for unit in await records.list(UNIT, fields=("businessunitid", "name"), limit=100_000):
        if not await find_default_team(op, str(unit["businessunitid"])):
            await default_team(op, str(unit["businessunitid"]), str(unit["name"]))


async def default_team(op: Operation, unit_id: str, name: str) -> str:
    """Return the team of a unit, made with the unit's users if there is none."""
    found = await find_default_team(op, unit_id)
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
    if has_link(op, MEMBERSHIP) and has_entity(op, USER):
        sql = op.model.text("members of unit", partial(_add_members, op.model))
        await op.connection.execute(sql, {"team": team, "unit": unit_id})
        note_written(op, MEMBERSHIP)
    return team


async def find_default_team(op: Operation, unit_id: str) -> str:
    """Return the id of a unit's team, or nothing."""
    if not {"isdefault", "businessunitid"} <= op.entity(TEAM).names:
        return ""
    sql = op.model.text("default team", partial(_default_team_query, op.model))
    row = await op.connection.fetch_one(sql, {"unit": unit_id})
    return "" if row is None else str(row[0])


async def join_default_team(op: Operation, user_id: str, unit_id: str) -> None:
    """Make a user a member of a unit's team."""
    if not (has_entity(op, TEAM) and has_link(op, MEMBERSHIP)):
        return
    team = await find_default_team(op, unit_id)
    if team and team not in await linked_ids(op, MEMBERSHIP, USER, user_id, TEAM):
        await add_link(op, MEMBERSHIP, {USER: user_id, TEAM: team})


def _add_members(model: CompiledModel) -> sa.Insert:
    table, columns = link_table(model, MEMBERSHIP)
    users = model.tables.entities[USER]
    team = sa.bindparam("team", type_=columns[TEAM].type)
    unit = users.c.businessunitid
    chosen = sa.select(users.c.systemuserid, team).where(
        unit == sa.bindparam("unit", type_=unit.type)
    )
    return sa.insert(table).from_select([columns[USER], columns[TEAM]], chosen)


def _default_team_query(model: CompiledModel) -> sa.Select[Any]:
    table = model.tables.entities[TEAM]
    unit = table.c.businessunitid
    return sa.select(table.c.teamid).where(
        unit == sa.bindparam("unit", type_=unit.type), table.c.isdefault == sa.true()
    )
