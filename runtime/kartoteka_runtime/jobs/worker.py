"""JobWorker: runs jobs in this process until told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from kartoteka.errors import PublishFailed
from kartoteka.plugin_api.jobs import DEFAULT_QUEUE
from kartoteka_runtime.jobs.hand_over import HandOver
from kartoteka_runtime.jobs.keeper import Keeper, Pace
from kartoteka_runtime.jobs.runner import JobRunner, utc_now
from kartoteka_runtime.jobs.schedules import Schedules
from kartoteka_runtime.jobs.workflows import DbosWorkflows
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.records.hook_table import HookTable
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.storage.database import Database, DatabaseBusy, DatabaseUnavailable
from kartoteka_runtime.storage.job_workers import JobWorkers

_log = logging.getLogger(__name__)
AT_ONCE = 8  # jobs that a worker runs at a time
GRACE_SECONDS = 20.0  # how long jobs may go on when the worker is told to stop
_AGAIN_SECONDS = 1.0


class JobWorker:
    """Takes jobs of one app as they come.

    Jobs run in the event loop that ``run`` is called in; chores in a thread with a database
    connection of its own.
    """

    def __init__(
        self,
        parts: RuntimeParts,
        own_database: Database,
        *,
        at_once: int = AT_ONCE,
        pace: Pace | None = None,
        grace_seconds: float = GRACE_SECONDS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        """Work for the app of ``parts``; ``own_database`` is the same one, for chores."""
        self._parts = parts
        self._own_database = own_database
        self._at_once = at_once
        self._pace = pace or Pace()
        self._grace_seconds = grace_seconds
        self._clock = clock
        self.id = str(uuid.uuid4())
        self.place = f"{socket.gethostname()} {os.getpid()}"
        self._runner = JobRunner(parts, self.id, clock=clock)
        self._queues = queues_of(parts.records.hooks)
        self._turns = asyncio.Semaphore(at_once)
        self._is_stopping = False
        self._unfinished: set[str] = set()  # workflows with jobs that were not begun any more

    async def run(self, stop: asyncio.Event, ready: Callable[[], None] = lambda: None) -> None:
        """Run jobs until ``stop`` is set; ``ready`` is called when the first may be taken.

        Raises:
            PluginError: A schedule has no sense.
            DatabaseUnavailable: The store of workflows cannot be opened.
        """
        await self._parts.database.open()
        await self._wait_for_publication(stop)
        if stop.is_set():
            return
        workflows = DbosWorkflows(self._parts.database, self.id)
        keeper = self._keeper(workflows)
        await self._say_hello()  # before anything is taken: who is not known is thought dead
        ended = threading.Event()
        thread = threading.Thread(
            target=lambda: asyncio.run(self._chores(keeper, ended)), name="kartoteka-keeper"
        )
        workflows.launch(self._run_lot, self._queues, at_once=self._at_once)
        try:
            thread.start()
            await asyncio.to_thread(workflows.listen, self._pace.poll)
            ready()
            await stop.wait()
        finally:
            self._is_stopping = True
            await self._finish()
            ended.set()
            await asyncio.to_thread(thread.join)
            await asyncio.to_thread(workflows.close)

    def _keeper(self, workflows: DbosWorkflows) -> Keeper:
        database, hooks = self._own_database, self._parts.records.hooks
        records = RecordService(database, self._parts.live_registry, hooks)
        return Keeper(
            database,
            workflows,
            worker=self.id,
            place=self.place,
            hand_over=HandOver(database, workflows, self._queues, self._clock),
            schedules=Schedules(records, hooks.schedules, self._clock),
            runner=self._runner,
            loop=asyncio.get_running_loop(),
            pace=self._pace,
            clock=self._clock,
        )

    async def _say_hello(self) -> None:
        async with self._parts.database.writing() as connection:
            workers = JobWorkers(self._parts.database.dialect)
            await workers.beat(connection, self.id, self.place, self._clock())

    async def _chores(self, keeper: Keeper, ended: threading.Event) -> None:
        await self._own_database.open()
        try:
            await keeper.keep(ended)
            await keeper.leave(sorted(self._unfinished))
        except (DatabaseBusy, DatabaseUnavailable) as error:
            _log.warning("others will notice that this worker is gone: %s", error)
        finally:
            await self._own_database.close()

    async def _wait_for_publication(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await refresh(self._parts.database, self._parts.live_registry)
                return
            except PublishFailed:  # of an app that is being made
                await _wait(stop, _AGAIN_SECONDS)

    async def _run_lot(self, workflow: str, queue: str, ids: Sequence[str]) -> None:
        """Run the jobs of a workflow: one by one where the queue has a limit."""
        if self._queues.get(queue) is not None:
            for job_id in ids:
                await self._run_one(job_id, workflow)
            return
        await asyncio.gather(*(self._run_one(job_id, workflow) for job_id in ids))

    async def _run_one(self, job_id: str, workflow: str) -> None:
        async with self._turns:
            while not self._is_stopping:
                try:
                    await self._runner.run(job_id, workflow=workflow)
                    return
                except (DatabaseBusy, DatabaseUnavailable) as error:
                    _log.warning("job %s is begun later: %s", job_id, error)
                    await asyncio.sleep(_AGAIN_SECONDS)
                except Exception:  # a mistake of ours: the keeper hands the job over anew
                    _log.exception("job %s could not be run", job_id)
                    return
            self._unfinished.add(workflow)

    async def _finish(self) -> None:
        """Let jobs that run come to an end; those that do not in time run again elsewhere."""
        deadline = asyncio.get_running_loop().time() + self._grace_seconds
        while self._runner.begun and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
        for job_id in self._runner.begun:
            self._runner.stop(job_id)
        while self._runner.begun:
            await asyncio.sleep(0.05)


def queues_of(hooks: HookTable) -> Mapping[str, int | None]:
    """Return every queue that jobs may stand in, with how many of it run at a time (None: any)."""
    queues: dict[str, int | None] = {DEFAULT_QUEUE: None}
    queues.update((handler.queue, None) for handler in hooks.job_handlers.values())
    queues.update((queue.name, queue.concurrency) for queue in hooks.job_queues.values())
    return queues


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        pass
