"""What Dataverse's clients call to qualify a lead and to close an opportunity.

Each says the same as a command, in the words of the documented messages. Source: reference web-api,
section 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka import (
    ApiOperation,
    ApiValue,
    OperationContext,
    RecordInvalid,
    RecordValues,
    Reference,
    Violation,
)

_UNSAID = -1  # a status that stands for the usual one


async def qualify_lead(context: OperationContext) -> Mapping[str, Any]:
    """Qualify the lead and return what was made of it."""
    said = context.parameters
    _check_status(context, "lead", "qualified", said["Status"])
    result = await context.records.execute(
        "lead",
        context.record_id,
        "qualify",
        {
            "createaccount": said["CreateAccount"],
            "createcontact": said["CreateContact"],
            "createopportunity": said["CreateOpportunity"],
        },
    )
    values = {
        "transactioncurrencyid": said["OpportunityCurrencyId"],
        "customerid": said["OpportunityCustomerId"],
    }
    for made in result.created:
        wanted = {name: value for name, value in values.items() if value is not None}
        if made.entity == "opportunity" and wanted:
            await context.records.update("opportunity", made.id, wanted)
    return {"": list(result.created)}


async def win_opportunity(context: OperationContext) -> None:
    """Close the opportunity that the activity names as won."""
    close: RecordValues = context.parameters["OpportunityClose"]
    _check_status(context, "opportunity", "won", context.parameters["Status"])
    opportunity = _opportunity(close)
    await context.records.execute("opportunity", opportunity, "win", _asked(close))


async def lose_opportunity(context: OperationContext) -> None:
    """Close the opportunity that the activity names as lost, for the reason that Status says."""
    close: RecordValues = context.parameters["OpportunityClose"]
    status = _check_status(context, "opportunity", "lost", context.parameters["Status"])
    asked = _asked(close)
    if status is not None:
        asked["reason"] = status
    if close.values.get("competitorid") is not None:
        asked["competitorid"] = close.values["competitorid"]
    await context.records.execute("opportunity", _opportunity(close), "lose", asked)


def _asked(close: RecordValues) -> dict[str, Any]:
    """Return what the closing commands ask for, as the activity says it."""
    asked: dict[str, Any] = {}
    if close.values.get("actualrevenue") is not None:
        asked["actualvalue"] = close.values["actualrevenue"]
    if close.values.get("actualend") is not None:
        asked["actualclosedate"] = str(close.values["actualend"])[:10]
    for name in ("description", "subject"):
        if close.values.get(name):
            asked["description"] = close.values[name]
            break
    return asked


def _opportunity(close: RecordValues) -> str:
    named = close.values.get("opportunityid")
    if not isinstance(named, Reference):
        raise RecordInvalid("opportunityclose", [Violation("opportunityid", "violation.required")])
    return named.id


def _check_status(context: OperationContext, entity: str, state: str, status: int) -> int | None:
    """Return the status reason that was asked for; None for the usual one.

    Raises:
        RecordInvalid: It is not one of the state that the operation ends in.
    """
    states = context.registry.entities[entity].states
    reasons = next(item.reasons for item in states if item.name == state)
    if status == _UNSAID:
        return None
    if status not in {reason.value for reason in reasons}:
        params = {"value": status}
        raise RecordInvalid(entity, [Violation("statuscode", "violation.not_an_option", params)])
    return status


_STATUS = ApiValue("Status", "whole_number")
_CLOSING = (ApiValue("OpportunityClose", "record", ("opportunityclose",)), _STATUS)

OPERATIONS: tuple[ApiOperation, ...] = (
    ApiOperation(
        "QualifyLead",
        binding="record",
        entity="lead",
        parameters=(
            ApiValue("CreateAccount", "yes_no"),
            ApiValue("CreateContact", "yes_no"),
            ApiValue("CreateOpportunity", "yes_no"),
            ApiValue(
                "OpportunityCurrencyId", "reference", ("transactioncurrency",), is_optional=True
            ),
            ApiValue(
                "OpportunityCustomerId", "reference", ("account", "contact"), is_optional=True
            ),
            _STATUS,
        ),
        result=(ApiValue("", "reference", is_list=True),),
        run=qualify_lead,
    ),
    ApiOperation("WinOpportunity", parameters=_CLOSING, run=win_opportunity),
    ApiOperation("LoseOpportunity", parameters=_CLOSING, run=lose_opportunity),
)
