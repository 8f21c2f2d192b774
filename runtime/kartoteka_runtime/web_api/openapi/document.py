"""The whole description: what there is beside records, and everything put together.

Source: OpenAPI specification 3.1.
"""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka.labels import LabelResolver
from kartoteka.plugin_api.operations import ApiOperation
from kartoteka.registry import Registry
from kartoteka_runtime.web_api.openapi.answers import (
    ERROR,
    HEADERS,
    JSON,
    PARAMETERS,
    SECURITY,
    SECURITY_SCHEMES,
    Json,
    answers,
    json_answer,
    refusals,
    select_of,
)
from kartoteka_runtime.web_api.openapi.operation_paths import operation_paths
from kartoteka_runtime.web_api.openapi.record_paths import record_paths
from kartoteka_runtime.web_api.openapi.record_schemas import answered, sent
from kartoteka_runtime.web_api.openapi.search_paths import search_paths

SERVER = "/api/data/v9.2"
_DESCRIPTION = (
    "An OData v4 service as Dataverse's Web API is one. Lists also take `$apply`, `fetchXml`,"
    " `savedQuery`, `userQuery` and `sql`; properties, navigation properties, `$ref` and alternate"
    " keys are addressed as OData says. `$metadata` describes all of it."
)
_MULTIPART = "multipart/mixed"


def openapi_document(
    registry: Registry,
    labels: LabelResolver,
    operations: Iterable[ApiOperation],
    *,
    title: str,
    version: str,
) -> Json:
    """Return the description of the API of one publication, in the app's base language."""
    language = registry.base_language
    schemas: Json = {"error": ERROR}
    parameters: Json = dict(PARAMETERS)
    paths: Json = _own_paths()
    for entity in registry.entities.values():
        schemas[entity.name] = answered(entity, labels, language)
        schemas[f"{entity.name}_body"] = sent(entity)
        told = schemas[entity.name]["properties"]
        parameters[f"select_{entity.name}"] = select_of([n for n in told if n[0] != "@"])
        label = labels.entity(entity.name, language)
        paths |= record_paths(entity, label, labels.entities(entity.name, language))
    paths |= operation_paths(registry, operations) | search_paths()
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _DESCRIPTION},
        "servers": [{"url": SERVER}],
        "security": SECURITY,
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": parameters,
            "headers": HEADERS,
            "responses": refusals(),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def _own_paths() -> Json:
    sets = _list_of({
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("name", "kind", "url")},
    })  # fmt: skip
    return {
        "/": {"get": _own("service", "The entity sets", json_answer("They.", sets))},
        "/$metadata": {"get": _own("metadata", "The description in CSDL", _CSDL)},
        "/EntityDefinitions": {
            "get": _own("definitions", "Record types as data", json_answer("They.", _list_of(_ANY)))
        },
        "/$batch": {"post": _batch()},
    }


_ANY: Json = {"type": "object"}
_CSDL: Json = {
    "description": "It.",
    "content": {"application/xml": {"schema": {"type": "string"}}, JSON: {"schema": _ANY}},
}


def _own(name: str, summary: str, answer: Json) -> Json:
    return {
        "tags": ["service"],
        "operationId": name,
        "summary": summary,
        "responses": answers(s200=answer, s304={"description": "What is known holds still."}),
    }


def _list_of(item: Json) -> Json:
    return {
        "type": "object",
        "required": ["value"],
        "properties": {
            "@odata.context": {"type": "string"},
            "value": {"type": "array", "items": item},
        },
    }


def _batch() -> Json:
    request: Json = {
        "type": "object",
        "required": ["id", "method", "url"],
        "properties": {
            "id": {"type": "string"},
            "method": {"type": "string", "enum": ["GET", "POST", "PATCH", "PUT", "DELETE"]},
            "url": {"type": "string"},
            "atomicityGroup": {"type": "string"},
            "dependsOn": {"type": "array", "items": {"type": "string"}},
            "headers": {"type": "object", "additionalProperties": {"type": "string"}},
            "body": {},
        },
    }
    answer: Json = {
        "type": "object",
        "required": ["id", "status"],
        "properties": {
            "id": {"type": "string"},
            "status": {"type": "integer"},
            "headers": _ANY,
            "body": {},
        },
    }

    def of(name: str, item: Json) -> Json:
        return {
            "type": "object",
            "required": [name],
            "properties": {name: {"type": "array", "items": item}},
        }

    text: Json = {"schema": {"type": "string"}}
    return {
        "tags": ["service"],
        "operationId": "batch",
        "summary": "Many requests in one; change sets work out as a whole",
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": of("requests", request)}},
        },
        "responses": answers(
            s200={
                "description": "An answer to each request.",
                "content": {JSON: {"schema": of("responses", answer)}, _MULTIPART: text},
            }
        ),
    }
