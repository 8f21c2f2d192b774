"""Who gives roles and column security profiles: nobody gives more than they have.

It holds for roles of users and teams, for making somebody a member of a team that has roles, and
for moving users and teams to where roles reach further. How somebody signs in is changed by nobody
who may less than they. Profiles, and what decides over the access of many at once, are for
administrators alone. Source: decisions/0033.
"""

from __future__ import annotations

from kartoteka.access.giving import roles_beyond
from kartoteka.errors import RecordInvalid, Violation
from kartoteka.plugin_api.contexts import RecordHandler, WriteContext
from kartoteka.record_values import Reference
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.link_tables import MEMBERSHIP, TEAM_ROLES, USER_ROLES, linked_ids
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.owners import organization_setting
from kartoteka_runtime.records.receivers import PRINCIPALS
from kartoteka_runtime.storage.access_facts import ROLE, TEAM, USER

_GIVES_ROLES = (USER_ROLES, TEAM_ROLES)
_GIVES_PROFILES = ("systemuserprofiles", "teamprofiles")
_UNIT = "businessunitid"
_SIGNS_IN = ("domainname", "internalemailaddress", "applicationid", "accessmode", "isdisabled")
_HIERARCHY_IS_ON = "ishierarchicalsecuritymodelenabled"  # fields of the organization
KEEPS_ROLES = "donotremoverolesonchangebusinessunit"


async def guard_giving(context: WriteContext) -> None:
    """Refuse to link what would give somebody more than the principal has.

    Raises:
        RecordInvalid: A role grants more; it is named.
    """
    op = operation_of(context.records)
    if op.is_system:
        return
    relationship = op.model.registry.relationships[context.values["relationship"]]
    ids = {
        relationship.left: context.values["left_id"],
        relationship.right: context.values["right_id"],
    }
    if relationship.intersect in _GIVES_PROFILES and not op.access.is_administrator:
        raise RecordInvalid(context.entity, [Violation(None, "violation.profiles_are_given")])
    if relationship.intersect in _GIVES_ROLES:
        given = [ids[ROLE]]
    elif relationship.intersect == MEMBERSHIP:
        await _refuse_profiles(op, context.entity, ids[TEAM])
        given = await _roles_of_team(op, ids[TEAM])
    else:
        return
    receiver = USER if relationship.intersect == USER_ROLES else TEAM
    unit_id = await _unit_of(op, receiver, ids[receiver])
    _refuse_beyond(op, context.entity, _named(op, given), unit_id)


async def guard_user(context: WriteContext) -> None:
    """Refuse what would let somebody have, or act with, more than the principal has.

    Raises:
        RecordInvalid: In the unit they come to roles grant more; or the user has such roles, and
            would sign in otherwise.
    """
    op, values = operation_of(context.records), context.values
    if op.is_system or op.access.is_administrator:
        return
    unit = values.get(_UNIT)
    if isinstance(unit, Reference):
        given = await _roles_of_default_team(op, unit.id)
        if context.before is not None and await organization_setting(op, KEEPS_ROLES):
            facts = await op.model.access_facts.load(op.connection, context.record_id)
            given += [item.role for item in facts.roles if not item.team_id] if facts else []
        _refuse_beyond(op, USER, given, unit.id)
    if context.before is not None and any(name in values for name in _SIGNS_IN):
        facts = await op.model.access_facts.load(op.connection, context.record_id)
        for item in facts.roles if facts is not None else ():
            if beyond := _beyond(op, [item.role], item.unit_id):
                said = {"role": op.model.registry.roles[beyond[0]].label}
                raise RecordInvalid(USER, [Violation(None, "violation.user_beyond_ones_own", said)])


async def guard_team(context: WriteContext) -> None:
    """Refuse to move a team to where its roles grant more than the principal has.

    Raises:
        RecordInvalid: They do.
    """
    op, unit = operation_of(context.records), context.values.get(_UNIT)
    if not op.is_system and isinstance(unit, Reference):
        given = _named(op, await _roles_of_team(op, context.record_id))
        _refuse_beyond(op, TEAM, given, unit.id)


async def guard_people(context: WriteContext) -> None:
    """Refuse to change who is below whom, once that decides over access.

    Raises:
        RecordInvalid: It does, and the principal is no administrator.
    """
    op = operation_of(context.records)
    if op.is_system or op.access.is_administrator:
        return
    if await organization_setting(op, _HIERARCHY_IS_ON):
        raise RecordInvalid(context.entity, [Violation(None, "violation.administrators_decide")])


async def guard_deciding(context: WriteContext) -> None:
    """Refuse to change what decides over the access of many.

    Raises:
        RecordInvalid: The principal is no administrator.
    """
    op = operation_of(context.records)
    if not op.is_system and not op.access.is_administrator:
        raise RecordInvalid(context.entity, [Violation(None, "violation.administrators_decide")])


