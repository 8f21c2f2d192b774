"""Workers as their table keeps them: each counts while it lives, and others see when it stops."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.moments import decode_moment, encode_moment
from kartoteka_runtime.storage.record_queries import compile_text


@dataclass(frozen=True, slots=True)
class KnownWorker:
    """A process that runs jobs; ``place`` says on which machine, for people."""

    id: str
    place: str
    started_on: datetime
    beat_on: datetime
    beats: int


class JobWorkers:
    """Statements about workers."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile the statements."""

        def text(sql: str) -> str:
            return compile_text(sa.text(sql), dialect)

        self._beat = text(
            "INSERT INTO kartoteka_job_worker (id, place, started_on, beat_on, beats)"
            " VALUES (:id, :place, :now, :now, 1)"
            " ON CONFLICT (id) DO UPDATE SET beat_on = excluded.beat_on,"
            " beats = kartoteka_job_worker.beats + 1"
        )
        self._all = text(
            "SELECT id, place, started_on, beat_on, beats FROM kartoteka_job_worker"
            " ORDER BY started_on, id"
        )
        self._remove = text("DELETE FROM kartoteka_job_worker WHERE id = :id")
        self._remove_silent = text(
            "DELETE FROM kartoteka_job_worker WHERE id = :id AND beats = :beats"
        )

    async def beat(self, connection: Connection, worker: str, place: str, now: datetime) -> None:
        """Say that a worker lives; the first time, or after it was taken for dead, it is new."""
        params = {"id": worker, "place": place, "now": encode_moment(now)}
        await connection.execute(self._beat, params)

    async def all(self, connection: Connection) -> tuple[KnownWorker, ...]:
        """Return the workers that are not known to be gone, the eldest first."""
        rows = await connection.fetch_all(self._all, {})
        return tuple(
            KnownWorker(worker, place, decode_moment(started), decode_moment(beat), beats)
            for worker, place, started, beat, beats in rows
        )

    async def remove(self, connection: Connection, worker: str) -> None:
        """Forget a worker that stops."""
        await connection.execute(self._remove, {"id": worker})

    async def remove_silent(self, connection: Connection, worker: KnownWorker) -> bool:
        """Forget a worker that has not counted on; whether it was still so."""
        params = {"id": worker.id, "beats": worker.beats}
        return await connection.execute(self._remove_silent, params) == 1
