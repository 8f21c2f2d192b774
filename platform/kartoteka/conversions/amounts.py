"""Numbers of every type ↔ one another and text; nothing is ever rounded."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from kartoteka.conversions.conversion import Conversion, DoesNotConvert, Kind
from kartoteka.conversions.stored_form import stores_alike
from kartoteka.conversions.texts import written
from kartoteka.model.field import Field
from kartoteka.model.field_types import MONEY_SCALE, NUMBER_LIMITS, decimal_scale

_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?")
_FLOAT_DIGITS = 15  # a number of so many digits comes out of a float as it went in
_FLOAT_WIDTH = 330  # characters of the smallest float, written without an exponent
_MOST_SCALED = 2**63 - 1  # decimals are kept as 64-bit whole numbers (decisions/0003)

_Accept = Callable[[Decimal], Any]


def number_to_number(before: Field, after: Field) -> Conversion:
    """Return the conversion between two numeric types; range, places and digits must suit."""
    accept = _accepting(after)
    kind: Kind = "checked"
    if _holds_every(after, before):
        kind = "none" if stores_alike(before, after) else "widening"
    return Conversion(kind, lambda value: accept(_exact(value)))


def number_to_text(before: Field, after: Field) -> Conversion:
    """Return the conversion into digits: ``12.70`` of a decimal with two places, ``12`` of 12.0."""
    if before.type == "float":
        return written(after, lambda value: _plain(_exact(value)), _FLOAT_WIDTH)
    low, high = number_range(before)
    at_least = places(before)

    def write(value: Any) -> str:
        number = _exact(value)
        missing = at_least - _places_of(number)
        return _plain(number) if missing <= 0 else f"{number:.{at_least}f}"

    width = max(len(f"{limit:.{at_least}f}") for limit in (low, high))
    return written(after, write, width)


def text_to_number(before: Field, after: Field) -> Conversion:
    """Return the conversion of digits with a decimal point; blanks around them do not matter."""
    accept = _accepting(after)

    def convert(value: str) -> Any:
        text = value.strip()
        if not _NUMBER.fullmatch(text):
            raise DoesNotConvert("not_a_number", value=value)
        return accept(Decimal(text) or Decimal(0))

    return Conversion("checked", convert)


def number_range(field: Field) -> tuple[Decimal, Decimal]:
    """Return the least and the most number that a field takes."""
    low, high = NUMBER_LIMITS[field.type]
    if field.type in ("decimal", "money"):
        most = Decimal(_MOST_SCALED // 10 ** decimal_scale(field))
        low, high = max(low, -most), min(high, most)
    low = low if field.min is None else max(low, field.min)
    high = high if field.max is None else min(high, field.max)
    return low, high


def places(field: Field) -> int:
    """Return how many decimal places a number that is no float may have."""
    match field.type:
        case "money" if field.base_of:
            return MONEY_SCALE  # as many as the app's currency has, whatever the field says
        case "money":
            return field.precision if field.precision is not None else 2
        case "decimal":
            return decimal_scale(field)
        case _:
            return 0


def _holds_every(after: Field, before: Field) -> bool:
    low, high = number_range(before)
    after_low, after_high = number_range(after)
    if low < after_low or high > after_high:
        return False
    if before.type == "float" or after.type == "float":
        if before.type == after.type:
            return True
        digits = len(str(int(max(high.copy_abs(), low.copy_abs())))) + places(before)
        return after.type == "float" and digits <= _FLOAT_DIGITS
    return places(before) <= places(after)


def _exact(value: int | float | Decimal) -> Decimal:
    """Return a number as it is written; a float in the fewest digits that mean it."""
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return number or Decimal(0)  # zero has no sign


def _accepting(after: Field) -> _Accept:
    """Return the function that makes a value of ``after`` of an exact number, or refuses it."""
    low, high = number_range(after)
    make = _MAKE[after.type](after)

    def accept(number: Decimal) -> Any:
        if number < low:
            raise DoesNotConvert("too_small", value=_plain(number), min=_plain(low))
        if number > high:
            raise DoesNotConvert("too_large", value=_plain(number), max=_plain(high))
        return make(number)

    return accept


def _whole(after: Field) -> _Accept:
    def make(number: Decimal) -> int:
        if _places_of(number) > 0:
            raise DoesNotConvert("not_whole", value=_plain(number))
        return int(number)

    return make


def _decimal(after: Field) -> _Accept:
    scale = places(after)
    unit = Decimal(1).scaleb(-scale)

    def make(number: Decimal) -> Decimal:
        if _places_of(number) > scale:
            raise DoesNotConvert("too_precise", value=_plain(number), precision=scale)
        return number.quantize(unit)

    return make


def _float(after: Field) -> _Accept:
    def make(number: Decimal) -> float:
        near = float(number)
        if Decimal(repr(near)) != number:
            raise DoesNotConvert("not_exact", value=_plain(number))
        return near

    return make


_MAKE: Mapping[str, Callable[[Field], _Accept]] = {
    "whole_number": _whole,
    "big_integer": _whole,
    "decimal": _decimal,
    "money": _decimal,
    "float": _float,
}


def _places_of(number: Decimal) -> int:
    """Return how many decimal places a number needs; zeros at the end do not count."""
    _, digits, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent >= 0 or not number:
        return 0
    trailing = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return max(0, -exponent - trailing)


def _plain(number: Decimal) -> str:
    """Return the digits of a number without an exponent and without zeros at the end."""
    text = f"{number:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text