async def guard_identity(context: WriteContext) -> None:
    """Refuse a new user or team with the id of another principal: what is another's is found by id.

    Raises:
        RecordInvalid: Somebody has that id.
    """
    op = operation_of(context.records)
    for name in PRINCIPALS:
        if name == context.entity or name not in op.model.registry.entities:
            continue
        compiled = op.entity(name)
        names = (compiled.entity.primary_id,)
        if await compiled.queries.read(op.connection, context.record_id, names=names) is not None:
            said = {"value": context.record_id}
            own = op.entity(context.entity).entity.primary_id
            raise RecordInvalid(context.entity, [Violation(own, "violation.not_unique", said)])


def _named(op: Operation, role_ids: list[str]) -> list[str]:
    return [op.model.role_names[item] for item in role_ids if item in op.model.role_names]


def _beyond(op: Operation, names: list[str], unit_id: str) -> tuple[str, ...]:
    if op.access.scopes is not None:  # a token that is narrowed gives nothing
        return tuple(names)
    beyond = roles_beyond(op.model.registry, op.access.facts, names, unit_id=unit_id)
    if not beyond and op.access.caller is not None:  # nor more than who calls has
        caller = op.access.caller.facts
        beyond = roles_beyond(op.model.registry, caller, names, unit_id=unit_id)
    return beyond


def _refuse_beyond(op: Operation, entity: str, names: list[str], unit_id: str) -> None:
    for name in _beyond(op, names, unit_id):
        said = {"role": op.model.registry.roles[name].label}
        raise RecordInvalid(entity, [Violation(None, "violation.role_beyond_ones_own", said)])


async def _unit_of(op: Operation, name: str, record_id: str) -> str:
    if _UNIT not in op.entity(name).names:
        return ""
    found = await op.entity(name).queries.read(op.connection, record_id, names=(_UNIT,))
    unit = found.get(_UNIT) if found is not None else None
    return unit.id if isinstance(unit, Reference) else ""


async def _roles_of_default_team(op: Operation, unit_id: str) -> list[str]:
    """Return the names of the roles that everybody in a unit has through its team.

    Raises:
        RecordInvalid: The team has column security profiles, and the principal gives none.
    """
    if not (TEAM in op.model.registry.entities and {"isdefault", _UNIT} <= op.entity(TEAM).names):
        return []
    teams = await op.records_for(op.as_system()).list(
        TEAM, filter=f"isdefault eq true and {_UNIT} eq {unit_id}", fields=("teamid",)
    )
    found: list[str] = []
    for team in teams:
        await _refuse_profiles(op, USER, str(team["teamid"]))
        found += _named(op, await _roles_of_team(op, str(team["teamid"])))
    return found


async def _roles_of_team(op: Operation, team_id: str) -> list[str]:
    return sorted(await linked_ids(op, TEAM_ROLES, TEAM, team_id, ROLE))


async def _refuse_profiles(op: Operation, entity: str, team_id: str) -> None:
    """Refuse to make somebody a member of a team that has column security profiles."""
    given = await linked_ids(op, "teamprofiles", TEAM, team_id, "fieldsecurityprofile")
    if given and not op.access.is_administrator:
        raise RecordInvalid(entity, [Violation(None, "violation.profiles_are_given")])


RECORD_HANDLERS: tuple[RecordHandler, ...] = (
    *(RecordHandler(entity, "before_associate", guard_giving, rank=5) for entity in (USER, TEAM)),
    *(RecordHandler(entity, "before_create", guard_identity, rank=5) for entity in (USER, TEAM)),
    RecordHandler(USER, "before_create", guard_user, (_UNIT,), rank=5),
    RecordHandler(USER, "before_update", guard_user, (_UNIT, *_SIGNS_IN), rank=5),
    RecordHandler(
        USER, "before_update", guard_people, ("parentsystemuserid", "positionid"), rank=5
    ),
    RecordHandler("position", "before_update", guard_people, ("parentpositionid",), rank=5),
    RecordHandler(TEAM, "before_update", guard_team, (_UNIT,), rank=5),
    RecordHandler(
        "businessunit", "before_update", guard_deciding, ("parentbusinessunitid",), rank=5
    ),
    RecordHandler(ROLE, "before_update", guard_deciding, ("isinherited",), rank=5),
    RecordHandler(
        "organization",
        "before_update",
        guard_deciding,
        (
            _HIERARCHY_IS_ON,
            "usepositionhierarchy",
            "maxdepthforhierarchicalsecuritymodel",
            "hierarchicalsecurityeditlevels",
            "hierarchicalsecurityexcludes",
            KEEPS_ROLES,
            "sharetopreviousowneronassign",
        ),  # fmt: skip
        rank=5,
    ),
)
