"""Resolve, cancel and reactivate: how a case ends, and what remembers it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from kartoteka import CommandContext, CommandResult, RecordInvalid, Reference, Violation
from kartoteka_service.case_activities import cancel_activities, minutes_spent, open_activities


async def resolve(context: CommandContext) -> CommandResult:
    """Settle the case: cancel what is still open, file a resolution, close with its type."""
    asked = context.parameters
    await cancel_activities(context, await open_activities(context))
    spent = await minutes_spent(context)
    billable = asked.get("billabletime")
    await _file_resolution(
        context,
        {
            "subject": asked["subject"],
            "description": asked.get("remarks"),
            "timespent": spent,
            "billabletime": spent if billable is None else billable,
        },
    )
    reasons = context.registry.entities["incident"].reason_by_value
    await context.records.set_state(
        "incident",
        context.record_id,
        state="resolved",
        reason=reasons[asked["resolutiontype"]].name,
    )
    return _result(context, "service.case_resolved")


async def cancel(context: CommandContext) -> CommandResult:
    """Close the case without a resolution.

    Raises:
        RecordInvalid: Activities of the case are still open.
    """
    still_open = await open_activities(context)
    if still_open:
        params = {"count": len(still_open)}
        raise RecordInvalid("incident", [Violation(None, "service.open_activities", params)])
    await context.records.set_state(
        "incident", context.record_id, state="canceled", reason="canceled"
    )
    return _result(context, "service.case_canceled")


async def reactivate(context: CommandContext) -> CommandResult:
    """Take up a closed case again; its resolutions stay as history."""
    await context.records.set_state(
        "incident", context.record_id, state="active", reason="in_progress"
    )
    return _result(context, "service.case_reactivated")


async def _file_resolution(context: CommandContext, values: dict[str, Any]) -> None:
    """Create the closed ``incidentresolution`` of this settlement.

    Who may resolve a case may have that remembered, whatever else they may create.
    """
    case = Reference("incident", context.record_id)
    activity_id = await context.system_records.create(
        "incidentresolution",
        {
            "incidentid": case,
            "regardingobjectid": case,
            "actualend": datetime.now(UTC).replace(microsecond=0),
            **{name: value for name, value in values.items() if value is not None},
        },
    )
    await context.system_records.set_state("incidentresolution", activity_id, state="completed")


def _result(context: CommandContext, message: str) -> CommandResult:
    return CommandResult(message=message, params={"name": context.record["title"]})
