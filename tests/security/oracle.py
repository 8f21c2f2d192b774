"""The oracle: who may do what, decided slowly and plainly, one record at a time.

It is written from the reference (platform, sections 6.1 to 6.6 and 6.8 to 6.10) and, where that
leaves something open, from decisions 0033 and 0035; never from the code that it judges. Nothing
here is clever: no sets of ids, no SQL, nothing kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SHARED_RIGHTS = ("read", "write", "delete", "append", "append_to", "assign", "share")
ACTIVITY = "activitypointer"  # 6.10: one set of privileges for every kind of activity
USER, TEAM, ORGANIZATION = "systemuser", "team", "organization"


@dataclass
class Unit:
    """A business unit; the root has none above it."""

    id: str
    above: str = ""


@dataclass
class Position:
    """A place in the tree of positions."""

    id: str
    above: str = ""


@dataclass
class Role:
    """``levels`` as ``{entity: {privilege: level}}``; ``is_for_member``: member's inheritance."""

    name: str
    levels: Mapping[str, Mapping[str, str]]
    is_for_member: bool = True
    is_administrator: bool = False


@dataclass
class Team:
    """A team; one of the kind "access" has no roles and owns nothing."""

    id: str
    unit: str
    kind: str = "owner"  # or "access"
    members: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


@dataclass
class User:
    """A user, with what decides over their access."""

    id: str
    unit: str
    roles: tuple[str, ...] = ()
    manager: str = ""
    position: str = ""
    profiles: tuple[str, ...] = ()
    is_disabled: bool = False


@dataclass
class Shared:
    """What was given of one record to a user, a team or the organization."""

    principal: str
    explicit: tuple[str, ...] = ()
    inherited: tuple[str, ...] = ()


@dataclass
class Record:
    """``owner`` is a user's or team's id; ``unit`` the unit that a record of units is in."""

    id: str
    entity: str
    owner: str = ""
    unit: str = ""
    parent: str = ""
    shares: list[Shared] = field(default_factory=list)
    values: dict[str, object] = field(default_factory=dict)
    lookups: dict[str, str] = field(default_factory=dict)
    links: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Kind:
    """``ownership`` is user, organization, business_unit, none, or child (then of ``parent``)."""

    name: str
    ownership: str = "user"
    is_activity: bool = False
    parent: str = ""


@dataclass
class Hierarchy:
    """How hierarchy security is set (6.6)."""

    model: str = "off"  # manager, position
    depth: int = 3
    editing_levels: int = 1
    excluded: tuple[str, ...] = ()


@dataclass
class Column:
    """What profiles grant of one secured column."""

    read: bool = False
    create: bool = False
    update: bool = False


