"""What Dataverse's clients call to change the members of a list.

Source: reference web-api, section 10.
"""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka import (
    ApiOperation,
    ApiValue,
    LinkedTo,
    OperationContext,
    RecordInvalid,
    Reference,
    Violation,
)
from kartoteka_marketing.member_types import MemberType, member_type_of

_MOST_AT_ONCE = 100  # members that are looked for together


async def add_members(context: OperationContext) -> None:
    """Put records on the list; those that are on it stay."""
    await _add(context, context.parameters["Members"])


async def add_member(context: OperationContext) -> None:
    """Put one record on the list, unless it is."""
    await _add(context, [context.parameters["EntityId"]])


async def remove_member(context: OperationContext) -> None:
    """Take a record from the list."""
    kind = _kind(context)
    member: Reference = context.parameters["EntityId"]
    _require_kind(context, kind, [member])
    await context.records.disassociate(kind.relationship, *_ends(context, kind, member))


async def _add(context: OperationContext, members: Iterable[Reference]) -> None:
    kind, wanted = _kind(context), list(dict.fromkeys(members))
    _require_kind(context, kind, wanted)
    key = context.registry.entities[kind.entity].primary_id
    for start in range(0, len(wanted), _MOST_AT_ONCE):
        batch = wanted[start : start + _MOST_AT_ONCE]
        found = await context.records.list(
            kind.entity,
            filter=f"{key} in ({','.join(member.id for member in batch)})",
            linked_to=LinkedTo(kind.relationship, context.record_id),
            fields=(key,),
        )
        known = {str(row[key]) for row in found}
        for member in batch:
            if member.id not in known:
                ends = _ends(context, kind, member)
                await context.records.associate(kind.relationship, *ends)


def _kind(context: OperationContext) -> MemberType:
    return member_type_of(context.record)


def _require_kind(
    context: OperationContext, kind: MemberType, members: Iterable[Reference]
) -> None:
    """Refuse records of another kind than the list holds."""
    if any(member.entity != kind.entity for member in members):
        params = {"name": context.record["listname"]}
        raise RecordInvalid("list", [Violation(None, "marketing.other_member_type", params)])


def _ends(context: OperationContext, kind: MemberType, member: Reference) -> tuple[str, str]:
    """Return the ids of list and member in the order of the relationship."""
    relationship = context.registry.relationships[kind.relationship]
    ids = {"list": context.record_id, kind.entity: member.id}
    return ids[relationship.left], ids[relationship.right]


_ANYBODY = ("account", "contact", "lead")
_MEMBERS = (ApiValue("Members", "reference", _ANYBODY, is_list=True),)
_MEMBER = (ApiValue("EntityId", "reference", _ANYBODY),)

OPERATIONS: tuple[ApiOperation, ...] = tuple(
    ApiOperation(name, binding="record", entity="list", parameters=parameters, run=run)
    for name, parameters, run in (
        ("AddListMembersList", _MEMBERS, add_members),
        ("AddToList", _MEMBERS, add_members),
        ("AddMemberList", _MEMBER, add_member),
        ("RemoveMemberList", _MEMBER, remove_member),
    )
)
