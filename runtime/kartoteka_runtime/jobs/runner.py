"""JobRunner: begins a job, runs its handler as its principal, and keeps how it ended."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kartoteka.errors import KartotekaError
from kartoteka.plugin_api.contexts import Principal
from kartoteka.plugin_api.jobs import JobCanceled, JobHandler
from kartoteka_runtime.jobs.job_error import LASTING, error_json
from kartoteka_runtime.jobs.running_job import Postponed, RunningJob, Superseded
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.records.operation import JobOrigin
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.storage.database import DatabaseBusy, DatabaseUnavailable, SchemaMoved
from kartoteka_runtime.storage.job_runs import JobRuns
from kartoteka_runtime.storage.stored_job import (
    CANCELED,
    DONE,
    FAILED,
    PARKED,
    UNREADABLE,
    WAITING,
    StoredJob,
    unreadable_columns,
)

_log = logging.getLogger(__name__)
MOST_LOSSES = 10  # workers that may die with a job before it counts as what kills them
_LONGEST_WAIT = timedelta(hours=1)
_GROWTH = 4.0  # each wait is so many times the one before
_LOOK_SECONDS = 1.0  # how long a worker may go on with a publication that another replaced
_DATABASE_SECONDS = 1.0  # between tries to say how a job ended


def utc_now() -> datetime:
    """Return the present moment."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended; a waiting job goes on at ``run_at``. ``attempts`` None: as it counts now."""

    state: str
    run_at: datetime | None = None
    attempts: int | None = None
    reason: str | None = None
    error: str | None = None


class Parked(Exception):
    """The job cannot be run as things are; ``code`` and ``params`` are the message that says so."""

    def __init__(self, code: str, **params: Any) -> None:
        """Keep why."""
        self.reason = json.dumps({"code": code, "params": params})
        super().__init__(code)


