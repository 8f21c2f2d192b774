"""Workshop: a service is booked for a vehicle."""

from __future__ import annotations

from datetime import UTC, datetime, time

from kartoteka import CommandContext, CommandResult, Reference


async def book_service(command: CommandContext) -> CommandResult:
    """Make a task for the work, due when the vehicle is promised, and send it to the workshop."""
    vehicle = Reference("acme_vehicle", command.record_id)
    due = datetime.combine(command.parameters["ready_by"], time(17), tzinfo=UTC)
    task_id = await command.records.create(
        "task",
        {
            "subject": command.parameters["work"],
            "regardingobjectid": vehicle,
            "scheduledend": due,
        },
    )
    await command.records.set_state(
        "acme_vehicle", command.record_id, state="in_use", reason="in_workshop"
    )
    return CommandResult(
        message="acme_fleet.service_booked",
        params={"plate": command.record["plate"]},
        created=(Reference("task", task_id),),
    )
