"""UserFacts: what the database knows of one user that decides over access, and nothing of metadata.

Source of every rule here: reference platform, section 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class GivenRole:
    """A role that a user has, directly or through a team that owns records.

    ``unit_id`` is the business unit that its levels count from: the user's, or the team's.
    ``is_for_member`` says whether what a team's role grants at the level ``user`` counts as if it
    were given to the member; otherwise it counts for what that team owns alone.
    """

    role: str
    unit_id: str
    team_id: str = ""
    is_for_member: bool = True


@dataclass(frozen=True, slots=True)
class PeopleBelow:
    """Those that hierarchy security puts ``level`` levels below a user (1: directly)."""

    level: int
    user_ids: frozenset[str]
    team_ids: frozenset[str] = frozenset()  # teams of those users, of any type


@dataclass(frozen=True, slots=True)
class UserFacts:
    """Roles, teams, units and people of one user.

    ``owner_team_ids`` are the teams that own records, ``team_ids`` all teams; ``profiles`` names
    the column security profiles that the user or a team has. ``units`` is the whole tree, as
    ``{unit: unit above it}`` (empty for the root). ``people`` is empty unless hierarchy security
    is on; ``editing_levels`` says how many of its levels may be changed, not only read, and
    ``hierarchy_excludes`` which entities it leaves out.
    """

    user_id: str
    unit_id: str = ""
    is_disabled: bool = False
    roles: tuple[GivenRole, ...] = ()
    owner_team_ids: frozenset[str] = frozenset()
    team_ids: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    organization_id: str = ""
    units: Mapping[str, str] = field(default_factory=dict)
    people: tuple[PeopleBelow, ...] = ()
    editing_levels: int = 1
    hierarchy_excludes: frozenset[str] = frozenset()


def units_below(units: Mapping[str, str], unit_id: str) -> frozenset[str]:
    """Return a business unit and every unit below it; a circle ends where it began."""
    children: dict[str, list[str]] = {}
    for unit, above in units.items():
        children.setdefault(above, []).append(unit)
    found, waiting = {unit_id}, [unit_id]
    while waiting:
        for child in children.get(waiting.pop(), ()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return frozenset(found)
