"""Managed parts: what the bundle that defines something lets later bundles change of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.named_lists import NAMED_LISTS, identity_of
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.sources import MESSAGES

_KINDS_WITH_FIELDS = frozenset({"entity", "field_group"})


@dataclass(frozen=True, slots=True)
class Permission:
    """What a bundle lets later ones change; ``allowed`` is everything, nothing, or some keys."""

    bundle: str
    allowed: bool | tuple[str, ...]

    def allows(self, key: str) -> bool:
        """Return whether what stands under a key may be changed."""
        return self.allowed if isinstance(self.allowed, bool) else key in self.allowed


def permission_of(tree: MetadataTree, kind: str, name: str, *path: str) -> Permission:
    """Return what may be changed of an object, or of what stands at a path in it.

    The nearest that says something counts: the field, its entity when that says true or false, the
    bundle for the kind (``field`` for fields), the bundle. An item that a later bundle added is
    that bundle's.
    """
    if kind == MESSAGES:
        return _of_bundle(tree, _bundle_of_text(tree, name), "labels")
    content = tree.of_kind(kind)[name]
    owner = tree.bundle_of.get((kind, name), "")
    own = content.get("customizable")
    if kind in _KINDS_WITH_FIELDS and len(path) > 1 and path[0] == "fields":
        item = next(i for i in content["fields"] if i.get("name") == path[1])
        definer = tree.bundle_at(item.value_marks["name"], owner)
        adder = _adder(tree, item, definer, path[2:])
        if adder != definer:
            return _of_bundle(tree, adder, "field")
        if "customizable" in item:
            return Permission(definer, _keys(item["customizable"]))
        if isinstance(own, bool) and definer == owner:
            return Permission(owner, own)
        return _of_bundle(tree, definer, "field")
    adder = _adder(tree, content, owner, path)
    if own is not None and adder == owner:
        return Permission(owner, _keys(own))
    return _of_bundle(tree, adder, kind)


def changed_key(kind: str, path: Sequence[str]) -> str:
    """Return the key that a permission must allow for a change of a property or item.

    For what stands in an item of a list that is the list; of nested lists the inner one. A field
    is judged by its own keys; a new one by ``fields``.
    """
    if kind in _KINDS_WITH_FIELDS:
        return path[2] if path[0] == "fields" and len(path) > 2 else path[0]
    key = path[0]
    for index in range(0, len(path) - 1, 2):
        if path[index] not in NAMED_LISTS:
            break
        key = path[index]
    return key


def _of_bundle(tree: MetadataTree, bundle: str, kind: str) -> Permission:
    said = tree.customizable.get(bundle, True)
    return Permission(bundle, _keys(said.get(kind, True) if isinstance(said, YamlMap) else said))


def _keys(said: Any) -> bool | tuple[str, ...]:
    return said if isinstance(said, bool) else tuple(said)


def _adder(tree: MetadataTree, content: YamlMap, owner: str, path: Sequence[str]) -> str:
    """Return the bundle of the innermost item on a path, the object's when there is none."""
    layers = {bundle: layer for layer, bundle in enumerate(tree.bundle_of_layer)}
    adder = owner
    for key, name in zip(path[::2], path[1::2], strict=False):
        found = None
        for item in content.get(key, ()) if key in NAMED_LISTS else ():
            identity = identity_of(key, item)
            if identity is not None and identity[1] == name:
                found = (item, item.value_marks[identity[0]])
        if found is None:
            break
        content = found[0]
        bundle = tree.bundle_at(found[1], owner)
        if layers.get(bundle, 0) > layers.get(adder, 0):
            adder = bundle
    return adder


def _bundle_of_text(tree: MetadataTree, key: str) -> str:
    """Return the lowest bundle that has a text of no object."""
    having = (item for item in tree.labels if key in (item.content.get("messages") or ()))
    return next(item.bundle for item in having)
