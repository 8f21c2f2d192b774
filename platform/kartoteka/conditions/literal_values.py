"""``read_value``: a literal → the Python value a field of some kind holds, or why it cannot be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.options import option_number, option_numbers
from kartoteka.conditions.syntax import Literal, LiteralKind
from kartoteka.conditions.typed import FieldPath, Value, ValueKind
from kartoteka.model.field_types import NUMBER_LIMITS
from kartoteka.registry import Registry

_LOWEST, _HIGHEST = NUMBER_LIMITS["big_integer"]
_MOST = NUMBER_LIMITS["money"][1]

_WANTED: Mapping[ValueKind, str] = {
    ValueKind.TEXT: "a text in single quotes",
    ValueKind.WHOLE: "a number",
    ValueKind.DECIMAL: "a number",
    ValueKind.FLOAT: "a number",
    ValueKind.YES_NO: "true or false",
    ValueKind.OPTION: "an option by name in quotes or by number",
    ValueKind.OPTIONS: "options by name in quotes or by number",
    ValueKind.DATE: "a date such as 2031-05-06",
    ValueKind.INSTANT: "a date-time such as 2031-05-06T10:00:00Z",
    ValueKind.LOCAL_TIME: "a date-time without a zone such as 2031-05-06T10:00:00",
    ValueKind.ID: "an id such as 00000000-0000-0000-0000-000000000001",
}


def read_value(literal: Literal, path: FieldPath, registry: Registry) -> Value | Decimal:
    """Return the literal as a value of ``path``; numbers and instants may be finer than the field.

    A whole number is returned as ``Decimal`` while nobody has looked at its fraction.

    Raises:
        ConditionError: The literal does not suit the field; the hint says what would.
    """
    match path.kind:
        case ValueKind.OPTION:
            return option_number(literal, path, registry)
        case ValueKind.OPTIONS:
            return option_numbers(literal, path, registry)
        case kind:
            value = _READ[kind](literal)
    if value is None:
        raise wrong_kind(literal, path)
    return value


def read_as(literal: Literal, kind: ValueKind) -> Value | Decimal | None:
    """Return the literal as a value of a kind that needs no field, None when it is none."""
    read = _READ.get(kind)
    return None if read is None else read(literal)


def wanted(kind: ValueKind) -> str:
    """Return how a hint says what to write for a value of a kind."""
    return _WANTED[kind]


def wrong_kind(literal: Literal, path: FieldPath) -> ConditionError:
    """Return the error for a literal that no value of ``path`` can equal."""
    hint = f"write {_WANTED[path.kind]}"
    if path.field.is_lookup and literal.kind is LiteralKind.TEXT and len(path.field.targets) == 1:
        hint += f", or compare a field of the record, as in {path.key}/…"
    return ConditionError(
        f'"{path.key}" ({path.field.type}) cannot be compared with {describe(literal)}',
        literal.offset,
        hint,
    )


def describe(literal: Literal) -> str:
    """Return how a message names a literal."""
    match literal.kind:
        case LiteralKind.NULL:
            return "null"
        case LiteralKind.BOOLEAN:
            return "true" if literal.value else "false"
        case LiteralKind.TEXT:
            text = str(literal.value)
            return f"the text '{text if len(text) <= 40 else text[:40] + '…'}'"
        case LiteralKind.DATE_TIME:
            return "a date-time"
        case LiteralKind.GUID:
            return "an id"
        case _:
            return f"a {literal.kind.value}"


def _text(literal: Literal) -> str | None:
    return literal.value if isinstance(literal.value, str) else None


def _number(literal: Literal) -> Decimal | None:
    if not isinstance(literal.value, Decimal):
        return None
    if not _LOWEST <= literal.value <= _HIGHEST:
        raise ConditionError("this number is out of range", literal.offset)
    return literal.value


def _decimal(literal: Literal) -> Decimal | None:
    if isinstance(literal.value, Decimal) and abs(literal.value) > _MOST:
        raise ConditionError("this number is out of range", literal.offset, f"at most {_MOST}")
    return literal.value if isinstance(literal.value, Decimal) else None


def _float(literal: Literal) -> float | None:
    if not isinstance(literal.value, Decimal):
        return None
    value = float(literal.value)
    if abs(value) == float("inf"):
        raise ConditionError("this number is out of range", literal.offset)
    return value


def _yes_no(literal: Literal) -> bool | None:
    return literal.value if isinstance(literal.value, bool) else None


def _id(literal: Literal) -> str | None:
    if isinstance(literal.value, UUID):
        return str(literal.value)
    if isinstance(literal.value, str) and len(literal.value) == 36:
        try:
            return str(UUID(literal.value))
        except ValueError:
            return None
    return None


def _calendar_value(literal: Literal) -> date | datetime | None:
    """Return a date or date-time, also one that stands in quotes."""
    if isinstance(literal.value, date):
        return literal.value
    if isinstance(literal.value, str) and literal.value[:1].isdigit():
        read = date.fromisoformat if len(literal.value) <= 10 else datetime.fromisoformat
        try:
            return read(literal.value)
        except ValueError:
            return None
    return None


def _date(literal: Literal) -> date | None:
    value = _calendar_value(literal)
    return None if isinstance(value, datetime) else value


def _instant(literal: Literal) -> datetime | None:
    value = _calendar_value(literal)
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime.combine(value, time(), UTC)
    if value.tzinfo is None:
        return None
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ConditionError("this date-time is out of range", literal.offset) from None


def _local_time(literal: Literal) -> datetime | None:
    value = _calendar_value(literal)
    if value is None:
        return None
    if not isinstance(value, datetime):
        return datetime.combine(value, time())
    if value.utcoffset():
        return None
    return value.replace(tzinfo=None)


_READ: Mapping[ValueKind, Callable[[Literal], Value | None]] = {
    ValueKind.TEXT: _text,
    ValueKind.WHOLE: _number,
    ValueKind.DECIMAL: _decimal,
    ValueKind.FLOAT: _float,
    ValueKind.YES_NO: _yes_no,
    ValueKind.DATE: _date,
    ValueKind.INSTANT: _instant,
    ValueKind.LOCAL_TIME: _local_time,
    ValueKind.ID: _id,
}
