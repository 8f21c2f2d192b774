"""Why somebody may see a record, and the app as they see it: in a browser, looked at by axe."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from kartoteka_runtime.publishing.bootstrap import add_user

DOSSIER = """\
kind: entity
format: 1
name: dossier
label: { en: Dossier, pl: Akta }
plural_label: { en: Dossiers, pl: Akta }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: salary, type: text, label: { en: Salary }, secured: true }
"""
CLERK = """\
kind: role
format: 1
name: clerk
label: { en: Clerk }
privileges:
  - { entity: dossier, create: user, read: user, write: user, delete: user }
"""

# tests/kartoteka_runtime/web holds the pages on both engines.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
async def crm(start_app):
    """Give an app with a clerk, and a dossier that is none of hers."""
    app = await start_app(
        metadata={"entities/dossier.yaml": DOSSIER, "security_roles/clerk.yaml": CLERK},
        languages=("en", "pl"),
    )
    await add_user(
        app.parts.records, user_name="zoe", first_name="Zoe", last_name="Nowak", roles=["clerk"]
    )
    return app


async def test_an_administrator_asks_why_and_looks_through_anothers_eyes(person, crm):
    secret = await (await crm.records_as()).create("dossier", {"name": "Secret"})
    someone = await person()
    await someone.sign_in("pl")
    page, text = someone.page, someone.words.message

    await someone.go(f"/e/dossier/{secret}")
    why = page.get_by_role("link", name=text("access_why.link"), exact=True)
    await someone.click(why, until=re.compile(r"/why$"))
    await page.locator("#who").press_sequentially("Zoe")
    await page.get_by_role("option").filter(has_text="Zoe Nowak").wait_for()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")  # takes the option
    await expect(page.locator("#who")).to_have_value("Zoe Nowak")
    await page.get_by_role("button", name=text("access_why.show")).click()
    await page.wait_for_url(re.compile(r"who\.ref=systemuser"))
    row = page.locator("#why tr").filter(has_text=text("access_why.verb.read"))
    await expect(row).to_contain_text(text("access_why.no"))
    await expect(row).to_contain_text(text("access_why.level.user"))
    await someone.look()
    await page.set_viewport_size({"width": 360, "height": 740})
    await someone.look()
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, "the page is wider than a phone"

    see_as = page.get_by_role("link", name=text("see_as.start"))
    await someone.click(see_as, until=re.compile("/see-as"))
    await page.get_by_role("button", name=text("see_as.start")).click()
    await expect(page.get_by_text(text("see_as.no_reason"))).to_be_visible()
    await someone.look()
    await page.locator("#reason").fill("Zoe misses a dossier")
    await page.keyboard.press("Enter")
    banner = page.get_by_role("region", name=text("see_as.menu"))
    await expect(banner).to_contain_text(text("see_as.banner", name="Zoe Nowak"))
    await someone.look()

    await someone.go(f"/e/dossier/{secret}")
    await expect(page.locator("main")).to_contain_text(text("error.not_found"))
    await expect(banner).to_be_visible()
    await someone.go("/e/dossier/new")
    await page.locator("#f-name").fill("Mine")
    await page.get_by_role("button", name=text("action.save"), exact=True).click()
    await expect(page.locator("main")).to_contain_text(text("error.only_looking"))
    await someone.look()

    await banner.get_by_role("button", name=text("see_as.end")).click()
    await expect(page.get_by_text(text("see_as.ended"))).to_be_visible()
    await expect(banner).to_have_count(0)
    await someone.go(f"/e/dossier/{secret}")
    await expect(page.locator("h1")).to_have_text("Secret")
    assert someone.faults == []
