"""Activities of a case: which are open, how long the finished ones took."""

from __future__ import annotations

from collections.abc import Sequence

from kartoteka import CommandContext, Record

_ALL = 5000  # more activities than one case ever has


async def open_activities(context: CommandContext) -> list[Record]:
    """Return id and kind of every activity regarding the case that is open or scheduled."""
    return await context.system_records.list(
        "activitypointer",
        filter=f"regardingobjectid eq {context.record_id}"
        " and (statecode eq 'open' or statecode eq 'scheduled')",
        fields=["activityid", "activitytypecode"],
        limit=_ALL,
    )


async def cancel_activities(context: CommandContext, activities: Sequence[Record]) -> None:
    """Cancel activities, each as the kind that it is."""
    kinds = context.registry.entities["activitypointer"].field_by_name["activitytypecode"].options
    entity_of = {option.value: option.name for option in kinds}
    for activity in activities:
        await context.system_records.set_state(
            entity_of[activity["activitytypecode"]], activity["activityid"], state="canceled"
        )


async def minutes_spent(context: CommandContext) -> int:
    """Return how many minutes the completed activities regarding the case took together."""
    completed = await context.system_records.list(
        "activitypointer",
        filter=f"regardingobjectid eq {context.record_id} and statecode eq 'completed'",
        fields=["actualdurationminutes"],
        limit=_ALL,
    )
    return sum(activity["actualdurationminutes"] or 0 for activity in completed)
