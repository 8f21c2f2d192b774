"""Kinds of members: which entity a marketing list holds, and by which relationship."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka import Record


@dataclass(frozen=True, slots=True)
class MemberType:
    """One option of ``list.createdfromcode``: the entity of members and what links them."""

    value: int
    entity: str
    relationship: str


MEMBER_TYPES = (
    MemberType(1, "account", "listaccount_association"),
    MemberType(2, "contact", "listcontact_association"),
    MemberType(4, "lead", "listlead_association"),
)


def member_type_of(marketing_list: Record) -> MemberType:
    """Return the kind of members that a stored list holds."""
    return next(kind for kind in MEMBER_TYPES if kind.value == marketing_list["createdfromcode"])
