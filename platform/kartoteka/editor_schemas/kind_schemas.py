"""The schemas of whole document kinds, with the names of all objects of a project."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kartoteka.loading.document_schemas import KINDS, schema_of
from kartoteka.model.field_types import FIELD_TYPES
from kartoteka.model.label import Label
from kartoteka.registry import Registry

NAMES_FILE = "names.json"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

# What one document may name of all that there is.
_NAMED = frozenset({
    "bundle", "choice", "column_profile", "entity", "field_group", "form", "navigation", "panel",
    "relationship", "role", "rule", "view",
})  # fmt: skip


def names_schema(registry: Registry, panels: Collection[str]) -> dict[str, Any]:
    """Return the definitions ``entity``, ``choice`` … : the names of everything there is."""
    language = registry.base_language
    labelled: dict[str, dict[str, str]] = {
        "bundle": {bundle.name: shown(bundle.label, language) for bundle in registry.bundles},
        "choice": _labelled(registry.choices, language),
        "column_profile": _labelled(registry.column_profiles, language),
        "entity": _labelled(registry.entities, language),
        "form": {
            name: f"{shown(form.label, language)} · {form.type} · {form.entity}"
            for name, form in registry.forms.items()
        },
        "navigation": _labelled(registry.areas, language),
        "panel": dict.fromkeys(sorted(panels), ""),
        "relationship": {
            name: f"{item.left} – {item.right}" for name, item in registry.relationships.items()
        },
        "role": _labelled(registry.roles, language),
        "rule": {
            name: f"{shown(rule.label, language)} · {rule.entity}"
            for name, rule in registry.rules.items()
        },
        "view": {
            name: f"{shown(view.label, language)} · {view.entity}"
            for name, view in registry.views.items()
        },
    }
    return {
        "$schema": DIALECT,
        "$defs": {kind: one_of(labelled.get(kind, {})) for kind in sorted(_NAMED)},
    }


def one_of(names: Mapping[str, str]) -> dict[str, Any]:
    """Return the schema of a text that is one of ``{name: what editors say of it}``."""
    if not names:
        return {"type": "string"}
    found: dict[str, Any] = {"enum": list(names)}
    if any(names.values()):
        found["enumDescriptions"] = list(names.values())
    return found


def shown(label: Label, language: str) -> str:
    """Return a label as editors show it, with its placeholders."""
    return label.texts.get(language, "")


def kind_schemas() -> dict[str, dict[str, Any]]:
    """Return the schemas of all kinds; a document with ``extends`` has one of its own."""
    found: dict[str, dict[str, Any]] = {}
    for kind in KINDS:
        schema = for_editor(schema_of(kind))
        if "extends" not in schema["properties"]:
            found[f"{kind}.json"] = schema
            continue
        found[f"{kind}.definition.json"] = schema
        found[f"{kind}.extension.json"] = for_editor(schema_of(kind, is_extension=True))
        found[f"{kind}.json"] = {
            "$schema": DIALECT,
            "if": {"required": ["extends"]},
            "then": {"$ref": f"{kind}.extension.json"},
            "else": {"$ref": f"{kind}.definition.json"},
        }
    return found


def for_editor(schema: Any, *, up: str = "") -> Any:
    """Return a schema in which names refer to ``names.json``, and notes to ourselves are gone.

    Args:
        schema: As ``document_schemas`` has it.
        up: The way from the schema's file to the folder of all.
    """
    if isinstance(schema, list):
        return [for_editor(item, up=up) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    refers = schema.get("x-refers-to")
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            found[key] = {name: for_editor(item, up=up) for name, item in value.items()}
        elif key == "x-expected" and "pattern" in schema:
            found["patternErrorMessage"] = f"This must be {value}."
        elif not key.startswith("x-") and not (key == "$ref" and refers in _NAMED):
            found[key] = for_editor(value, up=up)
    if refers in _NAMED:
        found["$ref"] = f"{up}{NAMES_FILE}#/$defs/{refers}"
    if schema.get("x-expected") == "a field type":
        found["enum"] = list(FIELD_TYPES)
    if found.get("propertyNames") == {}:
        del found["propertyNames"]
    return found


def _labelled(objects: Mapping[str, Any], language: str) -> dict[str, str]:
    return {name: shown(item.label, language) for name, item in objects.items()}
