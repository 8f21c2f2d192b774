"""Jobs as people see and steer them: lists, counts, and what is to be run again or canceled."""

from __future__ import annotations

import builtins
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.moments import encode_moment
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.stored_job import COLUMNS, StoredJob, job_from_row

_COUNTED = 10_000  # of each state; more are said to be more


class JobLists:
    """Statements about jobs of any state."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile the statements."""

        def text(sql: str) -> str:
            return compile_text(sa.text(sql), dialect)

        columns = f"SELECT {', '.join(COLUMNS)} FROM kartoteka_job"
        before, last = "id < :before", "ORDER BY id DESC LIMIT :most"
        self._read = text(f"{columns} WHERE id = :id")
        self._list = text(f"{columns} WHERE {before} {last}")
        self._list_state = text(f"{columns} WHERE state = :state AND {before} {last}")
        self._list_job = text(f"{columns} WHERE job = :job AND {before} {last}")
        self._list_state_job = text(
            f"{columns} WHERE state = :state AND job = :job AND {before} {last}"
        )
        self._count = text(
            "SELECT count(*) FROM (SELECT 1 FROM kartoteka_job WHERE state = :state"
            f" LIMIT {_COUNTED + 1}) AS counted"
        )
        self._again = text(
            "UPDATE kartoteka_job SET state = 'waiting', run_at = :now, attempts = 0, losses = 0,"
            " reason = NULL, ended_on = NULL, handed_to = NULL, handed_on = NULL,"
            " is_cancel_asked = 0, worker = NULL"
            " WHERE id = :id AND state IN ('failed', 'parked', 'canceled')"
        )
        self._cancel = text(
            "UPDATE kartoteka_job SET"
            " state = CASE WHEN state = 'running' THEN 'running' ELSE 'canceled' END,"
            " ended_on = CASE WHEN state = 'running' THEN NULL ELSE CAST(:now AS TEXT) END,"
            " is_cancel_asked = CASE WHEN state = 'running' THEN 1 ELSE 0 END"
            " WHERE id = :id AND state IN ('waiting', 'running', 'parked')"
        )
        ended = "state IN ('done', 'canceled') AND ended_on < :before LIMIT :most"
        self._old = text(f"SELECT id FROM kartoteka_job WHERE {ended}")
        self._forget_steps = text("DELETE FROM kartoteka_job_step WHERE job_id = :id")
        self._forget = text("DELETE FROM kartoteka_job WHERE id = :id")

    async def read(self, connection: Connection, job_id: str) -> StoredJob | None:
        """Return a job, or None."""
        row = await connection.fetch_one(self._read, {"id": job_id})
        return None if row is None else job_from_row(row)

    async def list(
        self,
        connection: Connection,
        *,
        state: str = "",
        job: str = "",
        before: str = "",
        most: int = 50,
    ) -> builtins.list[StoredJob]:
        """Return jobs, the newest first; of a state, of a name, older than the job ``before``."""
        params: dict[str, object] = {"before": before or "g", "most": most}
        if state:
            params["state"] = state
        if job:
            params["job"] = job
        statement = {
            (False, False): self._list,
            (True, False): self._list_state,
            (False, True): self._list_job,
            (True, True): self._list_state_job,
        }[bool(state), bool(job)]
        return [job_from_row(row) for row in await connection.fetch_all(statement, params)]

    async def count(self, connection: Connection, state: str) -> int:
        """Return how many jobs are in a state; 10,001 means more than 10,000."""
        row = await connection.fetch_one(self._count, {"state": state})
        return int(row[0]) if row else 0

    async def run_again(self, connection: Connection, job_id: str, now: datetime) -> bool:
        """Let a job that ended without being done go on after its last step; whether it could."""
        params = {"id": job_id, "now": encode_moment(now)}
        return await connection.execute(self._again, params) == 1

    async def cancel(self, connection: Connection, job_id: str, now: datetime) -> bool:
        """Cancel a job, or have its worker do it where it runs; whether it could be canceled."""
        params = {"id": job_id, "now": encode_moment(now)}
        return await connection.execute(self._cancel, params) == 1

    async def old(
        self, connection: Connection, before: datetime, *, most: int
    ) -> builtins.list[str]:
        """Return jobs that were done or canceled before a moment."""
        params = {"before": encode_moment(before), "most": most}
        return [str(row[0]) for row in await connection.fetch_all(self._old, params)]

    async def forget(self, connection: Connection, job_id: str) -> None:
        """Delete a job with its steps."""
        await connection.execute(self._forget_steps, {"id": job_id})
        await connection.execute(self._forget, {"id": job_id})
