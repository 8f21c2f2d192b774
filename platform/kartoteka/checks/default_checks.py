"""Rules about defaults: a new record must be right as it comes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from kartoteka.diagnostics import Diagnostic
from kartoteka.location import Location
from kartoteka.model.field import Field
from kartoteka.names import did_you_mean


def check_default(field: Field, location: Location) -> Iterator[Diagnostic]:
    """Yield a diagnostic when a field would refuse its own default."""
    problem, hint = _problem(field)
    if problem:
        yield Diagnostic(location, "field/bad-default", problem, hint)


def _problem(field: Field) -> tuple[str, str]:
    value = field.default
    match field.type:
        case "text":
            return _text_problem(field)
        case "yes_no":
            ok = isinstance(value, bool)
            return ("" if ok else f"the default must be true or false, not {_shown(value)}"), ""
        case "choice":
            return _option_problem(field)
        case "date":
            return _date_problem(value), "write it as 2031-05-06"
        case "whole_number" | "big_integer":
            if type(value) is not int:
                return f"the default must be a whole number, not {_shown(value)}", ""
            return _range_problem(field, Decimal(value)), ""
        case "decimal" | "money" | "float":
            if isinstance(value, bool) or not isinstance(value, (Decimal, float)):
                return f"the default must be a number, not {_shown(value)}", ""
            exact = Decimal(str(value))
            return _range_problem(field, exact) or _precision_problem(field, exact), ""
        case _:
            return "", ""


def _text_problem(field: Field) -> tuple[str, str]:
    value = field.default
    if not isinstance(value, str):
        return f"the default must be a text, not {_shown(value)}", f'write "{_plain(value)}"'
    if field.max_length is not None and len(value) > field.max_length:
        return f"the default has {len(value)} characters, max_length is {field.max_length}", ""
    return "", ""


def _option_problem(field: Field) -> tuple[str, str]:
    value = field.default
    names = [option.name for option in field.options]
    if isinstance(value, str):
        return f'the default "{value}" is not one of the options', (
            did_you_mean(value, names) or f"one of {', '.join(names[:12])}"
        )
    if isinstance(value, bool) or value not in [option.value for option in field.options]:
        return f"the default {_plain(value)} is not the value of an option", ""
    return "", ""


def _date_problem(value: object) -> str:
    if isinstance(value, str):
        try:
            date.fromisoformat(value)
        except ValueError:
            return f'the default "{value}" is not a date'
        return ""
    return f"the default must be a date, not {_shown(value)}"


def _range_problem(field: Field, value: Decimal) -> str:
    if field.min is not None and value < field.min:
        return f"the default {value} is below min ({field.min})"
    if field.max is not None and value > field.max:
        return f"the default {value} is above max ({field.max})"
    return ""


def _precision_problem(field: Field, value: Decimal) -> str:
    exponent = value.normalize().as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    if field.precision is not None and places > field.precision:
        return f"the default {value} has more than {field.precision} decimal places"
    return ""


def _shown(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else _plain(value)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
