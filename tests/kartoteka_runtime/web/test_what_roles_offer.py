"""Pages offer what roles allow; what they leave out the record service refuses all the same."""

from __future__ import annotations

import pytest

CLERK = """\
kind: role
format: 1
name: clerk
label: { en: Clerk }
privileges:
  - { entity: sample, create: user, read: organization, write: user, append: user, append_to: user }
"""
READER = """\
kind: role
format: 1
name: reader
label: { en: Reader }
privileges:
  - { entity: sample, read: organization }
"""


@pytest.fixture
async def app(start_app, every_type):
    """Give an app with a role that changes its own samples, and one that only reads them."""
    roles = {"security_roles/clerk.yaml": CLERK, "security_roles/reader.yaml": READER}
    return await start_app(metadata=every_type | roles)


async def test_a_record_is_shown_as_far_as_it_may_be_changed(visit):
    owner, clerk, reader = await visit(), await visit("clerk"), await visit("reader")
    foreign = await owner.create("sample", name="Theirs")
    own = await clerk.create("sample", name="Mine")

    mine = await clerk.open(own)
    assert mine.form.values["name"] == "Mine"
    assert f"{own}/delete" not in mine.links()  # the role has no right to delete
    assert "ownerid" not in mine.form.values  # nor to assign
    assert (await clerk.send(mine.form, name="Mine still")).status == 303

    theirs = await clerk.open(foreign)
    assert "It belongs to" in theirs.text
    assert not any("_then" in form.values for form in theirs.forms)
    assert "f-name" not in theirs.html
    assert "none of your roles lets you change" in (await reader.open(foreign)).text

    # What the page left out is refused when it is sent anyhow.
    form = (await owner.open(foreign)).form
    form.inputs = [
        (name, mine.form.values.get("_token", "") if name == "_token" else value)
        for name, value in form.inputs
    ]
    refused = await clerk.send(form, name="Taken")
    assert refused.status == 403
    assert "Missing right: Write – Samples" in refused.text
    assert "the owner of the record" in refused.text
    assert (await owner.open(foreign)).form.values["name"] == "Theirs"


async def test_lists_offer_new_records_to_whom_they_are_allowed(visit):
    clerk, reader = await visit("clerk"), await visit("reader")
    assert "/e/sample/new" in (await clerk.open("/e/sample")).links()
    assert "/e/sample/new" not in (await reader.open("/e/sample")).links()
    refused = await reader.open("/e/sample/new")
    assert (refused.status, "You may not create this: Sample" in refused.text) == (403, True)
    assert "ask an administrator" in refused.text


async def test_the_menu_leads_only_to_what_may_be_read(visit):
    reader = await visit("reader")
    home = await reader.open("/")
    assert not any(link.startswith("/e/account") for link in home.links())
    assert (await reader.open("/e/account")).status == 403
    assert (await reader.open("/area/settings")).status == 404
    assert (await reader.open("/lookup/account")).status == 403


async def test_asking_before_doing_is_refused_too(visit):
    owner, reader = await visit(), await visit("reader")
    foreign = await owner.create("sample", name="Theirs")
    for step in ("delete", "state/inactive"):
        assert (await owner.open(f"{foreign}/{step}")).status in (200, 404)
        assert (await reader.open(f"{foreign}/{step}")).status in (403, 404)
    assert (await reader.open(f"{foreign}/delete")).status == 403
    nothing = "/e/sample/00000000-0000-7000-8000-000000000000"
    assert (await reader.open(f"{nothing}/delete")).status == 404


async def test_only_customizers_are_told_of_nothing_missing(visit):
    reader = await visit("reader")
    for address, task in (("/jobs", "See background jobs"), ("/customize", "Customize")):
        page = await reader.open(address)
        assert (page.status, f"Missing right: {task}" in page.text) == (403, True)
