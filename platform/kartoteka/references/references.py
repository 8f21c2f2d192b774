"""``references``: every place in a bundle's files that names an object, and which one it means.

What a value names is said in the JSON Schema of its document kind: ``x-refers-to`` at a value or
at the keys of a map, ``x-names`` at a list whose items define something.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.loading.document_schemas import schema_of
from kartoteka.loading.load_bundle import Document, LoadedBundle
from kartoteka.loading.positioned import Mark, YamlList, YamlMap
from kartoteka.model.field import Field
from kartoteka.model.form import Control
from kartoteka.references.mentions import (
    Mention,
    in_condition,
    in_formula,
    in_path,
    in_sort_key,
    in_text,
    option_owner,
)
from kartoteka.references.reference import ObjectName, Reference
from kartoteka.registry import Registry

# Parts of an object that only their own document and labels files call by name.
_LOCAL_PARTS = frozenset({"entry", "error", "group", "recommendation", "section", "tab"})
# Items of lists that say which entity their fields are of.
_ABOUT_ENTITIES = frozenset({"privilege", "access_record", "access_expectation"})
# Parts that other places call by name.
_NAMED_PARTS = frozenset({"command", "field", "key", "option", "parameter", "reason", "state"})


def references(bundle: LoadedBundle, registry: Registry) -> Iterator[Reference]:
    """Yield every mention of an object in a bundle's documents, in the order of its files.

    Args:
        bundle: As its files say it.
        registry: What all bundles make together, without mistakes.
    """
    for document in bundle.documents:
        yield from _Walk(document, registry).all()


@dataclass(frozen=True, slots=True)
class _Around:
    """What a name is to be understood by: the entity whose fields are meant, and so on."""

    entity: str = ""  # or field_group:NAME
    form: str = ""
    command: str = ""
    options_of: str = ""
    listed: str = ""  # what the items of the list around are


class _Walk:
    """Goes through one document along the schema of its kind."""

    def __init__(self, document: Document, registry: Registry) -> None:
        self._document = document
        self._registry = registry
        self._schema = schema_of(document.kind, document.is_extension)

    def all(self) -> Iterator[Reference]:
        document, content = self._document, self._document.content
        if not document.is_extension and document.kind != "labels":
            target = ObjectName(document.kind, document.name)
            yield Reference(target, content.value_marks["name"], is_definition=True)
        yield from self._map(content, self._schema, self._around_document())

    def _around_document(self) -> _Around:
        name, registry = self._document.name, self._registry
        match self._document.kind:
            case "view":
                view = registry.views.get(name)
                return _Around(entity=view.entity if view else "")
            case "rule":
                rule = registry.rules.get(name)
                return _Around(entity=rule.entity if rule else "")
            case kind:
                return self._inside(kind, name, _Around())

    def _value(
        self, value: Any, mark: Mark, schema: Mapping[str, Any], around: _Around, beside: YamlMap
    ) -> Iterator[Reference]:
        schema = self._resolved(schema)
        if isinstance(value, YamlMap):
            yield from self._map(value, schema, around)
        elif isinstance(value, YamlList):
            yield from self._list(value, schema, around, beside)
        elif isinstance(value, str) and "x-refers-to" in schema:
            for target, offset in self._mentions(schema["x-refers-to"], value, around, beside):
                yield Reference(target, mark, offset)

    def _map(
        self, content: YamlMap, schema: Mapping[str, Any], around: _Around
    ) -> Iterator[Reference]:
        properties = schema.get("properties", {})
        for key, value in content.items():
            inner, about = properties.get(key), around
            if inner is None:
                inner = schema.get("additionalProperties")
                kind = schema.get("propertyNames", {}).get("x-refers-to")
                if kind is not None:
                    for target, offset in self._mentions(kind, key, around, content):
                        yield Reference(target, content.key_marks[key], offset)
                    about = self._inside(kind, key, around)
            if isinstance(inner, Mapping):
                yield from self._value(value, content.value_marks[key], inner, about, content)

    def _list(
        self, items: YamlList, schema: Mapping[str, Any], around: _Around, beside: YamlMap
    ) -> Iterator[Reference]:
        kind = schema.get("x-names", "")
        around = replace(around, listed=kind)
        for item, mark in items.marked():
            about = around
            name = item.get("name") if isinstance(item, YamlMap) else None
            if kind in _ABOUT_ENTITIES and isinstance(item, YamlMap):
                about = replace(around, entity=self._entity_of(item))
            if kind in _NAMED_PARTS and isinstance(name, str):
                target = self._part(kind, name, around)
                yield Reference(target, item.value_marks["name"], is_definition=True)
                about = self._inside(kind, name, around)
            yield from self._value(item, mark, schema.get("items", {}), about, beside)

    def _entity_of(self, item: YamlMap) -> str:
        """Return the entity that an item is about, or that the record of a test is of."""
        test = self._registry.access_tests.get(self._document.name)
        if "entity" not in item and test is not None and self._document.kind == "access_test":
            return next((one.entity for one in test.records if one.name == item.get("record")), "")
        return str(item.get("entity", ""))

    def _inside(self, kind: str, name: str, around: _Around) -> _Around:
        """Return what surrounds the texts or parts of an object."""
        match kind:
            case "entity":
                return _Around(entity=name)
            case "field_group":
                return _Around(entity=f"field_group:{name}")
            case "choice":
                return _Around(options_of=f"choice:{name}")
            case "form":
                form = self._registry.forms.get(name)
                return _Around(entity=form.entity if form else "", form=name)
            case "command":
                return replace(around, command=name)
            case "field":
                return replace(around, options_of=self._options_of(name, around))
            case "parameter":
                return replace(around, options_of=f"{around.entity}.{around.command}.{name}")
            case _:
                return around

    def _options_of(self, name: str, around: _Around) -> str:
        field = self._field(around.entity, name)
        return option_owner(around.entity, field) if field else f"{around.entity}.{name}"

    def _part(self, kind: str, name: str, around: _Around) -> ObjectName:
        match kind:
            case "option":
                return ObjectName(kind, name, around.options_of)
            case "parameter":
                return ObjectName(kind, name, f"{around.entity}.{around.command}")
            case _:
                return ObjectName(kind, name, around.entity)

    def _mentions(
        self, kind: str, text: str, around: _Around, beside: YamlMap
    ) -> Iterator[Mention]:
        match kind:
            case "texts":
                yield from in_text(text)
            case "condition":
                yield from in_condition(text, around.entity, self._registry)
            case "formula":
                is_choice = beside.get("type") == "choice" or "choice:" in around.options_of
                options_of = around.options_of if is_choice else ""
                field = self._field(around.entity, _set_field(beside))
                if field is not None and field.type == "choice":
                    options_of = option_owner(around.entity, field)
                yield from in_formula(text, around.entity, self._registry, options_of=options_of)
            case "condition_of_items" | "field_of_items":
                items = self._items(around, beside)
                find = in_condition if kind == "condition_of_items" else in_sort_key
                yield from find(text, items, self._registry)
            case "collection":
                yield ObjectName("collection", text, around.entity), 0
            case "field_path":
                yield from in_path(text, 0, around.entity, self._registry)
            case "sort_key":
                yield from in_sort_key(text, around.entity, self._registry)
            case "field@entity":
                yield ObjectName("field", text, self._listed_entity(around, beside)), 0
            case "item" | "control":
                yield from self._item(text, kind if kind == "control" else around.listed, around)
            case "option of field":
                owner = self._options_of(_set_field(beside), around)
                yield ObjectName("option", text, owner), 0
            case "option" if around.options_of:
                yield ObjectName(kind, text, around.options_of), 0
            case "field" | "key" | "command" | "parameter" | "reason" | "state":
                yield self._part(kind, text, around), 0
            case _ if kind not in _LOCAL_PARTS:
                yield ObjectName(kind, text), 0

    def _items(self, around: _Around, beside: YamlMap) -> str:
        """Return the entity of the records that a rollup sums up; "" when it is not known."""
        owner, _, name = around.options_of.partition(".")
        field = self._field(owner, name)
        over = beside.get("over") or (field.rollup.over if field and field.rollup else "")
        if owner not in self._registry.entities or not isinstance(over, str):
            return ""
        found = collections_of(self._registry, owner).get(over)
        return found.entity if found is not None else ""

    def _item(self, text: str, listed: str, around: _Around) -> Iterator[Mention]:
        """Yield what a neighbour in a list is, if it is more than a part of this document."""
        match listed:
            case "control":
                field = self._field(around.entity, text)
                if field is not None and not self._is_named_control(text, around):
                    yield ObjectName("field", text, around.entity), 0
            case "column":
                yield from in_path(text, 0, around.entity, self._registry)
            case "privilege":
                yield ObjectName("entity", text), 0
            case kind if kind in _NAMED_PARTS:
                yield self._part(kind, text, around), 0

    def _is_named_control(self, name: str, around: _Around) -> bool:
        return any(name in (item.subgrid, item.panel) for item in self._controls(around))

    def _listed_entity(self, around: _Around, beside: YamlMap) -> str:
        """Return the entity that a subgrid lists; an extension may have left it to the form."""
        if isinstance(beside.get("entity"), str):
            return str(beside["entity"])
        name = beside.get("subgrid")
        found = (item.entity for item in self._controls(around) if name and item.subgrid == name)
        return next(found, "")

    def _controls(self, around: _Around) -> Iterator[Control]:
        form = self._registry.forms.get(around.form)
        for tab in form.tabs if form else ():
            for section in tab.sections:
                yield from section.controls

    def _field(self, entity: str, name: str) -> Field | None:
        found = self._registry.entities.get(entity)
        return found.field_by_name.get(name) if found else None

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a schema with the definition that it refers to; its own words win."""
        while "$ref" in schema:
            definition = self._schema["$defs"][schema["$ref"].rsplit("/", 1)[1]]
            schema = {**definition, **{key: schema[key] for key in schema if key != "$ref"}}
        return schema


def _set_field(beside: YamlMap) -> str:
    """Return the field that an action of a rule sets, "" when it sets none."""
    name = beside.get("set", beside.get("set_default"))
    return name if isinstance(name, str) else ""
