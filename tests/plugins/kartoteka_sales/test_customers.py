"""The customer of an opportunity, kept equal to its parent account or contact."""

from __future__ import annotations

import pytest

from kartoteka import Reference


@pytest.fixture
async def parties(records):
    """Give two accounts and a contact by short names."""
    return {
        "a": Reference("account", await records.create("account", {"name": "A"})),
        "b": Reference("account", await records.create("account", {"name": "B"})),
        "c": Reference("contact", await records.create("contact", {"lastname": "C"})),
        "": None,
    }


# what is written → parent account, parent contact, customer
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"customerid": "a"}, ("a", "", "a")),
        ({"customerid": "c"}, ("", "c", "c")),
        ({"parentaccountid": "a"}, ("a", "", "a")),
        ({"parentcontactid": "c"}, ("", "c", "c")),
        ({"parentaccountid": "a", "parentcontactid": "c"}, ("a", "c", "a")),
        ({"customerid": "a", "parentcontactid": "c"}, ("a", "c", "a")),
        ({"customerid": "a", "parentaccountid": "b"}, ("b", "", "b")),
        ({}, ("", "", "")),
    ],
)
async def test_a_new_opportunity_gets_the_customer_of_its_parents(
    records, parties, written, expected
):
    values = {name: parties[key] for name, key in written.items()}
    record_id = await records.create("opportunity", {"name": "Deal", **values})
    await assert_customers(records, record_id, parties, expected)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"parentaccountid": "b"}, ("b", "c", "b")),
        ({"parentaccountid": ""}, ("", "c", "c")),
        ({"parentaccountid": "", "parentcontactid": ""}, ("", "", "")),
        ({"customerid": "b"}, ("b", "c", "b")),
        ({"customerid": "b", "parentaccountid": "a", "parentcontactid": "c"}, ("b", "c", "b")),
        ({"customerid": "c"}, ("", "c", "c")),
        ({"customerid": ""}, ("", "", "")),
    ],
)
async def test_a_change_of_either_reaches_the_others(records, parties, written, expected):
    record_id = await records.create(
        "opportunity",
        {"name": "Deal", "parentaccountid": parties["a"], "parentcontactid": parties["c"]},
    )
    values = {name: parties[key] for name, key in written.items()}
    await records.update("opportunity", record_id, values)
    await assert_customers(records, record_id, parties, expected)


async def assert_customers(records, record_id, parties, expected):
    record = await records.read("opportunity", record_id)
    names = ("parentaccountid", "parentcontactid", "customerid")
    ids = [record[name].id if record[name] else None for name in names]
    assert ids == [parties[key].id if key else None for key in expected]
    customer = record["customerid"]
    for entity in ("account", "contact"):
        is_one = customer is not None and customer.entity == entity
        assert record[f"{entity}id"] == (customer.id if is_one else None)


async def test_deleting_a_customer_takes_its_opportunities_along(records, parties):
    await records.create("opportunity", {"name": "Deal", "customerid": parties["a"]})
    await records.delete("account", parties["a"].id)
    assert await records.count("opportunity") == 0
