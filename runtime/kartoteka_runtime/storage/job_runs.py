"""Jobs that run: who began them, what their steps returned, how they ended.

Each begin counts ``claims`` up. Whatever a run writes names the claim it made, so that a run which
was taken for dead and goes on nevertheless changes nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.moments import decode_moment, encode_moment
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.stored_job import COLUMNS, StoredJob, StoredStep, job_from_row


@dataclass(frozen=True, slots=True)
class BegunJob:
    """A job that a worker has begun, and whether somebody wants to end it."""

    id: str
    claims: int
    is_cancel_asked: bool


class JobRuns:
    """Statements about jobs that run."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile the statements."""
        locked = "" if dialect.name == "sqlite" else " FOR UPDATE"

        def text(sql: str) -> str:
            return compile_text(sa.text(sql), dialect)

        begin = (
            "UPDATE kartoteka_job SET state = 'running', worker = :worker, claims = claims + 1,"
            " attempts = attempts + 1, started_on = :now, ended_on = NULL, reason = NULL"
            " WHERE id = :id AND state = 'waiting'"
        )
        returning = f" RETURNING {', '.join(COLUMNS)}"
        self._begin = text(begin + " AND run_at <= :now" + returning)
        self._begin_handed = text(begin + " AND handed_to = :workflow" + returning)
        ours = "WHERE id = :id AND claims = :claims AND state = 'running'"
        self._end = text(
            "UPDATE kartoteka_job SET reason = :reason, error = :error,"
            " run_at = COALESCE(CAST(:run_at AS TEXT), run_at),"
            " state = CASE WHEN is_cancel_asked = 1 AND CAST(:state AS TEXT) = 'waiting'"
            " THEN 'canceled' ELSE CAST(:state AS TEXT) END,"
            " ended_on = CASE WHEN CAST(:state AS TEXT) = 'waiting' AND is_cancel_asked = 0"
            " THEN NULL ELSE CAST(:now AS TEXT) END,"
            " attempts = :attempts, worker = NULL, handed_to = NULL, handed_on = NULL,"
            f" is_cancel_asked = 0 {ours} RETURNING state"
        )
        self._hold = text(f"SELECT is_cancel_asked FROM kartoteka_job {ours}{locked}")
        self._progress = text(
            "UPDATE kartoteka_job SET progress_done = :done, progress_total = :total,"
            f" progress_text = :text {ours} RETURNING is_cancel_asked"
        )
        self._steps = text(
            "SELECT name, occurrence, kind, result, done_on FROM kartoteka_job_step"
            " WHERE job_id = :id ORDER BY done_on, name, occurrence"
        )
        self._add_step = text(
            "INSERT INTO kartoteka_job_step (job_id, name, occurrence, kind, result, done_on)"
            " VALUES (:id, :name, :occurrence, :kind, :result, :now)"
        )
        not_running = (
            " state = CASE WHEN is_cancel_asked = 1 THEN 'canceled' ELSE 'waiting' END,"
            " ended_on = CASE WHEN is_cancel_asked = 1 THEN CAST(:now AS TEXT) ELSE NULL END,"
            " is_cancel_asked = 0, worker = NULL, handed_to = NULL, handed_on = NULL"
        )
        self._take_from_lost = text(
            "UPDATE kartoteka_job SET losses = losses + 1, attempts = attempts - 1,"
            f"{not_running} WHERE state = 'running'"
            " AND NOT EXISTS (SELECT 1 FROM kartoteka_job_worker w"
            " WHERE w.id = kartoteka_job.worker)"
        )
        self._release = text(f"UPDATE kartoteka_job SET{not_running} {ours}")
        self._of_worker = text(
            "SELECT id, claims, is_cancel_asked FROM kartoteka_job WHERE state = 'running'"
            " AND worker = :worker"
        )

    async def begin(
        self, connection: Connection, job_id: str, worker: str, now: datetime, workflow: str = ""
    ) -> StoredJob | None:
        """Begin a job for a worker, or return None when it is not this workflow's to begin.

        Without ``workflow`` it is begun when its time has come.
        """
        params = {"id": job_id, "worker": worker, "now": encode_moment(now)}
        statement = self._begin
        if workflow:
            statement, params["workflow"] = self._begin_handed, workflow
        row = await connection.fetch_one(statement, params)
        return None if row is None else job_from_row(row)

    async def end(
        self,
        connection: Connection,
        job: StoredJob,
        *,
        state: str,
        now: datetime,
        run_at: datetime | None = None,
        attempts: int | None = None,
        reason: str | None = None,
        error: str | None = None,
    ) -> str | None:
        """Keep how a run ended and return the job's state; None: it was not this run's to say.

        What was to run again, and somebody wants to end, is canceled. ``run_at`` and ``attempts``
        stay what they are unless given.
        """
        row = await connection.fetch_one(
            self._end,
            {
                "id": job.id,
                "claims": job.claims,
                "state": state,
                "reason": reason,
                "error": error,
                "run_at": encode_moment(run_at) if run_at else None,
                "attempts": job.attempts if attempts is None else attempts,
                "now": encode_moment(now),
            },
        )
        return None if row is None else str(row[0])

    async def hold(self, connection: Connection, job: StoredJob) -> bool | None:
        """Keep a run's job from others to the end of the transaction.

        Returns:
            Whether somebody asked to cancel it; None when the job is not this run's any more.
        """
        row = await connection.fetch_one(self._hold, {"id": job.id, "claims": job.claims})
        return None if row is None else bool(row[0])

    async def progress(
        self, connection: Connection, job: StoredJob, done: int, total: int, text: str
    ) -> bool | None:
        """Keep how far a job is; the answer is that of ``hold``."""
        params = {"id": job.id, "claims": job.claims, "done": done, "total": total, "text": text}
        row = await connection.fetch_one(self._progress, params)
        return None if row is None else bool(row[0])

    async def steps(self, connection: Connection, job_id: str) -> tuple[StoredStep, ...]:
        """Return the steps of a job that are done, in the order in which they were."""
        rows = await connection.fetch_all(self._steps, {"id": job_id})
        return tuple(
            StoredStep(name, occurrence, kind, result, decode_moment(done_on))
            for name, occurrence, kind, result, done_on in rows
        )

    async def add_step(self, connection: Connection, job_id: str, step: StoredStep) -> None:
        """Keep what a step returned.

        Raises:
            UniqueViolation: It is done already.
        """
        params = {
            "id": job_id,
            "name": step.name,
            "occurrence": step.occurrence,
            "kind": step.kind,
            "result": step.result,
            "now": encode_moment(step.done_on),
        }
        await connection.execute(self._add_step, params)

    async def of_worker(self, connection: Connection, worker: str) -> tuple[BegunJob, ...]:
        """Return the jobs that a worker has begun and not ended."""
        rows = await connection.fetch_all(self._of_worker, {"worker": worker})
        return tuple(BegunJob(job_id, claims, bool(asked)) for job_id, claims, asked in rows)

    async def release(self, connection: Connection, begun: BegunJob, now: datetime) -> None:
        """Let a job be begun anew that its worker has lost sight of."""
        params = {"id": begun.id, "claims": begun.claims, "now": encode_moment(now)}
        await connection.execute(self._release, params)

    async def take_from_lost(self, connection: Connection, now: datetime) -> int:
        """Let the jobs of workers that are gone run again; return how many they are."""
        return await connection.execute(self._take_from_lost, {"now": encode_moment(now)})
