"""Records → the JSON of the Web API, by generated functions; and its request bodies → values.

Source: reference web-api, sections 2, 3 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.query.shown import raw_name
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.storage import json_rows
from kartoteka_runtime.storage.json_rows import JsonMember, JsonShape

Serialize = Callable[[Mapping[str, Any]], dict[str, Any]]

_BIND = "@odata.bind"

to_json = json_rows.to_json


def shape_of(entity: Entity, names: Sequence[str] | None) -> JsonShape:
    """Return what the JSON object of a record holds, for the named fields (all: None)."""
    members = []
    if "versionnumber" in entity.field_by_name:
        members.append(version_tag(entity.field_by_name["versionnumber"]))
    for item in entity.fields:
        if item.type != "party_list" and (names is None or item.name in names):
            members.append(JsonMember(raw_name(item), item))
    return JsonShape(tuple(members))


def version_tag(version: Field) -> JsonMember:
    """Return the ``@odata.etag`` of a record."""
    return JsonMember("@odata.etag", version, around=('W/"', '"'))


def stored_shape(entity: Entity, names: Sequence[str] | None) -> JsonShape | None:
    """Return the shape, or None when some of it does not lie in the record's own columns."""
    shape = shape_of(entity, names)
    return shape if shape.is_stored else None


def build_serializer(entity: Entity, names: Sequence[str] | None) -> Serialize:
    """Return the function from a record to its JSON object, for the named fields (all: None)."""
    parts = [
        f"{member.key!r}:{_value(member, f'r[{member.field.name!r}]')}"
        for member in shape_of(entity, names).members
    ]
    source = f"def serialize(r): return {{{','.join(parts)}}}"
    names_known: dict[str, Any] = {}
    exec(compile(source, "<serializer>", "exec"), names_known)  # noqa: S102 - from names alone
    serialize: Serialize = names_known["serialize"]
    return serialize


def _value(member: JsonMember, value: str) -> str:
    if member.around is not None:
        before, after = member.around
        return f"{before!r}+str({value})+{after!r}"
    if member.field.type == "multi_choice":
        return f"','.join(map(str,v)) if (v:={value}) else None"
    return f"v.id if (v:={value}) else None" if member.field.is_lookup else value


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
