"""The schemas that know one entity: its fields in its forms and views, its states in itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kartoteka.editor_schemas.kind_schemas import DIALECT, for_editor, one_of, shown
from kartoteka.loading.document_schemas import schema_of
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.registry import Registry

NARROWED_KINDS = ("entity", "form", "rule", "view")
_OWN_NAMES = "names.json"  # in the entity's folder

# What x-refers-to says of a part of the entity → the definition that lists the names.
_PARTS = {
    "field": "field", "field@entity": "lookup_here", "field_path": "field_path",
    "reason": "reason", "sort_key": "sort_key", "state": "state",
}  # fmt: skip


def narrowed_schemas(entity: Entity, registry: Registry) -> dict[str, dict[str, Any]]:
    """Return the schemas of an entity and of its forms, rules and views, by file name."""
    found: dict[str, dict[str, Any]] = {
        f"{entity.name}/{_OWN_NAMES}": {"$schema": DIALECT, "$defs": _own_names(entity, registry)}
    }
    for kind in NARROWED_KINDS:
        # An entity's own file defines the names that it uses: what it says may be new.
        narrowing = _Narrowing(schema_of(kind, is_extension=True), is_strict=kind != "entity")
        found[f"{entity.name}/{kind}.json"] = {
            "$schema": DIALECT,
            "allOf": [{"$ref": f"../{kind}.json"}, narrowing.of_document()],
        }
    return found


def labels_schema(registry: Registry, entities: Collection[str]) -> dict[str, Any]:
    """Return the schema of labels files: under each entity the names that it has."""
    schema: dict[str, Any] = for_editor(schema_of("labels"))
    texts = schema["properties"]["entities"]
    schema["$defs"]["entity_texts"] = texts["additionalProperties"]
    texts["additionalProperties"] = {"$ref": "#/$defs/entity_texts"}
    texts["properties"] = {}
    for name in entities:
        own = _labelled_parts(registry.entities[name])
        schema["$defs"][f"fields_of_{name}"] = one_of(dict.fromkeys(own.pop("fields"), ""))
        fields = {"type": "object", "propertyNames": {"$ref": f"#/$defs/fields_of_{name}"}}
        narrowed: dict[str, Any] = {key: fields for key in ("fields", "field_help", "options")}
        for key, names in own.items():
            named = one_of(dict.fromkeys(names, ""))
            narrowed[key] = {"type": "object", "propertyNames": named}
        texts["properties"][name] = {
            "allOf": [{"$ref": "#/$defs/entity_texts"}, {"properties": narrowed}]
        }
    return schema


def _labelled_parts(entity: Entity) -> dict[str, list[str]]:
    commands = [command.name for command in entity.commands]
    return {
        "fields": [field.name for field in entity.fields],
        "states": [state.name for state in entity.states],
        "reasons": [reason.name for state in entity.states for reason in state.reasons],
        "commands": commands,
        "command_help": commands,
        "command_confirm": commands,
    }


def _own_names(entity: Entity, registry: Registry) -> dict[str, Any]:
    """Return the definitions that ``_PARTS`` speaks of."""
    language = registry.base_language
    fields = {field.name: _about(field, language) for field in entity.fields}
    paths = dict(fields)
    steps = []
    for field in entity.fields:
        if field.is_lookup and len(field.targets) == 1:
            steps.append(field.name)
            target = registry.entities[field.targets[0]]
            if target.primary_field:
                paths[f"{field.name}/{target.primary_field}"] = f"{target.name} · text"
        elif field.is_lookup and field.targets:
            steps.append(f"{field.name}_[a-z0-9_]+")
    here = {
        field.name: f"lookup of {owner.name}" for owner, field in registry.lookups_to[entity.name]
    }
    reasons = {r.name: shown(r.label, language) for s in entity.states for r in s.reasons}
    return {
        "field": one_of(fields),
        "field_path": {
            "anyOf": [
                one_of(paths),
                {"type": "string", "pattern": rf"^({'|'.join(steps)})/[a-z0-9_/]+$"},
            ]
        },
        "lookup_here": one_of(here),
        "reason": one_of(reasons),
        "sort_key": {
            "anyOf": [
                one_of(fields),
                {"type": "string", "pattern": rf"^({'|'.join(fields)}) (asc|desc)$"},
            ]
        },
        "state": one_of({s.name: shown(s.label, language) for s in entity.states}),
    }


def _about(field: Field, language: str) -> str:
    targets = f" to {', '.join(field.targets)}" if 0 < len(field.targets) < 4 else ""
    return f"{shown(field.label, language)} · {field.type}{targets}"


class _Narrowing:
    """Keeps of a kind's schema the way to each place where a part of the entity is named."""

    def __init__(self, schema: Mapping[str, Any], *, is_strict: bool) -> None:
        self._schema = schema
        self._is_strict = is_strict

    def of_document(self) -> dict[str, Any]:
        return self._of(self._schema, "") or {}

    def _of(self, schema: Mapping[str, Any], listed: str) -> dict[str, Any] | None:
        schema = self._resolved(schema)
        refers = schema.get("x-refers-to", "")
        if refers in _PARTS:
            names = self._names(_PARTS[refers], is_strict=self._is_strict)
            if "array" in schema.get("type", ()):
                return {"anyOf": [names, {"type": "array", "items": names}]}
            return names
        if refers == "item":
            part = {"field": "field", "column": "field_path", "control": "field"}.get(listed)
            # Only the general schema knows whether the document may have it at all.
            return {**self._names(part, is_strict=False), "doNotSuggest": True} if part else None
        properties = {
            key: narrowed
            for key, value in schema.get("properties", {}).items()
            if (narrowed := self._property(key, value, listed)) is not None
        }
        found: dict[str, Any] = {"properties": properties} if properties else {}
        inside = schema.get("x-names", "")
        if "items" in schema and inside != "parameter":  # parameters are no fields of the entity
            items = self._of(schema["items"], inside)
            if items is not None:
                found["items"] = items
        if found and "string" in schema.get("type", ()) and "field" in properties:
            return {"anyOf": [properties["field"], {"type": "object", **found}]}
        return found or None

    def _property(self, key: str, schema: Mapping[str, Any], listed: str) -> dict[str, Any] | None:
        if key == "name" and listed == "field":
            return self._names("field", is_strict=False)
        return self._of(schema, listed)

    def _names(self, part: str, *, is_strict: bool) -> dict[str, Any]:
        listed = {"$ref": f"{_OWN_NAMES}#/$defs/{part}"}
        return listed if is_strict else {"anyOf": [listed, {"type": "string"}]}

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            definition = self._schema["$defs"][schema["$ref"].rsplit("/", 1)[1]]
            schema = {**definition, **{key: schema[key] for key in schema if key != "$ref"}}
        return schema
