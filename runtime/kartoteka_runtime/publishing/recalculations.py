"""Which calculated values a publish outdates: they are worked out for all records by a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.calculated.formulas import read_formula
from kartoteka.calculated.rollups import check_rollup
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.walk import paths_of
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.registry import Registry

Signature = tuple[Any, ...]


def recalculations(
    live: Registry, wanted: Registry, entity_names: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return ``{entity: fields}`` whose stored values are no longer what their records make.

    Args:
        live: What the values were worked out by.
        wanted: What they shall be worked out by.
        entity_names: ``{old name: new name}`` of renamed entities.
    """
    old_names = {new: old for old, new in entity_names.items()}
    found = {}
    for name, entity in wanted.entities.items():
        before = live.entities.get(old_names.get(name, name))
        fields = tuple(
            field.name
            for field in entity.fields
            if (field.rollup is not None or (field.formula and field.stored))
            and not _is_as_before(field, before, live, entity, wanted)
        )
        if fields:
            found[name] = fields
    return found


def _is_as_before(
    field: Field, before: Entity | None, live: Registry, entity: Entity, wanted: Registry
) -> bool:
    was = before.field_by_name.get(field.name) if before is not None else None
    if before is None or was is None or not was.is_calculated or was.is_on_read:
        return False
    try:
        return _signature(was, before, live) == _signature(field, entity, wanted)
    except ConditionError:  # what is live was published by an earlier version
        return False


def _signature(field: Field, entity: Entity, registry: Registry) -> Signature:
    """Return everything about a field that decides about its value."""
    own: Signature = (
        field.name, field.type, field.behavior, field.precision, field.max_length, field.min,
        field.max, tuple(option.value for option in field.options), field.targets,
    )  # fmt: skip
    if field.formula:
        inputs = {path.field.name: path.field
                  for path in paths_of(read_formula(field, registry, entity.name))
                  if not path.steps}  # fmt: skip
        return (*own, field.formula, *_inputs(inputs, entity, registry))
    if field.rollup is not None:
        rollup = check_rollup(field, registry, entity)
        items = registry.entities[rollup.items]
        decisive = {name: items.field_by_name[name] for name in sorted(rollup.decisive)}
        nodes = [node for node in (rollup.path, rollup.condition) if node is not None]
        decisive |= {path.field.name: path.field for node in nodes for path in paths_of(node)}
        return (*own, field.rollup, rollup.items, *_inputs(decisive, items, registry))
    return own


def _inputs(
    fields: Mapping[str, Field], entity: Entity, registry: Registry
) -> tuple[Signature, ...]:
    return tuple(_signature(fields[name], entity, registry) for name in sorted(fields))
