"""Records → the JSON of the Web API, by generated functions.

Source: reference web-api, sections 3 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.query.shown import raw_name
from kartoteka_runtime.storage import json_rows
from kartoteka_runtime.storage.json_rows import JsonMember, JsonShape

Serialize = Callable[[Mapping[str, Any]], dict[str, Any]]

to_json = json_rows.to_json


def shape_of(entity: Entity, names: Sequence[str] | None) -> JsonShape:
    """Return what the JSON object of a record holds, for the named fields (all: None).

    Images are told only where they are named.
    """
    members = []
    if "versionnumber" in entity.field_by_name:
        members.append(version_tag(entity.field_by_name["versionnumber"]))
    for item in entity.fields:
        is_told = item.type != "image" if names is None else item.name in names
        if item.type != "party_list" and is_told:
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
