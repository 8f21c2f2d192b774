"""Rollups → what they sum up: the collection, the field and the condition, checked."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.calculated.fitting import fits_kind
from kartoteka.calculated.formulas import own_inputs, read_formula, what_keeps_from_storing
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.functions import NUMBERS
from kartoteka.conditions.parser import parse
from kartoteka.conditions.paths import resolve_path
from kartoteka.conditions.syntax import Path
from kartoteka.conditions.typed import Collection, FieldPath, Linked, Match, TypedCondition
from kartoteka.conditions.walk import paths_of
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Rollup
from kartoteka.names import did_you_mean
from kartoteka.registry import Registry

# Source: reference platform, section 1.9.
MOST_OF_AN_APP = 100
MOST_OF_AN_ENTITY = 10


class RollupError(ConditionError):
    """A rollup means nothing; ``key`` is the one of its keys that says so."""

    def __init__(self, key: str, message: str, hint: str = "", offset: int = 0) -> None:
        """Keep the key beside the rest."""
        self.key = key
        super().__init__(message, offset, hint)


@dataclass(frozen=True, slots=True)
class CheckedRollup:
    """What one rollup field works out.

    Attributes:
        entity: The owner's entity.
        field: The rollup.
        items: The entity of the records that are summed up.
        item_field: Their lookup to the owner.
        path: The field that is worked out; None counts records. Of money it is the amount in base
            currency, so that amounts of all currencies can be summed up.
        condition: What the records must meet, or None.
        parent: The lookup that makes the owners' tree, for rollups over it.
        decisive: Fields of the records whose changes may change the result, the lookup included.
    """

    entity: str
    field: Field
    items: str
    item_field: Field
    path: FieldPath | None
    condition: TypedCondition | None
    parent: Field | None
    decisive: frozenset[str]

    @property
    def function(self) -> str:
        """Return sum, count, min, max or avg."""
        assert self.field.rollup is not None
        return self.field.rollup.function


def rollups_of(registry: Registry, entity: str) -> tuple[CheckedRollup, ...]:
    """Return the rollups of an entity of a checked registry; worked out once."""
    known: dict[str, tuple[CheckedRollup, ...]] = registry.kept.setdefault("rollups", {})
    if entity not in known:
        known[entity] = tuple(
            check_rollup(item, registry, registry.entities[entity])
            for item in registry.entities[entity].fields
            if item.rollup is not None
        )
    return known[entity]


def rollups_over(registry: Registry, entity: str) -> tuple[CheckedRollup, ...]:
    """Return the rollups of any entity that sum up records of ``entity``; worked out once."""
    if "rollups over" not in registry.kept:
        found: dict[str, list[CheckedRollup]] = {}
        for name in registry.entities:
            for rollup in rollups_of(registry, name):
                found.setdefault(rollup.items, []).append(rollup)
        registry.kept["rollups over"] = {name: tuple(items) for name, items in found.items()}
    over: dict[str, tuple[CheckedRollup, ...]] = registry.kept["rollups over"]
    return over.get(entity, ())


def check_rollup(field: Field, registry: Registry, owner: Entity) -> CheckedRollup:
    """Return what a rollup of ``owner`` means.

    Raises:
        RollupError: Something of it is unknown, or cannot be summed up.
    """
    assert field.rollup is not None
    said = field.rollup
    collection, via = _collection(said, registry, owner)
    items = registry.entities[collection.entity]
    path = _path(field, said, registry, items)
    condition = _condition(said, registry, items)
    parent = None
    if said.hierarchy:
        parent = next((item for item in owner.fields if item.hierarchical), None)
        if parent is None:
            raise RollupError(
                "hierarchy", f'the records of "{owner.name}" make no tree',
                "mark a lookup to its own entity as hierarchical",
            )  # fmt: skip
    decisive = {via.item_field.name}
    if path is not None:
        decisive |= own_inputs(path, registry, items.name)
    if condition is not None:
        decisive |= own_inputs(condition, registry, items.name)
    return CheckedRollup(
        owner.name, field, items.name, via.item_field, path, condition, parent, frozenset(decisive)
    )


def _collection(said: Rollup, registry: Registry, owner: Entity) -> tuple[Collection, Match]:
    known = collections_of(registry, owner.name)
    collection = known.get(said.over)
    if collection is None:
        raise RollupError(
            "over", f'"{said.over}" is not a collection of "{owner.name}"',
            did_you_mean(said.over, known),
        )  # fmt: skip
    via = collection.via
    if isinstance(via, Linked):
        raise RollupError(
            "over", f'"{said.over}" links many with many; a rollup sums up what belongs to one'
        )
    if via.owner_field.name != owner.primary_id:
        raise RollupError("over", f'what "{said.over}" holds does not belong to the record alone')
    return collection, via


def _path(field: Field, said: Rollup, registry: Registry, items: Entity) -> FieldPath | None:
    if not said.field:
        if said.function != "count":
            raise RollupError("function", f"{said.function} needs a field", "add field:")
        _check_count(field)
        return None
    try:
        path = resolve_path(Path(tuple(said.field.split("/")), 0), registry, items.name)
    except ConditionError as error:
        raise RollupError("field", error.message, error.hint, error.offset) from error
    if said.function == "count":
        _check_count(field)
    else:
        _check_kinds(field, said.function, path)
    _check_depends(path, "field", registry, items)
    base = items.field_by_name.get(f"{path.field.name}_base")
    if path.field.type == "money" and base is not None and base.base_of == path.field.name:
        return FieldPath((), items.name, base, path.kind)
    return path


def _check_count(field: Field) -> None:
    if field.type != "whole_number":
        raise RollupError("function", f"a count is a whole number, not {field.type}")


def _check_kinds(field: Field, function: str, path: FieldPath) -> None:
    if function in ("sum", "avg") and path.kind not in NUMBERS:
        raise RollupError("field", f'"{path.key}" ({path.field.type}) is no number to {function}')
    if not fits_kind(path, field) or (field.type == "money") != (path.field.type == "money"):
        raise RollupError(
            "field", f'the {function} of "{path.key}" ({path.field.type}) '
            f"is no value of a {field.type} field",
        )  # fmt: skip


def _condition(said: Rollup, registry: Registry, items: Entity) -> TypedCondition | None:
    if not said.filter:
        return None
    try:
        condition = check_condition(parse(said.filter), registry, items.name)
    except ConditionError as error:
        raise RollupError("filter", error.message, error.hint, error.offset) from error
    _check_depends(condition, "filter", registry, items)
    return condition


def _check_depends(
    node: FieldPath | TypedCondition, key: str, registry: Registry, items: Entity
) -> None:
    """Refuse what may change without a change of the records, and rollups of rollups."""
    try:
        reason = what_keeps_from_storing(node, registry, items.name)
        names = own_inputs(node, registry, items.name)
    except ConditionError:
        return  # told where that formula stands
    if reason:
        raise RollupError(key, f"a rollup cannot follow this: {reason}")
    for name in sorted(names):
        reached = _rollup_behind(items.field_by_name[name], registry, items)
        if reached:
            raise RollupError(key, f'"{reached}" is a rollup itself')


def _rollup_behind(field: Field, registry: Registry, items: Entity) -> str:
    """Return the rollup that a field is, belongs to or is stored from; "" when there is none."""
    if field.rollup is not None:
        return field.name
    if field.name in items.rollup_marks:
        return items.rollup_marks[field.name]
    if field.base_of and items.field_by_name[field.base_of].rollup is not None:
        return field.base_of
    if field.formula:
        for path in _paths_of_formula(field, registry, items):
            found = _rollup_behind(path.field, registry, items)
            if found:
                return found
    return ""


def _paths_of_formula(field: Field, registry: Registry, entity: Entity) -> tuple[FieldPath, ...]:
    """Return what a formula looks at; nothing of one that cannot be read, which is told there."""
    try:
        return tuple(paths_of(read_formula(field, registry, entity.name)))
    except ConditionError:
        return ()
