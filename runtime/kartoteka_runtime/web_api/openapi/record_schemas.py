"""Entities → JSON Schemas of their records: as answers tell them, and as bodies bring them.

Names of members are those that answers and bodies use: ``raw_name`` and ``navigation_name``.
"""

from __future__ import annotations

from typing import Any

from kartoteka.labels import LabelResolver
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.model.field_types import has_column, storage_of
from kartoteka.query.navigation_names import navigation_name
from kartoteka.query.shown import raw_name
from kartoteka_runtime.validation.record_schema import field_schema

Schema = dict[str, Any]

BIND = "@odata.bind"
_ONE_LINE = "^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$"
_OPTION_LIST = "^([0-9]+(,[0-9]+)*)?$"
_INT64 = (-(2**63), 2**63 - 1)
_PLAIN: dict[str, Schema] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "big_integer": {"type": "integer"},
    "decimal": {"type": "number"},
    "float": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "instant": {"type": "string", "format": "date-time"},
    "local_time": {"type": "string"},
    "id": {"type": "string", "format": "uuid"},
    "reference": {"type": "string", "format": "uuid"},
    "options": {"type": "string", "pattern": _OPTION_LIST},
    "file": {"type": "string", "format": "uuid"},
    "image": {"type": "string", "contentEncoding": "base64"},
}
_WORDS = ("type", "format", "maxLength", "minimum", "maximum", "enum")  # that clients understand
_NEVER_SENT = ("autonumber", "file")


def answered(entity: Entity, labels: LabelResolver, language: str) -> Schema:
    """Return the schema of a record as answers hold it: of any of its fields, by ``$select``."""
    properties: Schema = {"@odata.etag": {"type": "string"}, "@odata.context": {"type": "string"}}
    for item in entity.fields:
        if item.type == "party_list":
            continue
        schema = _nullable(_PLAIN[storage_of(item)])
        schema["title"] = labels.field(entity.name, item.name, language)
        if item.read_only:
            schema["readOnly"] = True
        if item.options and item.type != "multi_choice":
            schema["description"] = _options(item, labels, language)
        properties[raw_name(item)] = schema
    key = properties[entity.primary_id]
    key["type"] = "string"
    return {
        "type": "object",
        "title": labels.entity(entity.name, language),
        "properties": properties,
    }


def sent(entity: Entity) -> Schema:
    """Return the schema of what a body may say of a record; what it leaves out stays as it is."""
    properties: Schema = {}
    for item in entity.fields:
        if not _is_sent(item, entity):
            continue
        if item.is_lookup:
            bound: Schema = {"type": ["string", "null"], "format": "uri-reference"}
            for name in _navigations(item, entity):
                properties[f"{name}{BIND}"] = bound
        else:
            properties[item.name] = _nullable(_sent(item))
    return {
        "type": "object",
        "properties": properties,
        "patternProperties": {"^@": {}},
        "additionalProperties": False,
    }


def required(entity: Entity) -> Schema:
    """Return the schemas of what a body has to say of a new record, by name."""
    return {
        item.name: {"type": _sent(item)["type"]}
        | ({"minLength": 1} if storage_of(item) == "text" else {})
        for item in entity.fields
        if item.required is Required.ALWAYS
        and item.default is None
        and not item.is_lookup
        and item.type not in ("state", "status")
        and _is_sent(item, entity)
    }


def _is_sent(item: Field, entity: Entity) -> bool:
    if item.name == entity.primary_id:
        return False  # the address says it
    return (
        has_column(item)
        and not item.is_calculated
        and not item.read_only
        and item.rollup is None
        and item.type not in _NEVER_SENT
    )


def _navigations(item: Field, entity: Entity) -> list[str]:
    if item.type == "owner":
        return [item.name]
    return [navigation_name(item, target, entity) for target in item.targets]


def _sent(item: Field) -> Schema:
    if item.type in ("multi_choice", "image"):
        return dict(_PLAIN[storage_of(item)])
    found = field_schema(item)
    schema = {word: found[word] for word in _WORDS if word in found}
    if storage_of(item) == "text" and item.format != "multi_line":
        schema["pattern"] = _ONE_LINE
    return schema


def _nullable(schema: Schema) -> Schema:
    found = {**schema, "type": [schema["type"], "null"]}
    if "enum" in found:
        found["enum"] = [*found["enum"], None]
    return found


def _options(item: Field, labels: LabelResolver, language: str) -> str:
    return "; ".join(
        f"{option.value}: {labels.text(option.label, language) or option.name}"
        for option in item.options
    )
