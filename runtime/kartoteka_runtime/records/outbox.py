"""Enqueues jobs in the transaction that is open: they are there if and only if it is committed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kartoteka.errors import AccessDenied, PluginError
from kartoteka.names import did_you_mean
from kartoteka_runtime.records.identifiers import new_id
from kartoteka_runtime.records.operation import MOST_DEPTH, JobOrigin, Operation, TooDeep
from kartoteka_runtime.storage.job_outbox import JobOutbox, NewJob

_CHAIN = timedelta(hours=1)  # in which depth is counted. Source: reference platform, section 8.5
_LONGEST_ARGUMENTS = 256 * 1024  # characters of JSON; more belongs into a record


async def enqueue(
    op: Operation,
    outbox: JobOutbox,
    job: str,
    arguments: Mapping[str, Any],
    *,
    run_at: datetime | None = None,
    key: str = "",
) -> str:
    """Write a job into the outbox and return its id, or that of the one that does for it.

    Raises:
        PluginError: Nobody carries out such jobs, or the arguments are no JSON.
        AccessDenied: Nobody is signed in.
        TooDeep: Jobs have enqueued one another too often within an hour.
    """
    handler = op.model.hooks.job_handlers.get(job)
    if handler is None:
        hint = did_you_mean(job, list(op.model.hooks.job_handlers))
        raise PluginError(f'there is no job handler "{job}"' + (f"; {hint}" if hint else ""))
    is_platform = op.principal.is_system and not op.principal.user_id
    is_system = is_platform or handler.as_system
    if not op.principal.user_id and not op.principal.is_system:
        raise AccessDenied("error.access_denied", {"privilege": "enqueue", "entity": job})
    now = datetime.now(UTC)
    due = max(run_at, now) if run_at is not None else now
    job_id = new_id()
    chain = _chain(op.origin, job_id, due)
    return await outbox.enqueue(
        op.connection,
        NewJob(
            id=job_id,
            job=job,
            arguments=_as_json(job, arguments),
            queue=handler.queue,
            key=key or None,
            run_at=due,
            user_id=op.principal.user_id,
            is_system=is_system,
            publication=op.model.number,
            depth=chain.depth,
            correlation_id=chain.correlation_id,
            chain_on=chain.chain_on,
            created_on=now,
        ),
    )


def _chain(origin: JobOrigin | None, job_id: str, due: datetime) -> JobOrigin:
    """Return where a new job stands in its chain."""
    if origin is None:
        return JobOrigin(job_id, 1, due)
    if due - origin.chain_on > _CHAIN:
        return JobOrigin(origin.correlation_id, 1, due)
    if origin.depth >= MOST_DEPTH:
        raise TooDeep(
            f"jobs enqueued one another {MOST_DEPTH} deep within an hour; most likely without end"
        )
    return JobOrigin(origin.correlation_id, origin.depth + 1, origin.chain_on)


def _as_json(job: str, arguments: Mapping[str, Any]) -> str:
    try:
        text = json.dumps(dict(arguments), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise PluginError(f'job "{job}": its arguments are no JSON: {error}') from error
    if len(text) > _LONGEST_ARGUMENTS:
        raise PluginError(
            f'job "{job}": its arguments are {len(text):,} characters long, at most '
            f"{_LONGEST_ARGUMENTS:,} are kept; write a record and name it"
        )
    return text
