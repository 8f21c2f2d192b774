"""Entities → the addresses of their records: list, create, read, change, delete, files."""

from __future__ import annotations

from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka_runtime.web_api.openapi.answers import (
    JSON,
    Json,
    answers,
    empty_answer,
    json_answer,
    named,
    schema_of,
)
from kartoteka_runtime.web_api.openapi.record_schemas import required

_READ = ("expand", "prefer")
_LIST = ("filter", "orderby", "top", "count", "expand", "skiptoken", "prefer", "caller")


def record_paths(entity: Entity, label: str, plural: str) -> Json:
    """Return the addresses of an entity's records with what each of them takes and answers."""
    many, one = f"/{entity.set_name}", f"/{entity.set_name}({{{entity.primary_id}}})"
    found: Json = {
        many: {"get": _list(entity, plural), "post": _create(entity, label)},
        f"{many}/$count": {"get": _count(entity, plural)},
        one: {
            "parameters": [_key(entity)],
            "get": _read(entity, label),
            "patch": _change(entity, label),
            "delete": _delete(entity, label),
        },
    }
    for item in entity.fields:
        if item.type in ("file", "image"):
            found[f"{one}/{item.name}"] = _file(entity, item)
            found[f"{one}/{item.name}/$value"] = _file_content(entity, item)
    return found


def _call(entity: Entity, verb: str, summary: str, **more: Any) -> Json:
    return {
        "tags": [entity.set_name],
        "operationId": f"{verb}_{entity.set_name}",
        "summary": summary,
        **more,
    }


def _select(entity: Entity) -> str:
    return f"select_{entity.name}"


def _key(entity: Entity) -> Json:
    return {
        "name": entity.primary_id,
        "in": "path",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    }


def _list(entity: Entity, plural: str) -> Json:
    page = {
        "type": "object",
        "required": ["value"],
        "properties": {
            "@odata.context": {"type": "string"},
            "@odata.count": {"type": "integer"},
            "@odata.nextLink": {"type": "string", "format": "uri"},
            "value": {"type": "array", "items": schema_of(entity.name)},
        },
    }
    return _call(
        entity, "list", f"List: {plural}",
        parameters=named(_select(entity), *_LIST),
        responses=answers(s200=json_answer("A page of them.", page, "Preference-Applied")),
    )  # fmt: skip


def _count(entity: Entity, plural: str) -> Json:
    digits = {"description": "The number.", "content": {"text/plain": {"schema": _DIGITS}}}
    return _call(
        entity, "count", f"Count: {plural}", parameters=named("filter", "caller"),
        responses=answers(s200=digits),
    )  # fmt: skip


_DIGITS: Json = {"type": ["string", "integer"]}


def _create(entity: Entity, label: str) -> Json:
    schema: Json = schema_of(f"{entity.name}_body")
    if needed := required(entity):
        said = {"type": "object", "required": list(needed), "properties": needed}
        schema = {"allOf": [schema, said]}
    return _call(
        entity, "create", f"Create: {label}",
        parameters=named(_select(entity), "prefer", "caller"),
        requestBody={"required": True, "content": {JSON: {"schema": schema}}},
        responses=answers(
            s201=json_answer(
                "The new record, where it was preferred.", schema_of(entity.name),
                "ETag", "OData-EntityId", "Location", "Preference-Applied",
            ),
            s204=empty_answer("It is created.", "OData-EntityId", "Location"),
        ),
    )  # fmt: skip


def _read(entity: Entity, label: str) -> Json:
    return _call(
        entity, "read", f"Read: {label}",
        parameters=named(_select(entity), *_READ, "ifnonematch", "caller"),
        responses=answers(
            s200=json_answer("The record.", schema_of(entity.name), "ETag", "Preference-Applied"),
            s304=empty_answer("The version that is known is stored still.", "ETag"),
        ),
    )  # fmt: skip


def _change(entity: Entity, label: str) -> Json:
    return _call(
        entity, "change", f"Change: {label}",
        description="Creates the record where there is none, unless `If-Match` is said.",
        parameters=named(_select(entity), "prefer", "ifmatch", "ifnonematch", "caller"),
        requestBody={
            "required": True,
            "content": {JSON: {"schema": schema_of(f"{entity.name}_body")}},
        },
        responses=answers(
            s200=json_answer(
                "The record, where it was preferred.", schema_of(entity.name),
                "ETag", "Preference-Applied",
            ),
            s201=json_answer(
                "The new record, where it was preferred.", schema_of(entity.name),
                "ETag", "OData-EntityId", "Location", "Preference-Applied",
            ),
            s204=empty_answer("It is changed, or created.", "OData-EntityId"),
        ),
    )  # fmt: skip


def _delete(entity: Entity, label: str) -> Json:
    return _call(
        entity, "delete", f"Delete: {label}",
        parameters=named("ifmatch", "caller"),
        responses=answers(s204=empty_answer("It is deleted.")),
    )  # fmt: skip


def _file(entity: Entity, item: Field) -> Json:
    name = {
        "name": "x-ms-file-name", "in": "header", "required": item.type == "file",
        "description": "What the file is called.", "schema": {"type": "string"},
    }  # fmt: skip
    value = {
        "type": "object",
        "properties": {"@odata.context": {"type": "string"}, "value": {"type": ["string", "null"]}},
    }
    calls: Json = {
        "parameters": [_key(entity)],
        "get": _call(
            entity, f"tell_{item.name}_of", f"Tell: {item.name}",
            responses=answers(
                s200=json_answer("Its value.", value), s204=empty_answer("There is none."),
                s206=json_answer("A part of it, in base64.", value),
                s416=json_answer("There is no such part.", schema_of("error")),
            ),
        ),
        "patch": _call(
            entity, f"put_{item.name}_of", f"Upload: {item.name}",
            parameters=[name, *named("ifmatch", "ifnonematch")],
            requestBody={
                "required": True,
                "content": {"application/octet-stream": {"schema": {}}},
            },
            responses=answers(
                s204=empty_answer("It is kept."),
                s200=empty_answer("An upload in pieces begins.", "Location"),
                s206=empty_answer("The piece is kept, others are missing."),
            ),
        ),
        "delete": _call(
            entity, f"remove_{item.name}_of", f"Remove: {item.name}",
            parameters=named("ifmatch"), responses=answers(s204=empty_answer("It is removed.")),
        ),
    }  # fmt: skip
    return calls


def _file_content(entity: Entity, item: Field) -> Json:
    content = {"description": "The content.", "content": {"*/*": {"schema": {}}}}
    return {
        "parameters": [_key(entity)],
        "get": _call(
            entity, f"download_{item.name}_of", f"Download: {item.name}",
            responses=answers(
                s200=content, s206=content, s204=empty_answer("There is none."),
                s304=empty_answer("What is known is stored still."),
                s416=json_answer("There is no such part.", schema_of("error")),
            ),
        ),
    }  # fmt: skip
