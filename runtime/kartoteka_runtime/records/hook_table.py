"""What plugins registered, sorted once into the tables that the pipeline reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from kartoteka.errors import PluginError
from kartoteka.plugin_api.contexts import CommandHandler, Panel, RecordHandler
from kartoteka.plugin_api.jobs import JobHandler, JobQueue, Schedule
from kartoteka.plugin_api.operations import ApiOperation, check_operation

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
    "before_merge",
    "after_merge",
)


@dataclass(frozen=True)
class HookTable:
    """Handlers of plugins: of records, of commands by (entity, command), and of jobs by name.

    ``operations`` are what they offer in the Web API.
    """

    record_handlers: tuple[RecordHandler, ...] = ()
    command_handlers: Mapping[tuple[str, str], CommandHandler] = field(default_factory=dict)
    panels: Mapping[str, Panel] = field(default_factory=dict)
    job_handlers: Mapping[str, JobHandler] = field(default_factory=dict)
    job_queues: Mapping[str, JobQueue] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    operations: tuple[ApiOperation, ...] = ()

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


def with_record_handlers(table: HookTable, handlers: Iterable[RecordHandler]) -> HookTable:
    """Return the table with more that take part in writes."""
    return replace(table, record_handlers=(*table.record_handlers, *handlers))


def with_jobs(
    table: HookTable,
    handlers: Iterable[JobHandler],
    queues: Iterable[JobQueue] = (),
    schedules: Iterable[Schedule] = (),
) -> HookTable:
    """Return the table with more handlers of jobs, queues and schedules.

    Raises:
        PluginError: Two have the same name, or a schedule names a job that nobody carries out.
    """
    job_handlers = dict(table.job_handlers)
    for handler in handlers:
        if handler.name in job_handlers:
            raise PluginError(f'two job handlers are called "{handler.name}"')
        job_handlers[handler.name] = handler
    job_queues = dict(table.job_queues)
    for queue in queues:
        if queue.name in job_queues:
            raise PluginError(f'two job queues are called "{queue.name}"')
        job_queues[queue.name] = queue
    by_name = dict(table.schedules)
    for schedule in schedules:
        if schedule.name in by_name:
            raise PluginError(f'two schedules are called "{schedule.name}"')
        if schedule.job not in job_handlers:
            raise PluginError(
                f'schedule "{schedule.name}": there is no job handler "{schedule.job}"'
            )
        by_name[schedule.name] = schedule
    return replace(table, job_handlers=job_handlers, job_queues=job_queues, schedules=by_name)


def with_operations(table: HookTable, operations: Iterable[ApiOperation]) -> HookTable:
    """Return the table with more operations of the Web API.

    Raises:
        PluginError: One is not declared as it should be, has no handler, or is there twice.
    """
    known = {item.key: item for item in table.operations}
    for item in operations:
        check_operation(item)
        if item.run is None:
            raise PluginError(f'operation "{item.name}" has nothing that carries it out')
        if item.key in known:
            raise PluginError(f'two operations are called "{item.name}"')
        known[item.key] = item
    return replace(table, operations=tuple(known.values()))
