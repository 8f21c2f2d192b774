"""Giving roles: nobody gives what they do not have themselves."""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka.access.facts import UserFacts
from kartoteka.access.grants import grants_of, is_administrator
from kartoteka.model.role import ACCESS_LEVELS
from kartoteka.registry import Registry


def roles_beyond(registry: Registry, facts: UserFacts, roles: Iterable[str]) -> tuple[str, ...]:
    """Return those of the roles, by name, that grant more than the user's own roles do.

    A privilege at a wider level than one's own is more, and so is one that belongs to no entity.
    """
    if is_administrator(registry, facts):
        return ()
    return tuple(name for name in roles if _is_beyond(registry, facts, name))


def _is_beyond(registry: Registry, facts: UserFacts, name: str) -> bool:
    role = registry.roles[name]
    own = {
        item
        for given in facts.roles
        if given.role in registry.roles
        for item in registry.roles[given.role].miscellaneous
    }
    if role.grants_all or not own.issuperset(role.miscellaneous):
        return True
    for privileges in role.privileges:
        entity = registry.entities.get(privileges.entity)
        if entity is None:
            continue
        for privilege, level in privileges.levels.items():
            grants = grants_of(registry, facts, entity, privilege)
            most = max((ACCESS_LEVELS.index(grant.level) for grant in grants), default=0)
            if ACCESS_LEVELS.index(level) > most:
                return True
    return False
