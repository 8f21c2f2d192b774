"""Every hook: a plugin implements those it needs, each at publish time, none per request."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from kartoteka.plugin_api.contexts import CommandHandler, Panel, RecordHandler, SampleData
from kartoteka.plugin_api.jobs import JobHandler, JobQueue, Schedule
from kartoteka.plugin_api.operations import ApiOperation

hookspec = pluggy.HookspecMarker("kartoteka")
hookimpl = pluggy.HookimplMarker("kartoteka")


@hookspec
def record_handlers() -> Iterable[RecordHandler]:
    """Return what takes part in creates, updates and deletes of records."""
    return ()


@hookspec
def command_handlers() -> Iterable[CommandHandler]:
    """Return what carries out the commands that the plugin's metadata declares."""
    return ()


@hookspec
def api_operations() -> Iterable[ApiOperation]:
    """Return the actions and functions that the Web API offers beside those of commands."""
    return ()


@hookspec
def panels() -> Iterable[Panel]:
    """Return the panels that forms may place."""
    return ()


@hookspec
def job_handlers() -> Iterable[JobHandler]:
    """Return what carries out jobs: work that is done later, by a worker."""
    return ()


@hookspec
def job_queues() -> Iterable[JobQueue]:
    """Return the queues of which only so many jobs run at a time."""
    return ()


@hookspec
def schedules() -> Iterable[Schedule]:
    """Return the jobs that are enqueued by the clock."""
    return ()


@hookspec
def sample_data() -> SampleData | None:
    """Return records to look around with, which ``kartoteka demo`` loads into a new app.

    Plugins load in dependency order, so one may build on the records of those it requires.
    """
    return None
