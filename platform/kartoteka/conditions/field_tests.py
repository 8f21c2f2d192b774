"""Tests of one field against values written out: the leaves that stay quick on every back end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.literal_values import read_value
from kartoteka.conditions.options import option_number
from kartoteka.conditions.syntax import Literal, LiteralKind, Operator
from kartoteka.conditions.typed import (
    AnyOf,
    Asked,
    AskedName,
    Compared,
    FieldPath,
    Fixed,
    HasOption,
    IsEmpty,
    Like,
    Negated,
    OneOf,
    TextFunction,
    TextTest,
    TypedCondition,
    Value,
    ValueKind,
)
from kartoteka.registry import Registry

USER_ENTITY = "systemuser"
UNIT_ENTITY = "businessunit"
UNORDERED = (ValueKind.YES_NO, ValueKind.ID, ValueKind.OPTIONS)
_SAMENESS = (Operator.EQ, Operator.NE)


def compare(
    path: FieldPath, operator: Operator, literal: Literal, registry: Registry, *, offset: int
) -> TypedCondition:
    """Return a field compared with a literal; ``offset`` is where the whole comparison stands."""
    if is_nothing(path, literal):
        if operator is Operator.EQ:
            return IsEmpty(path)
        return Negated(IsEmpty(path)) if operator is Operator.NE else Fixed(False)
    must_have_order(path, operator, offset)
    return _at_grain(path, operator, read_value(literal, path, registry))


def compare_asked(
    path: FieldPath, operator: Operator, asked: AskedName, *, offset: int, value_offset: int
) -> TypedCondition:
    """Return a field compared with ``me()`` or its like."""
    must_have_order(path, operator, offset)
    return Compared(path, operator, asked_value(path, asked, value_offset))


def one_of(
    path: FieldPath, literals: Sequence[Literal], registry: Registry, asked: Sequence[Asked] = ()
) -> TypedCondition:
    """Return whether a field has one of several values; null is one that empty fields have."""
    given = [item for item in literals if not is_nothing(path, item)]
    tests = [_at_grain(path, Operator.EQ, read_value(item, path, registry)) for item in given]
    reached = [*(test.value for test in tests if isinstance(test, Compared)), *asked]
    values = tuple(dict.fromkeys(reached))
    found: list[TypedCondition] = [OneOf(path, values)] if values else []
    if len(given) < len(literals):
        found.append(IsEmpty(path))
    if not found:
        return Fixed(False)
    return found[0] if len(found) == 1 else AnyOf(tuple(found))


def text_test(
    name: str, path: FieldPath, sought: Literal, registry: Registry, *, offset: int
) -> TypedCondition:
    """Return whether a text is found in a field, or an option in a multi-choice."""
    if path.kind is ValueKind.OPTIONS and name == TextFunction.CONTAINS:
        return HasOption(path, option_number(sought, path, registry))
    _must_be_text(name, path, offset)
    return TextTest(path, TextFunction(name), _text(name, sought))


def like(name: str, path: FieldPath, pattern: Literal, *, offset: int) -> TypedCondition:
    """Return whether a text field has the shape of a pattern."""
    _must_be_text(name, path, offset)
    return Like(path, _text(name, pattern))


def asked_value(path: FieldPath, asked: AskedName, offset: int) -> Asked:
    """Return what only a request knows, as a value of the field.

    Raises:
        ConditionError: The field never has such a value.
    """
    if asked is AskedName.NOW:
        if path.kind is ValueKind.INSTANT:
            return Asked(asked, ValueKind.INSTANT)
        hint = "write date(now())" if path.kind is ValueKind.DATE else ""
        raise ConditionError(
            f'now() is an instant, "{path.key}" ({path.field.type}) never is one', offset, hint
        )
    entity, what = _NAMED_BY[asked]
    if names(path, entity):
        return Asked(asked)
    raise ConditionError(
        f'{asked}() is a {what}, "{path.key}" ({path.field.type}) never names one', offset
    )


_NAMED_BY = {
    AskedName.ME: (USER_ENTITY, "user"),
    AskedName.MY_BUSINESS_UNIT: (UNIT_ENTITY, "business unit"),
}


def names(path: FieldPath, *entities: str) -> bool:
    """Return whether a path holds ids of one of the entities."""
    if path.field.type == "unique_id":
        return path.entity in entities
    return any(entity in path.field.targets for entity in entities)


def must_have_order(path: FieldPath, operator: Operator, offset: int) -> None:
    """Refuse gt and its like for what is only equal or not."""
    if operator not in _SAMENESS and path.kind in UNORDERED:
        raise ConditionError(
            f'"{path.key}" ({path.field.type}) has no order for "{operator}"',
            offset,
            "use eq, ne or in",
        )


def is_nothing(path: FieldPath, literal: Literal) -> bool:
    """Return whether a literal means "no value": null, and the empty text for a text field."""
    return literal.kind is LiteralKind.NULL or (path.kind is ValueKind.TEXT and literal.value == "")


def _must_be_text(name: str, path: FieldPath, offset: int) -> None:
    if path.kind is ValueKind.TEXT:
        return
    hint = ""
    if path.field.is_lookup and len(path.field.targets) == 1:
        hint = f"name a text of the record it names, as in {path.key}/…"
    raise ConditionError(f'{name} needs a text, "{path.key}" is {path.field.type}', offset, hint)


def _text(name: str, literal: Literal) -> str:
    if isinstance(literal.value, str):
        return literal.value
    raise ConditionError(f"{name} looks for a text", literal.offset, "write it in single quotes")


def _at_grain(path: FieldPath, operator: Operator, value: Value) -> TypedCondition:
    """Return a comparison whose value is as coarse as what the field can hold.

    Whole numbers have no fraction and instants no fraction of a second, so ``x gt 5.5`` is
    ``x gt 5``, ``x lt 5.5`` is ``x le 5`` and ``x eq 5.5`` holds never.
    """
    coarse = _coarse(path.kind, value)
    if coarse == value:
        return Compared(path, operator, coarse)
    match operator:
        case Operator.EQ:
            return Fixed(False)
        case Operator.NE:
            return Fixed(True)
        case Operator.GT | Operator.GE:
            return Compared(path, Operator.GT, coarse)
        case Operator.LT | Operator.LE:
            return Compared(path, Operator.LE, coarse)


def _coarse(kind: ValueKind, value: Value) -> Value:
    """Return the greatest value of a kind that is not above ``value``."""
    if kind is ValueKind.WHOLE and isinstance(value, Decimal):
        return int(value.to_integral_value(ROUND_FLOOR))
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    return value
