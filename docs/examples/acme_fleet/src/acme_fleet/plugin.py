"""AcmeFleetPlugin: which of this package's functions take part in what."""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka import CommandHandler, Plugin, RecordHandler, hookimpl

from acme_fleet import fleet_size, workshop


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
