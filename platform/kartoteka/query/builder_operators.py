"""Operators that a filter builder offers for a field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from kartoteka.conditions.functions import DAYS, NUMBERS, TIMES
from kartoteka.conditions.syntax import Call, Not
from kartoteka.conditions.typed import FieldPath, ValueKind
from kartoteka.query.fetch_operators import OPERATORS, About, FetchOperator, Takes
from kartoteka.registry import Registry

_COUNTS: Mapping[Takes, int] = {Takes.NOTHING: 0, Takes.TWO: 2, Takes.TWO_NUMBERS: 2}

_CONTAINS = FetchOperator(
    "contains",
    About.TEXT,
    Takes.TEXT,
    lambda path, values: Call("contains", (path, *values)),
)
_NOT_CONTAINS = replace(
    _CONTAINS,
    name="not-contains",
    build=lambda path, values: Not(Call("contains", (path, *values))),
)
BUILDER_OPERATORS: Mapping[str, FetchOperator] = MappingProxyType(
    {
        **{name: row for name, row in OPERATORS.items() if name not in ("neq", "eq-userlanguage")},
        "contains": _CONTAINS,
        "not-contains": _NOT_CONTAINS,
    }
)


def operators_for(field: FieldPath, registry: Registry) -> tuple[str, ...]:
    """Return the names of the operators that a row about a field may have, in a stable order."""
    return tuple(
        name for name, row in BUILDER_OPERATORS.items() if suits(row.about, field, registry)
    )


def count_of(operator: FetchOperator) -> int | None:
    """Return how many values an operator takes, None for one or more."""
    return None if operator.takes is Takes.VALUES else _COUNTS.get(operator.takes, 1)


def suits(about: About, path: FieldPath, registry: Registry) -> bool:
    """Return whether operators about something suit a field."""
    kind = path.kind
    match about:
        case About.ANY:
            return True
        case About.SAMENESS:
            return kind is not ValueKind.FLOAT
        case About.ORDERED:
            return kind in NUMBERS or kind in DAYS
        case About.TEXT:
            return kind is ValueKind.TEXT
        case About.OPTIONS:
            return kind is ValueKind.OPTIONS
        case About.DATE:
            return kind in DAYS
        case About.TIME:
            return kind in TIMES
        case About.USER:
            return _names(path, "systemuser")
        case About.OWNER:
            return _names(path, "systemuser") and _names(path, "team")
        case About.UNIT:
            return _names(path, "businessunit")
        case About.HIERARCHY:
            return _has_hierarchy(path, registry)
    return False


def _names(path: FieldPath, entity: str) -> bool:
    own = path.field.type == "unique_id" and path.entity == entity
    return own or entity in path.field.targets


def _has_hierarchy(path: FieldPath, registry: Registry) -> bool:
    """Return whether a field names records that lie above and below one another."""
    field, names = path.field, path.field.targets
    if not field.is_lookup:
        names = (path.entity,) if registry.entities[path.entity].primary_id == field.name else ()
    if len(names) != 1:
        return False
    return any(item.hierarchical for item in registry.entities[names[0]].fields)
