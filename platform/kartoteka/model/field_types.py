"""FIELD_TYPES: every field type, one row each; what a type stores, accepts and looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from kartoteka.model.field import FILE_NAME, IMAGE_ID, IMAGE_TIMESTAMP, IMAGE_URL, Field

COMMON_KEYS = frozenset(
    "name schema_name renamed_from type label help required unique default read_only audited "
    "searchable secured customizable".split()
)


@dataclass(frozen=True, slots=True)
class FieldType:
    """One kind of field.

    Attributes:
        name: What ``type:`` says in YAML.
        storage: How storage keeps it: text, integer, big_integer, decimal, float, boolean, date,
            instant (or what ``behavior`` says), id, reference, options or parties.
        json_schema: JSON Schema of a value in JSON, without what the single field narrows.
        widget: Folder of the templates that show and edit it; ``widget_of`` knows the formats.
        keys: YAML keys beyond those that every field has.
        formats: Values of ``format``, the default one first.
        can_be_key: May be part of an alternate key, and be ``unique``.
        can_be_sorted: Views may order by it.
        can_be_found: Quick find may search in it.
        can_default: May have a ``default``.
    """

    name: str
    storage: str
    json_schema: Mapping[str, Any]
    widget: str
    keys: frozenset[str] = frozenset()
    formats: tuple[str, ...] = ()
    can_be_key: bool = False
    can_be_sorted: bool = True
    can_be_found: bool = False
    can_default: bool = False


def _type(
    name: str, storage: str, json_schema: dict[str, Any], widget: str, keys: str = "", **rest: Any
) -> FieldType:
    return FieldType(
        name, storage, MappingProxyType(json_schema), widget, frozenset(keys.split()), **rest
    )


_NUMBER = {"type": "number"}
_INTEGER = {"type": "integer"}
_ID = {"type": "string", "format": "uuid"}
_LOOKUP_KEYS = (
    "target targets target_feature on_delete on_assign on_share on_unshare on_reparent on_merge "
    "relation hierarchical relationship"
)
_TEXT_FORMATS = ("plain", "email", "url", "phone", "multi_line", "ticker")
_WHOLE_FORMATS = ("none", "duration", "time_zone", "language")

# fmt: off
FIELD_TYPES: Mapping[str, FieldType] = MappingProxyType({row.name: row for row in (
    _type("text", "text", {"type": "string"}, "text",
          "max_length format joined_from separator formula stored mask",
          formats=_TEXT_FORMATS, can_be_key=True, can_be_found=True, can_default=True),
    _type("autonumber", "text", {"type": "string"}, "text",
          "max_length number_format first_number mask", can_be_key=True, can_be_found=True),
    _type("whole_number", "integer", _INTEGER, "whole_number",
          "min max format formula stored rollup mask",
          formats=_WHOLE_FORMATS, can_be_key=True, can_be_found=True, can_default=True),
    _type("big_integer", "big_integer", _INTEGER, "whole_number", "min max mask", can_default=True),
    _type("decimal", "decimal", _NUMBER, "decimal",
          "precision min max formula stored rollup mask", can_be_key=True,
          can_default=True),
    _type("float", "float", _NUMBER, "decimal", "precision min max formula stored mask",
          can_default=True),
    _type("money", "decimal", _NUMBER, "money",
          "precision precision_source min max base_of formula stored rollup mask",
          can_default=True),
    _type("yes_no", "boolean", {"type": "boolean"}, "yes_no",
          "true_label false_label formula stored",
          can_default=True),
    _type("choice", "integer", _INTEGER, "choice", "choice options formula stored", can_be_key=True,
          can_default=True),
    _type("multi_choice", "options", {"type": "array", "items": _INTEGER, "uniqueItems": True},
          "multi_choice", "choice options", can_be_sorted=False),
    _type("date", "date", {"type": "string", "format": "date"}, "date",
          "formula stored rollup", can_be_key=True, can_default=True),
    _type("date_time", "instant", {"type": "string", "format": "date-time"}, "date_time",
          "behavior formula stored rollup", can_be_key=True),
    _type("lookup", "reference", _ID, "lookup", _LOOKUP_KEYS, can_be_key=True, can_be_found=True),
    _type("customer", "reference", _ID, "lookup", _LOOKUP_KEYS, can_be_found=True),
    _type("owner", "reference", _ID, "lookup", _LOOKUP_KEYS, can_be_found=True),
    _type("regarding", "reference", _ID, "lookup", _LOOKUP_KEYS, can_be_found=True),
    _type("unique_id", "id", _ID, "id"),
    _type("file", "id", _ID, "file", "max_size_kb allowed_extensions", can_be_sorted=False),
    _type("image", "id", _ID, "image", "max_size_kb full_image", can_be_sorted=False),
    _type("state", "integer", _INTEGER, "status"),
    _type("status", "integer", _INTEGER, "status"),
    _type("party_list", "parties", {"type": "array"}, "parties", "participation",
          can_be_sorted=False),
)})
# fmt: on

# Largest values of each numeric type. Source: reference platform, section 1.5.
NUMBER_LIMITS: Mapping[str, tuple[Decimal, Decimal]] = MappingProxyType(
    {
        "whole_number": (Decimal(-(2**31)), Decimal(2**31 - 1)),
        "big_integer": (Decimal(-(2**63)), Decimal(2**63 - 1)),
        "decimal": (Decimal(-100_000_000_000), Decimal(100_000_000_000)),
        "float": (Decimal(-100_000_000_000), Decimal(100_000_000_000)),
        "money": (Decimal(-922_337_203_685_477), Decimal(922_337_203_685_477)),
    }
)

# Most and default decimal places. Source: reference platform, section 1.5.
MAX_PRECISION: Mapping[str, int] = MappingProxyType({"decimal": 10, "float": 5, "money": 4})
DEFAULT_PRECISION: Mapping[str, int] = MappingProxyType({"decimal": 2, "float": 2, "money": 2})

# Kilobytes that a file may have: unless said otherwise, and at most. Source: reference platform,
# section 1.5.
DEFAULT_SIZE_KB: Mapping[str, int] = MappingProxyType({"file": 32_768, "image": 10_240})
MOST_SIZE_KB: Mapping[str, int] = MappingProxyType({"file": 10_485_760, "image": 30_720})

# The types of the fields that tell of a file or an image, by what their names end in.
FILE_MARK_TYPES: Mapping[str, str] = MappingProxyType({
    FILE_NAME: "text", IMAGE_ID: "unique_id", IMAGE_TIMESTAMP: "big_integer", IMAGE_URL: "text",
})  # fmt: skip

DEFAULT_MAX_LENGTH = 100
MAX_LENGTH_ONE_LINE = 4_000
MAX_LENGTH_MULTI_LINE = 1_073_741_823  # as some standard types have it, above Dataverse's 1,048,576

_FORMAT_WIDGETS = {
    ("text", "email"): "email",
    ("text", "url"): "url",
    ("text", "phone"): "phone",
    ("text", "multi_line"): "multi_line",
    ("whole_number", "duration"): "duration",
    ("whole_number", "time_zone"): "time_zone",
    ("whole_number", "language"): "language",
}


MONEY_SCALE = 4  # decimal places kept of every amount, whatever the field or currency shows

_STORAGE_BY_BEHAVIOR = {"date_only": "date", "time_zone_independent": "local_time"}


def storage_of(field: Field) -> str:
    """Return how storage keeps a field's value; date-times by their behavior."""
    if field.type == "date_time":
        return _STORAGE_BY_BEHAVIOR.get(field.behavior, "instant")
    return FIELD_TYPES[field.type].storage


def has_column(field: Field) -> bool:
    """Return whether the field's value lies in the record itself.

    Parties are records of their own; what is calculated on read lies nowhere.
    """
    return FIELD_TYPES[field.type].storage != "parties" and not field.is_on_read


def decimal_scale(field: Field) -> int:
    """Return how many decimal places of a money or decimal field are stored."""
    if field.type == "money":
        return MONEY_SCALE
    return field.precision if field.precision is not None else DEFAULT_PRECISION["decimal"]


def widget_of(field: Field) -> str:
    """Return the folder of the templates that show and edit a field."""
    if field.type == "date_time" and field.behavior == "date_only":
        return "date"
    return _FORMAT_WIDGETS.get((field.type, field.format), FIELD_TYPES[field.type].widget)


def max_length_limit(field_type: str, field_format: str) -> int:
    """Return the most characters that ``max_length`` may allow."""
    if field_type == "text" and field_format == "multi_line":
        return MAX_LENGTH_MULTI_LINE
    return MAX_LENGTH_ONE_LINE
