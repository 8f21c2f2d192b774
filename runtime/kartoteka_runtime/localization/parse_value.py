"""What people type → record values: the inverse of what inputs show.

A text that cannot be read is returned as it is: the validator refuses it with all other
violations of the record, so that there is one judge and one list.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from typing import Any

from babel.dates import parse_date

from kartoteka.conditions.zones import shown_clock
from kartoteka.model.field import Field
from kartoteka_runtime.localization.durations import read_duration, write_duration
from kartoteka_runtime.localization.number_shapes import plain_number_writer
from kartoteka_runtime.localization.read_number import read_number


def value_reader(field: Field, language: str, zone: tzinfo) -> Callable[[str], Any]:
    """Return a function from a typed text that is not empty to a value of ``field``.

    Lookups and parties need records to be found and are not read here.
    """
    match field.type:
        case "whole_number" if field.format == "duration":
            return lambda text: _or_text(read_duration(text, language), text)
        case "whole_number" | "big_integer":
            return lambda text: _read_integer(text, language)
        case "decimal" | "money":
            return lambda text: _or_text(read_number(text, language), text)
        case "float":
            return lambda text: _read_float(text, language)
        case "yes_no":
            return lambda text: {"1": True, "0": False}.get(text, text)
        case "choice" | "state" | "status":
            return _read_option
        case "multi_choice":
            return _read_options
        case "date":
            return lambda text: _read_date(text, language)
        case "date_time" if field.behavior == "date_only":
            return lambda text: _read_date(text, language)
        case "date_time" if field.behavior == "time_zone_independent":
            return lambda text: _read_date_time(text, None)
        case "date_time":
            return lambda text: _read_date_time(text, zone)
    return lambda text: text


def input_writer(field: Field, language: str, zone: tzinfo) -> Callable[[Any], str]:
    """Return a function that writes a value, not None, as the field's input holds it."""
    match field.type:
        case "whole_number" if field.format == "duration":
            return write_duration
        case "whole_number" | "big_integer" | "choice" | "state" | "status":
            return str
        case "decimal" | "money":
            precision = 2 if field.precision is None else field.precision
            return plain_number_writer(language, precision)
        case "float":
            return plain_number_writer(language, None)
        case "yes_no":
            return lambda value: "1" if value else "0"
        case "multi_choice":
            return lambda value: ",".join(map(str, value))
        case "date_time" if field.behavior == "time_zone_independent":
            return _input_time
        case "date_time" if field.behavior != "date_only":
            return lambda value: _input_time(shown_clock(value, zone))
    return str


def _or_text(value: Any, text: str) -> Any:
    return text if value is None else value


def _read_integer(text: str, language: str) -> Any:
    number = read_number(text, language)
    return text if number is None or number != int(number) else int(number)


def _read_float(text: str, language: str) -> Any:
    number = read_number(text, language)
    return text if number is None else float(number)


def _read_option(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        return text


def _read_options(text: str) -> Any:
    try:
        return tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        return text


def _read_date(text: str, language: str) -> Any:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:  # a browser without a date input sends what the person typed
        return parse_date(text, locale=language)
    except (ValueError, IndexError, KeyError, AttributeError):
        return text


def _read_date_time(text: str, zone: tzinfo | None) -> Any:
    """Read ``2031-05-06T15:04``; a time that the clocks skip or repeat is the earlier instant."""
    try:
        value = datetime.fromisoformat(text).replace(microsecond=0)
    except ValueError:
        return text
    if zone is None:
        return value.replace(tzinfo=None)
    try:
        return (value if value.tzinfo else value.replace(tzinfo=zone)).astimezone(UTC)
    except OverflowError:
        return text


def _input_time(value: datetime) -> str:
    return value.isoformat(timespec="seconds" if value.second else "minutes")
