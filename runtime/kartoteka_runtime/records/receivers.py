"""Receivers: whether a user or team can be given a record, as owner or by a share.

A share replaces no privilege, so whoever may not read an entity at all is given none of its
records. Sources: reference platform, sections 6.2, 6.3 and 6.5.
"""

from __future__ import annotations

from kartoteka.access.facts import UserFacts
from kartoteka.access.reach import reach_of
from kartoteka.model.entity import Entity
from kartoteka.record_values import Reference
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.storage.access_facts import ACCESS_TEAM
from kartoteka_runtime.storage.database import BadParameter

USER, TEAM, ORGANIZATION = "systemuser", "team", "organization"
PRINCIPALS = (USER, TEAM, ORGANIZATION)


async def missing_of_receiver(
    op: Operation, principal: Reference, entity: Entity, *, is_owner: bool = False
) -> str:
    """Return the message that says why somebody cannot be given records of an entity, or ``""``.

    An access team has no roles: what its members may do is theirs. It owns nothing.
    """
    if principal.entity not in PRINCIPALS or principal.entity not in op.model.registry.entities:
        return "violation.no_receiver"
    compiled = op.entity(principal.entity)
    names = tuple(name for name in ("isdisabled", "teamtype") if name in compiled.names)
    try:
        found = await compiled.queries.read(
            op.connection, principal.id, names=(compiled.entity.primary_id, *names)
        )
    except BadParameter:
        found = None
    if found is None:
        return "violation.no_receiver"
    if found.get("isdisabled"):
        return "violation.receiver_disabled"
    if principal.entity == ORGANIZATION:
        return "violation.no_receiver" if is_owner else ""
    if principal.entity == TEAM and found.get("teamtype") == ACCESS_TEAM:
        return "violation.access_team_owns_nothing" if is_owner else ""
    facts = await facts_of(op, principal)
    if facts is None or reach_of(op.model.registry, facts, entity, "read") is None:
        return "violation.receiver_may_not_read"
    return ""


async def facts_of(op: Operation, principal: Reference) -> UserFacts | None:
    """Return what decides over the access of a user, or of a team as if it were one."""
    if principal.entity == USER:
        return await op.model.access_facts.load(op.connection, principal.id)
    if principal.entity == TEAM:
        return await op.model.access_facts.load_team(op.connection, principal.id)
    return None
