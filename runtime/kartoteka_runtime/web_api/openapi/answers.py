"""What every call of the API has in common: who may, what refusals look like, parameters, headers.

Every status that can come back is told with its body; there is no answer "default".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Json = dict[str, Any]

JSON = "application/json"
REFUSALS = {
    "400": "The call is malformed, or its values are refused; `details` names each field.",
    "401": "No token, or one that holds no more.",
    "403": "The token may not do this.",
    "404": "There is nothing there, or nothing that the token may see.",
    "405": "The address does not take the method, or other records depend on this one.",
    "406": "The client accepts no type of answer that there is.",
    "409": "An identifier is taken, or somebody changed this at the same moment.",
    "412": "Another version is stored, or a value that has to be unique is taken.",
    "413": "The body is too large.",
    "414": "The address is too long.",
    "415": "The body is of another type than the call takes.",
    "424": "An earlier request of the same batch failed.",
    "429": "Too many calls; `Retry-After` says when to go on.",
    "431": "The headers are too long.",
    "500": "A mistake in the program; nothing was changed.",
    "501": "This part of OData is not offered.",
    "503": "Not now; `Retry-After` says when to try again.",
}
_LEFT_OUT = ("424", "500")  # of what any call may be answered with
SECURITY: list[Json] = [{"bearer": []}, {"oauth2": []}]
SECURITY_SCHEMES: Json = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "An API token of a user, from Settings or `kartoteka token create`.",
    },
    "oauth2": {
        "type": "oauth2",
        "description": "An access token of a service, for its client id and secret.",
        "flows": {
            "clientCredentials": {
                "tokenUrl": "/oauth2/token",
                "scopes": {"read": "Read records.", "write": "Change records."},
            }
        },
    },
}
ERROR: Json = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string", "description": "Such as `0x80040217`."},
                "message": {"type": "string", "minLength": 1},
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["code", "message"],
                        "properties": {
                            "code": {"type": "string"},
                            "message": {"type": "string"},
                            "target": {"type": "string", "description": "The field, if one is."},
                        },
                    },
                },
            },
        }
    },
}
_TEXT: Json = {"type": "string"}


def _header(description: str) -> Json:
    return {"description": description, "schema": _TEXT}


HEADERS: Json = {
    "ETag": _header("The version of the record."),
    "OData-EntityId": _header("The address of the record."),
    "Location": _header("The address of the new record."),
    "Preference-Applied": _header("Which preferences the answer follows."),
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
    "WWW-Authenticate": _header("`Bearer`, and why the token does not hold."),
    "Allow": _header("The methods that the address takes."),
}
_OF_REFUSAL = {
    "401": ("WWW-Authenticate",),
    "405": ("Allow",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}


def _option(name: str, description: str, schema: Json | None = None) -> Json:
    return {
        "name": name, "in": "query", "description": description, "schema": schema or _TEXT,
    }  # fmt: skip


def _said(name: str, description: str, schema: Json | None = None) -> Json:
    return {
        "name": name, "in": "header", "description": description, "schema": schema or _TEXT,
    }  # fmt: skip


PARAMETERS: Json = {
    "filter": _option("$filter", "Which records, such as `statecode eq 0`."),
    "orderby": _option("$orderby", "In which order, such as `createdon desc`."),
    "top": _option("$top", "How many at most.", {"type": "integer", "minimum": 1}),
    "count": _option("$count", "Whether to count all of them.", {"type": "boolean"}),
    "expand": _option("$expand", "Which related records to tell inside."),
    "skiptoken": _option("$skiptoken", "From which page on, as `@odata.nextLink` said."),
    "prefer": _said(
        "Prefer",
        "Such as `return=representation`, `odata.maxpagesize=50` or"
        ' `odata.include-annotations="*"`.',
    ),
    "ifmatch": _said("If-Match", "The version that has to be stored, or `*` for any."),
    "ifnonematch": _said("If-None-Match", "The version that is known, or `*`: no record yet."),
    "caller": _said("MSCRMCallerID", "The user to act as.", {"type": "string", "format": "uuid"}),
}


def select_of(names: Sequence[str]) -> Json:
    """Return the parameter that says which properties of a record are to be told."""
    schema: Json = {"type": "array", "items": {"type": "string", "enum": list(names)}}
    found = _option("$select", "Which properties.", {**schema, "minItems": 1, "uniqueItems": True})
    return {**found, "style": "form", "explode": False}


def named(*names: str) -> list[Json]:
    """Return references to parameters."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def schema_of(name: str) -> Json:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def refusals() -> Json:
    """Return the components that tell of refusals, by status."""
    found: Json = {}
    for status, description in REFUSALS.items():
        response: Json = {
            "description": description,
            "content": {JSON: {"schema": schema_of("error")}},
        }
        headers = {
            name: {"$ref": f"#/components/headers/{name}"} for name in _OF_REFUSAL.get(status, ())
        }
        if headers:
            response["headers"] = headers
        found[f"refused{status}"] = response
    return found


def answers(**said: Mapping[str, Any]) -> Json:
    """Return the answers of a call: those that are given as ``s200=…``, and every refusal."""
    found: Json = {name.removeprefix("s"): dict(answer) for name, answer in said.items()}
    for status in REFUSALS:
        if status not in _LEFT_OUT:
            found[status] = {"$ref": f"#/components/responses/refused{status}"}
    return found


def json_answer(description: str, schema: Json, *headers: str) -> Json:
    """Return an answer with a body of JSON."""
    return _with_headers(
        {"description": description, "content": {JSON: {"schema": schema}}}, headers
    )


def empty_answer(description: str, *headers: str) -> Json:
    """Return an answer without a body."""
    return _with_headers({"description": description}, headers)


def _with_headers(answer: Json, names: tuple[str, ...]) -> Json:
    if names:
        answer["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return answer
