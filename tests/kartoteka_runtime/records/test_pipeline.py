"""What the pipeline adds to a write: numbers, owners, amounts, states, cascades and hooks."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest

from kartoteka.errors import RecordInvalid, RecordNotFound
from kartoteka.record_values import Party, Reference
from kartoteka_runtime.known_ids import ROOT_UNIT
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.storage.open_database import database_for

NUMBERED = {
    "entities/ticket.yaml": """\
kind: entity
format: 1
name: ticket
label: { en: Ticket }
plural_label: { en: Tickets }
primary_field: number
fields:
  - name: number
    type: autonumber
    label: { en: Number }
    number_format: "T-{SEQNUM:3}-{RANDSTRING:4}"
    first_number: 998
"""
}


async def test_numbers_count_up_from_the_first_and_grow_beyond_their_width(start_app):
    app = await start_app(metadata=NUMBERED)
    records = await app.records_as()
    numbers = []
    for _ in range(3):
        ticket = await records.create("ticket", {})
        numbers.append((await records.read("ticket", ticket))["number"])
    assert [number.split("-")[1] for number in numbers] == ["998", "999", "1000"]
    assert all(len(number.split("-")[2]) == 4 for number in numbers)


async def test_numbers_never_repeat_when_several_processes_create_at_once(start_app, tmp_path):
    app = await start_app(metadata=NUMBERED)
    principal = await app.principal()
    database = app.parts.database
    url = getattr(database, "url", None) or f"sqlite:///{database.path}"
    others = [database_for(url) for _ in range(3)]  # as further processes would connect
    services = [
        RecordService(other, app.parts.live_registry, app.parts.records.hooks) for other in others
    ]

    async def create_some(service: RecordService) -> None:
        for _ in range(15):
            await service.acting_as(principal).create("ticket", {})

    await asyncio.gather(*(create_some(service) for service in services))
    for other in others:
        await other.close()
    records = await app.records_as()
    found = await records.list("ticket", fields=("number",))
    assert len({record["number"].split("-")[1] for record in found}) == 45


async def test_amounts_are_converted_at_the_rate_of_the_day_they_are_written(start_app):
    app = await start_app()
    system, records = app.system_records, await app.records_as()
    dollar = await system.create(
        "transactioncurrency",
        {"currencyname": "US Dollar", "isocurrencycode": "USD", "currencysymbol": "$",
         "currencyprecision": 2, "exchangerate": Decimal("0.8")},
    )  # fmt: skip
    account = await records.create(
        "account",
        {
            "name": "A",
            "revenue": 200,
            "transactioncurrencyid": Reference("transactioncurrency", dollar),
        },
    )
    record = await records.read("account", account)
    assert (record["revenue_base"], record["exchangerate"]) == (250, Decimal("0.8"))
    await system.update("transactioncurrency", dollar, {"exchangerate": Decimal("0.5")})
    await records.update("account", account, {"name": "B"})
    assert (await records.read("account", account))["revenue_base"] == 250
    await records.update("account", account, {"creditlimit": 10})
    record = await records.read("account", account)
    assert (record["revenue_base"], record["creditlimit_base"]) == (400, 20)
    await records.update("account", account, {"revenue": None})
    assert (await records.read("account", account))["revenue_base"] is None


async def test_assigning_an_account_moves_what_its_relationships_say(start_app):
    app = await start_app()
    records = await app.records_as()
    other = await add_user(
        app.parts.records,
        user_name="other",
        first_name="O",
        last_name="Ther",
        roles=["salesperson"],
    )
    account = await records.create("account", {"name": "A"})
    task = await records.create(
        "task", {"subject": "T", "regardingobjectid": Reference("account", account)}
    )
    await records.update("account", account, {"ownerid": Reference("systemuser", other)})
    record = await records.read("account", account)
    assert record["owninguser"].id == other
    assert record["owningbusinessunit"].id == ROOT_UNIT
    assert (await records.read("task", task))["ownerid"].id == other
    pointer = await records.list("activitypointer", filter=f"activityid eq {task}")
    assert pointer[0]["ownerid"].id == other


async def test_a_restricting_relationship_refuses_the_delete_and_names_what_is_there(start_app):
    app = await start_app()
    user = (await app.principal("salesperson")).user_id
    unit = await app.system_records.create(
        "businessunit",
        {"name": "Low", "parentbusinessunitid": Reference("businessunit", ROOT_UNIT)},
    )
    await app.system_records.update(
        "systemuser", user, {"businessunitid": Reference("businessunit", unit)}
    )
    with pytest.raises(RecordInvalid) as refused:
        await app.system_records.delete("businessunit", unit)
    (violation,) = refused.value.violations
    assert violation.code == "violation.referenced_by"
    assert [label.texts["en"] for label in violation.params["entities"]] == ["Users"]


async def test_states_change_by_commands_and_completed_activities_are_read_only(start_app):
    app = await start_app()
    records = await app.records_as()
    call = await records.create("phonecall", {"subject": "C", "directioncode": False})
    with pytest.raises(RecordInvalid) as refused:
        await records.update("phonecall", call, {"statecode": 1})
    assert refused.value.violations[0].code == "violation.transition"
    await records.execute("phonecall", call, "mark_complete", {})
    record = await records.read("phonecall", call)
    assert (record["statecode"], record["statuscode"]) == (1, 4)  # received: it came in
    assert record["actualend"] is not None
    with pytest.raises(RecordInvalid) as refused:
        await records.update("phonecall", call, {"subject": "D"})
    assert refused.value.violations[0].code == "violation.record_read_only"
    with pytest.raises(RecordInvalid) as refused:
        await records.execute("phonecall", call, "mark_complete", {})
    assert refused.value.violations[0].code == "violation.command_not_offered"
    await records.execute("phonecall", call, "reactivate", {})
    assert (await records.read("phonecall", call))["statecode"] == 0


async def test_a_reason_of_another_state_is_refused(start_app):
    app = await start_app()
    records = await app.records_as()
    account = await records.create("account", {"name": "A"})
    with pytest.raises(RecordInvalid) as refused:
        await records.update("account", account, {"statuscode": 2})
    assert refused.value.violations[0].code == "violation.reason_of_other_state"
    await records.update("account", account, {"statecode": 1})
    assert (await records.read("account", account))["statuscode"] == 2


async def test_parties_of_an_email_are_read_as_they_were_written(start_app):
    app = await start_app()
    records = await app.records_as()
    contact = await records.create("contact", {"lastname": "C"})
    email = await records.create(
        "email",
        {"subject": "S", "to": (Reference("contact", contact), Party(None, "x@example.com"))},
    )
    assert (await records.read("email", email))["to"] == (
        Party(Reference("contact", contact, "C"), ""),
        Party(None, "x@example.com"),
    )
    await records.update("email", email, {"to": None})
    assert (await records.read("email", email))["to"] is None


async def test_a_pair_is_linked_once(start_app):
    app = await start_app()
    user = (await app.principal()).user_id
    team = await app.system_records.create(
        "team",
        {
            "name": "T",
            "businessunitid": Reference("businessunit", ROOT_UNIT),
            "administratorid": Reference("systemuser", user),
        },
    )
    records = await app.records_as()
    await records.associate("teammembership_association", user, team)
    with pytest.raises(RecordInvalid) as refused:
        await records.associate("teammembership_association", user, team)
    assert refused.value.violations[0].code == "violation.already_linked"
    await records.disassociate("teammembership_association", user, team)
    with pytest.raises(RecordNotFound):
        await records.disassociate("teammembership_association", user, team)


async def test_a_transaction_is_kept_whole_or_not_at_all(start_app):
    app = await start_app()
    records = await app.records_as()
    with pytest.raises(RecordInvalid):
        async with records.transaction() as together:
            await together.create("account", {"name": "Kept?"})
            await together.create("account", {"name": None})
    assert await records.count("account") == 0


async def test_writers_at_once_lose_no_record(start_app):
    app = await start_app()
    records = await app.records_as()
    await asyncio.gather(*(records.create("account", {"name": f"A{n}"}) for n in range(25)))
    assert await records.count("account") == 25
