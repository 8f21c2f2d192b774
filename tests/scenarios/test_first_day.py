"""The first day at a CRM: from signing in to a resolved case, in a real browser."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

pytestmark = pytest.mark.xdist_group("browser")

RECORD = r"/e/{}/[0-9a-f-]{{36}}"


def record_of(entity: str) -> re.Pattern[str]:
    return re.compile(RECORD.format(entity))


@pytest.mark.parametrize(
    ("engine", "language"),
    [("sqlite", "en"), pytest.param("postgresql", "pl", marks=pytest.mark.slow)],
    indirect=["engine"],
)
async def test_the_first_day(person, crm, language):
    someone = await person()
    page = someone.page

    await someone.sign_in(language)
    words = someone.words
    await someone.go("/")

    # An account, through the form.
    await someone.go("/e/account")
    await someone.click(page.locator("main a[href='/e/account/new']"), until=re.compile("/new$"))
    await someone.button(words.message("action.save")).click()
    await page.get_by_role("alert").wait_for()
    await someone.look()
    await someone.input("name").fill("Zugspitze Cable Cars")
    await someone.input("address1_city").fill("Grainau")
    await someone.save()
    assert record_of("account").search(page.url)
    account = page.url

    # Found and changed.
    await someone.go("/e/account")
    await page.get_by_role("searchbox").press_sequentially("zugsp")
    await page.wait_for_url(re.compile("q=zugsp"))
    await someone.look()
    assert await page.locator("tbody tr").count() == 1
    found = page.get_by_role("link", name="Zugspitze Cable Cars")
    await someone.click(found, until=record_of("account"))
    await someone.input("address1_city").fill("Garmisch-Partenkirchen")
    await someone.save()
    assert await someone.value("address1_city") == "Garmisch-Partenkirchen"

    # Somebody else was quicker: nothing typed is lost.
    await someone.input("telephone1").fill("+49 8821 1111")
    records = await crm.records_as()
    account_id = urlsplit(account).path.rpartition("/")[2]
    await records.update("account", account_id, {"telephone1": "+49 8821 2222"})
    await someone.button(words.message("action.save")).click()
    await page.get_by_role("heading", name=words.message("conflict.title")).wait_for()
    await someone.look()
    assert await page.get_by_text("+49 8821 2222").is_visible()
    await someone.press("conflict.save", until=record_of("account"))
    assert await someone.value("telephone1") == "+49 8821 1111"

    # A lead becomes an account, a contact and an opportunity.
    await someone.go("/e/lead/new")
    for name, text in {
        "subject": "Two gondolas",
        "firstname": "Hanna",
        "lastname": "Huber",
        "companyname": "Nebelhorn Lifts",
    }.items():
        await someone.input(name).fill(text)
    await someone.save()
    dialog = await someone.dialog(words.command("lead", "qualify"))
    qualify = dialog.get_by_role("button", name=words.command("lead", "qualify"), exact=True)
    await someone.click(qualify, until=record_of("opportunity"))
    assert await someone.value("name") == "Two gondolas"
    for name, entity, shown in (
        ("parentaccountid", "account", "Nebelhorn Lifts"),
        ("parentcontactid", "contact", "Hanna Huber"),
    ):
        assert await someone.value(name) == shown
        link = page.locator(".k-field__value", has=someone.input(name)).get_by_role("link")
        await someone.click(link, until=record_of(entity))
        assert await page.locator("h1").inner_text() == shown
        await page.go_back()
        await page.wait_for_url(record_of("opportunity"))

    # A case is resolved.
    await someone.go("/e/incident/new")
    await someone.input("title").fill("Gondola 7 rattles")
    await someone.choose("customerid", "Zugspitze Cable Cars")
    await someone.save()
    resolve = words.command("incident", "resolve")
    dialog = await someone.dialog(resolve)
    await dialog.get_by_role("button", name=resolve, exact=True).click()
    await dialog.get_by_role("alert").wait_for()
    await someone.look()
    await dialog.locator("#p-subject").fill("Bearing replaced")
    await dialog.get_by_role("button", name=resolve, exact=True).click()
    resolved = page.locator("h1 + .k-chip", has_text=words.state("incident", "resolved"))
    await resolved.wait_for()
    await someone.look()

    # What else there is to see.
    incident = page.url
    for address in (
        "/e/activitypointer",
        "/e/contact/new",
        "/e/incident?view=active_incidents",
        f"{account.partition('?')[0]}/delete",
        f"{incident.partition('?')[0]}/command/reactivate",
        f"{incident.partition('?')[0]}/part/incident_main/panel/service.other_cases",
        "/nowhere",
    ):
        await someone.go(address)
    await page.goto(account)
    await someone.dialog_by_link(words.message("action.delete"))

    assert someone.faults == []
    assert len(someone.seen) > 25


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_first_hours_without_scripts(person):
    someone = await person(has_scripts=False)
    page = someone.page
    await someone.sign_in("pl")
    words = someone.words
    await someone.go("/e/account/new")
    await someone.input("name").fill("Rax Seilbahn")
    await someone.save()
    account = page.url

    await someone.go("/e/account")
    await page.get_by_role("searchbox").fill("rax")
    await page.get_by_role("searchbox").press("Enter")
    await page.wait_for_url(re.compile("q=rax"))
    found = page.get_by_role("link", name="Rax Seilbahn")
    await someone.click(found, until=record_of("account"))
    await someone.input("telephone1").fill("+43 2666 52450")
    await someone.save()
    assert await someone.value("telephone1") == "+43 2666 52450"

    # A lookup takes a name; a command is asked about on a page of its own.
    await someone.go("/e/incident/new")
    await someone.input("title").fill("Lights are out")
    await someone.input("customerid").fill("Rax Seilbahn")
    await someone.save()
    resolve = words.command("incident", "resolve")
    await someone.click(someone.button(resolve), until=re.compile("/command/resolve"))
    await page.locator("#p-subject").fill("Fuse changed")
    await someone.click(someone.button(resolve), until=re.compile(r"/e/incident/[0-9a-f-]{36}$"))
    await page.locator("h1 + .k-chip", has_text=words.state("incident", "resolved")).wait_for()
    await page.get_by_role("link", name=words.message("action.delete"), exact=True).click()
    await someone.press("delete.submit", until=re.compile("/e/incident$"))

    await someone.go(account)
    delete = page.get_by_role("link", name=words.message("action.delete"), exact=True)
    await someone.click(delete, until=re.compile("/delete$"))
    await someone.press("delete.submit", until=re.compile("/e/account$"))
    assert (
        await page.get_by_text("Rax Seilbahn").count() == 0
        or await page.get_by_role("link", name="Rax Seilbahn").count() == 0
    )
    assert someone.faults == []
