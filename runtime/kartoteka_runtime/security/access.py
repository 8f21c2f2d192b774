"""Access: what one principal may do, against one publication.

The one place that every read and write of records asks. What it answers of single privileges and
what statements carry (``storage.reach_sql``) come from the same reaches (decisions/0033).
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from typing import Any

from kartoteka.access.columns import ColumnRights
from kartoteka.access.facts import UserFacts
from kartoteka.access.grants import is_administrator, privileged_entity
from kartoteka.access.reach import EVERYTHING, Asked, Reach, reach_of
from kartoteka.errors import AccessDenied
from kartoteka.model.entity import Entity
from kartoteka.registry import Registry
from kartoteka_runtime.security.column_access import ColumnAccess
from kartoteka_runtime.security.scopes import lets_through
from kartoteka_runtime.storage.reach_sql import parameters_of_reach, prefix_of

_MOST_KEPT = 2048  # combinations of reaches that statements look at


class Access:
    """Reaches and privileges of one principal; whatever was asked once is known from then on."""

    def __init__(
        self,
        registry: Registry,
        facts: UserFacts,
        engine: str,
        *,
        scopes: frozenset[str] | None = None,
        caller: Access | None = None,
    ) -> None:
        """Decide by ``facts``, with the roles of ``registry``, for statements of ``engine``.

        ``scopes`` of a token narrow it: who has some is no administrator, and has no privilege
        that belongs to no entity (``security.scopes``). So does a ``caller`` who acts on behalf of
        this principal: what the caller has no privilege for is not allowed, and records are those
        that the principal reaches (decisions/0044).
        """
        self.facts = facts
        self.registry = registry
        self.scopes = scopes
        self.caller = caller
        self._administers: bool = not facts.is_disabled and is_administrator(registry, facts)
        self._has_everything: bool = self._administers and (
            caller is None or caller._has_everything
        )
        self.is_administrator = self._has_everything and scopes is None
        self.is_system = False
        self._engine = engine
        self._reaches: dict[tuple[str, str], Reach | None] = {}
        self._asked: dict[Asked, tuple[Hashable, dict[str, Any]]] = {}
        self._miscellaneous = frozenset(
            name
            for given in facts.roles
            if (role := registry.roles.get(given.role)) is not None
            for name in role.miscellaneous
        )

    def reach(self, entity: str, privilege: str) -> Reach | None:
        """Return how far a privilege on an entity goes; None when no role gives it."""
        asked = (entity, privilege)
        try:
            return self._reaches[asked]
        except KeyError:
            definition = self.registry.entities[entity]
            found = None
            names = (entity, privileged_entity(self.registry, definition))
            if any(lets_through(self.scopes, name, privilege) for name in names):
                found = reach_of(self.registry, self.facts, definition, privilege)
            if self.caller is not None and self.caller.reach(entity, privilege) is None:
                found = None
            self._reaches[asked] = found
            return found

    def allows(self, privilege: str, entity: str) -> bool:
        """Return whether some role gives the privilege on the entity at all."""
        return self.reach(entity, privilege) is not None

    def require(self, privilege: str, entity: Entity) -> None:
        """Return when some role gives the privilege on the entity.

        Raises:
            AccessDenied: None does.
        """
        if self.reach(entity.name, privilege) is None:
            raise AccessDenied(
                "error.access_denied", {"privilege": privilege, "entity": entity.name}
            )

    @cached_property
    def columns(self) -> ColumnAccess:
        """Return what the principal may do with secured columns."""
        return ColumnAccess(
            self.registry,
            self.facts,
            is_free=self._has_everything,
            caller=None if self.caller is None else self.caller.columns,
        )

    def hidden(self, entity: str) -> frozenset[str]:
        """Return the columns of an entity that the principal may not read."""
        return self.columns.limits(entity).hidden

    def masked(self, entity: str) -> frozenset[str]:
        """Return the columns of an entity of which the principal sees a part."""
        return frozenset(self.columns.limits(entity).masked)

    def column(self, entity: str, field: str) -> ColumnRights:
        """Return what the principal may do with a column."""
        return self.columns.rights(entity, field)

    def has(self, miscellaneous: str) -> bool:
        """Return whether some role gives a privilege that belongs to no entity."""
        if self.scopes is not None or (self.caller and not self.caller.has(miscellaneous)):
            return False
        return self._administers or miscellaneous in self._miscellaneous

    def key(self, asked: Asked) -> Hashable:
        """Return what two users share exactly when one SQL text serves both."""
        return self._of(asked)[0]

    def parameters(self, asked: Asked) -> dict[str, Any]:
        """Return the sets of ids of these reaches, as that text's parameters."""
        return self._of(asked)[1]

    def _of(self, asked: Asked) -> tuple[Hashable, dict[str, Any]]:
        known = self._asked.get(asked)
        if known is None:
            shapes: list[Hashable] = []
            parameters: dict[str, Any] = {}
            for entity, privilege in asked:
                reach = self.reach(entity, privilege)
                shapes.append(None if reach is None else reach.shape)
                parameters |= parameters_of_reach(reach, prefix_of(entity, privilege), self._engine)
            if len(self._asked) >= _MOST_KEPT:
                self._asked.clear()
            known = self._asked[asked] = (tuple(shapes), parameters)
        return known


class SystemAccess(Access):
    """The platform itself: everything, everywhere."""

    def __init__(self, registry: Registry) -> None:
        """Answer for ``registry``."""
        super().__init__(registry, UserFacts(""), "")
        self._administers = self._has_everything = self.is_administrator = True
        self.is_system = True

    def reach(self, entity: str, privilege: str) -> Reach | None:
        """Return everything."""
        return EVERYTHING
