"""Sharing and assigning in a browser, with the keyboard, on a phone and without scripts."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from kartoteka.record_values import Reference
from kartoteka_runtime.publishing.bootstrap import add_user

# tests/kartoteka_runtime holds sharing on both engines.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
PHONE = {"width": 390, "height": 844}


PLACED = {
    "forms/account_main.yaml": """\
kind: form
format: 1
extends: account_main
tabs:
  - name: summary
    sections:
      - name: members
        label: { en: Team }
        controls:
          - { panel: access_teams }
"""
}


@pytest.fixture
async def crm(start_app):
    """Give an app with the base bundle, a colleague and a template for access teams."""
    app = await start_app(languages=("en", "pl"), metadata=PLACED)
    for name, roles in (("Bob", ["salesperson"]), ("Guest", [])):
        await add_user(
            app.parts.records, user_name=name, first_name=name, last_name="Berg", roles=roles
        )
    await app.system_records.create(
        "teamtemplate",
        {"teamtemplatename": "Helpers", "objecttypecode": "account", "defaultaccessrights": (1, 2)},
    )
    return app


async def test_a_record_is_shared_changed_and_given_away(person, crm):
    someone = await person()
    records = await crm.records_as()
    account = await records.create("account", {"name": "Rax Seilbahn"})
    await someone.sign_in("en")
    page = someone.page
    await page.set_viewport_size(PHONE)
    await someone.go(f"/e/account/{account}")
    link = page.get_by_role("link", name="Share", exact=True)
    await link.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("This record is shared with nobody.")).to_be_visible()
    await someone.look()
    await dialog.get_by_role("combobox", name="Share with").press_sequentially("Bob")
    await page.get_by_role("option").filter(has_text="Bob Berg").first.wait_for()
    await page.keyboard.press("Enter")
    new = dialog.locator("form", has=page.get_by_role("combobox", name="Share with"))
    await new.get_by_label("Write", exact=True).check()
    await new.get_by_role("button", name="Share", exact=True).click()
    await expect(dialog.get_by_role("status")).to_be_focused()
    await someone.look()
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    [share] = await records.shares_of("account", account)
    assert (share.principal.name, share.explicit) == ("Bob Berg", ("read", "write"))

    bobs = dialog.locator("form", has=page.get_by_role("button", name="Save rights: Bob Berg"))
    await bobs.get_by_label("Write", exact=True).uncheck()
    await bobs.get_by_role("button", name="Save rights: Bob Berg").press("Enter")
    await expect(bobs.get_by_label("Write", exact=True)).not_to_be_checked()
    [share] = await records.shares_of("account", account)
    assert share.explicit == ("read",)
    await dialog.get_by_role("button", name="Remove: Bob Berg").click()
    await expect(dialog.get_by_text("This record is shared with nobody.")).to_be_visible()

    await dialog.get_by_role("combobox", name="Share with").fill("Guest Berg")
    await new.get_by_role("button", name="Share", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("may not see any record")
    await someone.look()
    helpers = dialog.get_by_role("region", name="Access team: Helpers")
    await helpers.get_by_role("combobox").press_sequentially("Bob")
    await page.get_by_role("option").filter(has_text="Bob Berg").first.click()
    await helpers.get_by_role("button", name="Add member: Helpers").click()
    await expect(helpers.get_by_role("button", name="Remove: Bob Berg")).to_be_visible()
    await someone.look()
    await dialog.get_by_role("link", name="Close", exact=True).click()
    await someone.go(f"/e/account/{account}/part/account_main/panel/access_teams")
    await expect(page.locator(".k-members")).to_contain_text("Bob Berg")
    await someone.go(f"/e/account/{account}")
    await page.get_by_role("link", name="Assign", exact=True).click()
    await dialog.get_by_role("combobox", name="New owner").press_sequentially("Bob")
    await page.get_by_role("option").filter(has_text="Bob Berg").first.click()
    await someone.look()
    await dialog.get_by_role("button", name="Assign", exact=True).click()
    await page.get_by_text("Assigned.", exact=True).wait_for()
    assert (await records.read("account", account))["ownerid"].name == "Bob Berg"
    assert someone.faults == []


async def test_without_scripts_forms_do_the_same(reader, crm):
    records = await crm.records_as()
    account = await records.create("account", {"name": "Rax Seilbahn"})
    anna, address = await reader(crm), f"/e/account/{account}"
    shown = await anna.open(f"{address}/share")
    form = next(
        one for one in shown.forms if "other" in one.values and "template" not in one.values
    )
    saved = await anna.send(form, other="Bob Berg", do="add")
    assert (saved.status, saved.address) == (303, f"{address}/share")
    shown = await anna.open(f"{address}/share")
    assert "Bob Berg" in shown.text and "Remove: Bob Berg" in shown.text
    shares = next(one for one in shown.forms if "principal" in one.values)
    assert (await anna.send(shares, do="remove")).status == 303
    assert await records.shares_of("account", account) == []
    refused = await anna.send(form, other="Nobody", do="add")
    assert refused.status == 422 and "Nobody" in refused.text
    asked = await anna.open(f"{address}/assign")
    given = await anna.send(asked.form_to(f"{address}/assign"), other="Bob Berg")
    assert given.status == 303
    team = await anna.open(
        f"/e/businessunit/{(await records.list('businessunit'))[0]['businessunitid']}/share"
    )
    assert team.status == 404


async def test_who_may_not_share_only_looks(reader, crm):
    records = await crm.records_as()
    bob = (await records.list("systemuser", filter="domainname eq 'Bob'"))[0]["systemuserid"]
    account = await records.create("account", {"name": "Rax Seilbahn"})
    await records.share("account", account, Reference("systemuser", str(bob)), ["read"])
    seller = await reader(crm, "salesperson")
    shown = await seller.open(f"/e/account/{account}/share")
    assert shown.status == 200
    assert "You may see with whom this record is shared" in shown.text
    assert not re.search("Remove:", shown.text)
    form = next(one for one in shown.forms if "principal" in one.values)
    assert (await seller.send(form, do="remove")).status == 403
