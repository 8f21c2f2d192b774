"""SharePaths: the lookups along which access to a record becomes access to what hangs below it."""

from __future__ import annotations

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.registry import Registry

POINTER = "activitypointer"  # lists activities of every kind; it has the shares of its activity


class SharePaths:
    """Lookups between user-owned entities that cascade shares, or the access of owners.

    Each is worked out when it is first asked for.
    """

    def __init__(self, registry: Registry) -> None:
        """Look at the lookups of ``registry``."""
        self._registry = registry
        self._up: dict[str, tuple[Field, ...]] = {}
        self._down: dict[str, tuple[tuple[Entity, Field], ...]] = {}

    def is_shareable(self, entity: str) -> bool:
        """Return whether records of an entity are owned by users, and so may be shared."""
        found = self._registry.entities.get(entity)
        return (
            found is not None
            and found.ownership == "user"
            and not found.parent_field
            and "ownerid" in found.field_by_name
            and entity != POINTER
        )

    def up(self, entity: str) -> tuple[Field, ...]:
        """Return the lookups of an entity whose records pass access on to it."""
        known = self._up.get(entity)
        if known is None:
            fields = self._registry.entities[entity].fields if self.is_shareable(entity) else ()
            known = self._up[entity] = tuple(item for item in fields if self._conveys(item))
        return known

    def down(self, entity: str) -> tuple[tuple[Entity, Field], ...]:
        """Return the entities, with their lookups, to which records of an entity pass access on."""
        known = self._down.get(entity)
        if known is None:
            incoming = (
                self._registry.lookups_to.get(entity, ()) if self.is_shareable(entity) else ()
            )
            known = self._down[entity] = tuple(
                (child, item)
                for child, item in incoming
                if self.is_shareable(child.name) and item in self.up(child.name)
            )
        return known

    def _conveys(self, item: Field) -> bool:
        if not item.is_lookup or not has_column(item):
            return False
        rules = (item.cascade.share, item.cascade.unshare, item.cascade.reparent)
        return any(rule != "none" for rule in rules) and any(map(self.is_shareable, item.targets))
