"""Keeper: what a worker does beside running jobs, in a thread of its own.

It says that the worker lives, looks after workers that stopped saying so and what they left, keeps
schedules, hands over what is due, and stops what was canceled. A handler that computes for a minute
does not keep it from that.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kartoteka_runtime.jobs.hand_over import HandOver
from kartoteka_runtime.jobs.runner import JobRunner
from kartoteka_runtime.jobs.schedules import Schedules
from kartoteka_runtime.jobs.workflows import WorkflowStore, in_thread
from kartoteka_runtime.storage.database import Database
from kartoteka_runtime.storage.job_outbox import JobOutbox
from kartoteka_runtime.storage.job_runs import JobRuns
from kartoteka_runtime.storage.job_workers import JobWorkers

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a worker looks, in seconds.

    ``lost`` is how long another worker may be silent before it counts as gone; ``handed`` how long
    a job may wait in a workflow before somebody looks whether there is such a workflow.
    """

    look: float = 0.25
    poll: float = 0.5
    beat: float = 2.0
    lost: float = 10.0
    handed: float = 15.0
    forget: float = 60.0


class Keeper:
    """Does the chores of one worker."""

    def __init__(
        self,
        database: Database,
        workflows: WorkflowStore,
        *,
        worker: str,
        place: str,
        hand_over: HandOver,
        schedules: Schedules,
        runner: JobRunner,
        loop: asyncio.AbstractEventLoop,
        pace: Pace,
        clock: Callable[[], datetime],
    ) -> None:
        """Look after ``runner``, which runs jobs in ``loop``, as ``worker``."""
        self._database = database
        self._workflows = workflows
        self._worker = worker
        self._place = place
        self._hand_over = hand_over
        self._schedules = schedules
        self._runner = runner
        self._loop = loop
        self._pace = pace
        self._clock = clock
        self._outbox = JobOutbox(database.dialect)
        self._runs = JobRuns(database.dialect)
        self._workers = JobWorkers(database.dialect)
        self._seen: dict[str, tuple[int, float]] = {}  # {worker: (beats, since when)}

    async def keep(self, stop: threading.Event) -> None:
        """Do every chore at its time until told to stop."""
        pace = self._pace
        chores: list[tuple[Callable[[], Awaitable[object]], float]] = [
            (self.beat, pace.beat),
            (self.bury_workers, pace.beat),
            (self._schedules.enqueue_due, pace.look),
            (self._hand_over.hand_over_due, pace.look),
            (self.stop_canceled, pace.look),
            (self._hand_over.hand_over_strays, pace.handed),
            (self.take_back_lost, pace.handed),
            (self.forget_ended, pace.forget),
        ]
        due = [0.0] * len(chores)
        while not stop.is_set():
            for place, (chore, seconds) in enumerate(chores):
                if time.monotonic() >= due[place] and not stop.is_set():
                    await _attempt(chore)
                    due[place] = time.monotonic() + seconds
            await asyncio.sleep(pace.look)

    async def beat(self) -> None:
        """Say that this worker lives."""
        async with self._database.writing() as connection:
            await self._workers.beat(connection, self._worker, self._place, self._clock())

    async def bury_workers(self) -> None:
        """Forget workers that have not counted on, and let what they ran be run again.

        What is measured is how long this process has seen them silent: clocks of other machines
        may be wrong.
        """
        now = time.monotonic()
        async with self._database.reading() as connection:
            workers = await self._workers.all(connection)
        silent = []
        for worker in workers:
            beats, since = self._seen.get(worker.id, (-1, now))
            if beats != worker.beats:
                self._seen[worker.id] = (worker.beats, now)
            elif now - since >= self._pace.lost and worker.id != self._worker:
                silent.append(worker)
        async with self._database.writing() as connection:
            for worker in silent:
                if await self._workers.remove_silent(connection, worker):
                    _log.warning("worker %s (%s) is gone", worker.id, worker.place)
            taken = await self._runs.take_from_lost(connection, self._clock())
        if silent or taken:
            await self.take_back_lost()

    async def take_back_lost(self) -> None:
        """Hand over anew what waits in workflows of workers that are gone, or in none at all."""
        under_way = await in_thread(
            self._workflows.under_way
        )  # first: a new worker is known by now
        before = self._clock() - timedelta(seconds=self._pace.handed)
        async with self._database.reading() as connection:
            living = {worker.id for worker in await self._workers.all(connection)}
            waiting = await self._outbox.waiting_workflows(connection, before)
        orphaned = [workflow for workflow, worker in under_way.items() if worker not in living]
        if orphaned:
            await in_thread(self._workflows.give_up, orphaned)
        active = await in_thread(self._workflows.still_active, waiting)
        gone = [*orphaned, *(workflow for workflow in waiting if workflow not in active)]
        if gone:
            async with self._database.writing() as connection:
                count = await self._outbox.take_back(connection, gone)
            _log.info("%d jobs of %d lost workflows are handed over anew", count, len(gone))

    async def stop_canceled(self) -> None:
        """Stop what somebody canceled, and let go of what the runner knows nothing of."""
        async with self._database.reading() as connection:
            begun = await self._runs.of_worker(connection, self._worker)
        known = self._runner.begun
        for job in begun:
            if job.id not in known:
                async with self._database.writing() as connection:
                    await self._runs.release(connection, job, self._clock())
            elif job.is_cancel_asked:
                self._loop.call_soon_threadsafe(self._runner.stop, job.id)

    async def forget_ended(self) -> None:
        """Let the store of workflows forget those that ended."""
        await in_thread(self._workflows.forget_ended)

    async def leave(self, unfinished: Sequence[str]) -> None:
        """Forget this worker, and let others take what it began or had in ``unfinished`` workflows.

        These end by themselves in the store; what is left there by chance is found later.
        """
        async with self._database.writing() as connection:
            await self._workers.remove(connection, self._worker)
            await self._runs.take_from_lost(connection, self._clock())
            await self._outbox.take_back(connection, unfinished)


async def _attempt(chore: Callable[[], Awaitable[object]]) -> None:
    """Do a chore; what keeps it from being done may have passed when it comes again."""
    try:
        await chore()
    except Exception as error:  # the database is away, or DBOS's: each says so by errors of its own
        _log.warning("%s: %s", getattr(chore, "__name__", "chore"), error)
