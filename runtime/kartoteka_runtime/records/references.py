"""Lookups: the records they name must exist, and hierarchies must not bite their own tail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from kartoteka.errors import Violation
from kartoteka.record_values import Reference
from kartoteka_runtime.records.compiled_model import CompiledEntity, CompiledModel
from kartoteka_runtime.records.operation import Operation

_MOST_LEVELS = 100  # Source: reference platform, section 2.4


async def check_references(
    op: Operation, compiled: CompiledEntity, values: Mapping[str, Any], names: Iterable[str]
) -> list[Violation]:
    """Return a violation for each named lookup whose record does not exist: one statement."""
    wanted = [
        (name, values[name])
        for name in names
        if name in compiled.references and values.get(name) is not None
    ]
    if not wanted:
        return []
    shape = tuple((f"r{number}", value.entity) for number, (_, value) in enumerate(wanted))
    sql = op.model.text(("references", shape), lambda: _existence(op.model, shape))
    params = {f"r{number}": value.id for number, (_, value) in enumerate(wanted)}
    row = await op.connection.fetch_one(sql, params)
    assert row is not None
    return [
        Violation(name, "violation.not_found", {"value": value.name or value.id})
        for (name, value), exists in zip(wanted, row, strict=True)
        if not exists
    ]


def _existence(model: CompiledModel, shape: tuple[tuple[str, str], ...]) -> sa.ClauseElement:
    checks = []
    for parameter, target in shape:
        column = model.tables.entities[target].c[model.registry.entities[target].primary_id]
        named = column == sa.bindparam(parameter, type_=column.type)
        checks.append(sa.exists(sa.select(sa.literal_column("1")).where(named)).label(parameter))
    return sa.select(*checks)


async def check_hierarchy(
    op: Operation, compiled: CompiledEntity, record_id: str, values: Mapping[str, Any]
) -> list[Violation]:
    """Return a violation when a record would become its own ancestor, or the tree too deep."""
    name = compiled.hierarchical
    if not name or not isinstance(values.get(name), Reference):
        return []
    above: Reference | None = values[name]
    for _ in range(_MOST_LEVELS):
        if above is None:
            return []
        if above.id == record_id:
            return [Violation(name, "violation.cycle")]
        found = await compiled.queries.read(op.connection, above.id, names=(name,))
        above = found[name] if found else None
    return [Violation(name, "violation.too_many", {"max": _MOST_LEVELS})]
