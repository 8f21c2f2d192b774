"""StoredJob: a job as its table keeps it, and the states that it goes through."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
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
UNREADABLE = "job.parked.unreadable"  # the message that names ``columns``


@dataclass(frozen=True, slots=True)
class StoredJob:
    """One job; ``arguments``, ``reason`` and ``error`` are JSON texts.

    ``unreadable`` holds what was found in columns that somebody damaged; their fields are None,
    or mean nothing where there is always a value.
    """

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
    unreadable: Mapping[str, str]


COLUMNS = tuple(name for name in StoredJob.__slots__ if name != "unreadable")


def job_from_row(row: tuple[Any, ...]) -> StoredJob:
    """Return the job of a row with ``COLUMNS``."""
    values = dict(zip(COLUMNS, row, strict=True))
    unreadable = {}
    for name, value in values.items():
        if value is None:
            continue
        read: Callable[[Any], Any] = _READERS.get(name, _text)
        try:
            values[name] = read(value)
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
            values[name], unreadable[name] = _INSTEAD.get(name), str(value)[:_MOST_SHOWN]
    return StoredJob(**values, unreadable=unreadable)


def unreadable_columns(job: StoredJob) -> str:
    """Return the columns of a job that cannot be read, each with what it holds, for people."""
    return ", ".join(f"{name} ({found})" for name, found in job.unreadable.items())


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _state(value: Any) -> str:
    if value not in STATES:
        raise ValueError(value)
    return str(value)


def _fact(value: Any) -> bool:
    return bool(int(value))


def _reason(value: Any) -> str:
    """Return a message as JSON, as it is."""
    _check_message(json.loads(value))
    return _text(value)


def _error(value: Any) -> str:
    """Return what is kept of an error as JSON, as it is."""
    error = json.loads(value)
    for name in ("type", "text", "trace"):
        _text(error[name])
    for message in error["messages"]:
        _check_message(message)
    return _text(value)


def _check_message(message: Any) -> None:
    if not (isinstance(message, dict) and isinstance(message.get("params", {}), dict)):
        raise TypeError(message)
    _text(message.get("code"))


_MOST_SHOWN = 80
_MOMENTS = ("run_at", "chain_on", "created_on")  # that are always there
_FACTS = ("is_system", "is_cancel_asked")
_NUMBERS = ("publication", "depth", "attempts", "losses", "claims")
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "state": _state,
    "reason": _reason,
    "error": _error,
    **dict.fromkeys((*_MOMENTS, "started_on", "ended_on"), decode_moment),
    **dict.fromkeys(_FACTS, _fact),
    **dict.fromkeys((*_NUMBERS, "progress_done", "progress_total"), int),
}
_INSTEAD: Mapping[str, Any] = {
    **dict.fromkeys(("job", "arguments", "queue", "state", "user_id", "correlation_id"), ""),
    **dict.fromkeys(_MOMENTS, datetime.min.replace(tzinfo=UTC)),
    **dict.fromkeys(_FACTS, False),
    **dict.fromkeys(_NUMBERS, 0),
}


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
