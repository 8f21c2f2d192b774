"""What becomes of one job: enqueued with its transaction, run once, tried again, parked, canceled.

These run in the test's own event loop, by the runner that workers use.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from kartoteka import (
    JobContext,
    JobFailed,
    JobHandler,
    PluginError,
    Principal,
    RecordHandler,
    RecordInvalid,
    RecordNotFound,
    Records,
    WriteContext,
)
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.records.jobs import Jobs, job_json
from kartoteka_runtime.records.operation import TooDeep
from kartoteka_runtime.storage.job_runs import JobRuns

NOON = datetime.now(UTC) + timedelta(hours=1)


async def write_card(job: JobContext) -> None:
    async def write(records: Records) -> str:
        return await records.create("card", {"name": job.arguments["name"]})

    await job.step("write", write)


WRITE = JobHandler("test_write", write_card)


async def names(app) -> list[str]:
    return sorted(card["name"] for card in await app.system_records.list("card"))


async def test_job_runs_after_the_transaction_that_enqueued_it(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    await (await app.records_as()).enqueue("test_write", {"name": "once"})
    assert await app.run_jobs() == 1
    assert await names(app) == ["once"]
    assert await app.run_jobs() == 0


async def test_rolled_back_transaction_leaves_no_job(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    with pytest.raises(RecordInvalid):
        async with (await app.records_as()).transaction() as records:
            await records.enqueue("test_write", {"name": "never"})
            await records.create("card", {"name": "x" * 50})
    assert await app.run_jobs() == 0
    assert await names(app) == []


async def test_hook_enqueues_in_the_transaction_of_the_write(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)

    async def enqueue(context: WriteContext) -> None:
        if context.value("box") == "first":
            await context.records.enqueue("test_write", {"name": "second"})

    app.add_record_handlers(RecordHandler("card", "after_create", enqueue))
    records = await app.records_as()
    await records.create("card", {"name": "first", "box": "first"})
    assert await names(app) == ["first"]
    await app.run_jobs()
    assert await names(app) == ["first", "second"]


async def test_job_runs_as_who_enqueued_it_with_the_roles_of_now(start_app, cards):
    app = await start_app(metadata=cards)
    seen: list[Principal] = []

    async def look(job: JobContext) -> None:
        seen.append(job.principal)

    app.add_jobs(JobHandler("test_look", look), JobHandler("test_own", look, as_system=True))
    somebody = await app.principal("salesperson")
    records = app.parts.records.acting_as(replace(somebody, roles=frozenset({"system_customizer"})))
    await records.enqueue("test_look", {})
    await records.enqueue("test_own", {})
    await app.run_jobs()
    assert seen == [somebody, SYSTEM]


async def test_unknown_job_is_refused_when_it_is_enqueued(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    records = await app.records_as()
    with pytest.raises(PluginError, match='no job handler "test_wrote"; did you mean "test_write"'):
        await records.enqueue("test_wrote", {})
    with pytest.raises(PluginError, match="no JSON"):
        await records.enqueue("test_write", {"name": object()})


async def test_same_key_waits_once(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    records = await app.records_as()
    first = await records.enqueue("test_write", {"name": "one"}, key="k")
    assert await records.enqueue("test_write", {"name": "one"}, key="k") == first
    assert await records.enqueue("test_write", {"name": "two"}, key="other") != first
    others = await app.records_as("salesperson")
    assert await others.enqueue("test_write", {"name": "theirs"}, key="k") != first
    await app.run_jobs()
    assert await names(app) == ["one", "theirs", "two"]
    assert await records.enqueue("test_write", {"name": "three"}, key="k") != first


async def test_same_key_wanted_earlier_is_another_job(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    records = await app.records_as()
    later = await records.enqueue("test_write", {"name": "later"}, key="k", run_at=NOON)
    assert await records.enqueue("test_write", {"name": "now"}, key="k") != later
    assert await app.run_jobs() == 1
    assert await names(app) == ["now"]
    assert await app.run_jobs(at=NOON) == 1


async def test_failure_is_tried_again_after_growing_waits(start_app, cards):
    app = await start_app(metadata=cards)
    tries: list[int] = []

    async def fail(job: JobContext) -> None:
        tries.append(job.attempt)
        raise ValueError("out of paper")

    app.add_jobs(JobHandler("test_fail", fail, wait_seconds=10))
    job_id = await (await app.records_as()).enqueue("test_fail", {"page": 7})
    jobs, at = Jobs(app.parts.database), NOON
    for wait in (10, 40, 160):
        assert await app.run_jobs(at=at) == 1
        job = (await jobs.read(job_id)).job
        assert (job.state, job.run_at - truncated(at)) == ("waiting", timedelta(seconds=wait))
        assert await app.run_jobs(at=at + timedelta(seconds=wait - 1)) == 0
        at += timedelta(seconds=wait)
    assert await app.run_jobs(at=at) == 1
    job = (await jobs.read(job_id)).job
    assert (job.state, job.attempts, tries) == ("failed", 4, [1, 2, 3, 4])
    error = job_json(job)["error"]
    assert (error["type"], error["text"]) == ("ValueError", "out of paper")
    assert "in fail" in error["trace"]


async def test_steps_that_are_done_are_not_repeated(start_app, cards):
    app = await start_app(metadata=cards)
    is_broken = [True]

    async def work(job: JobContext) -> None:
        first = await job.step("first", lambda records: records.create("card", {"name": "first"}))
        if is_broken:
            raise OSError("the printer is off")
        await job.step(
            "second", lambda records: records.create("card", {"name": "second", "box": first[:8]})
        )

    app.add_jobs(JobHandler("test_work", work, most_attempts=1))
    job_id = await (await app.records_as()).enqueue("test_work", {})
    await app.run_jobs()
    jobs = Jobs(app.parts.database)
    assert (await jobs.read(job_id)).job.state == "failed"
    assert await names(app) == ["first"]
    is_broken.clear()
    assert await jobs.run_again(job_id)
    await app.run_jobs()
    detail = await jobs.read(job_id)
    assert detail.job.state == "done"
    assert detail.job.error is None
    assert [(step.name, step.occurrence) for step in detail.steps] == [("first", 1), ("second", 1)]
    cards = await app.system_records.list("card", order=["name"])
    assert cards[1]["box"] == cards[0]["cardid"][:8]
    assert not await jobs.run_again(job_id)


async def test_effect_of_a_step_that_fails_is_not_kept(start_app, cards):
    app = await start_app(metadata=cards)

    async def work(job: JobContext) -> None:
        async def write(records: Records) -> None:
            await records.create("card", {"name": f"try {job.attempt}"})
            if job.attempt < 3:
                raise ValueError("not yet")

        await job.step("write", write)

    app.add_jobs(JobHandler("test_work", work, wait_seconds=0))
    await (await app.records_as()).enqueue("test_work", {})
    assert await app.run_jobs(at=NOON) == 3
    assert await names(app) == ["try 3"]


async def test_result_of_a_step_must_be_json(start_app, cards):
    app = await start_app(metadata=cards)

    async def work(job: JobContext) -> None:
        async def write(records: Records) -> object:
            await records.create("card", {"name": "lost"})
            return NOON

        await job.step("write", write)

    app.add_jobs(JobHandler("test_work", work))
    job_id = await (await app.records_as()).enqueue("test_work", {})
    assert await app.run_jobs() == 1
    assert await names(app) == []
    error = job_json((await Jobs(app.parts.database).read(job_id)).job)["error"]
    assert 'what step "write" returned is no JSON' in error["text"]


async def test_sleep_goes_on_at_its_time_in_another_worker(start_app, cards):
    app = await start_app(metadata=cards)

    async def work(job: JobContext) -> None:
        await job.step("before", lambda records: records.create("card", {"name": "before"}))
        await job.sleep_until(NOON + timedelta(days=job.attempt))
        await job.step("after", lambda records: records.create("card", {"name": "after"}))

    app.add_jobs(JobHandler("test_work", work, most_attempts=1))
    job_id = await (await app.records_as()).enqueue("test_work", {})
    wakes = NOON + timedelta(days=1)
    assert await app.run_jobs(at=NOON) == 1
    assert await names(app) == ["before"]
    assert (await Jobs(app.parts.database).read(job_id)).job.state == "waiting"
    assert await app.run_jobs(at=wakes - timedelta(seconds=1)) == 0
    assert await app.run_jobs(at=wakes) == 1
    assert await names(app) == ["after", "before"]


async def test_batches_go_on_where_they_stopped(start_app, cards):
    app = await start_app(metadata=cards)
    stops_at = ["4"]

    async def work(job: JobContext) -> None:
        async def write(records: Records, batch: Sequence[str]) -> None:
            for item in batch:
                if item in stops_at:
                    raise ValueError(item)
                await records.create("card", {"name": item})

        await job.in_batches("write", job.arguments["items"], write, size=2)

    app.add_jobs(JobHandler("test_work", work, most_attempts=1))
    items = [str(number) for number in range(7)]
    job_id = await (await app.records_as()).enqueue("test_work", {"items": items})
    await app.run_jobs()
    assert await names(app) == ["0", "1", "2", "3"]
    stops_at.clear()
    jobs = Jobs(app.parts.database)
    await jobs.run_again(job_id)
    await app.run_jobs()
    assert await names(app) == items
    job = (await jobs.read(job_id)).job
    assert (job.progress_done, job.progress_total) == (7, 7)


async def test_lasting_error_is_not_tried_again(start_app, cards):
    app = await start_app(metadata=cards)
    errors = [JobFailed("error.invalid"), RecordNotFound("card", "x"), PluginError("broken")]

    async def work(job: JobContext) -> None:
        raise errors[job.arguments["number"]]

    app.add_jobs(JobHandler("test_work", work))
    records = await app.records_as()
    for number in range(len(errors)):
        await records.enqueue("test_work", {"number": number})
    assert await app.run_jobs() == len(errors)
    for job in (await Jobs(app.parts.database).list()).jobs:
        error = errors[job_json(job)["arguments"]["number"]]
        assert (job.state, job_json(job)["error"]["type"]) == ("failed", type(error).__name__)


@pytest.mark.parametrize("text", ["a\0b", "half \ud800"])
async def test_step_name_that_no_database_keeps_fails_the_job_and_says_why(start_app, cards, text):
    app = await start_app(metadata=cards)

    async def name(job: JobContext) -> None:
        await job.step(text, lambda records: records.create("card", {"name": "x"}))

    async def tell(job: JobContext) -> None:
        await job.progress(1, 1, text)

    app.add_jobs(JobHandler("test_name", name), JobHandler("test_tell", tell))
    records = await app.records_as()
    for job, said in (("test_name", "the name of a step"), ("test_tell", "its progress")):
        job_id = await records.enqueue(job, {})
        await app.run_jobs()
        found = (await Jobs(app.parts.database).read(job_id)).job
        error = job_json(found)["error"]
        assert (found.state, error["type"], error["messages"]) == ("failed", "PluginError", [])
        assert job in error["text"] and f"{said} cannot be kept" in error["text"]
    assert await names(app) == []


async def test_record_that_is_gone_fails_the_job_visibly(start_app, cards):
    app = await start_app(metadata=cards)

    async def work(job: JobContext) -> None:
        await job.step(
            "x", lambda records: records.update("card", job.arguments["id"], {"box": "b"})
        )

    app.add_jobs(JobHandler("test_work", work))
    records = await app.records_as()
    card = await records.create("card", {"name": "short-lived"})
    job_id = await records.enqueue("test_work", {"id": card})
    await records.delete("card", card)
    await app.run_jobs()
    shown = job_json((await Jobs(app.parts.database).read(job_id)).job)
    assert (shown["state"], shown["statecode"], shown["statuscode"]) == ("failed", 3, 31)
    assert shown["error"]["messages"] == [
        {"code": "job.error.record_gone", "params": {"entity": "card"}}
    ]


async def test_job_without_handler_is_parked_until_there_is_one(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    job_id = await (await app.records_as()).enqueue("test_write", {"name": "patient"})
    app.forget_jobs("test_write")
    assert await app.run_jobs() == 1
    jobs = Jobs(app.parts.database)
    shown = job_json((await jobs.read(job_id)).job)
    assert (shown["state"], shown["statecode"], shown["statuscode"]) == ("parked", 1, 10)
    assert shown["reason"] == {"code": "job.parked.handler", "params": {"job": "test_write"}}
    app.add_jobs(WRITE)
    assert await app.run_jobs() == 0
    assert await jobs.run_again(job_id)
    await app.run_jobs()
    assert await names(app) == ["patient"]


async def test_job_of_a_user_who_is_disabled_or_gone_is_parked(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    somebody = await app.records_as("salesperson")
    ids = [await somebody.enqueue("test_write", {"name": "theirs"})]
    user = (await app.principal("salesperson")).user_id
    await app.system_records.update("systemuser", user, {"isdisabled": True})
    nobody = app.parts.records.acting_as(Principal("00000000-0000-7000-8000-00000000dead"))
    ids.append(await nobody.enqueue("test_write", {"name": "nobody's"}))
    await app.run_jobs()
    jobs = Jobs(app.parts.database)
    reasons = [job_json((await jobs.read(job_id)).job)["reason"]["code"] for job_id in ids]
    assert reasons == ["job.parked.user_disabled", "job.parked.user_gone"]
    assert await names(app) == []
    await app.system_records.update("systemuser", user, {"isdisabled": False})
    assert await jobs.run_again(ids[0])
    await app.run_jobs()
    assert await names(app) == ["theirs"]


async def test_arguments_that_cannot_be_read_park_the_job(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    jobs = Jobs(app.parts.database)
    for arguments in ("{", "[1]", "null"):
        job_id = await (await app.records_as()).enqueue("test_write", {"name": "x"})
        async with app.parts.database.writing() as connection:
            changed = f"UPDATE kartoteka_job SET arguments = '{arguments}' WHERE id = '{job_id}'"
            await connection.execute(changed, {})
        assert await app.run_jobs() == 1
        shown = job_json((await jobs.read(job_id)).job)
        assert (shown["state"], shown["reason"]["code"]) == ("parked", "job.parked.arguments")


async def test_canceled_job_does_not_run(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    job_id = await (await app.records_as()).enqueue("test_write", {"name": "never"})
    jobs = Jobs(app.parts.database)
    assert await jobs.cancel(job_id)
    assert not await jobs.cancel(job_id)
    assert await app.run_jobs() == 0
    shown = job_json((await jobs.read(job_id)).job)
    assert (shown["state"], shown["statuscode"]) == ("canceled", 32)
    assert await jobs.run_again(job_id)
    assert await app.run_jobs() == 1


async def test_job_that_is_canceled_while_it_runs_ends_with_its_next_step(start_app, cards):
    app = await start_app(metadata=cards)
    jobs = Jobs(app.parts.database)
    shown = []

    async def work(job: JobContext) -> None:
        await job.step("first", lambda records: records.create("card", {"name": "first"}))
        await jobs.cancel(job.job_id)
        shown.append(job_json((await jobs.read(job.job_id)).job)["statuscode"])
        try:
            await job.step("second", lambda records: records.create("card", {"name": "second"}))
        except Exception:  # what a careless handler writes
            shown.append("caught")

    app.add_jobs(JobHandler("test_work", work))
    job_id = await (await app.records_as()).enqueue("test_work", {})
    await app.run_jobs()
    assert (await jobs.read(job_id)).job.state == "canceled"
    assert (await names(app), shown) == (["first"], [22])


async def test_failed_job_that_somebody_cancels_is_not_tried_again(start_app, cards):
    app = await start_app(metadata=cards)
    jobs = Jobs(app.parts.database)

    async def work(job: JobContext) -> None:
        await jobs.cancel(job.job_id)
        raise ValueError("too late")

    app.add_jobs(JobHandler("test_work", work))
    job_id = await (await app.records_as()).enqueue("test_work", {})
    assert await app.run_jobs(at=NOON) == 1
    assert (await jobs.read(job_id)).job.state == "canceled"


async def test_jobs_that_enqueue_one_another_without_end_are_stopped(start_app, cards):
    app = await start_app(metadata=cards)

    async def work(job: JobContext) -> None:
        await job.records.enqueue("test_work", {})

    app.add_jobs(JobHandler("test_work", work, most_attempts=1))
    await (await app.records_as()).enqueue("test_work", {})
    assert await app.run_jobs() == 8
    page = await Jobs(app.parts.database).list()
    assert [job.depth for job in page.jobs] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert len({job.correlation_id for job in page.jobs}) == 1
    assert [job.state for job in page.jobs] == ["failed"] + ["done"] * 7
    assert job_json(page.jobs[0])["error"]["type"] == TooDeep.__name__


async def test_job_that_enqueues_itself_for_the_next_day_may_go_on(start_app, cards):
    app = await start_app(metadata=cards)
    days = [NOON + timedelta(days=number) for number in range(12)]

    async def work(job: JobContext) -> None:
        number = job.arguments["day"] + 1
        await job.step(
            "next",
            lambda records: records.enqueue("test_work", {"day": number}, run_at=days[number]),
        )

    app.add_jobs(JobHandler("test_work", work, most_attempts=1))
    await (await app.records_as()).enqueue("test_work", {"day": 0}, run_at=days[0])
    for day in days[:-1]:
        assert await app.run_jobs(at=day) == 1
    page = await Jobs(app.parts.database).list()
    assert {job.state for job in page.jobs} == {"waiting", "done"}


async def test_run_that_was_taken_for_dead_changes_nothing_any_more(start_app, cards):
    """Two workers at one job: the one whose claim is older loses, in its step and at its end."""
    app = await start_app(metadata=cards)
    runs = JobRuns(app.parts.database.dialect)
    began = []

    async def work(job: JobContext) -> None:
        began.append(job.attempt)
        if len(began) == 1:  # meanwhile this worker is buried, and another one takes the job
            async with app.parts.database.writing() as connection:
                assert await runs.take_from_lost(connection, datetime.now(UTC)) == 1
            assert await app.run_jobs() == 1
        await job.step("write", lambda records: records.create("card", {"name": "one"}))

    app.add_jobs(JobHandler("test_work", work))
    job_id = await (await app.records_as()).enqueue("test_work", {})
    await app.run_jobs()
    assert await names(app) == ["one"]
    job = (await Jobs(app.parts.database).read(job_id)).job
    assert (job.state, job.claims, job.losses, began) == ("done", 2, 1, [1, 1])


async def test_job_that_its_workers_die_of_has_failed(start_app, cards):
    app = await start_app(metadata=cards)
    app.add_jobs(WRITE)
    job_id = await (await app.records_as()).enqueue("test_write", {"name": "poison"})
    runs, database = JobRuns(app.parts.database.dialect), app.parts.database
    for _ in range(11):
        async with database.writing() as connection:
            assert await runs.begin(connection, job_id, "mortal", datetime.now(UTC))
        async with database.writing() as connection:
            await runs.take_from_lost(connection, datetime.now(UTC))
    assert await app.run_jobs() == 1
    shown = job_json((await Jobs(database).read(job_id)).job)
    assert (shown["state"], shown["error"]["type"]) == ("failed", "WorkerLost")
    assert await names(app) == []


def truncated(moment: datetime) -> datetime:
    """Return a moment as jobs keep it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
