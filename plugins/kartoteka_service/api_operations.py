"""What Dataverse's clients call to settle a case. Source: reference web-api, section 10."""

from __future__ import annotations

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


async def close_incident(context: OperationContext) -> None:
    """Resolve the case that the resolution names, with the type that Status says."""
    said: RecordValues = context.parameters["IncidentResolution"]
    case = said.values.get("incidentid")
    if not isinstance(case, Reference):
        raise RecordInvalid("incidentresolution", [Violation("incidentid", "violation.required")])
    asked = {
        "subject": said.values.get("subject"),
        "remarks": said.values.get("description"),
        "billabletime": said.values.get("billabletime", said.values.get("timespent")),
    }
    status = context.parameters["Status"]
    if status is not None and status != _UNSAID:
        asked["resolutiontype"] = status
    await context.records.execute("incident", case.id, "resolve", asked)


OPERATIONS: tuple[ApiOperation, ...] = (
    ApiOperation(
        "CloseIncident",
        parameters=(
            ApiValue("IncidentResolution", "record", ("incidentresolution",)),
            ApiValue("Status", "whole_number"),
        ),
        run=close_incident,
    ),
)
