"""Reach: which records of an entity a user's privilege covers, as sets of ids.

It is what ``kartoteka_runtime.storage.reach_sql`` turns into one SQL condition, and what decides
over a record that is still to be created. Source: reference platform, sections 6.3 and 6.9.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kartoteka.access.facts import UserFacts, units_below
from kartoteka.access.grants import Grant, grants_of, is_administrator, may_be_granted
from kartoteka.access.rights import RIGHTS
from kartoteka.model.entity import Entity
from kartoteka.registry import Registry

HIERARCHY_PRIVILEGES = ("read", "write", "append", "append_to")
# What decides on the parent of a child record: the line of an order is changed as the order is.
PARENT_PRIVILEGE: Mapping[str, str] = {"create": "write", "delete": "write"}


MANY = -1
_LISTED = (0, 1, 4, 8)  # how many ids a statement lists one by one; few sizes make few statements


def listed_size(count: int) -> int:
    """Return for how many ids a statement has places that is to take ``count``; or ``MANY``."""
    return next((size for size in _LISTED if count <= size), MANY)


@dataclass(frozen=True, slots=True)
class Everything:
    """Every record of the entity."""

    @property
    def shape(self) -> Any:
        """Return what reaches share exactly when one SQL text serves them."""
        return "everything"


@dataclass(frozen=True, slots=True)
class RecordReach:
    """Records of these units, of these owners, and those shared with these principals.

    A share must hold ``right``. ``unit_field`` names the field with a record's business unit;
    records of an entity that belongs to units alone have no owner and are not shared.
    """

    unit_field: str
    unit_ids: frozenset[str] = frozenset()
    owner_ids: frozenset[str] = frozenset()
    sharee_ids: frozenset[str] = frozenset()
    right: int = 0

    @property
    def shape(self) -> Any:
        """Return what reaches share exactly when one SQL text serves them."""
        return (
            self.unit_field,
            listed_size(len(self.unit_ids)),
            listed_size(len(self.owner_ids)),
            listed_size(len(self.sharee_ids)),
            self.right,
        )

    def covers_new(self, owner_id: str, unit_id: str) -> bool:
        """Return whether a record that nobody has shared yet lies within."""
        return owner_id in self.owner_ids or unit_id in self.unit_ids


@dataclass(frozen=True, slots=True)
class ParentReach:
    """Child records whose parent lies within the reach that ``targets`` gives for its entity.

    ``parent_field`` is the lookup to the parent; parents of an entity that is not among
    ``targets`` are not within reach, and neither is a child without a parent.
    """

    parent_field: str
    targets: Mapping[str, Reach]

    @property
    def shape(self) -> Any:
        """Return what reaches share exactly when one SQL text serves them."""
        return (self.parent_field, tuple((name, r.shape) for name, r in self.targets.items()))


Reach = Everything | RecordReach | ParentReach
EVERYTHING = Everything()
Asked = tuple[tuple[str, str], ...]  # (entity, privilege) pairs that one statement looks at


class Reaches(Protocol):
    """What one user may reach, whatever is asked; whoever builds statements asks it."""

    def reach(self, entity: str, privilege: str) -> Reach | None:
        """Return how far a privilege on an entity goes; None when no role gives it."""

    def key(self, asked: Asked) -> Hashable:
        """Return what two users share exactly when one SQL text serves both."""

    def parameters(self, asked: Asked) -> dict[str, Any]:
        """Return the sets of ids of these reaches, as that text's parameters."""


def reach_of(registry: Registry, facts: UserFacts, entity: Entity, privilege: str) -> Reach | None:
    """Return how far a user's privilege on an entity goes; None when no role gives it.

    A share replaces no privilege: without a grant nothing is within reach.
    """
    if facts.is_disabled or not may_be_granted(entity, privilege):
        return None
    if is_administrator(registry, facts):
        return EVERYTHING
    if entity.parent_field:
        return _parent_reach(registry, facts, entity, PARENT_PRIVILEGE.get(privilege, privilege))
    grants = grants_of(registry, facts, entity, privilege)
    if not grants:
        return None
    if any(grant.level == "organization" for grant in grants):
        return EVERYTHING
    if entity.ownership not in ("user", "business_unit"):
        return EVERYTHING  # it knows no other level
    unit_field = unit_field_of(entity)
    units = _unit_ids(facts, grants)
    if entity.ownership == "business_unit":
        return RecordReach(unit_field, units)
    owners = _owner_ids(facts, grants)
    sharees = {facts.user_id, *facts.team_ids}
    if facts.organization_id:
        sharees.add(facts.organization_id)
    if privilege in HIERARCHY_PRIVILEGES and entity.name not in facts.hierarchy_excludes:
        for below in facts.people:
            if privilege == "read" or below.level <= facts.editing_levels:
                owners |= below.user_ids | below.team_ids
                sharees |= below.user_ids | below.team_ids
    right = RIGHTS.get(privilege, 0)
    if not right:
        sharees = set()
    return RecordReach(unit_field, units, frozenset(owners), frozenset(sharees), right)


def unit_field_of(entity: Entity) -> str:
    """Return the field that holds the business unit a record belongs to."""
    name = "owningbusinessunit"
    return name if name in entity.field_by_name else "businessunitid"


def _parent_reach(
    registry: Registry, facts: UserFacts, entity: Entity, privilege: str
) -> Reach | None:
    """Return the reach of a child entity: that of its parents."""
    field = entity.field_by_name[entity.parent_field]
    targets = {}
    for name in field.targets:
        target = registry.entities.get(name)
        reach = None if target is None else reach_of(registry, facts, target, privilege)
        if reach is not None:
            targets[name] = reach
    return ParentReach(field.name, targets) if targets else None


def _unit_ids(facts: UserFacts, grants: tuple[Grant, ...]) -> frozenset[str]:
    found: set[str] = set()
    for grant in grants:
        if grant.level == "business_unit":
            found.add(grant.unit_id)
        elif grant.level == "parent_child":
            found |= units_below(facts.units, grant.unit_id)
    return frozenset(found - {""})


def _owner_ids(facts: UserFacts, grants: tuple[Grant, ...]) -> set[str]:
    """Return the owners whose records every level covers: the user and teams that own records."""
    if any(not grant.is_team_bound for grant in grants):
        return {facts.user_id, *facts.owner_team_ids}
    return {grant.team_id for grant in grants}
