"""A salesperson's day in a browser: what they are offered, what they only see, and a refusal."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

# tests/kartoteka_runtime/web holds the pages on both engines.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


async def test_a_salespersons_day(person, crm):
    someone = await person("salesperson")
    page = someone.page
    administrator = await crm.records_as()
    foreign = await administrator.create("account", {"name": "Zugspitze Cable Cars"})
    team = await administrator.create("team", {"name": "Lifts"} | await _unit(administrator))
    await someone.sign_in("pl")
    words = someone.words

    # The menu holds what may be read: no security events, no column profiles.
    await someone.go("/e/systemuser")
    menu = page.locator("#navigation")
    await expect(menu.locator("a[href='/e/team']")).to_have_count(1)
    for name in ("securityevent", "fieldsecurityprofile"):
        await expect(menu.locator(f"a[href='/e/{name}']")).to_have_count(0)
    await expect(page.locator("main a[href='/e/systemuser/new']")).to_have_count(0)

    # A customer of somebody else is to be seen, not to be changed.
    await someone.go(f"/e/account/{foreign}")
    owner = (await administrator.read("account", foreign))["ownerid"].name
    await expect(page.locator(".k-banner")).to_have_text(
        words.message("form.read_only_owner", owner=owner)
    )
    await expect(someone.input("name")).to_have_count(0)
    await expect(someone.button(words.message("action.save"))).to_have_count(0)
    delete = page.get_by_role("link", name=words.message("action.delete"), exact=True)
    await expect(delete).to_have_count(0)

    # But a contact may be added to it; it is their own then.
    await someone.go(f"/e/contact/new?parentcustomerid=account:{foreign}")
    await someone.input("lastname").fill("Kowalska")
    await someone.save()
    await expect(delete).to_have_count(1)
    assert re.search("/e/contact/[0-9a-f-]{36}$", page.url)

    # A lead, from the first call to the deal.
    await someone.go("/e/lead/new")
    for name, value in (("subject", "Wyciąg"), ("lastname", "Nowak"), ("companyname", "Rax")):
        await someone.input(name).fill(value)
    await someone.save()
    dialog = await someone.dialog(words.command("lead", "qualify"))
    qualify = dialog.get_by_role("button", name=words.command("lead", "qualify"), exact=True)
    await someone.click(qualify, until=re.compile("/e/(opportunity|account|contact)/"))
    opportunities = await (await crm.records_as("salesperson")).list("opportunity")
    assert [row["name"] for row in opportunities] == ["Wyciąg"]

    # What is not theirs to do says which right is missing; what is not theirs to see is not there.
    for address in ("/e/team/new", f"/e/team/{team}/delete"):
        await someone.go(address)
        await expect(page.locator(".k-error")).to_contain_text("403")
        await expect(page.locator(".k-error")).to_contain_text(words.message("access.ask_role"))
    verb = words.message("customize.privilege.delete")
    label = crm.parts.live_registry.current.labels.entities("team", "pl")
    told = words.message("access.missing", privilege=verb, entities=label)
    await expect(page.locator(".k-error")).to_contain_text(told)
    await someone.go("/jobs")
    await expect(page.locator(".k-error")).to_contain_text(words.message("access.task.see_jobs"))
    assert someone.faults == []


async def test_administrators_see_what_a_role_grants_and_give_it(person, crm):
    someone = await person()
    page, role = someone.page, "salesperson"
    await crm.principal(role)
    await someone.sign_in("en")
    await someone.go("/e/role")
    await someone.click(page.get_by_role("link", name="Salesperson"), until=re.compile("/e/role/"))
    await someone.click(
        page.get_by_role("link", name=someone.words.message("role.grants"), exact=True),
        until=re.compile("/grants$"),
    )
    row = page.get_by_role("row", name="Leads")
    await expect(row).to_contain_text("Sales: security_roles/salesperson.yaml")
    await expect(page.get_by_role("row", name="Accounts own all own own own")).to_have_count(1)
    await expect(page.get_by_role("listitem")).to_contain_text(["Export records"])
    assert someone.faults == []


async def _unit(records) -> dict[str, object]:
    user = (await records.list("systemuser", limit=1))[0]
    return {"businessunitid": user["businessunitid"]}
