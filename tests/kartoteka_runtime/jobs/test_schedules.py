"""Schedules: each time once, however many workers look at the clock."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kartoteka import JobContext, JobHandler, PluginError, Schedule
from kartoteka_runtime.jobs.housekeeping import FORGET_JOBS
from kartoteka_runtime.jobs.schedules import Schedules, next_time
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.records.hook_table import with_jobs
from kartoteka_runtime.records.jobs import Jobs
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.storage.job_runs import JobRuns
from kartoteka_runtime.storage.moments import encode_moment
from kartoteka_runtime.storage.open_database import database_for

HOURLY = Schedule("test_hourly", "test_look", "0 * * * *", {"depth": "all"})
MONDAY = datetime(2031, 3, 3, 9, 30, tzinfo=UTC)


async def test_each_time_is_enqueued_once_by_two_workers(start_app, cards):
    app = await start_app(metadata=cards)
    seen: list[tuple[bool, object]] = []

    async def look(job: JobContext) -> None:
        seen.append((job.principal == SYSTEM, job.arguments["depth"]))

    app.add_jobs(JobHandler("test_look", look))
    clock = [MONDAY]
    other = database_for(app.parts.settings.database_url)
    workers = [
        Schedules(
            RecordService(database, app.parts.live_registry, app.parts.records.hooks),
            {"test_hourly": HOURLY},
            lambda: clock[0],
        )
        for database in (app.parts.database, other)
    ]

    async def look_at_the_clock() -> int:
        enqueued = await asyncio.gather(*(worker.enqueue_due() for worker in workers))
        return sum(map(len, enqueued))

    assert await look_at_the_clock() == 0  # both meet it: it counts from now on
    for hours, expected in ((0.4, 0), (0.5, 1), (0.6, 0), (1.5, 1), (5.7, 1), (5.8, 0)):
        clock[0] = MONDAY + timedelta(hours=hours)
        assert await look_at_the_clock() == expected, hours
    (known,) = (await Jobs(app.parts.database).overview()).schedules
    assert known.next_on == MONDAY + timedelta(hours=6.5)
    changed = replace(HOURLY, cron="15 4 * * *", time_zone="Europe/Warsaw")
    another = Schedules(app.parts.records, {"test_hourly": changed}, lambda: clock[0])
    assert await another.enqueue_due() == []
    (known,) = (await Jobs(app.parts.database).overview()).schedules
    assert known.next_on == datetime(2031, 3, 4, 3, 15, tzinfo=UTC)
    await app.run_jobs()
    assert seen == [(True, "all")] * 3
    await other.close()


def test_time_of_a_zone_follows_its_clock():
    early = Schedule("x", "y", "30 8 * * *", time_zone="Europe/Warsaw")
    winter, summer = datetime(2031, 1, 10, tzinfo=UTC), datetime(2031, 7, 10, tzinfo=UTC)
    assert next_time(early, winter).hour == 7
    assert next_time(early, summer).hour == 6


@pytest.mark.parametrize(
    "schedule",
    [
        Schedule("x", "test_look", "every day"),
        Schedule("x", "test_look", "61 * * * *"),
        Schedule("x", "test_look", "0 0 * * *", time_zone="Mars/Olympus"),
    ],
)
def test_schedule_without_sense_names_itself(schedule):
    with pytest.raises(PluginError, match='schedule "x"'):
        next_time(schedule, MONDAY)


def test_schedule_of_an_unknown_job_is_refused():
    from kartoteka_runtime.records.hook_table import HookTable

    with pytest.raises(PluginError, match='schedule "test_hourly": there is no job handler'):
        with_jobs(HookTable(), (), schedules=[HOURLY])


async def test_jobs_done_long_ago_are_forgotten_with_their_steps(start_app, cards):
    app = await start_app(metadata=cards)

    async def look(job: JobContext) -> None:
        await job.step("look", lambda records: records.create("card", {"name": "x"}))

    app.add_jobs(JobHandler("test_look", look))
    records = await app.records_as()
    old, young = [await records.enqueue("test_look", {}) for _ in range(2)]
    await app.run_jobs()
    long_ago = encode_moment(datetime.now(UTC) - timedelta(days=31))
    database = app.parts.database
    async with database.writing() as connection:
        await connection.execute(
            f"UPDATE kartoteka_job SET ended_on = '{long_ago}' WHERE id = '{old}'", {}
        )
    await app.system_records.enqueue(FORGET_JOBS.name, {})
    await app.run_jobs()
    found = {job.id for job in (await Jobs(database).list()).jobs}
    assert old not in found and young in found
    async with database.reading() as connection:
        assert await JobRuns(database.dialect).steps(connection, old) == ()
        assert len(await JobRuns(database.dialect).steps(connection, young)) == 1
