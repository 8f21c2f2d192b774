"""Giving roles: nobody gives what they do not have themselves."""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka.access.facts import UserFacts, units_below
from kartoteka.access.grants import Grant, grants_of, is_administrator
from kartoteka.registry import Registry


def roles_beyond(
    registry: Registry, facts: UserFacts, roles: Iterable[str], *, unit_id: str
) -> tuple[str, ...]:
    """Return those of the roles, by name, that grant more than the user's own roles do.

    A privilege that reaches business units which the user's own does not is more, and so is one
    that belongs to no entity. ``unit_id`` is the unit that levels of the roles would count from.
    """
    if is_administrator(registry, facts):
        return ()
    return tuple(name for name in roles if _is_beyond(registry, facts, name, unit_id))


def _is_beyond(registry: Registry, facts: UserFacts, name: str, unit_id: str) -> bool:
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
            if not _reaches(facts, grants, level, unit_id):
                return True
    return False


def _reaches(facts: UserFacts, grants: tuple[Grant, ...], level: str, unit_id: str) -> bool:
    """Return whether one's own grants reach what a level counted from a unit does."""
    if level == "none" or any(grant.level == "organization" for grant in grants):
        return True
    if level in ("user", "organization"):
        return level == "user" and bool(grants)
    own = {grant.unit_id for grant in grants if grant.level == "business_unit"}
    for grant in grants:
        if grant.level == "parent_child":
            own |= units_below(facts.units, grant.unit_id)
    wanted = units_below(facts.units, unit_id) if level == "parent_child" else {unit_id}
    return own.issuperset(wanted)
