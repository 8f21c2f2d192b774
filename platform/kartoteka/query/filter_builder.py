"""Conditions as a filter-builder page sends them, groups of rows → trees of conditions, and back.

``{"all": [{"field": "name", "operator": "contains", "value": "ski"}, {"any": […]}]}``. A group is
``all``, ``any`` or ``none`` of its rows and groups; a row names a field, also one over lookups
(``primarycontactid/fullname``), an operator of ``operators_for``, and as many values as that takes:
``value`` for one, ``values`` for several. What a row means is what its operator means in FetchXML;
``contains`` and ``not-contains`` are only here.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.paths import resolve_path
from kartoteka.conditions.syntax import And, Condition, Literal, LiteralKind, Not, Operand, Or, Path
from kartoteka.conditions.typed import FieldPath, ValueKind
from kartoteka.names import did_you_mean
from kartoteka.query.builder_operators import BUILDER_OPERATORS, count_of, operators_for, suits
from kartoteka.query.fetch_operators import FetchOperator, Takes
from kartoteka.query.operand_text import day_of, literal_of, number_of
from kartoteka.query.query_error import QueryError
from kartoteka.registry import Registry

MAX_DEPTH = 20
MAX_ROWS = 500
MAX_VALUES = 500
GROUPS = ("all", "any", "none")


def read_groups(data: Any, registry: Registry, entity: str) -> Condition | None:
    """Return the condition that groups of rows mean; None when there are no rows at all.

    It is not checked yet: whether values suit their fields is said by ``check_condition``.

    Raises:
        QueryError: The data has another shape, or names what does not exist; ``part`` is the path
            to what is wrong (``all/0/any/1``).
    """
    return _Reader(registry, entity).group(data, "", 1)


class _Reader:
    """Reads the groups and rows of one condition."""

    def __init__(self, registry: Registry, entity: str) -> None:
        self._registry = registry
        self._entity = entity
        self._rows = 0

    def group(self, data: Any, place: str, depth: int) -> Condition | None:
        if not isinstance(data, Mapping):
            raise QueryError("a group or a row is expected", part=place)
        if depth > MAX_DEPTH:
            raise QueryError(f"more than {MAX_DEPTH} groups inside one another", part=place)
        kinds = [name for name in GROUPS if name in data]
        if not kinds:
            return self._row(data, place)
        kind = kinds[0]
        if len(data) > 1 or not isinstance(data[kind], list):
            raise QueryError('a group is {"all": […]}, {"any": […]} or {"none": […]}', part=place)
        terms = []
        for number, item in enumerate(data[kind]):
            where = f"{place}/{kind}/{number}".lstrip("/")
            term = self.group(item, where, depth + 1)
            if term is not None:
                terms.append(term)
        return _joined(kind, terms)

    def _row(self, data: Mapping[str, Any], place: str) -> Condition:
        self._rows += 1
        if self._rows > MAX_ROWS:
            raise QueryError(f"more than {MAX_ROWS} rows", part=place)
        unknown = [
            str(name) for name in data if name not in ("field", "operator", "value", "values")
        ]
        if unknown:
            raise QueryError(f'a row has no "{unknown[0][:40]}"', part=place)
        path = Path(tuple(_text(data.get("field"), "field", place).split("/")))
        try:
            field = resolve_path(path, self._registry, self._entity)
        except ConditionError as error:
            raise QueryError(error.message, part=place, hint=error.hint) from None
        name = _text(data.get("operator"), "operator", place)
        operator = BUILDER_OPERATORS.get(name)
        if operator is None or not suits(operator.about, field, self._registry):
            hint = did_you_mean(name, operators_for(field, self._registry))
            raise QueryError(
                f'"{name[:40]}" is no operator for "{field.key}" ({field.field.type})',
                part=place,
                hint=hint,
            )
        return operator.build(path, _values(data, operator, field, place))


def _joined(kind: str, terms: list[Condition]) -> Condition | None:
    if not terms:
        return None
    joined = terms[0]
    if len(terms) > 1:
        joined = And(tuple(terms)) if kind == "all" else Or(tuple(terms))
    return Not(joined) if kind == "none" else joined


def _values(
    data: Mapping[str, Any], operator: FetchOperator, field: FieldPath, place: str
) -> tuple[Operand, ...]:
    given = data.get("values")
    if given is None:
        given = [] if data.get("value") is None else [data["value"]]
    if not isinstance(given, list) or len(given) > MAX_VALUES:
        raise QueryError(f"values are a list of at most {MAX_VALUES}", part=place)
    wanted = count_of(operator)
    if wanted is None and not given:
        raise QueryError(f"{operator.name} needs values", part=place)
    if wanted is not None and len(given) != wanted:
        raise QueryError(f"{operator.name} takes {wanted} values, {len(given)} given", part=place)
    return tuple(_literal(value, operator, field, place) for value in given)


def _literal(value: Any, operator: FetchOperator, field: FieldPath, place: str) -> Literal:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, (str, int, float, Decimal)):
        text = str(value)
    else:
        raise QueryError("a value is a text, a number or true or false", part=place)
    match operator.takes:
        case Takes.TEXT:
            return Literal(LiteralKind.TEXT, text)
        case Takes.NUMBER | Takes.TWO_NUMBERS:
            return number_of(text.strip()) or Literal(LiteralKind.TEXT, text)
        case Takes.DAY:
            return day_of(text) or Literal(LiteralKind.TEXT, text)
        case Takes.ID:
            return literal_of(text, ValueKind.ID)
    if field.kind in (ValueKind.OPTION, ValueKind.OPTIONS):
        return (number_of(text) if isinstance(value, int) else None) or Literal(
            LiteralKind.TEXT, text
        )
    return literal_of(text, field.kind)


def _text(value: Any, name: str, place: str) -> str:
    if not isinstance(value, str) or not value:
        raise QueryError(f'a row needs a "{name}"', part=place)
    return value
