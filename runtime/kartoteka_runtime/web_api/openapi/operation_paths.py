"""Actions and functions → their addresses, with what they take and answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from kartoteka.plugin_api.operations import FUNCTION, TO_RECORD, ApiOperation, ApiValue
from kartoteka.registry import Registry
from kartoteka_runtime.web_api.openapi.answers import (
    JSON,
    Json,
    answers,
    empty_answer,
    json_answer,
)
from kartoteka_runtime.web_api.resource_path import NAMESPACE

_SCALARS: dict[str, Json] = {
    "text": {"type": "string"},
    "whole_number": {"type": "integer", "minimum": -(2**31), "maximum": 2**31 - 1},
    "big_integer": {"type": "integer"},
    "decimal": {"type": "number"},
    "float": {"type": "number"},
    "yes_no": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date_time": {"type": "string", "format": "date-time"},
    "unique_id": {"type": "string", "format": "uuid"},
    "enum": {"type": "string"},
}
_RECORD: Json = {
    "type": "object",
    "description": "A record: its `@odata.type` and id, or `@odata.id`; values where it is new.",
    "properties": {"@odata.type": {"type": "string"}, "@odata.id": {"type": "string"}},
}
_ANY_SET, _ANY_KEY = "entityset", "id"


def operation_paths(registry: Registry, operations: Iterable[ApiOperation]) -> Json:
    """Return the addresses of operations."""
    found: Json = {}
    for operation in operations:
        address, parameters = _address(registry, operation)
        found[address] = _call(registry, operation, parameters)
    return found


def _address(registry: Registry, operation: ApiOperation) -> tuple[str, list[Json]]:
    """Return where an operation is called, with the parameters that stand in the address."""
    tail, parameters = operation.name, []
    if operation.kind == FUNCTION:
        asked = [value for value in operation.parameters if not value.is_optional]
        tail += "({})".format(",".join(f"{value.name}=@{value.name}" for value in asked))
        parameters = [_alias(value) for value in asked]
    if not operation.binding:
        return f"/{tail}", parameters
    on, before = _bound_to(registry, operation)
    return f"{on}/{NAMESPACE}{tail}", [*before, *parameters]


def _bound_to(registry: Registry, operation: ApiOperation) -> tuple[str, list[Json]]:
    if operation.entity:
        entity = registry.entities[operation.entity]
        where, key = f"/{entity.set_name}", entity.primary_id
        before: list[Json] = []
    else:
        sets = sorted(entity.set_name for entity in registry.entities.values())
        where, key = f"/{{{_ANY_SET}}}", _ANY_KEY
        before = [_in_path(_ANY_SET, {"type": "string", "enum": sets})]
    if operation.binding == TO_RECORD:
        before.append(_in_path(key, {"type": "string", "format": "uuid"}))
        where = f"{where}({{{key}}})"
    return where, before


def _call(registry: Registry, operation: ApiOperation, parameters: list[Json]) -> Json:
    is_function = operation.kind == FUNCTION
    name = "_".join(filter(None, (operation.name, operation.binding, operation.entity)))
    call: Json = {
        "tags": ["functions" if is_function else "actions"],
        "operationId": f"{operation.kind}_{name}",
        "summary": operation.name,
        "parameters": parameters,
        "responses": _answers(operation),
    }
    if not is_function:
        needed = [value.name for value in operation.parameters if not value.is_optional]
        body = _object(operation.parameters, needed)
        call["requestBody"] = {"required": bool(needed), "content": {JSON: {"schema": body}}}
    return {"get" if is_function else "post": call}


def _answers(operation: ApiOperation) -> Json:
    if not operation.result:
        return answers(s204=empty_answer("It is done."))
    itself = operation.answers_itself
    if itself is None:
        schema = _object(operation.result, [value.name for value in operation.result])
    elif itself.is_list or itself.type in _SCALARS:
        schema = _object((replace(itself, name="value"),), ["value"])
    else:
        schema = _one(itself)
    return answers(s200=json_answer("What it answers.", schema))


def _object(values: Sequence[ApiValue], needed: Sequence[str]) -> Json:
    found: Json = {"type": "object", "properties": {value.name: _value(value) for value in values}}
    if needed:
        found["required"] = list(needed)
    return found


def _value(value: ApiValue) -> Json:
    schema = _one(value)
    if value.is_list:
        schema = {"type": "array", "items": schema}
    if value.is_optional and "type" in schema:
        schema = {**schema, "type": [schema["type"], "null"]}
    return schema


def _one(value: ApiValue) -> Json:
    match value.type:
        case "object":
            needed = [member.name for member in value.members if not member.is_optional]
            return _object(value.members, needed)
        case "reference" | "record":
            return dict(_RECORD)
        case "enum" if not value.is_flags and value.options:
            names = ", ".join(name for name, _ in value.options)
            return {"type": "string", "description": f"One of: {names}."}
    return dict(_SCALARS[value.type])


def _alias(value: ApiValue) -> Json:
    return {
        "name": f"@{value.name}",
        "in": "query",
        "required": True,
        "description": f"{value.type}, written as in OData: texts in single quotes.",
        "schema": {"type": "string"},
    }


def _in_path(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}
