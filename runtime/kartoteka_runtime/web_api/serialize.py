"""Records → the JSON of the Web API, by generated functions; and its request bodies → values.

Source: reference web-api, sections 2, 3 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import orjson

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.record_values import Reference
from kartoteka.registry import Registry

Serialize = Callable[[Mapping[str, Any]], dict[str, Any]]

_LOGICAL_NAME = "@Microsoft.Dynamics.CRM.lookuplogicalname"
_FORMATTED = "@OData.Community.Display.V1.FormattedValue"
_BIND = "@odata.bind"
_OPTIONS = orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


def to_json(value: Any) -> bytes:
    """Return a value as JSON: instants in UTC with ``Z``, decimals as plain numbers."""
    return orjson.dumps(value, default=_default, option=_OPTIONS)


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(type(value).__name__)


def build_serializer(
    entity: Entity, names: Sequence[str] | None, *, with_annotations: bool
) -> Serialize:
    """Return the function from a record to its JSON object, for the named fields (all: None)."""
    chosen = [
        item
        for item in entity.fields
        if item.type != "party_list" and (names is None or item.name in names)
    ]
    parts = []
    if "versionnumber" in entity.field_by_name:
        parts.append("'@odata.etag':f'W/\"{r[\"versionnumber\"]}\"'")
    for item in chosen:
        parts += _parts(item, with_annotations)
    source = f"def serialize(r): return {{{','.join(parts)}}}"
    names_known: dict[str, Any] = {}
    exec(compile(source, "<serializer>", "exec"), names_known)  # noqa: S102 - from names alone
    serialize: Serialize = names_known["serialize"]
    return serialize


def _parts(item: Field, with_annotations: bool) -> list[str]:
    value = f"r[{item.name!r}]"
    if item.type == "multi_choice":
        return [f"{item.name!r}:','.join(map(str,v)) if (v:={value}) else None"]
    if not item.is_lookup:
        return [f"{item.name!r}:{value}"]
    key = f"_{item.name}_value"
    parts = [f"{key!r}:v.id if (v:={value}) else None"]
    if with_annotations:
        parts.append(
            f"**({{{key + _LOGICAL_NAME!r}:v.entity,{key + _FORMATTED!r}:v.name}} if v else {{}})"
        )
    return parts


def read_body(body: bytes, entity: Entity, registry: Registry) -> dict[str, Any]:
    """Return the values of a request body, lookups from their ``@odata.bind``.

    Raises:
        RecordInvalid: The body is no JSON object, or binds something that is no lookup.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RecordInvalid(
            entity.name, [Violation(None, "violation.not_json", {"value": str(error)[:120]})]
        ) from None
    if not isinstance(data, dict):
        raise RecordInvalid(
            entity.name, [Violation(None, "violation.not_json", {"value": "an object is needed"})]
        )
    values: dict[str, Any] = {}
    violations = []
    for key, value in data.items():
        if key.endswith(_BIND):
            found = _bound(key.removesuffix(_BIND), value, entity, registry)
            if found is None:
                violations.append(Violation(None, "violation.unknown_field", {"value": key[:80]}))
            else:
                values[found[0]] = found[1]
        elif "@" not in key:
            values[key] = value
    if violations:
        raise RecordInvalid(entity.name, violations)
    return values


def _bound(
    name: str, value: Any, entity: Entity, registry: Registry
) -> tuple[str, Reference | None] | None:
    """Return the lookup and the record that a binding names."""
    item = entity.field_by_name.get(name)
    if item is None:
        item = next(
            (
                candidate
                for candidate in entity.fields
                if candidate.is_multi_target
                and any(name == f"{candidate.name}_{target}" for target in candidate.targets)
            ),
            None,
        )
    if item is None or not item.is_lookup:
        return None
    if value is None:
        return item.name, None
    if not isinstance(value, str):
        return None
    path, _, rest = value.rstrip("/").rpartition("/")[2].partition("(")
    target = registry.entity_by_set_name.get(path)
    if target is None or not rest.endswith(")"):
        return None
    return item.name, Reference(target.name, rest[:-1].strip("{}").lower())
