"""The pages of jobs: who may see them, what they show, and what their buttons do."""

from __future__ import annotations

import re

import pytest

from kartoteka import JobContext, JobFailed, JobHandler
from kartoteka.record_values import Reference
from kartoteka_runtime.records.jobs import Jobs, job_json, names_of_records

CARD = """\
kind: entity
format: 1
name: card
label: { en: Card }
plural_label: { en: Cards }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
"""


@pytest.fixture
async def app(start_app):
    """Give an app with a job that fails with its second step, once."""
    started = await start_app(metadata={"entities/card.yaml": CARD})
    broken = [True]

    async def work(job: JobContext) -> None:
        await job.step("first", lambda records: records.create("card", {"name": "first"}))
        await job.progress(1, 2, "half of it")
        if broken:
            broken.clear()
            raise JobFailed("error.invalid")

    started.add_jobs(JobHandler("test_work", work))
    return started


def token_of(page: str) -> str:
    found = re.search(r'name="_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def test_failed_job_is_shown_and_run_again(app):
    job_id = await (await app.records_as()).enqueue("test_work", {"paper": "<A4>"})
    async with app.client_as() as client:
        page = (await client.get("/jobs")).text
        assert "Waiting" in page and "no worker is there" in page and 'hx-trigger="load' in page
        await app.run_jobs()
        page = (await client.get("/jobs?state=failed")).text
        assert f'href="/jobs/{job_id}"' in page and "Some values cannot be saved." in page
        assert "Test System Administrator" in page
        page = (await client.get(f"/jobs/{job_id}")).text
        assert "&#34;paper&#34;: &#34;&lt;A4&gt;&#34;" in page
        assert '<th scope="row">first</th>' in page and "1 / 2" in page and "JobFailed" in page
        assert 'value="cancel"' not in page
        answer = await client.post(
            f"/jobs/{job_id}", data={"_token": token_of(page), "_do": "again"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, f"/jobs/{job_id}")
        await app.run_jobs()
        page = (await client.get(f"/jobs/{job_id}")).text
        assert "Done" in page and 'value="again"' not in page and "hx-trigger" not in page
    assert await app.system_records.count("card") == 1


async def test_waiting_job_is_canceled(app):
    job_id = await (await app.records_as()).enqueue("test_work", {})
    async with app.client_as() as client:
        page = (await client.get(f"/jobs/{job_id}")).text
        data = {"_token": token_of(page), "_do": "cancel"}
        await client.post(f"/jobs/{job_id}", data=data)
        again = await client.post(f"/jobs/{job_id}", data=data, follow_redirects=True)
        assert "Not possible" in again.text and "Canceled" in again.text
        data["_do"] = "explode"
        assert (await client.post(f"/jobs/{job_id}", data=data)).status_code == 400
    assert (await Jobs(app.parts.database).read(job_id)).job.state == "canceled"


async def test_list_answers_a_fragment_and_pages(app):
    records = await app.records_as()
    for _ in range(51):
        await records.enqueue("test_work", {})
    async with app.client_as() as client:
        asks = {"HX-Request": "true", "HX-Request-Type": "partial"}
        answer = await client.get("/jobs", headers=asks)
        assert answer.text.lstrip().startswith("<div") and "HX-Request" in answer.headers["vary"]
        older = re.search(r'href="(/jobs\?before=[^"]+)"', answer.text)
        assert older is not None
        page = (await client.get(older[1])).text
        assert page.count("data-k-row") == 1


async def test_what_nothing_can_show_is_no_error(app):
    async def fail(job: JobContext) -> None:
        raise ValueError("half \ud800")

    app.add_jobs(JobHandler("test_fail", fail, most_attempts=1))
    records = await app.records_as()
    failed = await records.enqueue("test_fail", {"name": "\ud800", "emoji": "\N{GRINNING FACE}"})
    deep = await records.enqueue("test_work", {})
    async with app.parts.database.writing() as connection:
        await connection.execute(
            f"UPDATE kartoteka_job SET arguments = '{'[' * 100_000}' WHERE id = '{deep}'", {}
        )
    await app.run_jobs()
    async with app.client_as() as client:
        for address in ("/jobs", "/jobs?state=failed", "/jobs?before=%00", "/jobs?job=%00"):
            assert (address, (await client.get(address)).status_code) == (address, 200)
        page = (await client.get(f"/jobs/{failed}")).text
        assert "half ?" in page and "\N{GRINNING FACE}" in page
        assert "Parked" in (await client.get(f"/jobs/{deep}")).text
        assert (await client.get("/jobs/%00")).status_code == 404


TEXTS = ["run_at", "chain_on", "created_on", "started_on", "ended_on", "state", "reason", "error"]
NUMBERS = ["is_system", "attempts", "depth", "claims", "progress_done", "is_cancel_asked"]


async def test_damaged_columns_are_said_and_hide_no_job(app, engine):
    records = await app.records_as()
    damaged = TEXTS + (NUMBERS if engine == "sqlite" else [])  # PostgreSQL refuses these itself
    jobs = {name: await records.enqueue("test_work", {}) for name in damaged}
    async with app.parts.database.writing() as connection:
        for name, job_id in jobs.items():
            await connection.execute(
                f"UPDATE kartoteka_job SET {name} = 'soonish' WHERE id = '{job_id}'", {}
            )
    async with app.client_as() as client:
        page = (await client.get("/jobs")).text
        assert page.count("data-k-row") == len(damaged)
        for name, job_id in jobs.items():
            said = f"Parts of the job cannot be read: {name} (soonish)"
            assert said in page
            one = await client.get(f"/jobs/{job_id}")
            assert (name, one.status_code, said in one.text) == (name, 200, True)
            detail = await Jobs(app.parts.database).read(job_id)
            assert job_json(detail.job)["unreadable"] == {name: "soonish"}


async def test_job_that_cannot_be_read_is_parked_and_runs_once_it_is_mended(app):
    job_id = await (await app.records_as()).enqueue("test_work", {})

    async def put(moment: str) -> str:
        async with app.parts.database.writing() as connection:
            await connection.execute(
                f"UPDATE kartoteka_job SET chain_on = '{moment}' WHERE id = '{job_id}'", {}
            )
        await app.run_jobs()
        return (await Jobs(app.parts.database).read(job_id)).job.state

    assert await put("soonish") == "parked"
    async with app.client_as() as client:
        assert "chain_on (soonish)" in (await client.get("/jobs?state=parked")).text
    await Jobs(app.parts.database).run_again(job_id)
    assert await put("2031-05-06T00:00:00.000Z") == "failed"  # the handler's own doing
    assert await app.system_records.count("card") == 1


async def test_the_record_of_a_job_is_named_and_linked_for_who_may_read_it(app):
    records = await app.records_as()
    card = await records.create("card", {"name": "Ace <of> hearts"})
    gone = "0190a000-0000-7000-8000-000000000001"
    abouts = [
        {"entity": "card", "id": card.upper()},
        {"entity": "card", "id": gone},
        {"entity": "nosuch", "id": gone},
        {"entity": "card", "id": "x' or"},
        {"entity": ["card"], "id": 5},
    ]
    for about in abouts:
        await records.enqueue("test_work", about)
    job_id = await records.enqueue("test_work", abouts[0])
    link = f'<a href="/e/card/{card}">Card: Ace &lt;of&gt; hearts</a>'
    async with app.client_as() as client:
        page = (await client.get("/jobs")).text
        assert page.count(link) == 2
        assert f"<td>Card: {gone}</td>" in page and f"<td>nosuch: {gone}</td>" in page
        assert link in (await client.get(f"/jobs/{job_id}")).text
    many = [Reference("card", card[:-4] + f"{number:04x}") for number in range(300)]
    many.append(Reference("card", card))
    assert await names_of_records(records, many) == {("card", card): "Ace <of> hearts"}


async def test_a_message_may_have_any_placeholder(app):
    async def fail(job: JobContext) -> None:
        raise JobFailed("error.invalid", {"key": "x", "self": float("nan"), "language": [{}]})

    app.add_jobs(JobHandler("test_fail", fail))
    job_id = await (await app.records_as()).enqueue("test_fail", {})
    await app.run_jobs()
    async with app.client_as() as client:
        for address in ("/jobs", f"/jobs/{job_id}"):
            assert "Some values cannot be saved." in (await client.get(address)).text


async def test_pages_speak_the_readers_language(app):
    job_id = await (await app.records_as()).enqueue("test_work", {})
    app.forget_jobs("test_work")
    await app.run_jobs()
    for language in ("pl", "pt", "ro", "sl"):
        async with app.client_as(language=language) as client:
            for address in ("/jobs", f"/jobs/{job_id}"):
                page = (await client.get(address)).text
                assert not re.findall(r">\s*jobs?\.[a-z_.]+\s*<", page)
                assert "Jobs" not in page and "Parked" not in page


async def test_only_who_may_see_jobs_does(app):
    job_id = await (await app.records_as()).enqueue("test_work", {})
    async with app.client_as("salesperson") as client:
        page = (await client.get("/")).text
        assert "/jobs" not in page
        for address in ("/jobs", f"/jobs/{job_id}"):
            assert (await client.get(address)).status_code == 403
        answer = await client.post(
            f"/jobs/{job_id}", data={"_token": token_of(page), "_do": "cancel"}
        )
        assert answer.status_code == 403
    async with app.client_as() as client:
        assert 'href="/jobs"' in (await client.get("/")).text
        assert (await client.get("/jobs/00000000-0000-7000-8000-000000000000")).status_code == 404
