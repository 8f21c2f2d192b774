"""AcmeFleetPlugin: which of this package's functions take part in what."""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka import (
    ApiOperation,
    CommandHandler,
    JobHandler,
    Plugin,
    RecordHandler,
    Schedule,
    hookimpl,
)

from acme_fleet import fleet_size, inspections, workshop

REMIND = "acme_fleet_remind"


class AcmeFleetPlugin(Plugin):
    """Vehicles of customers, counted on each customer, with services that are booked."""

    name = "acme_fleet"

    @hookimpl
    def record_handlers(self) -> Iterable[RecordHandler]:
        """Keep the number of vehicles on accounts right, whatever happens to a vehicle."""
        for moment in ("after_create", "after_update", "after_delete"):
            yield RecordHandler("acme_vehicle", moment, fleet_size.count_vehicles)

    @hookimpl
    def command_handlers(self) -> Iterable[CommandHandler]:
        """Carry out what vehicles offer in their command bar."""
        yield CommandHandler("acme_vehicle", "book_service", workshop.book_service)

    @hookimpl
    def api_operations(self) -> Iterable[ApiOperation]:
        """Tell other systems which vehicles have to be inspected."""
        yield inspections.DUE_INSPECTIONS

    @hookimpl
    def job_handlers(self) -> Iterable[JobHandler]:
        """Carry out what is done later."""
        label = "acme_fleet.remind_of_inspections"
        yield JobHandler(REMIND, inspections.remind_of_inspections, label=label)

    @hookimpl
    def schedules(self) -> Iterable[Schedule]:
        """Remind of inspections early every morning."""
        yield Schedule("acme_fleet_inspections", REMIND, "0 5 * * *")
