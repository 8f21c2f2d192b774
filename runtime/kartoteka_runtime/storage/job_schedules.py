"""When each schedule comes next: moved on in the transaction that enqueues its job."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.moments import decode_moment, encode_moment
from kartoteka_runtime.storage.record_queries import compile_text


@dataclass(frozen=True, slots=True)
class KnownSchedule:
    """A schedule as it stands; ``cron`` is what ``next_on`` was worked out from."""

    name: str
    cron: str
    next_on: datetime
    last_on: datetime | None = None
    last_job: str | None = None


class JobSchedules:
    """Statements about schedules."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile the statements."""

        def text(sql: str) -> str:
            return compile_text(sa.text(sql), dialect)

        self._all = text(
            "SELECT name, cron, next_on, last_on, last_job FROM kartoteka_job_schedule"
            " ORDER BY name"
        )
        self._add = text(
            "INSERT INTO kartoteka_job_schedule (name, cron, next_on)"
            " VALUES (:name, :cron, :next_on)"
            " ON CONFLICT (name) DO UPDATE SET cron = excluded.cron, next_on = excluded.next_on"
        )
        self._advance = text(
            "UPDATE kartoteka_job_schedule SET next_on = :next_on, last_on = :now"
            " WHERE name = :name AND next_on = :known"
        )
        self._keep_job = text(
            "UPDATE kartoteka_job_schedule SET last_job = :job WHERE name = :name"
        )

    async def all(self, connection: Connection) -> dict[str, KnownSchedule]:
        """Return every schedule that was ever met, by name."""
        return {
            name: KnownSchedule(
                name, cron, decode_moment(next_on), decode_moment(last_on) if last_on else None, job
            )
            for name, cron, next_on, last_on, job in await connection.fetch_all(self._all, {})
        }

    async def add(self, connection: Connection, name: str, cron: str, next_on: datetime) -> None:
        """Keep a schedule that is new, or means other times now."""
        params = {"name": name, "cron": cron, "next_on": encode_moment(next_on)}
        await connection.execute(self._add, params)

    async def advance(
        self, connection: Connection, known: KnownSchedule, next_on: datetime, now: datetime
    ) -> bool:
        """Move a schedule on; False: another worker did."""
        params = {
            "name": known.name,
            "known": encode_moment(known.next_on),
            "next_on": encode_moment(next_on),
            "now": encode_moment(now),
        }
        return await connection.execute(self._advance, params) == 1

    async def keep_job(self, connection: Connection, name: str, job_id: str) -> None:
        """Keep which job a schedule enqueued last."""
        await connection.execute(self._keep_job, {"name": name, "job": job_id})
