"""JSON values → parameters in record form, checked against what the operation declares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.plugin_api.operations import ApiOperation, ApiValue, RecordValues
from kartoteka.record_values import Reference
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.body_values import read_values
from kartoteka_runtime.web_api.record_address import BAD_PAYLOAD, path_of_address, record_at
from kartoteka_runtime.web_api.resource_path import NAMESPACE

MOST_ITEMS = 10_000  # of a list
_ID, _TYPE = "@odata.id", "@odata.type"
_LONGEST_TEXT = 1_048_576
_FROM_OWNER = ("systemuser", "team")  # whose key clients also write as ``ownerid``
_LARGEST = 10**20
_CHECKS: dict[str, dict[str, Any]] = {
    "text": {"type": "string", "maxLength": _LONGEST_TEXT, "x-multi-line": True},
    "whole_number": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "big_integer": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    "decimal": {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST, "x-scale": 10},
    "float": {"type": "number", "x-float": True},
    "yes_no": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date_time": {"type": "string", "format": "date-time", "x-zone": True},
    "unique_id": {"type": "string", "format": "uuid"},
}
_SCALARS = {name: compile_check(schema) for name, schema in _CHECKS.items()}


async def read_parameters(
    call: ApiCall, operation: ApiOperation, said: Mapping[str, Any]
) -> dict[str, Any]:
    """Return every declared parameter in record form; None where an optional one is left out.

    Raises:
        CallRefused: One is unknown, missing or of another type: 400, with its name and the reason.
        RecordInvalid: A record has a member that its entity has not.
    """
    return await _members(call, said, operation.parameters, operation.name)


async def _members(
    call: ApiCall, said: Mapping[str, Any], declared: Sequence[ApiValue], path: str
) -> dict[str, Any]:
    known = {value.name for value in declared}
    for name in said:
        if name not in known and "@" not in name:
            raise _refused(f'{path} has no parameter "{shorten(name)}".')
    found: dict[str, Any] = {}
    for value in declared:
        given = said.get(value.name)
        if given is None:
            if not value.is_optional:
                raise _refused(f'{path} needs the parameter "{value.name}".')
            found[value.name] = None
        else:
            found[value.name] = await _read(call, value, given, f"{path}, {value.name}")
    return found


async def _read(call: ApiCall, value: ApiValue, given: Any, path: str) -> Any:
    if not value.is_list:
        return await _one(call, value, given, path)
    if not isinstance(given, list):
        raise _refused(f"{path}: a list is needed, {shorten(given)} was found.")
    if len(given) > MOST_ITEMS:
        raise _refused(f"{path}: there are {len(given):,}, at most {MOST_ITEMS:,} are taken.")
    return [await _one(call, value, item, f"{path}[{place}]") for place, item in enumerate(given)]


async def _one(call: ApiCall, value: ApiValue, given: Any, path: str) -> Any:
    match value.type:
        case "reference":
            return await _reference(call, value, _object(given, path), path)
        case "record":
            return await _record(call, value, _object(given, path), path)
        case "object":
            return await _members(call, _object(given, path), value.members, path)
        case "enum":
            return _options(value, given, path)
    try:
        checked = _SCALARS[value.type](given)
    except Refused:
        raise _wrong(value.type, given, path) from None
    return "" if checked is None else checked


def _object(given: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(given, dict):
        raise _refused(f"{path}: an object is needed, {shorten(given)} was found.")
    return given


async def _reference(
    call: ApiCall, value: ApiValue, given: Mapping[str, Any], path: str
) -> Reference:
    if _ID in given:
        found = await record_at(call, given[_ID])
    else:
        entity = _entity(call, value, given, path)
        key = entity.primary_id
        if key not in given and entity.name in _FROM_OWNER and "ownerid" in given:
            key = "ownerid"
        found = Reference(entity.name, _id(given.get(key), f"{path}, {key}"))
    if value.entities and found.entity not in value.entities:
        known = " or ".join(value.entities)
        raise _refused(f'{path}: a record of "{known}" is needed, not of "{found.entity}".')
    return found


async def _record(
    call: ApiCall, value: ApiValue, given: Mapping[str, Any], path: str
) -> RecordValues:
    entity = _entity(call, value, given, path)
    said = {name: item for name, item in given.items() if name not in (_ID, _TYPE)}
    values = await read_values(call, entity, said)
    record_id = values.get(entity.primary_id)
    if record_id is not None:
        record_id = _id(record_id, f"{path}, {entity.primary_id}")
    address = given.get(_ID) or ""
    if not isinstance(address, str):
        raise _wrong("text", address, f"{path}, {_ID}")
    return RecordValues(entity.name, record_id or "", values, address)


def _entity(call: ApiCall, value: ApiValue, given: Mapping[str, Any], path: str) -> Entity:
    """Return the entity that a typed object names, by its type or by its address."""
    kind, entities = given.get(_TYPE), call.registry.entities
    if isinstance(kind, str):
        name = kind.removeprefix("#").removeprefix(NAMESPACE).removeprefix("mscrm.")
    elif isinstance(given.get(_ID), str):
        set_name = path_of_address(call, given[_ID]).partition("(")[0]
        by_set = call.registry.entity_by_set_name.get(set_name)
        name = by_set.name if by_set is not None else set_name
    elif len(value.entities) == 1:
        name = value.entities[0]
    else:
        raise _refused(f'{path}: "{_TYPE}" is needed.')
    if name not in entities:
        raise _refused(f'{path}: "{shorten(name)}" is no record type.')
    if value.entities and name not in value.entities:
        known = " or ".join(value.entities)
        raise _refused(f'{path}: a record of "{known}" is needed, not of "{name}".')
    return entities[name]


def _id(given: Any, path: str) -> str:
    try:
        return str(_SCALARS["unique_id"](given.strip("{}") if isinstance(given, str) else given))
    except Refused:
        raise _wrong("unique_id", given, path) from None


def _options(value: ApiValue, given: Any, path: str) -> Any:
    """Return the name of an option, or with flags the names of several."""
    by_number = {number: name for name, number in value.options}
    if isinstance(given, int) and not isinstance(given, bool):
        if not value.is_flags:
            names = [by_number[given]] if given in by_number else []
        else:
            names = [name for number, name in by_number.items() if number and given & number]
            if given != sum(number for name, number in value.options if name in names):
                names = []
        is_known = bool(names) or (value.is_flags and given == 0)
    else:
        parts = given.split(",") if isinstance(given, str) else [""]
        names = [part.strip() for part in parts]
        is_known = all(name in by_number.values() for name in names)
        is_known = is_known and (value.is_flags or len(names) == 1)
    if not is_known:
        known = ", ".join(by_number.values())
        raise _refused(f"{path}: {shorten(given)} is none of {known}.")
    return tuple(names) if value.is_flags else names[0]


def _wrong(kind: str, given: Any, path: str) -> CallRefused:
    return _refused(f"{path}: {shorten(given)} is no {kind.replace('_', ' ')}.")


def _refused(message: str) -> CallRefused:
    return CallRefused(400, message, code=BAD_PAYLOAD)
