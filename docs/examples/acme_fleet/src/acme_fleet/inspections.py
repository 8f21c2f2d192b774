"""Inspections: whoever looks after a vehicle is reminded before its inspection is due.

Other systems ask which ones are: ``acme_DueInspections(Until=2031-05-06)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from kartoteka import (
    ApiOperation,
    ApiValue,
    JobContext,
    OperationContext,
    Records,
    Reference,
)

NOTICE = timedelta(days=14)


async def remind_of_inspections(job: JobContext) -> None:
    """Make a task for each vehicle in use whose inspection is due within two weeks, once each.

    It looks once and then makes the tasks batch by batch: when a worker dies on the way, another
    goes on behind the last batch.
    """
    vehicles = await job.step("look", _due)
    await job.in_batches("remind", vehicles, _remind, size=50)


async def _due(records: Records) -> list[str]:
    last = (datetime.now(UTC) + NOTICE).date()
    found = await records.list(
        "acme_vehicle",
        filter=f"statecode eq 'in_use' and next_inspection le {last}",
        fields=("acme_vehicleid",),
        order=("next_inspection",),
    )
    return [str(vehicle["acme_vehicleid"]) for vehicle in found]


async def _remind(records: Records, vehicles: Sequence[str]) -> None:
    for vehicle_id in vehicles:
        vehicle = await records.read("acme_vehicle", vehicle_id)
        due = datetime.combine(vehicle["next_inspection"], time(17), tzinfo=UTC)
        known = f"regardingobjectid eq {vehicle_id} and scheduledend eq {due:%Y-%m-%dT%H:%M:%SZ}"
        if await records.count("task", filter=known):
            continue
        await records.create(
            "task",
            {
                "subject": f"Inspection of {vehicle['plate']}",
                "regardingobjectid": Reference("acme_vehicle", vehicle_id),
                "scheduledend": due,
                "ownerid": vehicle["ownerid"],
            },
        )


async def due_inspections(context: OperationContext) -> Mapping[str, Any]:
    """Return the vehicles in use that have to be inspected until a day, the most urgent first.

    Whoever asks is told of the vehicles that they may see.
    """
    until = context.parameters["Until"]
    condition = f"statecode eq 'in_use' and next_inspection le {until}"
    account: Reference | None = context.parameters["Account"]
    if account is not None:
        condition += f" and accountid eq {account.id}"
    found = await context.records.list(
        "acme_vehicle",
        filter=condition,
        fields=("acme_vehicleid", "plate", "next_inspection"),
        order=("next_inspection",),
    )
    return {
        "Vehicles": [
            {
                "Vehicle": Reference("acme_vehicle", str(vehicle["acme_vehicleid"])),
                "Plate": vehicle["plate"],
                "Due": vehicle["next_inspection"],
            }
            for vehicle in found
        ]
    }


DUE_INSPECTIONS = ApiOperation(
    "acme_DueInspections",
    kind="function",
    parameters=(
        ApiValue("Until", "date"),
        ApiValue("Account", "reference", ("account",), is_optional=True),
    ),
    result=(
        ApiValue(
            "Vehicles",
            "object",
            type_name="acme_DueInspection",
            is_list=True,
            members=(
                ApiValue("Vehicle", "reference", ("acme_vehicle",)),
                ApiValue("Plate"),
                ApiValue("Due", "date"),
            ),
        ),
    ),
    run=due_inspections,
)
