"""What follows when a lookup is emptied because the record that it names goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kartoteka.calculated.rollups import rollups_of, rollups_over
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka_runtime.records.operation import Operation


def is_looked_at(op: Operation, entity: Entity, lookup: Field) -> bool:
    """Return whether anything calculated may look at a lookup of an entity."""
    registry = op.model.registry
    return (
        any(field.stored for field in entity.fields)
        or any(lookup.name in item.decisive for item in rollups_over(registry, entity.name))
        or any(item.parent is not None for item in rollups_of(registry, entity.name))
    )


async def write_calculated(
    op: Operation, entity: Entity, lookup: Field, ids: Sequence[str]
) -> None:
    """Work out what looks at a lookup of records, which is empty from now on."""
    compiled = op.entity(entity.name)
    needed = compiled.formulas.needed | compiled.rollup_changes.needed | {lookup.name}
    for record_id in ids:
        before = await compiled.queries.read(
            op.connection, record_id, names=tuple(sorted(needed)), for_update=True
        )
        if before is None:
            continue
        values: dict[str, Any] = {lookup.name: None}
        await compiled.rollup_changes.updated(op, record_id, values, before)
        compiled.formulas.write(values, before)
        del values[lookup.name]
        if values:
            await compiled.queries.write_calculated(op.connection, record_id, values)
