"""Workflows: DBOS, which keeps what was handed over until somebody has run it.

A workflow is handed the ids of jobs of one queue. DBOS decides which worker takes it and how many
of a queue are under way; what becomes of each job is in the jobs' own table (decisions/0029).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from kartoteka_runtime.storage.database import Database, DatabaseUnavailable
from kartoteka_runtime.storage.postgresql_database import PostgresqlDatabase
from kartoteka_runtime.storage.sqlite_database import SqliteDatabase

_WORKFLOW = "run_jobs"
_VERSION = "1"  # of the workflow: one id list in, nothing out
_SCHEMA = "kartoteka_jobs"
_ACTIVE = ["ENQUEUED", "PENDING", "DELAYED"]
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
_CONNECTIONS = 4

Run = Callable[[str, str, Sequence[str]], Awaitable[None]]  # workflow, queue, ids of jobs


class WorkflowStore(Protocol):
    """What hands over jobs and looks after what was handed over."""

    def hand_over(self, workflow: str, queue: str, ids: Sequence[str]) -> None:
        """Have jobs run by a worker; a workflow that is known already stays as it is."""

    def still_active(self, workflows: Collection[str]) -> set[str]:
        """Return those of these workflows that wait for a worker or are run by one."""

    def under_way(self) -> Mapping[str, str]:
        """Return ``{workflow: worker}`` of what workers took and have not ended."""

    def give_up(self, workflows: Sequence[str]) -> None:
        """End workflows whose workers are gone."""

    def forget_ended(self) -> None:
        """Delete workflows that ended: nobody asks for them again."""


class DbosWorkflows:
    """The one DBOS of this process; its calls block, and belong into a thread."""

    def __init__(self, database: Database, worker: str) -> None:
        """Keep workflows beside the records of ``database``, as ``worker``."""
        self._address = store_address(database)
        self._worker = worker

    def launch(self, run: Run, queues: Mapping[str, int | None], *, at_once: int) -> None:
        """Begin to take workflows; ``run`` runs them in the event loop that runs here.

        Args:
            run: Runs the jobs of a workflow; it raises nothing.
            queues: How many workflows of each queue run at a time over all workers; None: as many
                as there are workers to take them.
            at_once: How many workflows of an unlimited queue this worker takes at a time.

        Raises:
            DatabaseUnavailable: The store cannot be opened or made.
        """
        _keep_quiet()
        from dbos import DBOS, DBOSConfig  # costs half a second: only workers pay

        config: DBOSConfig = {
            "name": "kartoteka",
            "system_database_url": self._address,
            "dbos_system_schema": _SCHEMA,
            "executor_id": self._worker,
            "application_version": _VERSION,
            "sys_db_pool_size": _CONNECTIONS,
            "use_listen_notify": False,
            "notification_listener_polling_interval_sec": 0.25,
            "scheduler_polling_interval_sec": 3600.0,
            "enable_otlp": False,
            "log_level": "WARNING",
        }
        DBOS(config=config)

        @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
        async def run_jobs(queue: str, ids: list[str]) -> None:
            await run(str(DBOS.workflow_id), queue, ids)

        try:
            DBOS.launch()
        except Exception as error:
            raise DatabaseUnavailable(
                f"the store of workflows cannot be opened: {error}"
            ) from error
        self._queues = dict(queues)
        self._at_once = at_once

    def listen(self, poll_seconds: float) -> None:
        """Begin to look for workflows, so often, in each queue."""
        from dbos import DBOS

        for name, limit in self._queues.items():
            DBOS.register_queue(
                name,
                global_concurrency=limit,
                worker_concurrency=self._at_once if limit is None else None,
                polling_interval_sec=poll_seconds,
                on_conflict="always_update",
            )

    def close(self) -> None:
        """Take nothing more and let go of the store."""
        from dbos import DBOS

        DBOS.destroy(destroy_registry=True)

    def hand_over(self, workflow: str, queue: str, ids: Sequence[str]) -> None:
        """Have jobs run by a worker."""
        from dbos import DBOS

        DBOS.enqueue_workflow_with_options(
            {
                "workflow_name": _WORKFLOW,
                "queue_name": queue,
                "workflow_id": workflow,
                "app_version": _VERSION,
            },
            queue,
            list(ids),
        )

    def still_active(self, workflows: Collection[str]) -> set[str]:
        """Return those of these workflows that wait for a worker or are run by one."""
        found = self._list(workflow_ids=list(workflows), status=_ACTIVE) if workflows else []
        return {item.workflow_id for item in found}

    def under_way(self) -> Mapping[str, str]:
        """Return ``{workflow: worker}`` of what workers took and have not ended."""
        return {item.workflow_id: item.executor_id or "" for item in self._list(status="PENDING")}

    def give_up(self, workflows: Sequence[str]) -> None:
        """End workflows whose workers are gone."""
        from dbos import DBOS

        DBOS.cancel_workflows(list(workflows))

    def forget_ended(self) -> None:
        """Delete workflows that ended."""
        from dbos import DBOS

        while ended := [item.workflow_id for item in self._list(status=_ENDED, limit=500)]:
            DBOS.delete_workflows(ended)

    def _list(self, **wanted: Any) -> Any:
        from dbos import DBOS

        return DBOS.list_workflows(**wanted, load_input=False, load_output=False)


def store_address(database: Database) -> str:
    """Return where workflows are kept: beside SQLite's file, inside of PostgreSQL's database."""
    match database:
        case SqliteDatabase(path=path):
            return f"sqlite:///{workflows_file(path)}"
        case PostgresqlDatabase(url=url):
            return url.replace("postgres://", "postgresql://", 1)
    raise DatabaseUnavailable(f"{database.engine} keeps no workflows")


def workflows_file(database_file: Path) -> Path:
    """Return the file of the workflows of a SQLite database."""
    return database_file.with_name(f"{database_file.stem}.jobs{database_file.suffix}")


def _keep_quiet() -> None:
    """Let DBOS tell only what is wrong, and only where this program's logs go."""
    logger = logging.getLogger("dbos")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())  # else it makes one that writes to the terminal
    logger.setLevel(logging.WARNING)


async def in_thread(work: Callable[..., Any], *arguments: Any) -> Any:
    """Run what blocks beside the event loop."""
    return await asyncio.to_thread(work, *arguments)
