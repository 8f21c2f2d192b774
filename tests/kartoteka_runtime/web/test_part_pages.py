"""What forms fetch beside a record, links between records, and the start page."""

from __future__ import annotations

import pytest

from kartoteka.record_values import Reference

HTMX = {"hx_request": "true", "hx_request_type": "partial"}


@pytest.fixture
async def company(app):
    """Give the id of an account with two people, the last of them its primary contact."""
    records = await app.records_as()
    account = await records.create("account", {"name": "Lifts & Co"})
    for name in ("Alma", "Bruno"):
        values = {"lastname": name, "parentcustomerid": Reference("account", account)}
        person = await records.create("contact", values)
        await records.update("account", account, {"primarycontactid": Reference("contact", person)})
    return account


async def test_a_subgrid_lists_what_names_the_record(visitor, company):
    address = f"/e/account/{company}/part/account_main/subgrid/contacts"
    part = await visitor.open(address, **HTMX)
    page = await visitor.open(address)

    for shown in (part, page):
        assert "Alma" in shown.text
        assert "Bruno" in shown.text
    assert "<html" not in part.html
    assert f"/e/account/{company}" in page.links()


async def test_the_form_links_to_its_parts_and_offers_to_create(visitor, company):
    page = await visitor.open(f"/e/account/{company}")
    links = page.links()
    assert f"/e/account/{company}/part/account_main/subgrid/contacts" in links
    assert f"/e/contact/new?parentcustomerid=account:{company}" in links
    assert f"/e/contact?by=parentcustomerid&of=account:{company}" in links
    assert f"/e/task/new?regardingobjectid=account:{company}" in links


async def test_a_quick_view_shows_the_record_that_a_lookup_names(visitor, company):
    address = f"/e/account/{company}/part/account_main/quick_view/primarycontactid"
    assert "Bruno" in (await visitor.open(address, **HTMX)).text

    page = await visitor.open(f"/e/account/{company}")
    await visitor.send(page.form, primarycontactid="")
    assert "Nothing chosen yet." in (await visitor.open(address, **HTMX)).text


async def test_records_are_linked_and_unlinked(visitor, app):
    records = await app.records_as()
    unit = (await records.list("businessunit", limit=1))[0]["businessunitid"]
    person = (await app.principal()).user_id
    values = {
        "name": "Night shift",
        "businessunitid": Reference("businessunit", unit),
        "administratorid": Reference("systemuser", person),
    }
    team = await records.create("team", values)
    name = (await records.read("systemuser", person))["fullname"]
    address = f"/e/team/{team}/link/teammembership_association"

    nobody = await visitor.send((await visitor.open(address)).form_to(address), other="Nobody")
    assert nobody.status == 422
    assert "was not found" in nobody.text
    linked = await visitor.send(nobody.form_to(address), other=name)
    assert linked.status == 303
    twice = await visitor.send(nobody.form_to(address), other=name)
    assert "already" in twice.text

    listing = f"/e/systemuser?link=teammembership_association&of=team:{team}"
    assert f"/e/systemuser/{person}" in (await visitor.open(listing)).links()
    token = next(f for f in nobody.forms if f.action == address).values["_token"]
    unlink = f"/e/team/{team}/unlink/teammembership_association"
    answer = await visitor.post(unlink, [("_token", token), ("other", person)])
    assert answer.status == 303
    assert f"/e/systemuser/{person}" not in (await visitor.open(listing)).links()


async def test_an_activity_opens_as_what_it_is(visitor):
    address = await visitor.create("task", subject="Wax the skis")
    record_id = address.rsplit("/", 1)[1]
    assert (await visitor.open(f"/e/activitypointer/{record_id}")).address == address


async def test_the_start_page_shows_the_areas_and_ones_own_work(visitor):
    await visitor.create("task", subject="Wax the skis")
    page = await visitor.open("/")
    assert "Wax the skis" in page.text
    assert "/area/workplace" in page.links()


async def test_an_area_opens_its_first_entry_and_stays_the_current_one(visitor):
    opened = await visitor.open("/area/settings")
    assert opened.status == 303
    page = await visitor.open("/")
    current = [attrs["href"] for _, attrs in page.elements if attrs.get("aria-current") == "true"]
    assert current == ["/area/settings"]


async def test_an_entity_without_a_menu_entry_gets_one(visitor):
    page = await visitor.open("/area/app")
    assert page.address == "/e/sample"


async def test_lists_of_activities_offer_each_kind(visitor):
    links = (await visitor.open("/e/activitypointer")).links()
    assert {"/e/task/new", "/e/phonecall/new", "/e/email/new"} <= set(links)


async def test_parties_are_typed_one_a_line(visitor, app, company):
    address = await visitor.create("email", subject="Hello", to="Alma\nana@example.org")
    stored = await app.system_records.read("email", address.rsplit("/", 1)[1])
    assert [party.address for party in stored["to"]] == ["", "ana@example.org"]
    assert stored["to"][0].reference.name == "Alma"

    page = await visitor.open(address)
    assert page.form.values["to"] == "Alma\nana@example.org"
    unknown = await visitor.send(page.form, to="Alma\nNobody")
    assert unknown.status == 422
    assert unknown.form.values["to"] == "Alma\nNobody"
