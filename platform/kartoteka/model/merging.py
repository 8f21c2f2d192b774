"""Merging: what an entity says about records of which one goes on and the other stays behind.

Source: reference platform, sections 2.2 and 9.2; decisions/0052.
"""

from __future__ import annotations

from kartoteka.model.entity import Entity, Reason, State
from kartoteka.model.field import Field

MERGE = "merge"  # the feature, the privilege and the message
MASTER, MERGED = "masterid", "merged"  # fields that are written where an entity has them
_INACTIVE = "inactive"


def is_mergeable(entity: Entity) -> bool:
    """Return whether records of an entity may be merged."""
    return MERGE in entity.features


def state_after_merge(entity: Entity) -> tuple[State, Reason] | None:
    """Return the state and reason in which a record stays behind; None where there is none.

    It is the state that has a reason called ``merged``, else the one called ``inactive``. The first
    state of an entity is the active one.
    """
    later = entity.states[1:]
    for state in later:
        for reason in state.reasons:
            if reason.name == MERGED:
                return state, reason
    for state in later:
        if state.name == _INACTIVE and state.reasons:
            return state, state.reasons[0]
    return None


def rule_on_merge(merged: Entity, child: Entity, field: Field) -> str:
    """Return which of the records that name a merged one by a lookup follow it: a cascade rule.

    What was merged into a record before stays with it: that is history.
    """
    if not is_mergeable(merged) or (child.name == merged.name and field.name == MASTER):
        return "none"
    return field.cascade.merge


def parent_fields(entity: Entity) -> tuple[Field, ...]:
    """Return the lookups that say where a record belongs: its hierarchy, parent and customer."""
    return tuple(
        field
        for field in entity.fields
        if field.is_lookup and (field.hierarchical or field.type == "customer" or _follows(field))
    )


def _follows(field: Field) -> bool:
    cascade = field.cascade
    reach = (cascade.assign, cascade.share, cascade.unshare, cascade.reparent)
    return any(value != "none" for value in reach)
