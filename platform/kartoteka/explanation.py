"""explain(registry, kind, name, *path): the resolved value of every property and who set it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from kartoteka.identities import SECTIONS
from kartoteka.loading.customizable import Permission, permission_of
from kartoteka.loading.document_schemas import schema_of
from kartoteka.loading.named_lists import ADDING_LISTS, NAMED_LISTS
from kartoteka.loading.property_paths import join_path, split_path
from kartoteka.loading.sources import MESSAGES, Sources, sources_of
from kartoteka.model.document_values import value_of
from kartoteka.model.field import Field
from kartoteka.model.field_types import COMMON_KEYS, FIELD_TYPES
from kartoteka.model.label import Label
from kartoteka.model.set_by import SetBy
from kartoteka.registry import Registry

# What a document and an item of a list say of themselves, not of what they define.
_ITEM_KEYS = frozenset({"name", "renamed_from", "customizable"})
_DOCUMENT_KEYS = _ITEM_KEYS | {"kind", "format", "extends", "only_with"}


@dataclass(frozen=True, slots=True)
class ExplainedProperty:
    """One property of an object.

    Attributes:
        path: Its steps below the object: ``("fields", "name", "label", "en")``. That of an item
            of a list (``("fields", "berth")``) says that a later layer added, removed or moved it.
        value: What it means in the end, as JSON has it.
        set_by: The layers that set it, lowest first; the last one wins, except that in lists
            that add (``features``) all count.
        is_default: Nobody set it. With ``set_by`` it follows from what stands there.
    """

    path: tuple[str, ...]
    value: Any
    set_by: tuple[SetBy, ...]
    is_default: bool

    @property
    def bundles(self) -> tuple[str, ...]:
        """Return the bundles that set it, lowest first, each once."""
        return tuple(dict.fromkeys(item.bundle for item in self.set_by if not item.is_derived))

    @property
    def adds_up(self) -> bool:
        """Return whether what the layers say is put together, so that none hides another."""
        return self.path[-1] in ADDING_LISTS


def explain(registry: Registry, kind: str, name: str, *path: str) -> tuple[ExplainedProperty, ...]:
    """Return the properties of an object at and below a path, in the order of its files.

    Properties that nobody set and whose default is nothing are left out.

    Args:
        registry: Made from files; one read from a database knows the values but not who set them.
        kind: A document kind, or ``messages``.
        name: Of the object, or the key of the text.
        path: Steps as in ``ExplainedProperty.path``; without any, the whole object.
    """
    found = _Explained(registry, kind, name).all()
    return tuple(item for item in found if item.path[: len(path)] == path)


class _Explained:
    """Walks one object along the schema of its kind."""

    def __init__(self, registry: Registry, kind: str, name: str) -> None:
        self._registry = registry
        self._kind = kind
        self._name = name
        self._sources = {
            split_path(path)[2:]: layers
            for path, layers in sources_of(registry.sources, kind, name).items()
        }
        self._told: set[tuple[str, ...]] = set()

    def all(self) -> list[ExplainedProperty]:
        if self._kind == MESSAGES:
            return list(self._label(self._registry.messages[self._name], ()))
        found = getattr(self._registry, SECTIONS[self._kind])[self._name]
        schema = schema_of(self._kind)
        return list(self._map(schema, found, (), self._kind, schema["$defs"]))

    def _map(
        self, schema: Mapping[str, Any], found: Any, path: tuple[str, ...], of: str,
        definitions: Mapping[str, Any],
    ) -> Iterator[ExplainedProperty]:  # fmt: skip
        for key in schema["properties"]:
            if key in (_ITEM_KEYS if path else _DOCUMENT_KEYS) or not _applies(key, found):
                continue
            here = (*path, key)
            items = _item_schema(schema["properties"][key], definitions)
            value = value_of(found, of, key)
            if isinstance(value, Label):
                yield from self._label(value, here)
            elif items is not None and key in NAMED_LISTS:
                yield from self._items(key, items, value or (), here, definitions)
            elif key in ADDING_LISTS:
                yield from self._adding_list(value, here)
            else:
                yield from self._plain(value, here)

    def _items(
        self, key: str, schema: Mapping[str, Any], items: Sequence[Any], path: tuple[str, ...],
        definitions: Mapping[str, Any],
    ) -> Iterator[ExplainedProperty]:  # fmt: skip
        present = set()
        for item in items:
            name = next(
                value for naming in NAMED_LISTS[key][0] if (value := getattr(item, naming, ""))
            )
            present.add(name)
            here = (*path, name)
            yield from self._what_was_done(here)
            yield from self._map(schema, item, here, key, definitions)
        for steps in self._sources:
            if steps[:-1] == path and steps[-1] not in present:
                yield from self._what_was_done(steps)

    def _what_was_done(self, path: tuple[str, ...]) -> Iterator[ExplainedProperty]:
        if layers := self._sources.get(path, ()):
            yield ExplainedProperty(path, layers[-1].value, layers, False)

    def _label(self, label: Label, path: tuple[str, ...]) -> Iterator[ExplainedProperty]:
        for language, text in label.texts.items():
            yield from self._plain(text, (*path, language))

    def _adding_list(self, value: Any, path: tuple[str, ...]) -> Iterator[ExplainedProperty]:
        """Yield a list that adds, with what each document contributed."""
        said: dict[tuple[str, str], tuple[SetBy, list[str]]] = {}
        for steps, layers in self._sources.items():
            if steps[:-1] == path:
                for layer in layers:
                    place = (layer.bundle, layer.location.file)
                    said.setdefault(place, (layer, []))[1].append(steps[-1])
        set_by = tuple(
            SetBy(first.bundle, first.location, items, first.is_derived)
            for first, items in said.values()
        )
        resolved = (
            _json(value) if value is not None else [i for layer in set_by for i in layer.value]
        )
        if set_by or resolved:
            yield ExplainedProperty(path, resolved, set_by, not set_by)

    def _plain(self, value: Any, path: tuple[str, ...]) -> Iterator[ExplainedProperty]:
        layers = self._sources.get(path, ())
        # Some keys (relation) only decide what others mean, so a definition does not keep them.
        value = layers[-1].value if value is None and layers else _json(value)
        if layers or value not in (None, "", []):
            is_default = all(layer.is_derived for layer in layers)
            yield ExplainedProperty(path, value, layers, is_default)


def _applies(key: str, found: Any) -> bool:
    """Return whether a key says anything about this field, which has some of another type."""
    if not isinstance(found, Field):
        return True
    return key in COMMON_KEYS or key in FIELD_TYPES[found.type].keys


def _item_schema(
    schema: Mapping[str, Any], definitions: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    """Return the schema of the maps in a list, None when the value is something else."""
    items = schema.get("items")
    if not isinstance(items, Mapping):
        return None
    if "$ref" in items:
        items = definitions[items["$ref"].rsplit("/", 1)[1]]
    return items if "properties" in items else None


def _json(value: Any) -> Any:
    match value:
        case Enum():
            return value.value
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case frozenset():
            return sorted(value)
        case tuple() | list():
            return [_json(item) for item in value]
        case Mapping():
            return {key: _json(item) for key, item in value.items()}
        case _:
            return value


def path_of(kind: str, name: str, explained: ExplainedProperty) -> str:
    """Return the path of ``Registry.sources`` that an explained property has."""
    return join_path(kind, name, *explained.path)


def permission(registry: Registry, kind: str, name: str, *path: str) -> Permission | None:
    """Return what later bundles may change there; None for a registry not made from files."""
    if not isinstance(registry.sources, Sources):
        return None
    return permission_of(registry.sources.tree, kind, name, *path)
