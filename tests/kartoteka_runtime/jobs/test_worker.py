"""A worker as `kartoteka worker` and `kartoteka serve` run it, with DBOS behind it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from kartoteka import JobContext, JobHandler, JobQueue
from kartoteka_runtime.app import build_worker
from kartoteka_runtime.jobs.keeper import Pace
from kartoteka_runtime.jobs.workflows import DbosWorkflows, store_address
from kartoteka_runtime.records.jobs import Jobs
from kartoteka_runtime.storage.job_outbox import JobOutbox

QUICK = Pace(look=0.02, poll=0.05, beat=0.2, lost=5.0, handed=0.3, forget=0.3)
NARROW = JobQueue("test_narrow", concurrency=2)


@asynccontextmanager
async def working(app, *handlers: JobHandler) -> AsyncIterator[None]:
    """Run a worker for the app beside the test."""
    app.add_jobs(*handlers, queues=(NARROW,))
    worker = build_worker(
        app.parts.settings, pace=QUICK, job_handlers=handlers, job_queues=(NARROW,)
    )
    stop, ready = asyncio.Event(), asyncio.Event()
    running = asyncio.create_task(worker.run(stop, ready.set))
    is_ready = asyncio.create_task(ready.wait())
    await asyncio.wait([running, is_ready], return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        stop.set()
        is_ready.cancel()
        await running


async def until(asks: Callable[[], Awaitable[bool]], seconds: float = 30) -> None:
    """Wait until a question is answered with yes."""
    async with asyncio.timeout(seconds):
        while not await asks():
            await asyncio.sleep(0.02)


async def test_worker_runs_what_is_enqueued(start_app, cards, caplog, capfd):
    """Many at once, few at a time where the queue says so, and what was left behind somewhere."""
    app = await start_app(metadata=cards)
    jobs, outbox = Jobs(app.parts.database), JobOutbox(app.parts.database.dialect)
    at_a_time, most = [0], [0]

    async def write(job: JobContext) -> None:
        await job.step("write", lambda records: records.create("card", dict(job.arguments)))

    async def narrow(job: JobContext) -> None:
        at_a_time[0] += 1
        most[0] = max(most[0], at_a_time[0])
        await asyncio.sleep(0.03)
        at_a_time[0] -= 1

    async def is_done() -> bool:
        counts = (await jobs.overview()).counts
        return counts["waiting"] + counts["running"] == 0

    writing = JobHandler("test_write", write)
    narrowing = JobHandler("test_narrow", narrow, queue="test_narrow")
    app.add_jobs(writing, narrowing)
    records = await app.records_as()
    lost = await records.enqueue("test_write", {"name": "lost"})
    async with app.parts.database.writing() as connection:  # a worker that died right then
        await outbox.hand_over(connection, [lost], "nobody:1", (await jobs.read(lost)).job.run_at)
    stray = await records.enqueue("test_write", {"name": "stray"})
    async with app.parts.database.writing() as connection:  # its queue is no longer declared
        moved = f"UPDATE kartoteka_job SET queue = 'gone' WHERE id = '{stray}'"
        await connection.execute(moved, {})
    app.forget_jobs("test_write")
    app.forget_jobs("test_narrow")
    async with working(app, writing, narrowing):
        async with records.transaction() as inside:
            for number in range(40):
                await inside.enqueue("test_write", {"name": f"card {number}"})
            for _ in range(12):
                await inside.enqueue("test_narrow", {})
        await until(is_done)
        assert [worker.beats > 0 for worker in (await jobs.overview()).workers] == [True]
    overview = await jobs.overview()
    assert (overview.counts["done"], overview.workers) == (54, ())
    assert await app.system_records.count("card") == 42
    assert 1 <= most[0] <= 2
    assert [record.message for record in caplog.records if record.levelno > logging.INFO] == []
    assert "".join(capfd.readouterr()) == ""


async def test_running_job_is_canceled_wherever_it_waits_and_a_stopping_worker_lets_go(
    start_app, cards
):
    app = await start_app(metadata=cards)
    jobs, began, forever = Jobs(app.parts.database), asyncio.Event(), asyncio.Event()

    async def wait(job: JobContext) -> None:
        began.set()
        await forever.wait()

    async def state_of(job_id: str) -> str:
        return (await jobs.read(job_id)).job.state

    async with working(app, JobHandler("test_wait", wait)):
        records = await app.records_as()
        first = await records.enqueue("test_wait", {})
        await asyncio.wait_for(began.wait(), 30)
        await jobs.cancel(first)

        async def is_canceled() -> bool:
            return await state_of(first) == "canceled"

        await until(is_canceled)
        began.clear()
        forever.set()
        second = await records.enqueue("test_wait", {})
        await asyncio.wait_for(began.wait(), 30)
    assert await state_of(second) == "done"


def test_workflows_are_kept_beside_the_records(tmp_path):
    from kartoteka_runtime.storage.open_database import database_for

    database = database_for(f"sqlite:///{tmp_path / 'kartoteka.db'}")
    assert store_address(database) == f"sqlite:///{tmp_path / 'kartoteka.jobs.db'}"
    database = database_for("postgres://somebody@somewhere/records")
    assert store_address(database) == "postgresql://somebody@somewhere/records"
    assert DbosWorkflows(database, "worker")