class JobRunner:
    """Runs jobs one by one, for one worker."""

    def __init__(
        self, parts: RuntimeParts, worker: str, *, clock: Callable[[], datetime] = utc_now
    ) -> None:
        """Run jobs of the app that ``parts`` make up; ``worker`` is who begins them."""
        self._parts = parts
        self._worker = worker
        self._clock = clock
        self._runs = JobRuns(parts.database.dialect)
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._begun: set[str] = set()
        self._next_look = 0.0

    @property
    def begun(self) -> frozenset[str]:
        """Return the ids of the jobs that are run just now."""
        return frozenset(self._begun)

    async def run(self, job_id: str, *, workflow: str = "") -> str | None:
        """Run a job once and return its state, or None when it was not this worker's to run."""
        await self._look()
        self._begun.add(job_id)
        try:
            async with self._parts.database.writing() as connection:
                job = await self._runs.begin(
                    connection, job_id, self._worker, self._clock(), workflow
                )
            return None if job is None else await self._end(job, await self._ending(job))
        except Superseded:
            _log.info("job %s is another worker's by now", job_id)
            return None
        finally:
            self._begun.discard(job_id)

    def stop(self, job_id: str) -> None:
        """Stop the run of a job, wherever its handler is; what follows depends on why."""
        if job_id in self._under_way:
            self._under_way[job_id].cancel()

    async def _ending(self, job: StoredJob) -> Ending:
        """Run the handler and return how it ended."""
        try:
            if job.is_cancel_asked:
                raise JobCanceled(job.id)
            if job.losses > MOST_LOSSES:
                return Ending(FAILED, error=_lost(job.losses))
            if job.unreadable:
                raise Parked(UNREADABLE, columns=unreadable_columns(job))
            handler = self._handler(job)
            running = await self._running(job)
            await self._run_handler(handler, running)
        except Parked as parked:
            return Ending(PARKED, reason=parked.reason, error=job.error)
        except Postponed as postponed:
            return Ending(WAITING, run_at=postponed.until, attempts=0)
        except JobCanceled:
            return Ending(CANCELED, error=job.error)
        except asyncio.CancelledError:
            return await self._interrupted(job)
        except SchemaMoved as moved:
            _log.info("job %s runs again on the newest publication: %r", job.id, moved)
            self._next_look = 0.0
            return self._failed(job, moved, wait=timedelta(0))
        except Exception as error:
            return self._failed(job, error)
        return Ending(DONE)

    async def _run_handler(self, handler: JobHandler, running: RunningJob) -> None:
        """Run the handler as a task of its own, so that it can be stopped and nothing else is."""

        async def run() -> None:
            await handler.run(running)

        task = self._under_way[running.job_id] = asyncio.create_task(run())
        try:
            await task
        finally:
            del self._under_way[running.job_id]

    def _handler(self, job: StoredJob) -> JobHandler:
        handler = self._parts.records.hooks.job_handlers.get(job.job)
        if handler is None:
            raise Parked("job.parked.handler", job=job.job)
        return handler

    async def _running(self, job: StoredJob) -> RunningJob:
        try:
            arguments = json.loads(job.arguments)
        except (ValueError, RecursionError) as error:
            raise Parked("job.parked.arguments", detail=str(error)) from error
        if not isinstance(arguments, dict):
            raise Parked("job.parked.arguments", detail=type(arguments).__name__)
        principal = await self._principal(job)
        async with self._parts.database.reading() as connection:
            steps = await self._runs.steps(connection, job.id) if job.claims > 1 else ()
        origin = JobOrigin(job.correlation_id, job.depth, job.chain_on)
        return RunningJob(
            job,
            arguments,
            self._parts.records.acting_as(principal, origin=origin),
            principal=principal,
            database=self._parts.database,
            runs=self._runs,
            steps=steps,
            clock=self._clock,
        )

    async def _principal(self, job: StoredJob) -> Principal:
        """Return as whom a job runs, with the roles and settings of now."""
        if job.is_system:
            return SYSTEM
        user = await self._parts.sessions.known_user(job.user_id)
        if user is None:
            raise Parked("job.parked.user_gone", user=job.user_id)
        principal = self._parts.sessions.principal_of(user)
        if principal is None:
            raise Parked("job.parked.user_disabled", user=user.name)
        return principal

    def _failed(self, job: StoredJob, error: Exception, *, wait: timedelta | None = None) -> Ending:
        """Return what follows an error: another attempt after a while, or the end."""
        handler = self._parts.records.hooks.job_handlers[job.job]
        kept = error_json(error)
        if isinstance(error, LASTING) or job.attempts >= handler.most_attempts:
            _log.warning("job %s (%s) failed: %r", job.job, job.id, error)
            return Ending(FAILED, error=kept)
        if wait is None:
            wait = wait_after(job.attempts, handler.wait_seconds)
        return Ending(WAITING, run_at=self._clock() + wait, error=kept)

    async def _interrupted(self, job: StoredJob) -> Ending:
        """Return what follows when the run was stopped: by who cancels the job, or the worker."""
        async with self._parts.database.writing() as connection:
            is_cancel_asked = await self._runs.hold(connection, job)
        if is_cancel_asked is None:
            raise Superseded(job.id)
        if is_cancel_asked:
            return Ending(CANCELED, error=job.error)
        return Ending(WAITING, run_at=self._clock(), attempts=job.attempts - 1, error=job.error)

    async def _end(self, job: StoredJob, ending: Ending) -> str | None:
        """Keep how a run ended, as soon as the database lets it."""
        while True:
            try:
                async with self._parts.database.writing() as connection:
                    return await self._runs.end(
                        connection, job, state=ending.state, now=self._clock(),
                        run_at=ending.run_at, attempts=ending.attempts, reason=ending.reason,
                        error=ending.error,
                    )  # fmt: skip
            except (DatabaseBusy, DatabaseUnavailable) as error:
                _log.warning("job %s: its end is kept later: %s", job.id, error)
                await asyncio.sleep(_DATABASE_SECONDS)

    async def _look(self) -> None:
        """Take the newest publication, at most once a second."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + _LOOK_SECONDS
        try:
            await refresh(self._parts.database, self._parts.live_registry)
        except KartotekaError as error:  # what is known serves on
            _log.warning("no look at newer publications: %s", error)


def wait_after(attempts: int, first_seconds: float) -> timedelta:
    """Return how long to wait after so many failed attempts, at most an hour."""
    seconds = first_seconds * _GROWTH ** min(attempts - 1, 20)
    return min(timedelta(seconds=seconds), _LONGEST_WAIT)


def _lost(losses: int) -> str:
    """Return the error of a job whose workers die."""
    message = {"code": "job.error.worker_lost", "params": {"times": losses}}
    text = f"{losses} workers died while they ran this job"
    return json.dumps({"type": "WorkerLost", "text": text, "messages": [message], "trace": ""})
