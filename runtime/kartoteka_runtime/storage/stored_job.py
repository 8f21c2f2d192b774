"""StoredJob: a job as its table keeps it, and the states that it goes through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kartoteka_runtime.storage.moments import decode_moment

WAITING = "waiting"  # for its time, or for a worker
RUNNING = "running"
DONE = "done"
FAILED = "failed"
CANCELED = "canceled"
PARKED = "parked"  # it cannot be run as things are; somebody has to look
STATES = (RUNNING, WAITING, FAILED, PARKED, CANCELED, DONE)  # as lists show them
ENDED = (FAILED, PARKED, CANCELED, DONE)
REPEATABLE = (FAILED, PARKED, CANCELED)


@dataclass(frozen=True, slots=True)
class StoredJob:
    """One job; ``arguments``, ``reason`` and ``error`` are JSON texts."""

    id: str
    job: str
    arguments: str
    queue: str
    key: str | None
    state: str
    reason: str | None
    run_at: datetime
    user_id: str
    is_system: bool
    publication: int
    depth: int
    correlation_id: str
    chain_on: datetime
    created_on: datetime
    started_on: datetime | None
    ended_on: datetime | None
    attempts: int
    losses: int
    claims: int
    worker: str | None
    is_cancel_asked: bool
    error: str | None
    progress_done: int | None
    progress_total: int | None
    progress_text: str | None


COLUMNS = tuple(StoredJob.__slots__)
_MOMENTS = ("run_at", "chain_on", "created_on", "started_on", "ended_on")
_FACTS = ("is_system", "is_cancel_asked")


def job_from_row(row: tuple[Any, ...]) -> StoredJob:
    """Return the job of a row with ``COLUMNS``."""
    values = dict(zip(COLUMNS, row, strict=True))
    for name in _MOMENTS:
        if values[name] is not None:
            values[name] = decode_moment(values[name])
    for name in _FACTS:
        values[name] = bool(values[name])
    return StoredJob(**values)


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A step of a job that is done; ``result`` is a JSON text, of a sleep the moment of its end."""

    name: str
    occurrence: int
    kind: str  # step or sleep
    result: str
    done_on: datetime


def dataverse_state(job: StoredJob, now: datetime) -> tuple[int, int]:
    """Return the state and status reason that Dataverse's system jobs have for this.

    Source: reference platform, section 8.9.
    """
    match job.state:
        case "running":
            return 2, 22 if job.is_cancel_asked else 20
        case "waiting" if job.run_at <= now:
            return 0, 0
        case "waiting" | "parked":
            return 1, 10
        case "done":
            return 3, 30
        case "canceled":
            return 3, 32
    return 3, 31
