"""Explanation: why somebody may, or may not, do something with one record.

It is the second implementation of reference platform, section 6.3, and goes the other way round
than ``kartoteka.access.reach``: from one record to the user, step by step as the reference tells
it, without sets and without SQL. Tests hold the two equal (decisions/0039).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kartoteka.access.facts import GivenRole, UserFacts
from kartoteka.access.grants import may_be_granted
from kartoteka.access.rights import RIGHTS
from kartoteka.location import NOWHERE, Location
from kartoteka.model.entity import Entity
from kartoteka.model.role import PRIVILEGES, Role
from kartoteka.record_values import Reference
from kartoteka.registry import Registry

_ACTIVITIES = "activitypointer"
_HIERARCHY = ("read", "write", "append", "append_to")
_ANCESTORS = {"create": "write", "delete": "write"}  # what a child's privilege asks of its parent
COLUMN_VERBS = ("read", "create", "update", "read_unmasked")
_MOST_STEPS, _MOST_KINDS = 1000, 20  # units above a unit, entities above a child: circles end

# Kinds of causes, the strongest first; those after ``DISABLED`` say no.
ADMINISTRATOR, ROLE, OWN, OWN_TEAM, SHARED, MANAGER, POSITION = (
    "administrator", "role", "own", "own_team", "shared", "manager", "position",
)  # fmt: skip
DISABLED, KEPT, NO_PRIVILEGE, NO_PARENT, OUT_OF_REACH = (
    "disabled", "kept_by_platform", "no_privilege", "no_parent", "out_of_reach",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ShareFact:
    """One share of a record; masks of ``kartoteka.access.rights``.

    ``inherited_from`` are records above that pass access on to it and are shared alike.
    """

    principal: Reference
    explicit: int = 0
    inherited: int = 0
    shared_by: str = ""
    inherited_from: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """What decides over one record; of a child record it is its parent, None: it has none."""

    reference: Reference
    owner: Reference | None = None
    unit_id: str = ""
    shares: tuple[ShareFact, ...] = ()
    parent: RecordFacts | None = None


@dataclass(frozen=True, slots=True)
class RoleGrant:
    """A privilege on an entity as one of a user's roles gives it, and where the role says so.

    ``team_id`` names the team that the role comes through, ``unit_id`` the unit that its level
    counts from. What ``is_team_bound`` counts solely for records of that team.
    """

    role: str
    level: str
    unit_id: str = ""
    team_id: str = ""
    is_team_bound: bool = False
    location: Location = NOWHERE


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for an answer.

    ``grant`` is the role that gives the privilege; of ``no_privilege`` there is none, and
    ``roles`` are those that were looked at. ``unit_id`` is the unit of the record; ``owner`` its
    owner. Of ``shared``, ``share`` tells with whom and by whom; of ``manager`` and ``position``,
    ``below`` is who is so many ``steps`` below, and ``share`` what was shared with them, if it is
    not theirs.
    """

    kind: str
    grant: RoleGrant | None = None
    unit_id: str = ""
    owner: Reference | None = None
    share: ShareFact | None = None
    is_inherited: bool = False
    below: Reference | None = None
    steps: int = 0
    roles: tuple[RoleGrant, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether one privilege reaches a record, and why: causes, the strongest first.

    ``about`` is the record that decides with ``asked`` as the privilege: of a child record, the
    one at the top of its parents.
    """

    privilege: str
    is_allowed: bool
    causes: tuple[Cause, ...]
    asked: str
    about: Reference | None = None

    @property
    def cause(self) -> Cause:
        """Return the one cause."""
        return self.causes[0]


def explain_record(
    registry: Registry, facts: UserFacts, record: RecordFacts, *, by_position: bool = False
) -> Mapping[str, Answer]:
    """Return the answers for a record, by privilege, in their usual order.

    ``create`` says whether the user might create a record of the same owner.

    Args:
        registry: Whose roles decide.
        facts: Who asks.
        record: Over what.
        by_position: Whether hierarchy security goes by positions, not by managers.
    """
    return {
        privilege: _Question(registry, facts, privilege, by_position).answer(record)
        for privilege in PRIVILEGES
    }


@dataclass(frozen=True, slots=True)
class ColumnAnswer:
    """What a user may do with one secured column, and the profiles that say so.

    ``is_masked`` says whether a part of the value is hidden until the user asks for it, and
    ``may_unmask`` whether they may ask.
    ``profiles`` has for each of ``read``, ``create``, ``update`` and ``read_unmasked`` the names
    of profiles with the place where they grant it. Empty for administrators, who may everything.
    """

    field: str
    read: bool
    create: bool
    update: bool
    is_masked: bool
    may_unmask: bool
    profiles: Mapping[str, tuple[tuple[str, Location], ...]]


def explain_columns(
    registry: Registry, facts: UserFacts, entity: Entity
) -> tuple[ColumnAnswer, ...]:
    """Return what a user may do with each secured column of an entity, and by which profile."""
    is_free = not facts.is_disabled and any(
        role.grants_all
        for given in facts.roles
        if (role := registry.roles.get(given.role)) is not None
    )
    answers = []
    for name in sorted(entity.secured_fields):
        field = entity.field_by_name[name]
        decides = name if field.secured else field.base_of or entity.file_marks[name]
        found: dict[str, list[tuple[str, Location]]] = {verb: [] for verb in COLUMN_VERBS}
        for profile_name in () if facts.is_disabled else sorted(facts.profiles):
            profile = registry.column_profiles.get(profile_name)
            for line in profile.privileges if profile is not None else ():
                for column in line.columns if line.entity == entity.name else ():
                    if column.field != decides:
                        continue
                    for verb in COLUMN_VERBS:
                        if getattr(column, verb) not in (False, "none"):
                            found[verb].append((profile_name, column.location))
        mask = entity.field_by_name[decides].mask
        answers.append(
            ColumnAnswer(
                name,
                is_free or bool(found["read"]),
                is_free or bool(found["create"]),
                is_free or bool(found["update"]),
                mask is not None and not is_free,
                is_free or bool(found["read"] and found["read_unmasked"]),
                {verb: tuple(places) for verb, places in found.items()},
            )
        )
    return tuple(answers)


def explain_entity(
    registry: Registry, facts: UserFacts, entity: Entity
) -> Mapping[str, tuple[RoleGrant, ...]]:
    """Return what each role gives on an entity, by privilege, the widest level first.

    Of a child entity these are what decides over the entities of its parents.
    """
    found: dict[str, tuple[RoleGrant, ...]] = {}
    for privilege in PRIVILEGES:
        grants: dict[RoleGrant, None] = {}
        for deciding, asked in _deciding(registry, entity, privilege, 0):
            if not facts.is_disabled and may_be_granted(deciding, asked):
                question = _Question(registry, facts, asked, by_position=False)
                grants |= dict.fromkeys(question.grants(deciding))
        found[privilege] = tuple(sorted(grants, key=_narrowness))
    return found


def _deciding(
    registry: Registry, entity: Entity, privilege: str, depth: int
) -> Iterator[tuple[Entity, str]]:
    """Yield the entities that decide over records of an entity, and the privilege on them."""
    if not entity.parent_field:
        yield entity, privilege
    elif depth < _MOST_KINDS:
        asked = _ANCESTORS.get(privilege, privilege)
        for name in entity.field_by_name[entity.parent_field].targets:
            if name in registry.entities:
                yield from _deciding(registry, registry.entities[name], asked, depth + 1)


class _Question:
    """One privilege of one user: the steps of the reference, in its order."""

    def __init__(
        self, registry: Registry, facts: UserFacts, privilege: str, by_position: bool
    ) -> None:
        self.registry = registry
        self.facts = facts
        self.privilege = privilege
        self.by_position = by_position

    def answer(self, record: RecordFacts) -> Answer:
        """Return the decision over one record."""
        about = record.reference
        if self.facts.is_disabled:
            return self._no(about, Cause(DISABLED))
        if not may_be_granted(self.registry.entities[about.entity], self.privilege):
            return self._no(about, Cause(KEPT))
        administrators = [
            Cause(ADMINISTRATOR, _as_administrator(given, role))
            for given, role in self.roles()
            if role.grants_all
        ]
        if administrators:
            return Answer(self.privilege, True, tuple(administrators), self.privilege, about)
        entity = self.registry.entities[about.entity]
        if entity.parent_field:
            return self._of_parent(record)
        return self._of_record(entity, record)

    def roles(self) -> Iterator[tuple[GivenRole, Role]]:
        """Yield the roles that the user has and the registry knows."""
        for given in self.facts.roles:
            role = self.registry.roles.get(given.role)
            if role is not None:
                yield given, role

    def grants(self, entity: Entity) -> Iterator[RoleGrant]:
        """Yield step 1: every role that gives the privilege on the entity, at any level."""
        name = entity.name
        if entity.is_activity and _ACTIVITIES in self.registry.entities:
            name = _ACTIVITIES
        for given, role in self.roles():
            if role.grants_all:
                yield _as_administrator(given, role)
                continue
            for line in role.privileges:
                level = line.levels.get(self.privilege, "none")
                if line.entity != name or level == "none":
                    continue
                bound = level == "user" and given.team_id != "" and not given.is_for_member
                yield RoleGrant(
                    role.name, level, given.unit_id, given.team_id, bound, line.location
                )

    def _of_parent(self, record: RecordFacts) -> Answer:
        parent = record.parent
        if parent is None:
            return self._no(record.reference, Cause(NO_PARENT))
        asked = _ANCESTORS.get(self.privilege, self.privilege)
        above = _Question(self.registry, self.facts, asked, self.by_position).answer(parent)
        return replace(above, privilege=self.privilege)

    def _of_record(self, entity: Entity, record: RecordFacts) -> Answer:
        about = record.reference
        grants = tuple(sorted(self.grants(entity), key=_narrowness))
        if not grants:
            looked_at = tuple(
                RoleGrant(role.name, "none", given.unit_id, given.team_id, location=role.location)
                for given, role in self.roles()
            )
            return self._no(about, Cause(NO_PRIVILEGE, roles=looked_at))
        causes = tuple(self._causes(entity, record, grants))
        if causes:
            return Answer(self.privilege, True, causes, self.privilege, about)
        missed = Cause(OUT_OF_REACH, grants[0], record.unit_id, record.owner, roles=grants)
        return self._no(about, missed)

    def _causes(
        self, entity: Entity, record: RecordFacts, grants: tuple[RoleGrant, ...]
    ) -> Iterator[Cause]:
        """Yield every reason for a yes, the strongest first."""
        has_unit = entity.ownership in ("user", "business_unit")
        for grant in grants:
            is_wide = grant.level == "organization" or not has_unit
            if is_wide or self._is_in_reach(grant, record.unit_id):
                yield Cause(ROLE, grant, record.unit_id, record.owner)
        if entity.ownership != "user":
            return
        yield from self._by_owner(record, grants)
        right = RIGHTS.get(self.privilege, 0)
        for share, is_inherited in _shares_with(record, right):
            if self._is_mine(share.principal):
                yield Cause(SHARED, grants[0], record.unit_id, record.owner, share, is_inherited)
        yield from self._by_hierarchy(entity, record, grants[0])

    def _is_in_reach(self, grant: RoleGrant, unit_id: str) -> bool:
        if not unit_id or not grant.unit_id:
            return False
        if grant.level == "business_unit":
            return unit_id == grant.unit_id
        if grant.level != "parent_child":
            return False
        for _ in range(_MOST_STEPS):  # up from the record's unit until the role's is met
            if unit_id == grant.unit_id:
                return True
            unit_id = self.facts.units.get(unit_id, "")
            if not unit_id:
                return False
        return False

    def _by_owner(self, record: RecordFacts, grants: tuple[RoleGrant, ...]) -> Iterator[Cause]:
        owner = record.owner
        if owner is None:
            return
        free = next((grant for grant in grants if not grant.is_team_bound), None)
        if owner.id == self.facts.user_id:
            if free is not None:
                yield Cause(OWN, free, record.unit_id, owner)
            return
        if free is not None and owner.id in self.facts.owner_team_ids:
            yield Cause(OWN_TEAM, free, record.unit_id, owner)
            return
        for grant in grants:
            if grant.is_team_bound and grant.team_id == owner.id:
                yield Cause(OWN_TEAM, grant, record.unit_id, owner)

    def _is_mine(self, principal: Reference) -> bool:
        if principal.entity == "organization":
            return principal.id == self.facts.organization_id
        return principal.id == self.facts.user_id or principal.id in self.facts.team_ids

    def _by_hierarchy(
        self, entity: Entity, record: RecordFacts, grant: RoleGrant
    ) -> Iterator[Cause]:
        if self.privilege not in _HIERARCHY or entity.name in self.facts.hierarchy_excludes:
            return
        kind = POSITION if self.by_position else MANAGER
        for below in self.facts.people:
            if self.privilege != "read" and below.level > self.facts.editing_levels:
                continue
            theirs = below.user_ids | below.team_ids
            owner = record.owner
            if owner is not None and owner.id in theirs:
                yield Cause(kind, grant, record.unit_id, owner, below=owner, steps=below.level)
            for share, is_inherited in _shares_with(record, RIGHTS[self.privilege]):
                if share.principal.id in theirs:
                    yield Cause(
                        kind, grant, record.unit_id, owner, share, is_inherited,
                        below=share.principal, steps=below.level,
                    )  # fmt: skip

    def _no(self, about: Reference, cause: Cause) -> Answer:
        return Answer(self.privilege, False, (cause,), self.privilege, about)


def _as_administrator(given: GivenRole, role: Role) -> RoleGrant:
    return RoleGrant(role.name, "organization", given.unit_id, given.team_id, False, role.location)


def _shares_with(record: RecordFacts, right: int) -> Iterator[tuple[ShareFact, bool]]:
    """Yield the shares that hold a right, and whether it is inherited alone."""
    for share in record.shares:
        if right & (share.explicit | share.inherited):
            yield share, not share.explicit & right


_LEVELS = ("organization", "parent_child", "business_unit", "user")


def _narrowness(grant: RoleGrant) -> tuple[int, bool, str, str]:
    """Return what orders grants: the widest first, the user's own before those of teams."""
    return _LEVELS.index(grant.level), bool(grant.team_id), grant.role, grant.team_id
