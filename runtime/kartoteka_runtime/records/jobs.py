"""What commands and pages ask of jobs: lists, one job with its steps, run it again, cancel it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from kartoteka.errors import AccessDenied, RecordNotFound
from kartoteka.record_values import Reference
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.storage.database import Database
from kartoteka_runtime.storage.job_lists import JobLists
from kartoteka_runtime.storage.job_runs import JobRuns
from kartoteka_runtime.storage.job_schedules import JobSchedules, KnownSchedule
from kartoteka_runtime.storage.job_workers import JobWorkers, KnownWorker
from kartoteka_runtime.storage.moments import encode_moment
from kartoteka_runtime.storage.stored_job import STATES, StoredJob, StoredStep, dataverse_state

JOB = "job"  # what RecordNotFound calls it
_MOST_NAMED = 100  # records that one condition names: it may not be longer than 10,000 characters


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some jobs, the newest first; ``more`` is the id to go on before, "" at the end."""

    jobs: tuple[StoredJob, ...]
    more: str


@dataclass(frozen=True, slots=True)
class JobDetail:
    """One job with the steps that are done."""

    job: StoredJob
    steps: tuple[StoredStep, ...]


@dataclass(frozen=True, slots=True)
class JobsOverview:
    """How many jobs are in each state, who runs them, and what the clock enqueues."""

    counts: Mapping[str, int]
    workers: tuple[KnownWorker, ...]
    schedules: tuple[KnownSchedule, ...]


class Jobs:
    """The jobs of one database."""

    def __init__(self, database: Database) -> None:
        """Look at the jobs of ``database``."""
        self._database = database
        self._lists = JobLists(database.dialect)
        self._runs = JobRuns(database.dialect)
        self._workers = JobWorkers(database.dialect)
        self._schedules = JobSchedules(database.dialect)

    async def list(
        self, *, state: str = "", job: str = "", before: str = "", most: int = 50
    ) -> JobPage:
        """Return jobs, the newest first; of a state, of a handler's name."""
        async with self._database.reading() as connection:
            found = await self._lists.list(
                connection, state=state, job=job, before=before, most=most + 1
            )
        more = found[most - 1].id if len(found) > most else ""
        return JobPage(tuple(found[:most]), more)

    async def read(self, job_id: str) -> JobDetail:
        """Return a job with its steps.

        Raises:
            RecordNotFound: There is none of that id.
        """
        async with self._database.reading() as connection:
            job = await self._lists.read(connection, job_id)
            if job is None:
                raise RecordNotFound(JOB, job_id)
            return JobDetail(job, await self._runs.steps(connection, job_id))

    async def overview(self) -> JobsOverview:
        """Return counts, workers and schedules."""
        async with self._database.reading() as connection:
            counts = {state: await self._lists.count(connection, state) for state in STATES}
            workers = await self._workers.all(connection)
            schedules = await self._schedules.all(connection)
        return JobsOverview(counts, workers, tuple(schedules.values()))

    async def run_again(self, job_id: str) -> bool:
        """Let a job that failed, was parked or canceled go on after its last step.

        Returns:
            Whether it was one of these.
        """
        async with self._database.writing() as connection:
            return await self._lists.run_again(connection, job_id, datetime.now(UTC))

    async def cancel(self, job_id: str) -> bool:
        """Cancel a job; one that runs ends with its next step, or where it waits for something.

        Returns:
            Whether it had not ended before.
        """
        async with self._database.writing() as connection:
            return await self._lists.cancel(connection, job_id, datetime.now(UTC))


def record_of(job: StoredJob) -> Reference | None:
    """Return the record that a job is about: the one that its ``entity`` and ``id`` name."""
    arguments = _parsed(job.arguments)
    if not isinstance(arguments, dict):
        return None
    entity, record_id = arguments.get("entity"), arguments.get("id")
    try:
        return Reference(entity, str(UUID(record_id))) if isinstance(entity, str) else None
    except (ValueError, TypeError, AttributeError):
        return None


async def names_of_records(
    records: ActingRecords, found: Iterable[Reference | None]
) -> dict[tuple[str, str], str]:
    """Return what records are called, by entity and id, as far as whoever asks may read them."""
    wanted: dict[str, set[str]] = {}
    for one in found:
        if one is not None and one.entity in records.model.registry.entities:
            wanted.setdefault(one.entity, set()).add(one.id)
    names = {}
    for entity, ids in wanted.items():
        definition = records.model.registry.entities[entity]
        key, primary = definition.primary_id, definition.primary_field
        if not key or not primary:
            continue
        ordered = sorted(ids)
        for start in range(0, len(ordered), _MOST_NAMED):
            condition = f"{key} in ({','.join(ordered[start : start + _MOST_NAMED])})"
            try:
                rows = await records.list(entity, filter=condition, fields=(key, primary))
            except AccessDenied:
                break
            names.update({(entity, str(row[key])): str(row[primary] or "") for row in rows})
    return names


def job_json(job: StoredJob, steps: Sequence[StoredStep] | None = None) -> dict[str, Any]:
    """Return a job as commands print it, with Dataverse's state and status reason."""
    statecode, statuscode = dataverse_state(job, datetime.now(UTC))
    shown: dict[str, Any] = {
        "id": job.id,
        "job": job.job,
        "state": job.state,
        "statecode": statecode,
        "statuscode": statuscode,
        "queue": job.queue,
        "key": job.key,
        "arguments": _parsed(job.arguments),
        "user": job.user_id or None,
        "is_system": job.is_system,
        "attempts": job.attempts,
        "depth": job.depth,
        "correlation_id": job.correlation_id,
        "publication": job.publication,
        "worker": job.worker,
        "progress": None
        if job.progress_done is None
        else {"done": job.progress_done, "total": job.progress_total, "text": job.progress_text},
        "reason": _parsed(job.reason),
        "error": _parsed(job.error),
    }
    for name in ("run_at", "created_on", "started_on", "ended_on"):
        moment = None if name in job.unreadable else getattr(job, name)
        shown[name] = encode_moment(moment) if moment is not None else None
    about = record_of(job)
    shown["record"] = None if about is None else {"entity": about.entity, "id": about.id}
    shown["unreadable"] = dict(job.unreadable) or None
    if steps is not None:
        shown["steps"] = [
            {
                "name": step.name,
                "occurrence": step.occurrence,
                "kind": step.kind,
                "result": _parsed(step.result) if step.kind == "step" else step.result,
                "done_on": encode_moment(step.done_on),
            }
            for step in steps
        ]
    return shown


def _parsed(text: str | None) -> Any:
    """Return what a JSON text holds; one that cannot be read stays a text.

    Halves of characters, which nothing can show, become question marks.
    """
    if text is None:
        return None
    try:
        value = json.loads(text)
        if "\\ud" in text.lower():
            whole = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(whole)
    except (ValueError, RecursionError):
        return text
    return value
