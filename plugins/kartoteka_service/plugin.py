"""ServicePlugin: which of this package's functions take part in what."""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka import ApiOperation, CommandHandler, Panel, Plugin, RecordHandler, hookimpl
from kartoteka_service import api_operations, customer_panels, hierarchy, resolution


class ServicePlugin(Plugin):
    """Cases with their resolutions, and the panels that show them where customers are met."""

    name = "service"
    works_with = ("sales",)

    @hookimpl
    def record_handlers(self) -> Iterable[RecordHandler]:
        """Keep cases one level deep and their parents' counts of them right."""
        parent = ("parentcaseid",)
        for message in ("create", "update"):
            before, after = f"before_{message}", f"after_{message}"
            yield RecordHandler("incident", before, hierarchy.check_one_level, fields=parent)
            yield RecordHandler("incident", after, hierarchy.count_children, fields=parent)
            yield RecordHandler(
                "incident", before, customer_panels.keep_customer_parts, fields=("customerid",)
            )
        yield RecordHandler("incident", "after_delete", hierarchy.count_children)

    @hookimpl
    def command_handlers(self) -> Iterable[CommandHandler]:
        """Carry out what cases offer in their command bar."""
        yield CommandHandler("incident", "resolve", resolution.resolve)
        yield CommandHandler("incident", "cancel", resolution.cancel)
        yield CommandHandler("incident", "reactivate", resolution.reactivate)

    @hookimpl
    def panels(self) -> Iterable[Panel]:
        """Show a customer's open cases wherever that customer is met, and deals on cases."""
        yield Panel(
            "service.other_cases", "incident", "service.other_cases", customer_panels.other_cases
        )
        yield Panel(
            "service.open_deals", "incident", "service.open_deals", customer_panels.open_deals
        )
        for entity in ("account", "contact", "lead", "opportunity"):
            yield Panel(
                f"service.{entity}_cases",
                entity,
                "service.active_cases",
                customer_panels.active_cases,
            )

    @hookimpl
    def api_operations(self) -> Iterable[ApiOperation]:
        """Offer what clients of Dataverse call to settle cases."""
        yield from api_operations.OPERATIONS
