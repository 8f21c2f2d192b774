"""RunningJob: the JobContext of one run, with steps that take effect exactly once."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from kartoteka.errors import PluginError
from kartoteka.plugin_api.contexts import Principal, Records
from kartoteka.plugin_api.jobs import JobCanceled, Json
from kartoteka.registry import Registry
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.storage.database import BadParameter, Connection, Database
from kartoteka_runtime.storage.job_runs import JobRuns
from kartoteka_runtime.storage.moments import decode_moment, encode_moment
from kartoteka_runtime.storage.storable_text import storable
from kartoteka_runtime.storage.stored_job import StoredJob, StoredStep

_SLEEP = ":sleep"  # no step of a handler is called so
_TELL_SECONDS = 0.5  # progress is written at most so often


class Superseded(BaseException):
    """The job is another run's by now: this one was taken for dead and may change nothing."""


class Postponed(BaseException):
    """The job sleeps; ``until`` says when it goes on."""

    def __init__(self, until: datetime) -> None:
        """Keep the moment."""
        self.until = until
        super().__init__(encode_moment(until))


class RunningJob:
    """What a handler is handed; see ``kartoteka.plugin_api.jobs.JobContext``."""

    def __init__(
        self,
        job: StoredJob,
        arguments: Mapping[str, Json],
        records: ActingRecords,
        *,
        principal: Principal,
        database: Database,
        runs: JobRuns,
        steps: Sequence[StoredStep],
        clock: Callable[[], datetime],
    ) -> None:
        """Go on with ``job`` after the ``steps`` that are done."""
        self.job = job
        self.arguments = arguments
        self.principal = principal
        self._records = records
        self._database = database
        self._runs = runs
        self._clock = clock
        self._done = {(step.name, step.occurrence): step for step in steps}
        self._occurrences: Counter[str] = Counter()
        self._inside: ActingRecords | None = None
        self._told = 0.0

    @property
    def name(self) -> str:
        """Return the name of the job's handler."""
        return self.job.job

    @property
    def job_id(self) -> str:
        """Return the id of the job."""
        return self.job.id

    @property
    def attempt(self) -> int:
        """Return which attempt this is, from 1."""
        return self.job.attempts

    @property
    def records(self) -> Records:
        """Return the record service as the principal."""
        return self._inside or self._records

    @property
    def system_records(self) -> Records:
        """Return the same without access limits."""
        return (self._inside or self._records).as_system()

    @property
    def registry(self) -> Registry:
        """Return the live registry."""
        return self._records.model.registry

    async def step(self, name: str, work: Callable[[Records], Awaitable[Json]]) -> Json:
        """Do a part of the job exactly once and return what it returned."""
        self._check_text("the name of a step", name)
        occurrence = self._next_occurrence(name)
        done = self._done.get((name, occurrence))
        if done is not None:
            return json.loads(done.result)
        async with self._records.transaction() as records:
            connection = records.operation.connection
            self._check(await self._runs.hold(connection, self.job))
            self._inside = records
            try:
                result = self._as_json(name, await work(records))
            finally:
                self._inside = None
            done = StoredStep(name, occurrence, "step", result, self._clock())
            await self._runs.add_step(connection, self.job.id, done)
        self._done[name, occurrence] = done
        return json.loads(result)

    async def in_batches(
        self,
        name: str,
        items: Sequence[Json],
        work: Callable[[Records, Sequence[Json]], Awaitable[None]],
        *,
        size: int = 100,
    ) -> None:
        """Work through many items, ``size`` of them a step, telling progress after each."""
        for start in range(0, len(items), size):
            batch = items[start : start + size]

            async def do(records: Records, batch: Sequence[Json] = batch) -> None:
                await work(records, batch)

            await self.step(name, do)
            await self.progress(start + len(batch), len(items))

    async def sleep_until(self, instant: datetime) -> None:
        """Go on at an instant, however often workers are stopped and started until then."""
        occurrence = self._next_occurrence(_SLEEP)
        sleep = self._done.get((_SLEEP, occurrence))
        if sleep is None:
            sleep = StoredStep(_SLEEP, occurrence, "sleep", encode_moment(instant), self._clock())
            async with self._database.writing() as connection:
                self._check(await self._runs.hold(connection, self.job))
                await self._runs.add_step(connection, self.job.id, sleep)
            self._done[_SLEEP, occurrence] = sleep
        until = decode_moment(sleep.result)
        if until > self._clock():
            raise Postponed(until)

    async def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Tell people how far the job is."""
        self._check_text("the text of its progress", text)
        now = time.monotonic()
        if now - self._told < _TELL_SECONDS and not (total and done >= total):
            return
        self._told = now
        if self._inside is not None:
            await self._tell(self._inside.operation.connection, done, total, text)
            return
        async with self._database.writing() as connection:
            await self._tell(connection, done, total, text)

    async def _tell(self, connection: Connection, done: int, total: int, text: str) -> None:
        self._check(await self._runs.progress(connection, self.job, done, total, text[:200]))

    def _next_occurrence(self, name: str) -> int:
        if self._inside is not None:
            raise PluginError(f'job "{self.name}": a step or sleep stands inside a step')
        self._occurrences[name] += 1
        return self._occurrences[name]

    def _check(self, is_cancel_asked: bool | None) -> None:
        if is_cancel_asked is None:
            raise Superseded(self.job.id)
        if is_cancel_asked:
            raise JobCanceled(self.job.id)

    def _check_text(self, what: str, text: str) -> None:
        """Refuse what one database would keep and another would not."""
        try:
            storable(text)
        except BadParameter as error:
            raise PluginError(f'job "{self.name}": {what} cannot be kept: {error}') from error

    def _as_json(self, name: str, result: Any) -> str:
        try:
            return json.dumps(result, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise PluginError(
                f'job "{self.name}": what step "{name}" returned is no JSON: {error}'
            ) from error
