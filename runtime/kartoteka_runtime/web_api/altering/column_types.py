"""Which field type a column of the Web API is, and what its own properties say of the field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from kartoteka.model.field import Field
from kartoteka.model.field_types import DEFAULT_MAX_LENGTH
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.json_parts import (
    Body,
    flag_of,
    number_of,
    text_of,
    texts_of,
    type_of,
    value_of,
    whole_of,
)
from kartoteka_runtime.web_api.altering.refusals import bad

Says = dict[str, Any]  # keys of a field as YAML has them
_SUFFIX: Final = "AttributeMetadata"
_MEMO_LENGTH: Final = 2000

_TEXT_FORMATS: Mapping[str, str] = {
    "": "plain", "text": "plain", "textarea": "plain", "email": "email", "url": "url",
    "phone": "phone", "tickersymbol": "ticker",
}  # fmt: skip
_WHOLE_FORMATS: Mapping[str, str] = {
    "": "none", "none": "none", "duration": "duration", "timezone": "time_zone",
    "language": "language", "locale": "language",
}  # fmt: skip
_BEHAVIORS: Mapping[str, str] = {
    "": "user_local", "userlocal": "user_local", "dateonly": "date_only",
    "timezoneindependent": "time_zone_independent",
}  # fmt: skip
_PRECISION_SOURCES = {0: "field", 1: "organization", 2: "currency"}

# Columns that are made otherwise, and how.
_NOT_SO: Mapping[str, str] = {
    "Owner": "a table has an owner by its OwnershipType",
    "State": "every table with an owner or an organization has one",
    "Status": "every table with an owner or an organization has one",
    "EntityName": "a lookup with several targets brings its own",
    "PartyList": "only activities have them, and only files define them",
    "ManagedProperty": "there are none",
    "CalendarRules": "there are none",
}


def column_type(body: Body) -> str:
    """Return the kind of column: ``String``, ``Lookup``, ``MultiSelectPicklist``.

    ``@odata.type`` says it, else ``AttributeTypeName``, else ``AttributeType``.

    Raises:
        CallRefused: Nothing says it.
    """
    said = type_of(body)
    if said.endswith(_SUFFIX) and said != _SUFFIX:
        return said.removesuffix(_SUFFIX)
    named = value_of(body, "AttributeTypeName").removesuffix("Type")
    named = named or text_of(body, "AttributeType")
    if not named:
        raise bad('A column needs "@odata.type", such as Microsoft.Dynamics.CRM.StringAttribute'
                  "Metadata.")  # fmt: skip
    return named


def own_properties(kind: str, body: Body) -> Says:
    """Return ``type`` and what goes with it, as far as the definition says it.

    Raises:
        CallRefused: No field is of this kind, or a property cannot be.
    """
    read = _READERS.get(kind)
    if read is None:
        reason = _NOT_SO.get(kind, "it is not known")
        raise bad(f"A column of the type {shorten(kind)} cannot be made or changed: {reason}.")
    return {key: value for key, value in read(body).items() if value is not None}


def kinds_of(field: Field) -> frozenset[str]:
    """Return the kinds of column that a field may be told as."""
    if field.type == "text" and field.format == "multi_line":
        return frozenset({"Memo"})
    return _KINDS_OF_TYPE.get(field.type, frozenset())


def _string(body: Body) -> Says:
    if number_format := text_of(body, "AutoNumberFormat"):
        length = whole_of(body, "MaxLength")
        return {"type": "autonumber", "number_format": number_format, "max_length": length}
    said = value_of(body, "FormatName") or text_of(body, "Format")
    has_format = "FormatName" in body or "Format" in body
    return {
        "type": "text",
        "max_length": whole_of(body, "MaxLength"),
        "format": _one_of(_TEXT_FORMATS, said, "FormatName") if has_format else None,
    }


def _memo(body: Body) -> Says:
    return {"type": "text", "format": "multi_line", "max_length": whole_of(body, "MaxLength")}


def _whole(body: Body) -> Says:
    has_format = "Format" in body
    said = _one_of(_WHOLE_FORMATS, text_of(body, "Format"), "Format") if has_format else None
    return {"type": "whole_number", "format": said, **_range(body)}


def _range(body: Body) -> Says:
    return {"min": number_of(body, "MinValue"), "max": number_of(body, "MaxValue")}


def _with_precision(name: str) -> Callable[[Body], Says]:
    def read(body: Body) -> Says:
        return {"type": name, "precision": whole_of(body, "Precision"), **_range(body)}

    return read


def _money(body: Body) -> Says:
    source = whole_of(body, "PrecisionSource")
    if source is not None and source not in _PRECISION_SOURCES:
        raise bad(f"PrecisionSource is 0, 1 or 2, not {shorten(source)}.")
    return {
        **_with_precision("money")(body),
        "precision_source": None if source is None else _PRECISION_SOURCES[source],
    }


def _date_time(body: Body) -> Says:
    """Return a day for the behavior ``DateOnly``, else a day and time."""
    said = value_of(body, "DateTimeBehavior")
    behavior = _one_of(_BEHAVIORS, said, "DateTimeBehavior")
    if behavior == "date_only":
        return {"type": "date"}
    return {"type": "date_time", "behavior": behavior}


def _lookup(body: Body) -> Says:
    targets = [name.lower() for name in texts_of(body, "Targets")]
    return {"type": "lookup", "targets": targets or None}


def _file(body: Body) -> Says:
    return {"type": "file", "max_size_kb": whole_of(body, "MaxSizeInKB")}


def _image(body: Body) -> Says:
    return {
        "type": "image",
        "max_size_kb": whole_of(body, "MaxSizeInKB"),
        "full_image": flag_of(body, "CanStoreFullImage"),
    }


def _plain(name: str) -> Callable[[Body], Says]:
    return lambda body: {"type": name}


_READERS: Mapping[str, Callable[[Body], Says]] = {
    "String": _string,
    "Memo": _memo,
    "Integer": _whole,
    "BigInt": lambda body: {"type": "big_integer", **_range(body)},
    "Decimal": _with_precision("decimal"),
    "Double": _with_precision("float"),
    "Money": _money,
    "Boolean": _plain("yes_no"),
    "DateTime": _date_time,
    "Picklist": _plain("choice"),
    "MultiSelectPicklist": _plain("multi_choice"),
    "Lookup": _lookup,
    "Customer": _plain("customer"),
    "File": _file,
    "Image": _image,
    "UniqueIdentifier": _plain("unique_id"),
    "Uniqueidentifier": _plain("unique_id"),
}

_KINDS_OF_TYPE: Mapping[str, frozenset[str]] = {
    "text": frozenset({"String"}),
    "autonumber": frozenset({"String"}),
    "whole_number": frozenset({"Integer"}),
    "big_integer": frozenset({"BigInt"}),
    "decimal": frozenset({"Decimal"}),
    "float": frozenset({"Double"}),
    "money": frozenset({"Money"}),
    "yes_no": frozenset({"Boolean"}),
    "choice": frozenset({"Picklist"}),
    "multi_choice": frozenset({"MultiSelectPicklist"}),
    "date": frozenset({"DateTime"}),
    "date_time": frozenset({"DateTime"}),
    "lookup": frozenset({"Lookup"}),
    "customer": frozenset({"Customer", "Lookup"}),
    "owner": frozenset({"Owner", "Lookup"}),
    "regarding": frozenset({"Lookup"}),
    "unique_id": frozenset({"UniqueIdentifier", "Uniqueidentifier"}),
    "state": frozenset({"State"}),
    "status": frozenset({"Status"}),
    "party_list": frozenset({"PartyList", "Lookup"}),
    "file": frozenset({"File"}),
    "image": frozenset({"Image"}),
}


def usual(kind: str, said: Says) -> Says:
    """Return what a new field of a kind has beside what was said."""
    if kind == "Memo":
        return {"max_length": _MEMO_LENGTH, **said}
    if kind == "String" and said["type"] == "text":
        return {"max_length": DEFAULT_MAX_LENGTH, **said}
    return said


def present_value(field: Field, key: str) -> Any:
    """Return what a field has at a key of YAML, in the form that ``own_properties`` gives."""
    if key == "targets":
        return list(field.targets)
    value = getattr(field, key)
    return Decimal(value) if key in ("min", "max") and value is not None else value


def _one_of(known: Mapping[str, str], said: str, name: str) -> str:
    found = known.get(said.lower())
    if found is None:
        raise bad(f"{name} cannot be {shorten(said)}.")
    return found
