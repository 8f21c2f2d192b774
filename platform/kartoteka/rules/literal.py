"""``literal_of``: a value written in a rule → the constant that a field would hold."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from kartoteka.conditions.typed import Constant, ValueKind
from kartoteka.errors import KartotekaError
from kartoteka.model.field import Field
from kartoteka.names import did_you_mean


class LiteralRefused(KartotekaError):
    """A field cannot hold a value; ``hint`` says how to go on."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep both parts."""
        self.message = message
        self.hint = hint
        super().__init__(message)


def literal_of(value: Any, field: Field) -> Constant:
    """Return a written value as the field would hold it.

    Raises:
        LiteralRefused: It is none of the field's values.
    """
    match field.type:
        case "text":
            return Constant(_text(value, field), ValueKind.TEXT)
        case "yes_no":
            if not isinstance(value, bool):
                raise _of_another_type("true or false", value)
            return Constant(value, ValueKind.YES_NO)
        case "choice":
            return Constant(_option(value, field), ValueKind.OPTION)
        case "date":
            return Constant(_date(value), ValueKind.DATE)
        case "whole_number" | "big_integer":
            if type(value) is not int:
                raise _of_another_type("a whole number", value)
            return Constant(int(_number(value, field)), ValueKind.WHOLE)
        case "decimal" | "money":
            return Constant(_number(value, field), ValueKind.DECIMAL)
        case "float":
            return Constant(float(_number(value, field)), ValueKind.FLOAT)
        case _:
            raise LiteralRefused(
                f'no value can be written out for "{field.name}", a {field.type} field',
                "write a formula instead",
            )


def _text(value: Any, field: Field) -> str:
    if not isinstance(value, str):
        raise _of_another_type("a text", value)
    if field.max_length is not None and len(value) > field.max_length:
        raise LiteralRefused(
            f'the value has {len(value)} characters, "{field.name}" holds {field.max_length}'
        )
    return value


def _option(value: Any, field: Field) -> int:
    for option in field.options:
        if not isinstance(value, bool) and value in (option.name, option.value):
            return option.value
    names = [option.name for option in field.options]
    raise LiteralRefused(
        f'"{value}" is not an option of "{field.name}"',
        (did_you_mean(value, names) if isinstance(value, str) else "")
        or f"one of {', '.join(names[:12])}",
    )


def _date(value: Any) -> date:
    if not isinstance(value, str):
        raise _of_another_type("a date", value, "write it as 2031-05-06")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise LiteralRefused(f'"{value}" is not a date', "write it as 2031-05-06") from None


def _number(value: Any, field: Field) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise _of_another_type("a number", value)
    exact = Decimal(str(value))
    if field.min is not None and exact < field.min:
        raise LiteralRefused(f'{value} is below the min of "{field.name}" ({field.min})')
    if field.max is not None and exact > field.max:
        raise LiteralRefused(f'{value} is above the max of "{field.name}" ({field.max})')
    exponent = exact.normalize().as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    if field.precision is not None and places > field.precision:
        raise LiteralRefused(f'"{field.name}" has {field.precision} decimal places, {value} more')
    return exact


def _of_another_type(wanted: str, value: Any, hint: str = "") -> LiteralRefused:
    shown = f'"{value}"' if isinstance(value, str) else str(value).lower()
    return LiteralRefused(f"the value must be {wanted}, not {shown}", hint)
