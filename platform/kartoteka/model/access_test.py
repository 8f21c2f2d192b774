"""AccessTest: an organization made up for a test, and who may do what in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kartoteka.location import NOWHERE, Location

# What may come of running a test: all else is known before.
CANNOT_BUILD = "access_test/cannot-build"
EXPECTED_OTHERWISE = "access_test/expected-otherwise"
EXPLANATION_DIFFERS = "access_test/explanation-differs"
EVERYBODY = "everybody"  # what a share with the whole organization names


@dataclass(frozen=True, slots=True)
class GivenUnit:
    """A business unit; ``parent`` is empty below the topmost one."""

    name: str
    parent: str = ""
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class GivenPosition:
    """A position; ``parent`` is empty at the top."""

    name: str
    parent: str = ""
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class GivenUser:
    """A user with what is given to them; ``unit`` is empty in the topmost one."""

    name: str
    unit: str = ""
    roles: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    manager: str = ""
    position: str = ""
    is_disabled: bool = False
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class GivenTeam:
    """A team with its members."""

    name: str
    unit: str = ""
    type: str = "owner"
    roles: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class GivenHierarchy:
    """Hierarchy security; None leaves a setting as an organization has it at first."""

    by: str
    depth: int | None = None
    editing_levels: int | None = None
    excludes: tuple[str, ...] = ()
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class GivenShare:
    """Whom a record is shared with: a user, a team, or everybody."""

    receiver: str
    privileges: tuple[str, ...]
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class GivenRecord:
    """A record; texts in ``values`` of lookups name what else the test has."""

    name: str
    entity: str
    owner: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    shares: tuple[GivenShare, ...] = ()
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
    value_locations: Mapping[str, Location] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must hold for a user, of one record or of an entity; None expects nothing."""

    user: str
    record: str = ""
    entity: str = ""
    may: tuple[str, ...] = ()
    may_not: tuple[str, ...] = ()
    sees: tuple[str, ...] | None = None
    count: int | None = None
    reads: tuple[str, ...] = ()
    masked: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
    locations: Mapping[str, Location] = field(default_factory=dict, compare=False)

    def place(self, key: str) -> Location:
        """Return where a key of the expectation stands."""
        return self.locations.get(key, self.location)


@dataclass(frozen=True, slots=True)
class AccessTest:
    """One document: an organization, its records, and what must hold."""

    name: str
    units: tuple[GivenUnit, ...] = ()
    positions: tuple[GivenPosition, ...] = ()
    users: tuple[GivenUser, ...] = ()
    teams: tuple[GivenTeam, ...] = ()
    team_only_roles: tuple[str, ...] = ()
    hierarchy: GivenHierarchy | None = None
    records: tuple[GivenRecord, ...] = ()
    expectations: tuple[Expectation, ...] = ()
    bundle: str = ""
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
