"""Disqualify and reactivate: a lead is put aside with everything kept, and taken up again."""

from __future__ import annotations

from kartoteka import CommandContext, CommandResult, RecordInvalid, Violation


async def disqualify(context: CommandContext) -> CommandResult:
    """Close the lead with the chosen reason.

    Raises:
        RecordInvalid: An opportunity came from this lead, so it was worth something after all.
    """
    came_of_it = await context.system_records.count(
        "opportunity", filter=f"originatingleadid eq {context.record_id}"
    )
    if came_of_it:
        raise RecordInvalid("lead", [Violation(None, "sales.lead_has_opportunity")])
    reason = context.registry.entities["lead"].reason_by_value[context.parameters["reason"]]
    await context.records.set_state(
        "lead", context.record_id, state="disqualified", reason=reason.name
    )
    return CommandResult(message="sales.lead_disqualified", params=_name_of(context))


async def reactivate(context: CommandContext) -> CommandResult:
    """Open the lead again as new; its fields, activities and notes were never taken away."""
    times = (context.record["timesreactivated"] or 0) + 1
    await context.records.set_state(
        "lead", context.record_id, state="open", reason="new", values={"timesreactivated": times}
    )
    return CommandResult(message="sales.lead_reactivated", params=_name_of(context))


def _name_of(context: CommandContext) -> dict[str, str]:
    return {"name": context.record["fullname"] or context.record["subject"] or ""}
