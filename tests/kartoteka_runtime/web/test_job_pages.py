"""The pages of jobs: who may see them, what they show, and what their buttons do."""

from __future__ import annotations

import re

import pytest

from kartoteka import JobContext, JobFailed, JobHandler
from kartoteka_runtime.records.jobs import Jobs

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
