"""Win, lose and reopen: how an opportunity ends, and what remembers it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from kartoteka import CommandContext, CommandResult, Record, Reference
from kartoteka_sales.forecast import ForecastCategory


async def win(context: CommandContext) -> CommandResult:
    """Close the opportunity as won, with its expected value unless another was given."""
    await _close(
        context,
        state="won",
        reason="won",
        category=ForecastCategory.WON,
        default_value=expected_value(context.record),
    )
    return CommandResult(message="sales.opportunity_won", params={"name": context.record["name"]})


async def lose(context: CommandContext) -> CommandResult:
    """Close the opportunity as lost for the chosen reason; it earned nothing unless told so."""
    reasons = context.registry.entities["opportunity"].reason_by_value
    await _close(
        context,
        state="lost",
        reason=reasons[context.parameters["reason"]].name,
        category=ForecastCategory.LOST,
        default_value=Decimal(0),
    )
    return CommandResult(message="sales.opportunity_lost", params={"name": context.record["name"]})


async def reopen(context: CommandContext) -> CommandResult:
    """Take up a closed opportunity again; the activity that closed it stays as history."""
    await context.records.set_state(
        "opportunity",
        context.record_id,
        state="open",
        reason="in_progress",
        values={
            "actualvalue": None,
            "actualclosedate": None,
            "forecastcategory": ForecastCategory.PIPELINE.value,
        },
    )
    return CommandResult(
        message="sales.opportunity_reopened", params={"name": context.record["name"]}
    )


def expected_value(opportunity: Record) -> Decimal | None:
    """Return what the opportunity should bring: the sum of its lines, else the estimate."""
    if opportunity["isrevenuesystemcalculated"] and opportunity["totalamount"] is not None:
        return Decimal(opportunity["totalamount"])
    estimate: Decimal | None = opportunity["estimatedvalue"]
    return estimate


async def _close(
    context: CommandContext,
    *,
    state: str,
    reason: str,
    category: ForecastCategory,
    default_value: Decimal | None,
) -> None:
    """Set state, value, date and forecast category, and file an activity that says the same."""
    asked = context.parameters
    value = asked["actualvalue"] if asked.get("actualvalue") is not None else default_value
    zone = ZoneInfo(context.principal.time_zone)
    closed_on: date = asked.get("actualclosedate") or datetime.now(zone).date()
    await context.records.set_state(
        "opportunity",
        context.record_id,
        state=state,
        reason=reason,
        values={
            "actualvalue": value,
            "actualclosedate": closed_on,
            "forecastcategory": category.value,
        },
    )
    await _file_close_activity(
        context,
        {
            "actualrevenue": value,
            "actualend": datetime.combine(closed_on, time(), tzinfo=zone).astimezone(UTC),
            "competitorid": asked.get("competitorid"),
            "description": asked.get("description"),
        },
    )


async def _file_close_activity(context: CommandContext, values: dict[str, Any]) -> None:
    """Create the completed ``opportunityclose`` of this closing.

    Who may close a deal may have that remembered, whatever else they may create.
    """
    opportunity = Reference("opportunity", context.record_id)
    activity_id = await context.system_records.create(
        "opportunityclose",
        {
            "subject": context.record["name"],
            "opportunityid": opportunity,
            "regardingobjectid": opportunity,
            "transactioncurrencyid": context.record["transactioncurrencyid"],
            **{name: value for name, value in values.items() if value is not None},
        },
    )
    await context.system_records.set_state("opportunityclose", activity_id, state="completed")
