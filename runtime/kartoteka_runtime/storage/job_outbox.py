"""Jobs that wait: written in the transaction that wants them, handed to a workflow when due."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.moments import encode_moment
from kartoteka_runtime.storage.record_queries import compile_text


@dataclass(frozen=True, slots=True)
class NewJob:
    """What a job is enqueued with; ``arguments`` is a JSON text."""

    id: str
    job: str
    arguments: str
    queue: str
    key: str | None
    run_at: datetime
    user_id: str
    is_system: bool
    publication: int
    depth: int
    correlation_id: str
    chain_on: datetime
    created_on: datetime


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job that a worker may begin; ``hand_overs`` counts the workflows it had before."""

    id: str
    queue: str
    hand_overs: int


class JobOutbox:
    """Statements about jobs that wait."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile the statements."""
        is_sqlite = dialect.name == "sqlite"
        locked = "" if is_sqlite else " FOR UPDATE SKIP LOCKED"
        shared = "" if is_sqlite else " FOR SHARE SKIP LOCKED"
        in_ids = "IN (SELECT value FROM json_each(:ids))" if is_sqlite else "= ANY(:ids)"
        not_in_ids = "NOT IN (SELECT value FROM json_each(:ids))" if is_sqlite else "<> ALL(:ids)"

        def ids(values: Collection[str]) -> Any:
            return json.dumps(list(values)) if is_sqlite else list(values)

        self._ids = ids

        def text(sql: str) -> str:
            return compile_text(sa.text(sql), dialect)

        self._insert = text(
            "INSERT INTO kartoteka_job (id, job, arguments, queue, key, state, run_at, user_id,"
            " is_system, publication, depth, correlation_id, chain_on, created_on, attempts,"
            " losses, claims, hand_overs, is_cancel_asked)"
            " VALUES (:id, :job, :arguments, :queue, :key, 'waiting', :run_at, :user_id,"
            " :is_system, :publication, :depth, :correlation_id, :chain_on, :created_on, 0,"
            " 0, 0, 0, 0)"
        )
        # A job that was tried already has read what there was: it is no longer meant.
        same = (
            "SELECT id FROM kartoteka_job WHERE state = 'waiting' AND job = :job AND key = :key"
            " AND is_system = :is_system AND claims = 0 AND run_at <= :run_at"
        )
        self._same_of_user = text(f"{same} AND user_id = :user_id ORDER BY id LIMIT 1{shared}")
        self._same = text(f"{same} ORDER BY id LIMIT 1{shared}")
        due = "state = 'waiting' AND handed_to IS NULL AND run_at <= :now"
        self._due = text(
            f"SELECT id, queue, hand_overs FROM kartoteka_job WHERE {due} AND queue = :queue"
            f" ORDER BY run_at, id LIMIT :most{locked}"
        )
        self._due_elsewhere = text(
            f"SELECT id, queue, hand_overs FROM kartoteka_job WHERE {due} AND queue {not_in_ids}"
            f" ORDER BY run_at, id LIMIT :most{locked}"
        )
        self._due_anywhere = text(
            f"SELECT id, queue, hand_overs FROM kartoteka_job WHERE {due}"
            " ORDER BY run_at, id LIMIT :most"
        )
        self._is_due = text(f"SELECT 1 FROM kartoteka_job WHERE {due} AND queue = :queue LIMIT 1")
        self._are_due_elsewhere = text(
            f"SELECT 1 FROM kartoteka_job WHERE {due} AND queue {not_in_ids} LIMIT 1"
        )
        self._hand_over = text(
            "UPDATE kartoteka_job SET handed_to = :workflow, handed_on = :now,"
            f" hand_overs = hand_overs + 1 WHERE id {in_ids}"
        )
        self._handed = text(
            "SELECT count(*) FROM kartoteka_job WHERE state = 'waiting' AND handed_to IS NOT NULL"
            " AND queue = :queue"
        )
        self._workflows = text(
            "SELECT DISTINCT handed_to FROM kartoteka_job WHERE handed_to IS NOT NULL AND"
            " state = 'waiting' AND handed_on <= :before LIMIT 1000"
        )
        self._take_back = text(
            "UPDATE kartoteka_job SET handed_to = NULL, handed_on = NULL"
            f" WHERE state = 'waiting' AND handed_to {in_ids}"
        )

    async def enqueue(self, connection: Connection, new: NewJob) -> str:
        """Write a job, unless one with its key waits already, and return its id.

        The waiting one is locked until the transaction ends, so that it is not begun before what
        it is wanted for can be read. Writers do not wait for one another: two at once may both
        write a job.
        """
        params = {name: getattr(new, name) for name in NewJob.__slots__}
        params["is_system"] = int(new.is_system)
        for name in ("run_at", "chain_on", "created_on"):
            params[name] = encode_moment(params[name])
        if new.key is not None:
            wanted = {name: params[name] for name in ("job", "key", "is_system", "run_at")}
            statement = self._same
            if not new.is_system:
                statement, wanted["user_id"] = self._same_of_user, new.user_id
            waiting = await connection.fetch_one(statement, wanted)
            if waiting is not None:
                return str(waiting[0])
        await connection.execute(self._insert, params)
        return new.id

    async def due(
        self, connection: Connection, queue: str, now: datetime, *, most: int
    ) -> list[DueJob]:
        """Return jobs of a queue whose time has come and that no workflow has.

        They are locked for this transaction; those that another one has locked are left out.
        """
        params = {"now": encode_moment(now), "most": most, "queue": queue}
        return [DueJob(*row) for row in await connection.fetch_all(self._due, params)]

    async def due_elsewhere(
        self, connection: Connection, queues: Collection[str], now: datetime, *, most: int
    ) -> list[DueJob]:
        """Return the same of all other queues than these."""
        params = {"now": encode_moment(now), "most": most, "ids": self._ids(queues)}
        return [DueJob(*row) for row in await connection.fetch_all(self._due_elsewhere, params)]

    async def due_anywhere(
        self, connection: Connection, now: datetime, *, most: int
    ) -> list[DueJob]:
        """Return the same of every queue, without a lock."""
        params = {"now": encode_moment(now), "most": most}
        return [DueJob(*row) for row in await connection.fetch_all(self._due_anywhere, params)]

    async def hand_over(
        self, connection: Connection, ids: Sequence[str], workflow: str, now: datetime
    ) -> None:
        """Keep which workflow is to run the jobs."""
        params = {"ids": self._ids(ids), "workflow": workflow, "now": encode_moment(now)}
        await connection.execute(self._hand_over, params)

    async def count_handed(self, connection: Connection, queue: str) -> int:
        """Return how many jobs of a queue wait in workflows."""
        row = await connection.fetch_one(self._handed, {"queue": queue})
        return int(row[0]) if row else 0

    async def waiting_workflows(self, connection: Connection, before: datetime) -> list[str]:
        """Return the workflows that have had waiting jobs since ``before``."""
        rows = await connection.fetch_all(self._workflows, {"before": encode_moment(before)})
        return [str(row[0]) for row in rows]

    async def take_back(self, connection: Connection, workflows: Sequence[str]) -> int:
        """Let jobs that wait in these workflows be handed over anew."""
        return await connection.execute(self._take_back, {"ids": self._ids(workflows)})

    async def is_due(self, connection: Connection, queue: str, now: datetime) -> bool:
        """Return whether ``due`` would find a job, locked or not."""
        params = {"now": encode_moment(now), "queue": queue}
        return await connection.fetch_one(self._is_due, params) is not None

    async def are_due_elsewhere(
        self, connection: Connection, queues: Collection[str], now: datetime
    ) -> bool:
        """Return whether ``due_elsewhere`` would find a job, locked or not."""
        params = {"now": encode_moment(now), "ids": self._ids(queues)}
        return await connection.fetch_one(self._are_due_elsewhere, params) is not None
