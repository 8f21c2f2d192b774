"""What users and teams own: it follows them to another unit, and goes to others all at once."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.plugin_api.contexts import CommandContext, CommandResult, WriteContext
from kartoteka.record_values import Reference
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.compiled_model import POINTER, CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.organization_rules.rule_context import has_entity


async def reassign_all(context: CommandContext) -> CommandResult:
    """Give everything that a user or team owns to somebody else, record by record."""
    op = operation_of(context.records)
    to: Reference = context.parameters["to"]
    params = {"owner": context.record_id}
    count = 0
    for entity in _owned_entities(op.model):
        sql = op.model.text(("owned ids", entity), partial(_owned_ids, op.model, entity))
        for row in await op.connection.fetch_all(sql, params):
            await context.records.update(entity, str(row[0]), {"ownerid": to})
            count += 1
    return CommandResult(message="command.reassigned", params={"count": count})


async def move_records(op: Operation, owner: Reference, unit_id: str) -> None:
    """Let everything that somebody owns belong to a unit: one statement an entity."""
    for entity in (*_owned_entities(op.model), *((POINTER,) if has_entity(op, POINTER) else ())):
        sql = op.model.text(("move owned", entity), partial(_move, op.model, entity))
        await op.connection.execute(sql, {"owner": owner.id, "unit": unit_id})
        op.written.add(entity)


async def owned_counts(op: Operation, owner_id: str) -> dict[str, int]:
    """Return how many records of each entity somebody owns, without those that own none."""
    owned = _owned_entities(op.model)
    if not owned:
        return {}
    sql = op.model.text("owned counts", partial(_counts, op.model, owned))
    rows = await op.connection.fetch_all(sql, {"owner": owner_id})
    return {str(row[0]): int(row[1]) for row in rows if row[1]}


async def refuse_owner(op: Operation, context: WriteContext, code: str) -> None:
    """Refuse when somebody owns records."""
    counts = await owned_counts(op, context.record_id)
    if counts:
        entity = op.entity(context.entity).entity
        name = (context.before or {}).get(entity.primary_field) or context.record_id
        params = {"value": name, "count": sum(counts.values()), "entities": tuple(counts)}
        raise RecordInvalid(context.entity, [Violation(None, code, params)])


def _owned_entities(model: CompiledModel) -> tuple[str, ...]:
    """Return the entities whose records users and teams own; pointers follow their activities."""
    return tuple(
        entity.name
        for entity in model.registry.entities.values()
        if "ownerid" in entity.field_by_name and entity.name != POINTER
    )


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
