"""What operations answer → JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from kartoteka.errors import PluginError
from kartoteka.plugin_api.operations import ApiOperation, ApiValue, RecordValues
from kartoteka.record_values import Reference
from kartoteka_runtime.storage.record_queries import VERSION
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.resource_path import NAMESPACE
from kartoteka_runtime.web_api.serialize import build_serializer, to_json

_JSON = "application/json; odata.metadata=minimal"
_ODATA = {"OData-Version": "4.0"}


def answer_of(call: ApiCall, operation: ApiOperation, result: Mapping[str, Any] | None) -> Response:
    """Return the answer to a call: 204 when the operation answers nothing.

    Raises:
        PluginError: The result is not what the operation declares.
    """
    if not operation.result:
        return Response(status_code=204, headers=_ODATA)
    found = result or {}
    if unknown := found.keys() - {value.name for value in operation.result}:
        raise PluginError(f'operation "{operation.name}" answers undeclared {sorted(unknown)}')
    itself = operation.answers_itself
    if itself is not None:
        body = _itself(call, itself, found.get(""))
    else:
        context = f"{call.root}$metadata#{NAMESPACE}{operation.name}Response"
        body = {"@odata.context": context, **_members(call, operation.result, found)}
    return Response(to_json(body), 200, _ODATA, media_type=_JSON)


def _itself(call: ApiCall, value: ApiValue, result: Any) -> dict[str, Any]:
    """Return a record, a list of them, or another value as a whole answer."""
    shown = _json(call, value, result)
    root = f"{call.root}$metadata#"
    if value.is_list:
        kind = f"Collection({type_of(value)})"
        return {"@odata.context": root + kind, "value": shown}
    if isinstance(result, (Reference, RecordValues)):
        set_name = call.registry.entities[result.entity].set_name
        return {"@odata.context": f"{root}{set_name}/$entity", **shown}
    if value.type == "object":
        return {"@odata.context": root + type_of(value), **(shown or {})}
    return {"@odata.context": root + type_of(value), "value": shown}


_EDM = {
    "text": "Edm.String", "whole_number": "Edm.Int32", "big_integer": "Edm.Int64",
    "decimal": "Edm.Decimal", "float": "Edm.Double", "yes_no": "Edm.Boolean", "date": "Edm.Date",
    "date_time": "Edm.DateTimeOffset", "unique_id": "Edm.Guid",
}  # fmt: skip
ANY_RECORD = f"{NAMESPACE}crmbaseentity"


def type_of(value: ApiValue) -> str:
    """Return the name of a value's type on the wire, of one item where it is a list."""
    if value.type in _EDM:
        return _EDM[value.type]
    if value.type in ("enum", "object"):
        return NAMESPACE + value.type_name
    return NAMESPACE + value.entities[0] if len(value.entities) == 1 else ANY_RECORD


def _members(
    call: ApiCall, declared: Sequence[ApiValue], found: Mapping[str, Any]
) -> dict[str, Any]:
    return {value.name: _json(call, value, found.get(value.name)) for value in declared}


def _json(call: ApiCall, value: ApiValue, result: Any) -> Any:
    if result is None:
        return [] if value.is_list else None
    if value.is_list:
        return [_one(call, value, item) for item in result]
    return _one(call, value, result)


def _one(call: ApiCall, value: ApiValue, result: Any) -> Any:
    match value.type:
        case "object":
            return _members(call, value.members, result)
        case "enum" if value.is_flags and not isinstance(result, str):
            return ", ".join(result)
        case "reference" | "record":
            entity = call.registry.entities[result.entity]
            shown = {"@odata.type": f"#{NAMESPACE}{entity.name}"}
            if isinstance(result, Reference):
                return shown | {entity.primary_id: result.id}
            names = tuple(
                name for name in result.values if name in entity.field_by_name and name != VERSION
            )
            written = build_serializer(entity, names)({VERSION: None, **result.values})
            if result.values.get(VERSION) is None:
                written.pop("@odata.etag", None)
            return shown | written
    return result
