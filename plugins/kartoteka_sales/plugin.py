"""SalesPlugin: which of this package's functions take part in what."""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka import ApiOperation, CommandHandler, Plugin, RecordHandler, hookimpl
from kartoteka_sales import (
    api_operations,
    closing,
    customers,
    disqualification,
    forecast,
    qualification,
)


class SalesPlugin(Plugin):
    """Leads that are qualified into customers and opportunities, and opportunities that close."""

    name = "sales"

    @hookimpl
    def record_handlers(self) -> Iterable[RecordHandler]:
        """Keep customers in step and leave closing forecast categories to the closing commands."""
        for entity in ("lead", "opportunity"):
            for moment in ("before_create", "before_update"):
                yield RecordHandler(
                    entity, moment, customers.keep_in_step, fields=customers.CUSTOMER_FIELDS
                )
        for moment in ("before_create", "before_update"):
            yield RecordHandler(
                "opportunity", moment, forecast.check_category, fields=("forecastcategory",)
            )

    @hookimpl
    def command_handlers(self) -> Iterable[CommandHandler]:
        """Carry out what leads and opportunities offer in their command bars."""
        yield CommandHandler("lead", "qualify", qualification.qualify)
        yield CommandHandler("lead", "disqualify", disqualification.disqualify)
        yield CommandHandler("lead", "reactivate", disqualification.reactivate)
        yield CommandHandler("opportunity", "win", closing.win)
        yield CommandHandler("opportunity", "lose", closing.lose)
        yield CommandHandler("opportunity", "reopen", closing.reopen)

    @hookimpl
    def api_operations(self) -> Iterable[ApiOperation]:
        """Offer what clients of Dataverse call to qualify leads and close opportunities."""
        yield from api_operations.OPERATIONS
