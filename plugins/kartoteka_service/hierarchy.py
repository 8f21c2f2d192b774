"""Parent and child cases: one level, counted on the parent."""

from __future__ import annotations

from kartoteka import RecordInvalid, Records, Reference, Violation, WriteContext

MOST_CHILDREN = 100  # of one case. Source: reference crm, section 4.2


async def check_one_level(context: WriteContext) -> None:
    """Refuse a parent that has a parent itself, and any parent for a case with children.

    Raises:
        RecordInvalid: The hierarchy would be two levels deep, or the parent has children enough.
    """
    parent: Reference | None = context.value("parentcaseid")
    if parent is None:
        return
    count = context.system_records.count
    if parent.id == context.record_id:
        problem = "violation.cycle"
    elif await count("incident", filter=f"incidentid eq {parent.id} and parentcaseid ne null"):
        problem = "service.parent_is_a_child"
    elif await count("incident", filter=f"parentcaseid eq {context.record_id}"):
        problem = "service.has_children"
    elif await _number_of_children(context.system_records, parent) >= MOST_CHILDREN:
        problem = "service.too_many_children"
    else:
        return
    raise RecordInvalid("incident", [Violation("parentcaseid", problem, {"max": MOST_CHILDREN})])


async def count_children(context: WriteContext) -> None:
    """Write the number of children of the parent that was left and of the one that was joined."""
    left = context.before.get("parentcaseid") if context.before is not None else None
    joined = context.values.get("parentcaseid")
    for parent in {parent for parent in (left, joined) if parent is not None}:
        children = await _number_of_children(context.system_records, parent)
        await context.system_records.update(
            "incident", parent.id, {"numberofchildincidents": children}
        )


async def _number_of_children(records: Records, parent: Reference) -> int:
    return await records.count("incident", filter=f"parentcaseid eq {parent.id}")
