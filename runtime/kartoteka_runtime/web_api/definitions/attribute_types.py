"""ATTRIBUTE_TYPES: how the Web API calls each field type, and what it says of that type alone.

Source: reference web-api, section 12.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from kartoteka.model.field import Field
from kartoteka.model.field_types import NUMBER_LIMITS, storage_of


class AttributeType(NamedTuple):
    """What a field type is for clients.

    Attributes:
        metadata: The type of the definition.
        code: ``AttributeType``.
        name: ``AttributeTypeName``.
        said: What definitions of the type say beside what all say.
    """

    metadata: str
    code: str
    name: str
    said: Callable[[Field], dict[str, Any]]


TEXT_FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "plain": "Text",
        "email": "Email",
        "url": "Url",
        "phone": "Phone",
        "multi_line": "TextArea",
        "ticker": "TickerSymbol",
    }
)
WHOLE_FORMATS: Mapping[str, str] = MappingProxyType(
    {"none": "None", "duration": "Duration", "time_zone": "TimeZone", "language": "Language"}
)
BEHAVIORS: Mapping[str, str] = MappingProxyType(
    {
        "instant": "UserLocal",
        "date": "DateOnly",
        "local_time": "TimeZoneIndependent",
    }
)
_PRECISION_SOURCES = {"field": 0, "organization": 1, "currency": 2}
_NO_DEFAULT = -1  # of an option


def attribute_type_of(field: Field) -> AttributeType:
    """Return what a field is for clients; texts of several lines are a type of their own."""
    if field.type == "text" and field.format == "multi_line":
        return _MEMO
    return ATTRIBUTE_TYPES[field.type]


def calculation(field: Field) -> dict[str, Any]:
    """Return what calculated fields say: 0 is written by people, 1 calculated, 2 rolled up."""
    source = 2 if field.rollup is not None else 1 if field.formula else 0
    return {"SourceTypeMask": source, "FormulaDefinition": field.formula}


def _text(field: Field) -> dict[str, Any]:
    shown = TEXT_FORMATS.get(field.format, "Text")
    return {
        "Format": shown,
        "FormatName": {"Value": shown},
        "MaxLength": field.max_length,
        "DatabaseLength": (field.max_length or 0) * 2,
        "ImeMode": "Auto",
        "IsLocalizable": False,
        "YomiOf": None,
        **calculation(field),
    }


def _memo(field: Field) -> dict[str, Any]:
    return {
        "Format": "TextArea",
        "FormatName": {"Value": "TextArea"},
        "MaxLength": field.max_length,
        "ImeMode": "Auto",
        "IsLocalizable": False,
    }


def _whole(field: Field) -> dict[str, Any]:
    return {
        "Format": WHOLE_FORMATS.get(field.format, "None"),
        **_range(field),
        **calculation(field),
    }


def _range(field: Field) -> dict[str, Any]:
    low, high = NUMBER_LIMITS[field.type]
    return {
        "MinValue": _number(low if field.min is None else field.min),
        "MaxValue": _number(high if field.max is None else field.max),
    }


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _decimal(field: Field) -> dict[str, Any]:
    return {
        **_range(field),
        "Precision": field.precision,
        "ImeMode": "Auto",
        **calculation(field),
    }


def _money(field: Field) -> dict[str, Any]:
    return {
        **_decimal(field),
        "PrecisionSource": _PRECISION_SOURCES.get(field.precision_source, 0),
        "CalculationOf": field.base_of or None,
        "IsBaseCurrency": bool(field.base_of),
    }


def _yes_no(field: Field) -> dict[str, Any]:
    return {"DefaultValue": bool(field.default), **calculation(field)}


def _date(field: Field) -> dict[str, Any]:
    behavior = BEHAVIORS[storage_of(field)]
    return {
        "Format": "DateOnly" if behavior == "DateOnly" else "DateAndTime",
        "DateTimeBehavior": {"Value": behavior},
        "CanChangeDateTimeBehavior": {
            "Value": False,
            "CanBeChanged": False,
            "ManagedPropertyLogicalName": "canchangedatetimebehavior",
        },
        "ImeMode": "Auto",
        "MinSupportedValue": "1753-01-01T00:00:00Z",
        "MaxSupportedValue": "9999-12-30T23:59:59Z",
        **calculation(field),
    }


def _lookup(field: Field) -> dict[str, Any]:
    return {"Targets": list(field.targets), "Format": "None"}


def _choice(field: Field) -> dict[str, Any]:
    return {
        **_many(field),
        **calculation(field),
        "ParentPicklistLogicalName": None,
        "ChildPicklistLogicalNames": [],
    }


def _many(field: Field) -> dict[str, Any]:
    is_number = isinstance(field.default, int) and not isinstance(field.default, bool)
    return {"DefaultFormValue": field.default if is_number else _NO_DEFAULT}


def _file(field: Field) -> dict[str, Any]:
    return {"MaxSizeInKB": field.max_size_kb}


def _image(field: Field) -> dict[str, Any]:
    return {
        "MaxSizeInKB": field.max_size_kb,
        "MaxHeight": 144,
        "MaxWidth": 144,
        "IsPrimaryImage": False,
        "CanStoreFullImage": field.full_image,
    }


def _nothing(_: Field) -> dict[str, Any]:
    return {}


_MEMO = AttributeType("MemoAttributeMetadata", "Memo", "MemoType", _memo)

# fmt: off
ATTRIBUTE_TYPES: Mapping[str, AttributeType] = MappingProxyType({
    "text": AttributeType("StringAttributeMetadata", "String", "StringType", _text),
    "autonumber": AttributeType("StringAttributeMetadata", "String", "StringType", _text),
    "whole_number": AttributeType("IntegerAttributeMetadata", "Integer", "IntegerType", _whole),
    "big_integer": AttributeType("BigIntAttributeMetadata", "BigInt", "BigIntType", _range),
    "decimal": AttributeType("DecimalAttributeMetadata", "Decimal", "DecimalType", _decimal),
    "float": AttributeType("DoubleAttributeMetadata", "Double", "DoubleType", _decimal),
    "money": AttributeType("MoneyAttributeMetadata", "Money", "MoneyType", _money),
    "yes_no": AttributeType("BooleanAttributeMetadata", "Boolean", "BooleanType", _yes_no),
    "choice": AttributeType("PicklistAttributeMetadata", "Picklist", "PicklistType", _choice),
    "multi_choice": AttributeType(
        "MultiSelectPicklistAttributeMetadata", "Virtual", "MultiSelectPicklistType", _many
    ),
    "state": AttributeType("StateAttributeMetadata", "State", "StateType", _many),
    "status": AttributeType("StatusAttributeMetadata", "Status", "StatusType", _many),
    "date": AttributeType("DateTimeAttributeMetadata", "DateTime", "DateTimeType", _date),
    "date_time": AttributeType("DateTimeAttributeMetadata", "DateTime", "DateTimeType", _date),
    "lookup": AttributeType("LookupAttributeMetadata", "Lookup", "LookupType", _lookup),
    "regarding": AttributeType("LookupAttributeMetadata", "Lookup", "LookupType", _lookup),
    "customer": AttributeType("LookupAttributeMetadata", "Customer", "CustomerType", _lookup),
    "owner": AttributeType("LookupAttributeMetadata", "Owner", "OwnerType", _lookup),
    "party_list": AttributeType("LookupAttributeMetadata", "PartyList", "PartyListType", _lookup),
    "unique_id": AttributeType(
        "UniqueIdentifierAttributeMetadata", "Uniqueidentifier", "UniqueidentifierType", _nothing
    ),
    "file": AttributeType("FileAttributeMetadata", "Virtual", "FileType", _file),
    "image": AttributeType("ImageAttributeMetadata", "Virtual", "ImageType", _image),
})
# fmt: on
