"""``editor_schemas``: a registry → the JSON Schemas by which an editor completes and marks names.

Each kind has a schema that knows all names of the project. For each entity that an app's files are
about there are narrower ones for its forms, rules, views and itself: they add the entity's own
names to the general schema. Files refer to one another by relative addresses and lie in one folder.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kartoteka.editor_schemas.kind_schemas import NAMES_FILE, kind_schemas, names_schema
from kartoteka.editor_schemas.narrowed_schemas import (
    NARROWED_KINDS,
    labels_schema,
    narrowed_schemas,
)
from kartoteka.loading.load_bundle import Document, LoadedBundle
from kartoteka.loading.positioned import YamlMap
from kartoteka.registry import Registry

Schemas = Mapping[str, Mapping[str, Any]]


def editor_schemas(
    registry: Registry, entities: Collection[str], *, panels: Collection[str] = ()
) -> Schemas:
    """Return ``{file name: schema}``, file names relative to one folder.

    Args:
        registry: What all bundles make together.
        entities: Which get schemas of their own; see ``entities_of``.
        panels: Names of the panels that plugins provide.
    """
    known = [name for name in registry.entities if name in set(entities)]
    found: dict[str, Mapping[str, Any]] = {NAMES_FILE: names_schema(registry, panels)}
    found |= kind_schemas()
    found["labels.json"] = labels_schema(registry, known)
    for name in known:
        found |= narrowed_schemas(registry.entities[name], registry)
    return found


def entities_of(bundle: LoadedBundle, registry: Registry) -> frozenset[str]:
    """Return the entities that a bundle's files are about."""
    found = {_entity_of(document, registry) for document in bundle.documents}
    for document in bundle.documents:
        if document.kind == "labels":
            texts = document.content.get("entities")
            found |= set(texts) if isinstance(texts, YamlMap) else set()
    return frozenset(found & registry.entities.keys())


def schema_file_of(document: Document, registry: Registry) -> str:
    """Return the name of the schema that a document is to be edited with."""
    if document.kind in NARROWED_KINDS:
        entity = _entity_of(document, registry)
        if entity in registry.entities:
            return f"{entity}/{document.kind}.json"
    return f"{document.kind}.json"


def _entity_of(document: Document, registry: Registry) -> str:
    match document.kind:
        case "entity":
            return document.name
        case "form":
            form = registry.forms.get(document.name)
            return form.entity if form else ""
        case "rule":
            rule = registry.rules.get(document.name)
            return rule.entity if rule else ""
        case "view":
            view = registry.views.get(document.name)
            return view.entity if view else ""
        case _:
            return ""
