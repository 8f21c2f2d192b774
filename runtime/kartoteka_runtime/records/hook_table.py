"""What plugins registered, sorted once into the tables that the pipeline reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kartoteka.plugin_api.contexts import CommandHandler, Panel, RecordHandler

MOMENTS = (
    "before_create",
    "after_create",
    "before_update",
    "after_update",
    "before_delete",
    "after_delete",
    "before_associate",
    "after_associate",
    "before_disassociate",
    "after_disassociate",
)


@dataclass(frozen=True)
class HookTable:
    """Handlers of plugins: of records, of commands by (entity, command), and panels by name."""

    record_handlers: tuple[RecordHandler, ...] = ()
    command_handlers: Mapping[tuple[str, str], CommandHandler] = field(default_factory=dict)
    panels: Mapping[str, Panel] = field(default_factory=dict)

    def handlers_of(self, entity: str) -> Mapping[str, tuple[RecordHandler, ...]]:
        """Return an entity's handlers by moment, in the order in which they run."""
        found: dict[str, list[RecordHandler]] = {}
        for handler in self.record_handlers:
            if handler.entity in ("", entity):
                found.setdefault(handler.moment, []).append(handler)
        return {
            moment: tuple(sorted(handlers, key=lambda handler: handler.rank))
            for moment, handlers in found.items()
        }


def build_hook_table(
    record_handlers: Iterable[RecordHandler],
    command_handlers: Iterable[CommandHandler],
    panels: Iterable[Panel],
) -> HookTable:
    """Return the table of everything that plugins registered."""
    return HookTable(
        tuple(record_handlers),
        {(handler.entity, handler.command): handler for handler in command_handlers},
        {panel.name: panel for panel in panels},
    )
