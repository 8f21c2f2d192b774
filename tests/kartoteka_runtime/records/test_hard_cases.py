"""Records at their limits: circles, long chains, parties, currencies, and two who do the same."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from kartoteka.errors import RecordInvalid, RecordNotFound
from kartoteka.record_values import Party, Reference
from kartoteka_runtime.known_ids import known_id
from kartoteka_runtime.publishing.bootstrap import add_user

NODES = {
    "entities/node.yaml": """\
kind: entity
format: 1
name: node
label: { en: Node }
plural_label: { en: Nodes }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name }, required: true, max_length: 4000 }
  - { name: above, type: lookup, label: { en: Above }, target: node, relation: parental }
""",
    "relationships/node_node.yaml": """\
kind: relationship
format: 1
name: node_node
left: node
right: node
intersect: nodelink
left_label: { en: Left }
right_label: { en: Right }
""",
}


@pytest.fixture
async def app(start_app):
    """Give an app with the entity ``node``, whose records hang below one another."""
    return await start_app(metadata=NODES)


@pytest.fixture
async def records(app):
    """Give the records of an administrator."""
    return await app.records_as()


def codes(refused: pytest.ExceptionInfo[RecordInvalid]) -> list[tuple[str | None, str]]:
    return [(found.field, found.code) for found in refused.value.violations]


async def test_a_circle_can_be_assigned_and_deleted(app, records):
    user_id = await add_user(
        app.parts.records, user_name="other", first_name="O", last_name="X",
        roles=["system_administrator"],
    )  # fmt: skip
    other = Reference("systemuser", user_id)
    ring = [await records.create("node", {"name": f"{number}"}) for number in range(3)]
    for node, above in zip(ring, ring[1:] + ring[:1], strict=True):
        await records.update("node", node, {"above": Reference("node", above)})
    itself = await records.create("node", {"name": "itself"})
    await records.update("node", itself, {"above": Reference("node", itself)})

    await records.update("node", ring[0], {"ownerid": other})
    owners = {str(node["ownerid"].id) for node in await records.list("node", filter="name ne 'i'")}
    assert other.id in owners
    await records.delete("node", ring[1])
    await records.delete("node", itself)
    assert await records.count("node") == 0
    with pytest.raises(RecordNotFound):
        await records.delete("node", itself)


async def test_a_chain_too_long_to_follow_is_refused_and_stays_whole(app, records):
    top = last = await records.create("node", {"name": "top"})
    async with records.transaction() as together:
        for _ in range(700):
            last = await together.create("node", {"name": "n", "above": Reference("node", last)})
    with pytest.raises(RecordInvalid) as refused:
        await records.delete("node", top)
    assert codes(refused) == [(None, "violation.too_deep")]
    assert await records.count("node") == 701


async def test_ids_of_another_shape_name_no_record(records):
    for junk in ("junk", "", "\0", "x" * 5000):
        with pytest.raises(RecordNotFound):
            await records.read("node", junk)
        for call in (
            records.update("node", junk, {"name": "x"}),
            records.delete("node", junk),
            records.associate("node_node", junk, junk),
        ):
            with pytest.raises((RecordInvalid, RecordNotFound)):
                await call


async def test_one_of_two_who_link_the_same_pair_is_told_so(records):
    one = await records.create("node", {"name": "one"})
    results = await asyncio.gather(
        *(records.associate("node_node", one, one) for _ in range(4)), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, RecordInvalid)]
    assert len(refused) == 3
    assert {found.violations[0].code for found in refused} == {"violation.already_linked"}
    await records.delete("node", one)


async def test_parties_that_are_none_are_refused(records):
    contact = await records.create("contact", {"lastname": "C"})
    nobody = "11111111-1111-1111-1111-111111111111"
    euro = known_id("transactioncurrency", "EUR")
    for party, rule in (
        (Party(Reference("transactioncurrency", euro)), "wrong_entity"),
        (Party(Reference("nosuch", contact)), "wrong_entity"),
        (Party(Reference("contact", "junk")), "not_found"),
        (Party(Reference("contact", nobody)), "not_found"),
        (Party(None, "x" * 5000), "too_long"),
        (Party(None, "a\0@example.com"), "control_character"),
        (Party(Reference("contact", contact), "\ud800"), "control_character"),
    ):
        with pytest.raises(RecordInvalid) as refused:
            await records.create("email", {"subject": "S", "to": (party,)})
        assert codes(refused) == [("to", f"violation.{rule}")]
    parties = (Party(Reference("contact", contact), ""), Party(None, "x@example.com"))
    email = await records.create("email", {"subject": "S", "to": parties})
    await records.delete("contact", contact)
    assert (await records.read("email", email))["to"] == (Party(None, "x@example.com"),)


async def test_a_currency_taken_away_gives_way_to_the_base_currency(app, records):
    dear = await app.system_records.create(
        "transactioncurrency",
        {"currencyname": "Dear", "isocurrencycode": "DEA", "currencysymbol": "d",
         "currencyprecision": 2, "exchangerate": Decimal("0.0000000001")},
    )  # fmt: skip
    currency = Reference("transactioncurrency", dear)
    values = {"name": "A", "revenue": Decimal("900000"), "transactioncurrencyid": currency}
    with pytest.raises(RecordInvalid) as refused:
        await records.create("account", values)
    assert codes(refused) == [("revenue", "violation.too_large")]
    account = await records.create("account", {**values, "revenue": Decimal("0.01")})
    with pytest.raises(RecordInvalid):
        await app.system_records.delete("transactioncurrency", dear)
    await records.update("account", account, {"transactioncurrencyid": None})
    record = await records.read("account", account)
    assert record["transactioncurrencyid"].id == known_id("transactioncurrency", "EUR")
    assert (record["exchangerate"], record["revenue_base"]) == (1, Decimal("0.01"))


async def test_nothing_of_a_deleted_activity_stays(records):
    contact = await records.create("contact", {"lastname": "C"})
    email = await records.create(
        "email",
        {"subject": "S", "to": (Party(Reference("contact", contact)),),
         "regardingobjectid": Reference("contact", contact)},
    )  # fmt: skip
    await records.delete("contact", contact)  # takes along what regards it
    for entity in ("email", "activitypointer", "activityparty"):
        assert await records.count(entity, filter=f"activityid eq {email}") == 0