@dataclass(repr=False)
class World:
    """One organization: everything that decides, and the records that are decided over."""

    organization: str
    kinds: dict[str, Kind]
    roles: dict[str, Role]
    units: dict[str, Unit] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    hierarchy: Hierarchy = field(default_factory=Hierarchy)
    # {profile: {entity: {field: what it grants}}}, and the secured fields of each entity
    profiles: dict[str, dict[str, dict[str, Column]]] = field(default_factory=dict)
    secured: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Return how large it is: the whole is told where it matters."""
        return f"World of {len(self.users)} users and {len(self.records)} records"


@dataclass
class Grant:
    """One line of G in 6.3: a level, the unit it counts from, and the team it came through."""

    level: str
    unit: str
    team: str
    is_team_bound: bool


# --- who is who ----------------------------------------------------------------------------------


def teams_of(world: World, user: User) -> list[Team]:
    return [team for team in world.teams.values() if user.id in team.members]


def roles_of(world: World, user: User) -> Iterator[tuple[Role, str, Team | None]]:
    """Yield each role with the unit it counts from and the team it comes through."""
    for name in user.roles:
        yield world.roles[name], user.unit, None
    for team in teams_of(world, user):
        if team.kind == "owner":
            for name in team.roles:
                yield world.roles[name], team.unit, team


def is_administrator(world: World, user: User) -> bool:
    return any(role.is_administrator for role, _, _ in roles_of(world, user))


def is_below(world: World, unit: str, top: str) -> bool:
    """Return whether a unit is ``top`` or somewhere below it."""
    while unit:
        if unit == top:
            return True
        unit = world.units[unit].above
    return False


def unit_of(world: World, record: Record) -> str:
    """Return the unit of a record: that of its owner (6.7, classic)."""
    if record.owner in world.users:
        return world.users[record.owner].unit
    if record.owner in world.teams:
        return world.teams[record.owner].unit
    return record.unit


def grants(world: World, user: User, privilege: str, entity: str) -> list[Grant]:
    """Return G of 6.3, step 1."""
    name = ACTIVITY if world.kinds[entity].is_activity else entity
    found = []
    for role, unit, team in roles_of(world, user):
        level = "organization" if role.is_administrator else ""
        level = level or role.levels.get(name, {}).get(privilege, "none")
        if level != "none":
            bound = team is not None and level == "user" and not role.is_for_member
            found.append(Grant(level, unit, team.id if team else "", bound))
    return found


# --- 6.3: one record -----------------------------------------------------------------------------


def decide(world: World, user: User, privilege: str, record: Record) -> bool:
    """Return whether a privilege of a user covers a record; what it needs beside it is apart."""
    if user.is_disabled:
        return False
    if is_administrator(world, user):
        return True
    kind = world.kinds[record.entity]
    if kind.ownership == "child":
        parent = world.records.get(record.parent)
        asked = "write" if privilege in ("create", "delete") else privilege  # 0033
        return parent is not None and decide(world, user, asked, parent)
    given = grants(world, user, privilege, record.entity)
    if not given:
        return False
    if kind.ownership in ("organization", "none"):
        return True
    return (
        (kind.ownership == "user" and _by_owner(world, user, given, record))
        or _by_role(world, given, record)
        or (kind.ownership == "user" and _by_share(world, user, privilege, record))
        or (kind.ownership == "user" and _by_hierarchy(world, user, privilege, record))
    )


def has_privilege(world: World, user: User, privilege: str, entity: str) -> bool:
    """Return whether any role gives the privilege at all (step 1, which fails a whole query)."""
    if user.is_disabled:
        return False
    if is_administrator(world, user):
        return True
    if world.kinds[entity].ownership == "child":
        asked = "write" if privilege in ("create", "delete") else privilege
        return has_privilege(world, user, asked, world.kinds[entity].parent)
    return bool(grants(world, user, privilege, entity))


def _by_owner(world: World, user: User, given: list[Grant], record: Record) -> bool:
    is_free = any(not grant.is_team_bound for grant in given)
    if record.owner == user.id:
        return is_free
    for team in teams_of(world, user):
        if record.owner == team.id and team.kind == "owner":
            return is_free or any(grant.team == team.id for grant in given)
    return False


def _by_role(world: World, given: list[Grant], record: Record) -> bool:
    unit = unit_of(world, record)
    return any(
        grant.level == "organization"
        or (grant.level == "business_unit" and unit == grant.unit)
        or (grant.level == "parent_child" and is_below(world, unit, grant.unit))
        for grant in given
    )


def _by_share(world: World, user: User, privilege: str, record: Record) -> bool:
    mine = {user.id, world.organization, *(team.id for team in teams_of(world, user))}
    return any(
        share.principal in mine and privilege in (*share.explicit, *share.inherited)
        for share in record.shares
    )


def _by_hierarchy(world: World, user: User, privilege: str, record: Record) -> bool:
    """6.6: what those below own, they or their teams, or what was shared directly with them."""
    if privilege not in ("read", "write", "append", "append_to"):
        return False
    if record.entity in world.hierarchy.excluded:
        return False
    for person, level in people_below(world, user):
        if privilege != "read" and level > world.hierarchy.editing_levels:
            continue
        theirs = {person.id, *(team.id for team in teams_of(world, person))}
        if record.owner in theirs:
            return True
        for share in record.shares:
            if share.principal in theirs and privilege in (*share.explicit, *share.inherited):
                return True
    return False


def people_below(world: World, user: User) -> list[tuple[User, int]]:
    """Return who is below a user, with the number of steps between them, to the depth set."""
    hierarchy = world.hierarchy
    found = []
    for person in world.users.values():
        if person.id == user.id:
            continue
        if hierarchy.model == "manager":
            steps = _steps_up(person.id, user.id, {u.id: u.manager for u in world.users.values()})
            # the manager's unit is the person's, or above it
            reaches = is_below(world, person.unit, user.unit)
        elif hierarchy.model == "position":
            above = {item.id: item.above for item in world.positions.values()}
            is_placed = person.position and user.position
            steps = _steps_up(person.position, user.position, above) if is_placed else 0
            reaches = True
        else:
            return []
        if reaches and 0 < steps <= hierarchy.depth:
            found.append((person, steps))
    return found


def _steps_up(begin: str, end: str, above: Mapping[str, str]) -> int:
    """Return how many steps lead up from one to the other; 0: none do."""
    steps, at, seen = 0, begin, set()
    while at and at not in seen:
        seen.add(at)
        at = above[at]
        steps += 1
        if at == end:
            return steps
    return 0


# --- 6.2 and 6.4: what each operation needs ------------------------------------------------------


def may(world: World, user: User, operation: str, record: Record) -> bool:
    """Return whether a user may read, change, delete, assign or share a record."""
    needed = {
        "read": ("read",),
        "write": ("read", "write"),
        "delete": ("read", "delete"),
        "assign": ("read", "write", "assign"),
        "share": ("read", "share"),
    }[operation]
    return all(decide(world, user, privilege, record) for privilege in needed)


def may_set_lookup(world: World, user: User, record: Record, target: Record) -> bool:
    """Return whether a user may let a record that is there name another one."""
    return (
        may(world, user, "write", record)
        and decide(world, user, "append", record)
        and decide(world, user, "read", target)
        and decide(world, user, "append_to", target)
    )


def may_link(world: World, user: User, left: Record, right: Record) -> bool:
    """Return whether a user may link two records: append and append_to, either way round (0033)."""
    if not (decide(world, user, "read", left) and decide(world, user, "read", right)):
        return False
    return any(
        decide(world, user, "append", one) and decide(world, user, "append_to", other)
        for one, other in ((left, right), (right, left))
    )


def may_own(world: World, owner: str, entity: str) -> bool:
    """Return whether somebody can be given records of an entity to own."""
    if owner in world.users:
        return has_privilege(world, world.users[owner], "read", entity)
    team = world.teams[owner]
    if team.kind != "owner":
        return False
    if any(world.roles[name].is_administrator for name in team.roles):
        return True
    name = ACTIVITY if world.kinds[entity].is_activity else entity
    return any(
        world.roles[role].levels.get(name, {}).get("read", "none") != "none" for role in team.roles
    )


def decide_create(world: World, user: User, record: Record, targets: tuple[Record, ...]) -> bool:
    """Return whether a user may create a record with this owner or parent and these lookups."""
    if not decide_new(world, user, "create", record):
        return False
    if record.owner:
        own = {user.id}
        own |= {team.id for team in teams_of(world, user) if team.kind == "owner"}
        if record.owner not in own and not decide_new(world, user, "assign", record):
            return False
        if not may_own(world, record.owner, record.entity):
            return False
    return all(
        decide_new(world, user, "append", record)
        and decide(world, user, "read", target)
        and decide(world, user, "append_to", target)
        for target in targets
    )


def decide_new(world: World, user: User, privilege: str, record: Record) -> bool:
    """Return the same of a record that is still to be, as it will be stored: nobody shared it."""
    if user.is_disabled:
        return False
    if is_administrator(world, user):
        return True
    kind = world.kinds[record.entity]
    if kind.ownership == "child":
        return decide(world, user, privilege, record)
    given = grants(world, user, privilege, record.entity)
    if not given:
        return False
    if kind.ownership != "user":
        return kind.ownership in ("organization", "none") or _by_role(world, given, record)
    return (
        _by_owner(world, user, given, record)
        or _by_role(world, given, record)
        or _by_hierarchy(world, user, privilege, record)
    )


# --- 6.8: columns --------------------------------------------------------------------------------


def columns(world: World, user: User, entity: str, name: str) -> Column:
    """Return what a user may do with one column of an entity."""
    if user.is_disabled:
        return Column()
    if name not in world.secured.get(entity, ()) or is_administrator(world, user):
        return Column(True, True, True)
    held = set(user.profiles)
    for team in teams_of(world, user):
        held |= set(team.profiles)
    found = Column()
    for profile in held:
        granted = world.profiles[profile].get(entity, {}).get(name, Column())
        found.read = found.read or granted.read
        found.create = found.create or granted.create
        found.update = found.update or granted.update
    return found
