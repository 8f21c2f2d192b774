"""Which fields can be summed up, the same for every way to write a query."""

from __future__ import annotations

from kartoteka.conditions.functions import DAYS, NUMBERS
from kartoteka.conditions.typed import FieldPath, ValueKind
from kartoteka.query.query import AggregateFunction

MOST_AGGREGATED = 50_000  # records that one query sums up. Source: reference platform, section 4.3
TOO_MANY_TO_AGGREGATE = "0x8004E023"


def refusal_of(function: AggregateFunction, path: FieldPath) -> str:
    """Return why a function cannot be worked out of a field; empty when it can."""
    field = path.field
    if path.kind is ValueKind.OPTIONS:
        return f'"{field.name}" ({field.type}) holds several options and cannot be summed up'
    match function:
        case AggregateFunction.SUM | AggregateFunction.AVG if path.kind not in NUMBERS:
            return f'{function.value} needs a number, "{field.name}" is {field.type}'
        case AggregateFunction.MIN | AggregateFunction.MAX if path.kind not in NUMBERS | DAYS:
            return f'{function.value} needs a number or a date, "{field.name}" is {field.type}'
    return ""
