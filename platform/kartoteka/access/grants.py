"""Grants: which roles of a user hold a privilege on an entity, and at which level.

Source: reference platform, sections 6.2, 6.3 and 6.10.
"""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.access.facts import UserFacts
from kartoteka.model.entity import Entity
from kartoteka.registry import Registry

_KEPT_BY_PLATFORM = "kept_by_platform"
ACTIVITIES = "activitypointer"  # one set of privileges covers every kind of activity


@dataclass(frozen=True, slots=True)
class Grant:
    """One role's privilege on one entity, as one user has it.

    ``unit_id`` is what ``business_unit`` and ``parent_child`` count from. ``team_id`` names the
    team the role comes through. A grant that ``is_team_bound`` counts solely for what that team
    owns.
    """

    role: str
    level: str
    unit_id: str
    team_id: str = ""
    is_team_bound: bool = False


def is_administrator(registry: Registry, facts: UserFacts) -> bool:
    """Return whether one of the user's roles grants everything."""
    return any(
        (role := registry.roles.get(given.role)) is not None and role.grants_all
        for given in facts.roles
    )


def may_be_granted(entity: Entity, privilege: str) -> bool:
    """Return whether a role can give a privilege on an entity at all, even one of everything.

    What the platform keeps is read. Where it has commands, who may write runs them: any other
    write is refused.
    """
    if not is_kept(entity):
        return True
    return privilege == "read" or (privilege == "write" and bool(entity.commands))


def is_kept(entity: Entity) -> bool:
    """Return whether the platform alone writes the records of an entity."""
    return _KEPT_BY_PLATFORM in entity.features


def privileged_entity(registry: Registry, entity: Entity) -> str:
    """Return the entity whose privileges decide over records of ``entity``."""
    if entity.is_activity and ACTIVITIES in registry.entities:
        return ACTIVITIES
    return entity.name


def grants_of(
    registry: Registry, facts: UserFacts, entity: Entity, privilege: str
) -> tuple[Grant, ...]:
    """Return every grant of a privilege that the user's roles give; none of level ``none``."""
    name = privileged_entity(registry, entity)
    found = []
    for given in facts.roles:
        role = registry.roles.get(given.role)
        if role is None:
            continue
        if role.grants_all:
            found.append(Grant(given.role, "organization", given.unit_id, given.team_id))
            continue
        for privileges in role.privileges:
            level = privileges.levels.get(privilege, "none")
            if privileges.entity == name and level != "none":
                is_bound = bool(given.team_id) and level == "user" and not given.is_for_member
                found.append(Grant(given.role, level, given.unit_id, given.team_id, is_bound))
    return tuple(found)
