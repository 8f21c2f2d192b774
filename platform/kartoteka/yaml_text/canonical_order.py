"""Key order and defaults of each document kind, as its JSON Schema gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.loading.document_schemas import EXTENSION_KEYS, KINDS, schema_of
from kartoteka.loading.named_lists import NAMED_LISTS
from kartoteka.yaml_text.source_tree import Entry, Node

Schema = Mapping[str, Any]

# Written out although it is a default: what a reader looks for first.
_ALWAYS_WRITTEN = frozenset({"format", "kind", "name", "ownership", "type"})
# A lookup's presets and requirement decide what the default is: `on_delete: clear` may say a lot.
_DECIDED_BY = {
    key: frozenset({"relation", "required"})
    for key in ("on_delete", "on_assign", "on_share", "on_unshare", "on_reparent", "on_merge")
}


def to_canonical(
    root: Node, *, base_language: str = "en", inherited_fields: frozenset[str] = frozenset()
) -> None:
    """Bring a document's keys in order and take its defaults out, in place.

    A default stays where it may mean something: in a document with ``extends``, in a field that
    a group or another key gives another default, and where a comment explains it.

    Args:
        root: A document without mistakes.
        base_language: Stands first in labels; the others follow by their code.
        inherited_fields: Names of fields that groups define: an entity's field of that name is
            laid over the group's.
    """
    kind = root.text("kind")
    if kind not in KINDS:
        return
    is_extension = root.entry("extends") is not None
    schema = schema_of(kind, is_extension)
    keeps = inherited_fields if kind == "entity" else frozenset()
    walk = _Walk(schema, base_language, keeps | {root.text("primary_field")}, is_extension)
    walk.node(root, schema, "")


def rank_of(kind: str, is_extension: bool, path: tuple[str, ...]) -> Mapping[str, int]:
    """Return ``{key: place}`` of the map at a path of keys and member names; empty: any order."""
    schema: Schema = schema_of(kind, is_extension)
    root, key = schema, ""
    for step in path:
        schema = _resolved(schema, root)
        if schema.get("type") == "array" or "items" in schema:
            schema = _resolved(schema.get("items", {}), root)
            continue  # the step names a member
        properties = schema.get("properties", {})
        inner = properties.get(step, schema.get("additionalProperties"))
        schema, key = inner if isinstance(inner, Mapping) else {}, step
    schema = _resolved(schema, root)
    return {name: index for index, name in enumerate(_key_order(schema, key))}


class _Walk:
    def __init__(
        self, root: Schema, base_language: str, keeping: frozenset[str], is_extension: bool
    ) -> None:
        self._root = root
        self._base_language = base_language
        self._keeping = keeping
        self._is_extension = is_extension

    def node(self, node: Node, schema: Schema, key: str) -> None:
        if _is_label(schema):
            node.entries.sort(key=lambda entry: (entry.key != self._base_language, entry.key))
            return
        schema = _resolved(schema, self._root)
        if node.kind == "list":
            items = schema.get("items", {})
            for entry in node.entries:
                self.node(entry.value, items, key)
        elif node.kind == "map":
            self._map(node, schema, key)

    def _map(self, node: Node, schema: Schema, key: str) -> None:
        properties = schema.get("properties", {})
        if not properties:
            inner = schema.get("additionalProperties", {})
            for entry in node.entries:
                self.node(entry.value, inner if isinstance(inner, Mapping) else {}, entry.key)
            return
        order = {name: float(index) for index, name in enumerate(_key_order(schema, key))}
        states = node.entry("states") if schema is self._root else None
        if states is not None and not states.value.entries:
            order["states"] = order["ownership"] + 0.5  # having none is what it is, not a part
        node.entries.sort(key=lambda entry: order.get(entry.key, len(order)))
        keeps_all = self._is_extension or (key == "fields" and node.text("name") in self._keeping)
        if not keeps_all:
            node.entries = [
                entry for entry in node.entries
                if not self._is_default(entry, properties.get(entry.key, {}), node)
            ]  # fmt: skip
        for entry in node.entries:
            self.node(entry.value, properties.get(entry.key, {}), entry.key)

    def _is_default(self, entry: Entry, schema: Schema, holder: Node) -> bool:
        given = {**_resolved(schema, self._root), **schema}
        if "default" not in given or entry.key in _ALWAYS_WRITTEN:
            return False
        if entry.has_comments or entry.value.holds_comments:
            return False
        if any(holder.entry(key) is not None for key in _DECIDED_BY.get(entry.key, ())):
            return False
        default = given["default"]
        if entry.value.kind == "list":
            return default == [] and not entry.value.entries
        value = entry.value.value
        return entry.value.kind == "scalar" and value == default and (
            isinstance(value, bool) == isinstance(default, bool)
        )  # fmt: skip


def _key_order(schema: Schema, list_key: str) -> list[str]:
    """Return the order of keys: what names an item comes first, where it is placed second."""
    known = list(schema.get("properties", {}))
    naming = NAMED_LISTS.get(list_key, ((), ""))[0]
    first = [*(key for key in known if key in naming), *EXTENSION_KEYS]
    return [*(key for key in first if key in known), *(key for key in known if key not in first)]


def _is_label(schema: Schema) -> bool:
    return str(schema.get("$ref", "")).endswith("/label")


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema
