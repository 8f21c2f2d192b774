"""``groups_of``: a condition → the groups of rows that a filter builder shows it as."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.paths import resolve_path
from kartoteka.conditions.syntax import (
    And,
    Call,
    Comparison,
    Condition,
    Literal,
    Membership,
    Not,
    Or,
    Path,
)
from kartoteka.query.builder_operators import BUILDER_OPERATORS, count_of, operators_for
from kartoteka.query.fetch_operators import NULL, FetchOperator
from kartoteka.query.filter_builder import GROUPS
from kartoteka.registry import Registry


def groups_of(condition: Condition, registry: Registry, entity: str) -> dict[str, Any] | None:
    """Return a condition as groups of rows, None when rows cannot say all of it."""
    found = _group(condition, registry, entity)
    if found is None:
        return None
    return found if any(name in found for name in GROUPS) else {"all": [found]}


def _group(condition: Condition, registry: Registry, entity: str) -> dict[str, Any] | None:
    row = _row_of(condition, registry, entity)
    if row is not None:
        return row
    match condition:
        case And(terms):
            return _all_of("all", terms, registry, entity)
        case Or(terms):
            return _all_of("any", terms, registry, entity)
        case Not(Or(terms)):
            return _all_of("none", terms, registry, entity)
        case Not(term):
            return _all_of("none", (term,), registry, entity)
    return None


def _all_of(
    kind: str, terms: tuple[Condition, ...], registry: Registry, entity: str
) -> dict[str, Any] | None:
    found = [_group(term, registry, entity) for term in terms]
    return None if None in found else {kind: found}


def _row_of(condition: Condition, registry: Registry, entity: str) -> dict[str, Any] | None:
    """Return the row whose operator makes exactly this condition."""
    path, literals = _parts(condition)
    if path is None:
        return None
    try:
        field = resolve_path(path, registry, entity)
    except ConditionError:
        return None
    values = tuple(value for value in literals if value != NULL)
    for name in operators_for(field, registry):
        operator = BUILDER_OPERATORS[name]
        wanted = count_of(operator)
        if (not values) if wanted is None else (len(values) != wanted):
            continue
        if operator.build(path, values) == condition:
            return _as_row(path, operator, values)
    return None


def _as_row(path: Path, operator: FetchOperator, values: tuple[Literal, ...]) -> dict[str, Any]:
    row: dict[str, Any] = {"field": str(path), "operator": operator.name}
    shown = [_shown(value) for value in values]
    if count_of(operator) not in (0, 1):
        row["values"] = shown
    elif shown:
        row["value"] = shown[0]
    return row


def _shown(literal: Literal) -> Any:
    match literal.value:
        case bool() | None | str():
            return literal.value
        case Decimal() as number:
            return _number(number)
        case datetime() | date() as moment:
            return moment.isoformat().replace("+00:00", "Z")
        case UUID() as identity:
            return str(identity)
    raise TypeError(literal.value)


def _number(number: Decimal) -> int | float | str:
    """Return a number of JSON where one is the same number, else a text."""
    if number == number.to_integral_value():
        return int(number)
    return float(number) if Decimal(repr(float(number))) == number else str(number)


def _parts(condition: Condition) -> tuple[Path | None, tuple[Literal, ...]]:
    """Return the field that a leaf is about and the values it names; (None, ()) of another."""
    paths: list[Path] = []
    literals: list[Literal] = []
    if not _gather(condition, paths, literals) or not paths:
        return None, ()
    if any(path != paths[0] for path in paths):
        return None, ()
    return paths[0], tuple(literals)


def _gather(node: Condition, paths: list[Path], literals: list[Literal]) -> bool:
    match node:
        case Path():
            paths.append(node)
        case Literal():
            literals.append(node)
        case Comparison(left, _, right):
            return _gather(left, paths, literals) and _gather(right, paths, literals)
        case Membership(left, items):
            return all(_gather(item, paths, literals) for item in (left, *items))
        case Call(_, arguments):
            return all(_gather(item, paths, literals) for item in arguments)
        case Not(term):
            return _gather(term, paths, literals)
        case And(terms) | Or(terms):
            return all(_gather(term, paths, literals) for term in terms)
        case _:
            return False
    return True
