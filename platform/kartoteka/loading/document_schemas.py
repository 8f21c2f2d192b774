"""The JSON Schema of each document kind, as files, for extensions, and compiled."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator

from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.quick_shape import compile_shape

KINDS = (
    "access_test", "bundle", "choice", "column_profile", "entity", "field_group", "form", "labels",
    "navigation", "relationship", "role", "rule", "view",
)  # fmt: skip


EXTENSION_KEYS: dict[str, Any] = {
    "after": {
        "type": "string", "x-expected": "the name of a neighbour", "x-refers-to": "item",
        "description": "Puts the item behind the one of that name.",
    },
    "before": {
        "type": "string", "x-expected": "the name of a neighbour", "x-refers-to": "item",
        "description": "Puts the item in front of the one of that name.",
    },
    "remove": {
        "const": True, "x-expected": "true",
        "description": "Takes the item out. Nothing that is stored is touched.",
    },
}  # fmt: skip


@cache
def schema_of(kind: str, is_extension: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of a document kind with everything it refers to inside."""
    folder = resources.files("kartoteka") / "schemas"
    shared = json.loads((folder / "shared.schema.json").read_text("utf-8"))
    text = (folder / f"{kind}.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text.replace('"shared.schema.json#/', '"#/'))
    schema["$defs"] = {**shared["$defs"], **schema.get("$defs", {})}
    return _relaxed(schema) if is_extension else schema


def _relaxed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an extension: nothing is required, named items may be placed."""
    relaxed: dict[str, Any] = _without_required(schema)
    definitions = relaxed["$defs"]
    for item in _items_of(relaxed, definitions):
        item["properties"] = {**item["properties"], **EXTENSION_KEYS}
    relaxed["required"] = ["kind", "format", "extends"]
    del relaxed["properties"]["name"]
    return relaxed


def _without_required(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: _without_required(value)
            for key, value in schema.items()
            if key not in ("if", "else") and not (key == "required" and isinstance(value, list))
        }
    if isinstance(schema, list):
        return [_without_required(item) for item in schema]
    return schema


def _items_of(schema: Any, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas of all maps that stand in lists, each once."""
    found: dict[int, dict[str, Any]] = {}

    def look(part: Any) -> None:
        if isinstance(part, dict):
            items = part.get("items")
            if isinstance(items, dict):
                if "$ref" in items:
                    items = definitions[items["$ref"].rsplit("/", 1)[1]]
                if "properties" in items:
                    found[id(items)] = items
            for value in part.values():
                look(value)
        elif isinstance(part, list):
            for value in part:
                look(value)

    look(schema)
    return list(found.values())


@cache
def validator_of(kind: str, is_extension: bool) -> Draft202012Validator:
    """Return the validator that tells every mismatch of a document."""
    return Draft202012Validator(schema_of(kind, is_extension))


@cache
def quick_check(kind: str, is_extension: bool = False) -> Callable[[YamlMap], bool]:
    """Return a compiled check that only says whether a document is surely right."""
    return compile_shape(schema_of(kind, is_extension))
