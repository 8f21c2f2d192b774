"""The pages of jobs in a browser: a list that follows what happens, looked at by axe."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from kartoteka import JobContext, JobFailed, JobHandler

CARD = """\
kind: entity
format: 1
name: card
label: { en: Card, pl: Karta }
plural_label: { en: Cards, pl: Karty }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
"""

# tests/kartoteka_runtime/web holds the pages on both engines.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
async def crm(start_app):
    """Give an app with a job that fails until it is mended."""
    app = await start_app(metadata={"entities/card.yaml": CARD}, languages=("en", "pl"))
    broken = [True]

    async def work(job: JobContext) -> None:
        await job.step("first", lambda records: records.create("card", {"name": "first"}))
        await job.progress(1, 1, "")
        if broken:
            broken.clear()
            raise JobFailed("error.invalid")

    app.add_jobs(JobHandler("test_work", work))
    return app


async def test_pages_of_jobs_follow_what_happens(person, crm):
    someone = await person()
    await someone.sign_in("pl")
    job_id = await (await crm.records_as()).enqueue("test_work", {"paper": "A4"})
    page, text = someone.page, someone.words.message
    await someone.go("/jobs")
    row = page.locator("tr", has=page.locator(f"#job-{job_id}"))
    await expect(row).to_contain_text(text("jobs.state.waiting"))
    await crm.run_jobs()
    await expect(row).to_contain_text(text("jobs.state.failed"))  # without loading the page again
    await someone.click(page.locator(f"#job-{job_id}"), until=re.compile(f"/jobs/{job_id}$"))
    await page.get_by_text(text("jobs.error"), exact=True).click()
    await someone.look()
    await page.locator("#job-again").click()
    await expect(page.locator("#job")).to_contain_text(text("jobs.state.waiting"))
    await someone.look()
    await crm.run_jobs()
    await expect(page.locator("#job")).to_contain_text(text("jobs.state.done"))
    await someone.go("/jobs?state=done")
    assert someone.faults == []
