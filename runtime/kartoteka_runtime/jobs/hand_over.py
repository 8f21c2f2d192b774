"""Hands jobs whose time has come over to workflows, several at a time where many wait.

What is handed over is kept first and then given to DBOS: when this process dies in between, the
jobs stand in a workflow that nobody knows, which the keeper finds out (``Keeper``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from kartoteka.plugin_api.jobs import DEFAULT_QUEUE
from kartoteka_runtime.jobs.workflows import WorkflowStore, in_thread
from kartoteka_runtime.storage.database import Connection, Database
from kartoteka_runtime.storage.job_outbox import DueJob, JobOutbox

_MOST_AT_ONCE = 500  # jobs handed over in one transaction
_MOST_HANDED = 3000  # jobs of a queue that wait in workflows; the others wait in the outbox
_HANDED_A_PLACE = 10  # the same for each job that a queue with a limit runs at a time
_SMALL_LOT = 16  # so many workflows before any holds more than one job
_MOST_IN_WORKFLOW = 25
_MOST_IN_LIMITED = 5  # of a queue with a limit, whose workflows run their jobs one by one


@dataclass(frozen=True, slots=True)
class Lot:
    """Jobs of one queue that one workflow is to run."""

    workflow: str
    queue: str
    ids: tuple[str, ...]


class HandOver:
    """Gives jobs that are due to workflows."""

    def __init__(
        self,
        database: Database,
        workflows: WorkflowStore,
        queues: Mapping[str, int | None],
        clock: Callable[[], datetime],
    ) -> None:
        """Hand over to ``workflows``; ``queues`` says which have a limit."""
        self._database = database
        self._workflows = workflows
        self._queues = queues
        self._clock = clock
        self._outbox = JobOutbox(database.dialect)

    async def hand_over_due(self) -> int:
        """Hand over what is due and return how many jobs that were."""
        return sum([await self._queue(queue) for queue in self._queues])

    async def hand_over_strays(self) -> int:
        """Hand over, through the default queue, what is due in those that nobody declares now."""
        known = tuple(self._queues)
        async with self._database.reading() as connection:
            if not await self._outbox.are_due_elsewhere(connection, known, self._clock()):
                return 0
        async with self._database.writing() as connection:
            due = await self._outbox.due_elsewhere(
                connection, known, self._clock(), most=_MOST_AT_ONCE
            )
            lots = in_lots(due, DEFAULT_QUEUE, None)
            await self._keep(connection, lots)
        await in_thread(self._give, lots)
        return len(due)

    async def _queue(self, queue: str) -> int:
        """Hand over what is due in a queue, as far as there is room in it."""
        limit = self._queues[queue]
        room = _MOST_HANDED if limit is None else limit * _HANDED_A_PLACE
        handed = 0
        while True:
            async with self._database.reading() as connection:
                if not await self._outbox.is_due(connection, queue, self._clock()):
                    return handed
                free = room - await self._outbox.count_handed(connection, queue)
            if free <= 0:
                return handed
            async with self._database.writing() as connection:
                due = await self._outbox.due(
                    connection, queue, self._clock(), most=min(free, _MOST_AT_ONCE)
                )
                lots = in_lots(due, queue, limit)
                await self._keep(connection, lots)
            if not lots:  # others were faster
                return handed
            await in_thread(self._give, lots)
            handed += len(due)

    async def _keep(self, connection: Connection, lots: Sequence[Lot]) -> None:
        now = self._clock()
        for lot in lots:
            await self._outbox.hand_over(connection, lot.ids, lot.workflow, now)

    def _give(self, lots: Sequence[Lot]) -> None:
        for lot in lots:
            self._workflows.hand_over(lot.workflow, lot.queue, lot.ids)


def in_lots(due: Sequence[DueJob], queue: str, limit: int | None) -> list[Lot]:
    """Return the jobs of a queue in lots that grow with how many there are.

    A workflow bears the id of its first job, and how often that was handed over.
    """
    most = _MOST_IN_WORKFLOW if limit is None else _MOST_IN_LIMITED
    size = min(most, -(-len(due) // _SMALL_LOT))
    lots = []
    for start in range(0, len(due), size or 1):
        jobs = due[start : start + size]
        workflow = f"{jobs[0].id}:{jobs[0].hand_overs + 1}"
        lots.append(Lot(workflow, queue, tuple(job.id for job in jobs)))
    return lots
