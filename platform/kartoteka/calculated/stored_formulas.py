"""Stored formulas: worked out whenever something that they look at is written."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from kartoteka.calculated.fitting import fit, rounded
from kartoteka.calculated.formulas import calculation_steps
from kartoteka.conditions.asker import Asker
from kartoteka.conditions.compile_closure import compile_value
from kartoteka.conditions.typed import Expression
from kartoteka.model.field import Field
from kartoteka.record_values import Reference
from kartoteka.registry import Registry

_NOBODY = Asker()  # what is stored depends on nobody who asks


@dataclass(frozen=True, slots=True)
class _Step:
    field: Field
    inputs: frozenset[str]
    expression: Expression
    value: Callable[[Mapping[str, Any], Asker], Any]


class StoredFormulas:
    """The stored formulas of one entity, compiled, in the order in which they are worked out.

    ``names`` are their fields, ``needed`` these and all stored fields that they look at.
    """

    def __init__(
        self, entity: str, registry: Registry, only: Collection[str] | None = None
    ) -> None:
        """Compile what the entity has, which mostly is nothing; or ``only`` some of its fields."""
        self._steps = tuple(
            _Step(step.field, step.inputs, expression, compile_value(expression))
            for step in calculation_steps(registry, entity, only)
            for expression in (rounded(step.expression, step.field),)
        )
        self.names = frozenset(step.field.name for step in self._steps if step.field.stored)
        looked_at = {name for step in self._steps for name in step.inputs}
        on_read = {step.field.name for step in self._steps if not step.field.stored}
        self.needed = (self.names | looked_at) - on_read

    def __bool__(self) -> bool:
        """Return whether there is any."""
        return bool(self._steps)

    @property
    def expressions(self) -> tuple[tuple[str, Expression], ...]:
        """Return each field with what gives its value, in the order in which to work them out."""
        return tuple((step.field.name, step.expression) for step in self._steps)

    def anew(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return every stored formula of a record with at least ``needed``."""
        values: dict[str, Any] = {}
        found = dict(record)
        for step in self._steps:
            found[step.field.name] = fit(step.value(found, _NOBODY), step.field)
            if step.field.stored:
                values[step.field.name] = found[step.field.name]
        return values

    def write(self, values: dict[str, Any], before: Mapping[str, Any] | None) -> None:
        """Add to what is written the formulas whose values change by it.

        Args:
            values: Everything that is about to be stored.
            before: The stored record with at least ``needed``; None for a new one.
        """
        record = {**(before or dict.fromkeys(self.needed)), **values}
        changed = set(values)
        for step in self._steps:
            name = step.field.name
            if before is not None and changed.isdisjoint(step.inputs) and step.field.stored:
                continue
            value = fit(step.value(record, _NOBODY), step.field)
            record[name] = value
            if not step.field.stored:
                if not changed.isdisjoint(step.inputs):
                    changed.add(name)
            elif before is None or not _same(value, before.get(name)):
                values[name] = value
                changed.add(name)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Reference):
        return one.is_same(other)
    return bool(one == other) and (one is None) == (other is None)
