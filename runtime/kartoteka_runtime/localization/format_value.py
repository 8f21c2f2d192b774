"""Field → function that writes its values for a reader, compiled once a language."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from typing import Any

from babel import Locale

from kartoteka.conditions.zones import shown_clock
from kartoteka.model.field import Field
from kartoteka_runtime.localization.date_shapes import date_time_writer, date_writer
from kartoteka_runtime.localization.durations import write_duration
from kartoteka_runtime.localization.number_shapes import Number, number_shape, number_writer

Writer = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Currency:
    """What is needed to write an amount: the symbol and how many decimal places it has."""

    code: str
    symbol: str
    precision: int = 2


def value_writer(field: Field, language: str, zone: tzinfo) -> Writer:
    """Return a function that writes a value of ``field`` that is not None.

    Options, references, parties and money are not text alone: options and references are
    returned as they are by ``str``; for money see ``money_writer``.
    """
    match field.type:
        case "whole_number" if field.format == "duration":
            return write_duration
        case "whole_number" | "big_integer":
            return number_writer(language, None)
        case "decimal":
            return number_writer(language, 2 if field.precision is None else field.precision)
        case "money":
            return number_writer(language, 2 if field.precision is None else field.precision)
        case "float":
            return float_writer(language, field.precision)
        case "date":
            return date_writer(language)
        case "date_time" if field.behavior == "date_only":
            return date_writer(language)
        case "date_time" if field.behavior == "time_zone_independent":
            return date_time_writer(language)
        case "date_time":
            return instant_writer(language, zone)
    return str


def instant_writer(language: str, zone: tzinfo) -> Callable[[datetime], str]:
    """Return a function that writes an instant as date and time in ``zone``."""
    write = date_time_writer(language)
    return lambda value: write(shown_clock(value, zone))


@cache
def float_writer(language: str, precision: int | None) -> Callable[[Number], str]:
    """Return a function that writes a float with at most ``precision`` decimal places."""
    write = number_writer(language, 5 if precision is None else precision)
    decimal = number_shape(language).decimal

    def write_short(value: Number) -> str:
        text = write(value)
        return text.rstrip("0").rstrip(decimal) if decimal in text else text

    return write_short


@cache
def money_writer(language: str, currency: Currency) -> Callable[[Number], str]:
    """Return a function that writes amounts in a currency: ``1 234,50 zł``."""
    locale = Locale.parse(language)
    pattern = locale.currency_formats["standard"]
    before, after = pattern.prefix[0], pattern.suffix[0]
    symbol = currency.symbol or currency.code
    spaced = "\N{NO-BREAK SPACE}"
    # CLDR puts a space between digits and a symbol that ends in a letter: $5 but RON 5.
    before = before.replace("¤", symbol + (spaced if symbol[-1:].isalpha() else ""))
    before = before.replace(spaced * 2, spaced)
    after = after.replace("¤", symbol)
    write = number_writer(language, currency.precision)
    minus = number_shape(language).minus

    def write_money(value: Number) -> str:
        if value < 0:
            return f"{minus}{before}{write(-value)}{after}"
        return f"{before}{write(value)}{after}"

    return write_money
