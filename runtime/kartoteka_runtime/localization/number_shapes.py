"""NumberShape: how a language writes numbers, taken from CLDR once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.numbers import format_decimal

Number = int | float | Decimal


@dataclass(frozen=True, slots=True)
class NumberShape:
    """Symbols of a language; ``is_plain`` when groups are thousands in Western digits."""

    language: str
    decimal: str
    group: str
    minus: str
    least_grouped: int  # digits before the first separator must be at least this many
    is_plain: bool


@cache
def number_shape(language: str) -> NumberShape:
    """Return the number symbols of a language."""
    locale = Locale.parse(language)
    symbols = locale.number_symbols["latn"]
    pattern = locale.decimal_formats[None]
    return NumberShape(
        language=language,
        decimal=symbols["decimal"],
        group=symbols["group"],
        minus=symbols["minusSign"],
        # CLDR's minimumGroupingDigits, which Babel does not carry: Polish and European
        # Portuguese write 1234 without and 12 345 with a separator.
        least_grouped=2 if language in ("pl", "pt_PT", "es") else 1,
        is_plain=pattern.grouping == (3, 3) and locale.default_numbering_system == "latn",
    )


@cache
def number_writer(language: str, precision: int | None) -> Callable[[Number], str]:
    """Return a function that writes a number with separators.

    ``precision`` is the exact count of decimal places; None writes as many as the number has.
    """
    shape = number_shape(language)
    if not shape.is_plain:
        pattern = "#,##0" + (f".{'0' * precision}" if precision else "")
        return lambda value: format_decimal(value, pattern, locale=language)
    spec = "," if precision is None else f",.{precision}f"
    if (shape.group, shape.decimal, shape.minus, shape.least_grouped) == (",", ".", "-", 1):
        return f"{{:{spec}}}".format  # as Python writes numbers
    table = str.maketrans({",": shape.group, ".": shape.decimal, "-": shape.minus})
    fewest = 10 ** (2 + shape.least_grouped)

    def write(value: Number) -> str:
        if -fewest < value < fewest:
            return format(value, spec).replace(",", "").translate(table)
        return format(value, spec).translate(table)

    return write


@cache
def plain_number_writer(language: str, precision: int | None) -> Callable[[Number], str]:
    """Return a function that writes a number for an input: no separators between thousands."""
    decimal = number_shape(language).decimal
    spec = "f" if precision is None else f".{precision}f"

    def write(value: Number) -> str:
        if isinstance(value, int):
            return str(value)
        text = (
            repr(value) if isinstance(value, float) and precision is None else format(value, spec)
        )
        return text.replace(".", decimal)

    return write
