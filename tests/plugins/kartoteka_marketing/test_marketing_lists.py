"""Marketing lists: who is on them, when that may change, and who may be reached."""

from __future__ import annotations

import pytest

from kartoteka import RecordInvalid


@pytest.fixture
async def list_id(records):
    """Give a list of contacts."""
    return await records.create("list", {"listname": "Winter", "createdfromcode": 2})


async def member(records, list_id, **values):
    contact_id = await records.create("contact", {"lastname": "Member", **values})
    await records.associate("listcontact_association", list_id, contact_id)
    return contact_id


async def refusal(awaitable):
    with pytest.raises(RecordInvalid) as refused:
        await awaitable
    return [violation.code for violation in refused.value.violations]


async def test_a_list_counts_its_members(records, list_id):
    first = await member(records, list_id)
    await member(records, list_id)
    assert (await records.read("list", list_id))["membercount"] == 2
    await records.disassociate("listcontact_association", list_id, first)
    assert (await records.read("list", list_id))["membercount"] == 1


async def test_nobody_is_on_a_list_twice(records, list_id):
    contact_id = await member(records, list_id)
    again = records.associate("listcontact_association", list_id, contact_id)
    assert await refusal(again) == ["violation.already_linked"]


async def test_a_list_holds_one_kind_of_member(records, list_id):
    account_id = await records.create("account", {"name": "Alpine"})
    other = records.associate("listaccount_association", list_id, account_id)
    assert await refusal(other) == ["marketing.other_member_type"]


async def test_the_kind_of_members_is_fixed_once_the_list_is_saved(records, list_id):
    change = records.update("list", list_id, {"createdfromcode": 1})
    assert await refusal(change) == ["marketing.member_type_fixed"]
    await records.update("list", list_id, {"createdfromcode": 2, "purpose": "Skis"})
    stored = await records.read("list", list_id)
    assert (stored["createdfromcode"], stored["membertype"]) == (2, 2)


async def test_a_locked_list_refuses_member_changes(records, list_id):
    contact_id = await member(records, list_id)
    newcomer = await records.create("contact", {"lastname": "New"})
    await records.execute("list", list_id, "lock", {})
    join = records.associate("listcontact_association", list_id, newcomer)
    leave = records.disassociate("listcontact_association", list_id, contact_id)
    assert await refusal(join) == ["marketing.list_locked"]
    assert await refusal(leave) == ["marketing.list_locked"]
    await records.execute("list", list_id, "unlock", {})
    await records.associate("listcontact_association", list_id, newcomer)
    assert (await records.read("list", list_id))["membercount"] == 2


async def test_an_inactive_list_refuses_member_changes_until_it_is_active_again(records, list_id):
    contact_id = await records.create("contact", {"lastname": "New"})
    await records.update("list", list_id, {"statecode": 1})
    assert (await records.read("list", list_id))["statuscode"] == 1
    join = records.associate("listcontact_association", list_id, contact_id)
    assert await refusal(join) == ["violation.record_read_only"]
    await records.update("list", list_id, {"statecode": 0})
    await records.associate("listcontact_association", list_id, contact_id)


EVERY_ADDRESS = {
    "emailaddress1": "a@example.com",
    "telephone1": "+386 1 234 56 78",
    "fax": "+386 1 234 56 79",
    "address1_line1": "Cankarjeva 1",
}


@pytest.mark.parametrize(
    ("values", "reached"),
    [
        ({}, {"email", "phone", "fax", "mail"}),
        ({"donotemail": True}, {"phone", "fax", "mail"}),
        ({"donotbulkemail": True}, {"phone", "fax", "mail"}),
        ({"donotphone": True}, {"email", "fax", "mail"}),
        ({"donotfax": True}, {"email", "phone", "mail"}),
        ({"donotpostalmail": True}, {"email", "phone", "fax"}),
        ({"donotbulkpostalmail": True}, {"email", "phone", "fax"}),
        ({"donotsendmm": True}, set()),
        ({"emailaddress1": None}, {"phone", "fax", "mail"}),
        ({"telephone1": None}, {"email", "fax", "mail"}),
        ({"telephone1": None, "mobilephone": "+386 40 123 456"}, {"email", "phone", "fax", "mail"}),
        ({"fax": None}, {"email", "phone", "mail"}),
        ({"address1_line1": None}, {"email", "phone", "fax"}),
        ({"statecode": 1}, set()),
    ],
)
async def test_members_are_reached_only_as_they_allow(records, list_id, values, reached):
    await member(records, list_id, **{**EVERY_ADDRESS, **values})
    await records.create("contact", {"lastname": "Not on the list", **EVERY_ADDRESS})
    result = await records.execute("list", list_id, "count_reachable", {})
    assert result.message == "marketing.reachable"
    channels = ("email", "phone", "fax", "mail")
    assert {name for name in channels if result.params[name]} == reached
    assert result.params["members"] == 1


@pytest.mark.parametrize(
    ("kind", "entity", "values"),
    [
        (1, "account", {"name": "Alpine", "emailaddress1": "a@example.com"}),
        (4, "lead", {"lastname": "Lead", "subject": "Skis", "emailaddress1": "a@example.com"}),
    ],
)
async def test_accounts_and_leads_are_reached_too(records, kind, entity, values):
    list_id = await records.create("list", {"listname": "Others", "createdfromcode": kind})
    for _ in range(2):
        record_id = await records.create(entity, values)
        await records.associate(f"list{entity}_association", list_id, record_id)
    result = await records.execute("list", list_id, "count_reachable", {})
    assert dict(result.params) == {"members": 2, "email": 2, "phone": 0, "fax": 0, "mail": 0}
    assert (await records.read("list", list_id))["membercount"] == 2
