"""Who gives roles and column security profiles: nobody gives more than they have.

It holds for roles of users and teams, and for making somebody a member of a team that has roles.
Profiles are given by administrators alone. Source: decisions/0033.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.access.giving import roles_beyond
from kartoteka.errors import RecordInvalid, Violation
from kartoteka.plugin_api.contexts import RecordHandler, WriteContext
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.record_service import ActingRecords
from kartoteka_runtime.storage.tables import link_columns

USER, TEAM, ROLE = "systemuser", "team", "role"
_GIVES_ROLES = ("systemuserroles", "teamroles")
_GIVES_PROFILES = ("systemuserprofiles", "teamprofiles")


async def guard_giving(context: WriteContext) -> None:
    """Refuse to link what would give somebody more than the principal has.

    Raises:
        RecordInvalid: A role grants more; it is named.
    """
    records = context.records
    assert isinstance(records, ActingRecords) and records.open_operation is not None
    op = records.open_operation
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
    elif relationship.intersect == "teammembership":
        given = await _roles_of_team(op, ids[TEAM])
    else:
        return
    names = [op.model.role_names[item] for item in given if item in op.model.role_names]
    beyond = roles_beyond(op.model.registry, op.access.facts, names)
    if op.access.scopes is not None:  # a token that is narrowed gives nothing
        beyond = tuple(names)
    for name in beyond:
        said = {"role": op.model.registry.roles[name].label}
        raise RecordInvalid(
            context.entity, [Violation(None, "violation.role_beyond_ones_own", said)]
        )


async def _roles_of_team(op: Operation, team_id: str) -> list[str]:
    names = {item.intersect: name for name, item in op.model.registry.relationships.items()}
    if "teamroles" not in names:
        return []
    build = partial(_team_roles, op.model, names["teamroles"])
    rows = await op.connection.fetch_all(op.model.text("roles of a team", build), {"team": team_id})
    return [str(row[0]) for row in rows]


def _team_roles(model: CompiledModel, name: str) -> sa.Select[Any]:
    relationship, table = model.registry.relationships[name], model.tables.links[name]
    sides = dict(
        zip(
            (relationship.left, relationship.right),
            link_columns(relationship.left, relationship.right),
            strict=True,
        )
    )
    column = table.c[sides[TEAM]]
    return sa.select(table.c[sides[ROLE]]).where(column == sa.bindparam("team", type_=column.type))


RECORD_HANDLERS: tuple[RecordHandler, ...] = tuple(
    RecordHandler(entity, "before_associate", guard_giving, rank=5) for entity in (USER, TEAM)
)
