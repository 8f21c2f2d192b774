"""Entity → JSON Schema of its records: the one place that says which values a field takes.

Values are described as JSON carries them (section 3 of the web API reference). What JSON Schema
has no word for is said by ``x-`` keywords: ``x-scale`` (decimal places), ``x-reference`` (targets
of a lookup), ``x-file`` (the id of a stored file), ``x-multi-line``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.model.field_types import decimal_scale, has_column, storage_of

Schema = dict[str, Any]

_INT32 = (-(2**31), 2**31 - 1)
_INT64 = (-(2**63), 2**63 - 1)
_TEXT_LIMIT = 1_048_576  # characters of a text without a limit of its own
_MOST_OPTIONS = 150  # Source: reference platform, section 1.5


def record_schema(entity: Entity) -> Schema:
    """Return the JSON Schema that a complete record of ``entity`` must meet."""
    writable = [
        item for item in entity.fields
        if (has_column(item) or item.type == "party_list") and not item.is_calculated
    ]  # fmt: skip
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {item.name: field_schema(item) for item in writable},
        "required": [
            item.name
            for item in writable
            if item.required is Required.ALWAYS and not item.read_only
        ],
        "additionalProperties": False,
    }


def field_schema(field: Field) -> Schema:
    """Return the JSON Schema of one field's value; null, for an empty field, is always allowed."""
    return _TABLE[field.type](field)


def _text(field: Field) -> Schema:
    schema: Schema = {"type": "string", "maxLength": field.max_length or _TEXT_LIMIT}
    if field.format == "email":
        schema["format"] = "email"
    elif field.format == "url":
        schema["format"] = "uri"
    elif field.format == "phone":
        schema["format"] = "phone"
    if field.format == "multi_line":
        schema["x-multi-line"] = True
    return schema


def _integer(field: Field, limits: tuple[int, int]) -> Schema:
    low = int(field.min) if field.min is not None else limits[0]
    high = int(field.max) if field.max is not None else limits[1]
    return {"type": "integer", "minimum": low, "maximum": high}


def _decimal(field: Field) -> Schema:
    """Describe an exact number that fits a 64-bit whole number once scaled (decisions/0003)."""
    scale = decimal_scale(field)
    shown = field.precision if field.precision is not None else 2
    most = _INT64[1] // 10**scale
    low = max(int(field.min), -most) if field.min is not None else -most
    high = min(int(field.max), most) if field.max is not None else most
    schema: Schema = {"type": "number", "minimum": low, "maximum": high, "x-scale": shown}
    if field.min is not None and field.min > -most:
        schema["minimum"] = field.min
    if field.max is not None and field.max < most:
        schema["maximum"] = field.max
    return schema


def _float(field: Field) -> Schema:
    schema: Schema = {"type": "number", "x-float": True}
    if field.min is not None:
        schema["minimum"] = float(field.min)
    if field.max is not None:
        schema["maximum"] = float(field.max)
    return schema


def _option(field: Field) -> Schema:
    return {"type": "integer", "enum": [option.value for option in field.options]}


def _reference(field: Field) -> Schema:
    return {"type": "string", "format": "uuid", "x-reference": list(field.targets)}


def _date_time(field: Field) -> Schema:
    kind = storage_of(field)
    if kind == "date":
        return {"type": "string", "format": "date"}
    return {"type": "string", "format": "date-time", "x-zone": kind == "instant"}


_TABLE: dict[str, Callable[[Field], Schema]] = {
    "text": _text,
    "autonumber": _text,
    "whole_number": lambda field: _integer(field, _INT32),
    "big_integer": lambda field: _integer(field, _INT64),
    "decimal": _decimal,
    "money": _decimal,
    "float": _float,
    "yes_no": lambda field: {"type": "boolean"},
    "choice": _option,
    "state": _option,
    "status": _option,
    "multi_choice": lambda field: {
        "type": "array",
        "items": _option(field),
        "maxItems": _MOST_OPTIONS,
        "uniqueItems": True,
    },
    "date": lambda field: {"type": "string", "format": "date"},
    "date_time": _date_time,
    "unique_id": lambda field: {"type": "string", "format": "uuid"},
    "file": lambda field: {"type": "string", "format": "uuid", "x-file": True},
    "image": lambda field: {"type": "string", "format": "uuid", "x-file": True},
    "lookup": _reference,
    "customer": _reference,
    "owner": _reference,
    "regarding": _reference,
    "party_list": lambda field: {"type": "array", "x-parties": True, "maxItems": 1000},
}
