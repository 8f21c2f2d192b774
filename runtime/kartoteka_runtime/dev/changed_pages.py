"""Whose pages look otherwise after a publish, so that no other page is loaded again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.registry import Registry

# Parts of a registry that any page may show something of.
_EVERYWHERE = ("areas", "messages", "languages", "base_language", "choices", "roles", "bundles")
_NAMES = ("label", "plural_label", "icon", "color")  # in the menu, and wherever others refer to it


def changed_pages(before: Registry, after: Registry) -> frozenset[str] | None:
    """Return the entities whose pages may have changed; None for every page there is."""
    if any(getattr(before, part) != getattr(after, part) for part in _EVERYWHERE):
        return None
    if before.entities.keys() != after.entities.keys():
        return None
    changed: set[str] = set()
    for name, entity in _differing(before.entities, after.entities):
        if any(getattr(before.entities[name], one) != getattr(entity, one) for one in _NAMES):
            return None
        changed.add(name)
    for part in ("forms", "rules", "views"):
        earlier, later = getattr(before, part), getattr(after, part)
        changed.update(item.entity for _, item in _differing(earlier, later))
    for _, relationship in _differing(before.relationships, after.relationships):
        changed.update((relationship.left, relationship.right))
    return frozenset(_with_neighbours(changed, after))


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield what came, went or changed: as it is now, or as it was last."""
    for name, item in after.items():
        if before.get(name) != item:
            yield name, item
    for name, item in before.items():
        if name not in after:
            yield name, item


def _with_neighbours(names: set[str], registry: Registry) -> Iterator[str]:
    """Yield entities, and those whose forms may show lists or fields of them."""
    yield from names
    for name, entity in registry.entities.items():
        targets = _targets(entity)
        if name in names:
            yield from targets
        elif targets & names:
            yield name


def _targets(entity: Entity) -> set[str]:
    return {target for item in entity.fields for target in item.targets}
