"""Members of marketing lists: who may be put on one, when, and how many there are."""

from __future__ import annotations

from kartoteka import (
    CommandContext,
    CommandResult,
    LinkedTo,
    RecordInvalid,
    Records,
    Violation,
    WriteContext,
)
from kartoteka_marketing.member_types import MEMBER_TYPES, member_type_of

_RELATIONSHIPS = frozenset(kind.relationship for kind in MEMBER_TYPES)


async def note_member_type(context: WriteContext) -> None:
    """Keep the second field for the kind of members, which older clients read, in step."""
    context.values["membertype"] = context.values.get("createdfromcode")


async def refuse_other_type(context: WriteContext) -> None:
    """Refuse another kind of members once a list is saved.

    Raises:
        RecordInvalid: The kind would change.
    """
    stored = context.before["createdfromcode"] if context.before is not None else None
    if context.values["createdfromcode"] != stored:
        raise RecordInvalid("list", [Violation("createdfromcode", "marketing.member_type_fixed")])


async def check_member_change(context: WriteContext) -> None:
    """Refuse to add to or take from a list that is locked, inactive or of another kind.

    Raises:
        RecordInvalid: The list's members may not change, or not by this one.
    """
    if context.values["relationship"] not in _RELATIONSHIPS:
        return
    stored = await context.system_records.read("list", context.record_id)
    if stored["lockstatus"]:
        problem = "marketing.list_locked"
    elif stored["statecode"] != 0:
        problem = "violation.record_read_only"
    elif member_type_of(stored).relationship != context.values["relationship"]:
        problem = "marketing.other_member_type"
    else:
        return
    raise RecordInvalid("list", [Violation(None, problem, {"name": stored["listname"]})])


async def count_members(context: WriteContext) -> None:
    """Write how many members the list has now."""
    if context.values["relationship"] in _RELATIONSHIPS:
        await write_member_count(context.system_records, context.record_id)


async def write_member_count(system_records: Records, list_id: str) -> int:
    """Count the members of a list, keep the number on it, and return it."""
    kind = member_type_of(await system_records.read("list", list_id))
    count = await system_records.count(kind.entity, linked_to=LinkedTo(kind.relationship, list_id))
    await system_records.update("list", list_id, {"membercount": count})
    return count


async def lock(context: CommandContext) -> CommandResult:
    """Keep the members of the list as they are."""
    await context.records.update("list", context.record_id, {"lockstatus": True})
    return CommandResult(
        message="marketing.list_now_locked", params={"name": context.record["listname"]}
    )


async def unlock(context: CommandContext) -> CommandResult:
    """Let the members of the list change again."""
    await context.records.update("list", context.record_id, {"lockstatus": False})
    return CommandResult(
        message="marketing.list_now_unlocked", params={"name": context.record["listname"]}
    )
