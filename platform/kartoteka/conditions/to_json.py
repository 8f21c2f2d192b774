"""``to_json``: a checked condition → nested lists that the interpreter in the browser reads.

| list | holds when |
|---|---|
| ``["true"]``, ``["false"]`` | always, never |
| ``["and", c, …]``, ``["or", c, …]``, ``["not", c]`` | as they say |
| ``["null", path]`` | the field is empty |
| ``["eq", path, kind, value]`` and ``ne gt ge lt le`` | as ``typed.Compared`` says |
| ``["in", path, kind, [value, …]]`` | the field equals one |
| ``["contains", path, text]``, ``startswith``, ``endswith`` | the text is found |
| ``["has", path, number]`` | the multi-choice holds the option |

Texts are folded already. Numbers of kind whole and decimal are text, so that no digit is lost;
dates and times are ISO 8601; ``["me"]`` in a value's place is the id of the user who asks.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Asked,
    Compared,
    FieldPath,
    Fixed,
    HasOption,
    IsEmpty,
    Negated,
    OneOf,
    TextTest,
    TypedCondition,
    Value,
    ValueKind,
)
from kartoteka.text_folding import fold

Json = list[Any]


def to_json(condition: TypedCondition) -> Json:
    """Return a condition as nested lists of JSON values."""
    match condition:
        case Fixed(holds):
            return ["true" if holds else "false"]
        case AllOf(terms):
            return ["and", *(to_json(term) for term in terms)]
        case AnyOf(terms):
            return ["or", *(to_json(term) for term in terms)]
        case Negated(term):
            return ["not", to_json(term)]
        case IsEmpty(path):
            return ["null", path.key]
        case Compared(path, operator, value):
            return [operator.value, path.key, path.kind.value, _value(path, value)]
        case OneOf(path, values):
            return ["in", path.key, path.kind.value, [_value(path, value) for value in values]]
        case TextTest(path, function, text):
            return [function.value, path.key, fold(text)]
        case HasOption(path, option):
            return ["has", path.key, option]


def _value(path: FieldPath, value: Value) -> Any:
    match value:
        case Asked():
            return ["me"]
        case str():
            return fold(value) if path.kind is ValueKind.TEXT else value
        case bool() | float():
            return value
        case int():
            return str(value) if path.kind is ValueKind.WHOLE else value
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
