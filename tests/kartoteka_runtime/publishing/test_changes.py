"""Definitions change under stored records: renames, conversions, retirement, rollback, purge."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import pytest

from kartoteka.errors import PublishFailed
from kartoteka.record_values import Reference
from kartoteka_runtime.publishing.publish import PlanRefused, plan, publish
from kartoteka_runtime.publishing.purge import find_purgeable, purge, retired_items
from kartoteka_runtime.publishing.rollback import plan_rollback, rollback
from kartoteka_runtime.storage.open_database import database_for
from kartoteka_runtime.storage.shares import Share, Shares

sys.path.insert(0, str(Path(__file__).parent))
from yard import Yard  # type: ignore[import-not-found]  # noqa: E402


@pytest.fixture
async def yard(empty_database, tmp_path):
    """Give an empty yard on each engine."""
    database = database_for(empty_database)
    await database.open()
    yield Yard(database, tmp_path / "metadata")
    await database.close()


def said(result) -> list[str]:
    return [change.words for change in result.changes]


async def test_a_renamed_field_keeps_its_values(yard):
    await yard.publish(boat="name: text; masts: whole_number; owner_name: text")
    boat = await yard.create("boat", name="B", masts=2, owner_name="Ann")
    result = await yard.publish(boat="name: text; poles(was=masts): whole_number; owner_name: text")
    assert "field boat.masts is renamed to boat.poles; its values stay" in said(result)
    found = await yard.read("boat", boat)
    assert (found["poles"], found["owner_name"]) == (2, "Ann")
    assert not await retired_items(yard.database)


async def test_a_renamed_entity_keeps_its_records_and_what_points_at_them(yard):
    await yard.publish(
        boat="name: text; number: autonumber number_format: 'B-{SEQNUM:3}'",
        trip="name: text; boat: lookup target: boat; of: lookup targets: [boat, trip]",
    )
    boat = await yard.create("boat", name="B")
    trip = await yard.create(
        "trip", name="T", boat=Reference("boat", boat), of=Reference("boat", boat)
    )
    result = await yard.publish(
        ship="renamed_from=boat; name: text; number: autonumber number_format: 'B-{SEQNUM:3}'",
        trip="name: text; boat: lookup target: ship; of: lookup targets: [ship, trip]",
    )
    assert "record type boat is renamed to ship; its records stay" in said(result)
    found = await yard.read("trip", trip)
    assert found["boat"] == Reference("ship", boat, "B")
    assert found["of"] == Reference("ship", boat, "B")
    assert (await yard.read("ship", boat))["number"] == "B-1000"
    second = await yard.create("ship", name="C")
    assert (await yard.read("ship", second))["number"] == "B-1001"
    again = await yard.publish(
        ship="renamed_from=boat; name: text; number: autonumber number_format: 'B-{SEQNUM:3}'",
        trip="name: text; boat: lookup target: ship; of: lookup targets: [ship, trip]",
    )
    assert not again.changes


async def test_fields_may_exchange_their_names_step_by_step(yard):
    await yard.publish(boat="name: text; a: text; b: whole_number")
    boat = await yard.create("boat", name="B", a="x", b=1)
    await yard.publish(boat="name: text; c(was=a): text; b: whole_number")
    await yard.publish(boat="name: text; c: text; a(was=b): whole_number")
    found = await yard.read("boat", boat)
    assert (found["c"], found["a"]) == ("x", 1)
    await yard.publish(boat="name: text; b(was=c): text; a: whole_number")
    found = await yard.read("boat", boat)
    assert (found["b"], found["a"]) == ("x", 1)


async def test_values_convert_and_come_back_exactly_with_a_rollback(yard):
    await yard.publish(boat="name: text; length: text")
    long, odd, none = [
        await yard.create("boat", name=name, length=length)
        for name, length in (("A", "012"), ("B", "twelve"), ("C", None))
    ]
    wanted = yard.registry(boat="name: text; length: whole_number")
    made = await plan(yard.database, wanted)
    change = next(item for item in made.changes if item.code == "field/convert")
    assert (change.rows, change.unconverted, change.consent) == (2, 1, "boat.length")
    assert [(item.record_id, item.value) for item in change.samples] == [(odd, "twelve")]
    with pytest.raises(PlanRefused, match="--consent boat.length"):
        await publish(yard.database, wanted)
    assert (await yard.read("boat", odd))["length"] == "twelve"
    await publish(yard.database, wanted, consents={"boat.length"})
    values = [(await yard.read("boat", item))["length"] for item in (long, odd, none)]
    assert values == [12, None, None]
    new = await yard.create("boat", name="D", length=7)
    records = await yard.records()
    await records.update("boat", none, {"length": 5})
    _, target = await plan_rollback(yard.database)
    assert target == 1
    await rollback(yard.database)
    values = [(await yard.read("boat", item))["length"] for item in (long, odd, none, new)]
    assert values == ["012", "twelve", "5", "7"]


async def test_a_retired_entity_comes_back_with_its_records(yard):
    both = dict(
        boat="name: text; home: lookup target: harbour", harbour="name: text; depth: whole_number"
    )
    await yard.publish(**both)
    harbour = await yard.create("harbour", name="H", depth=4)
    gone = await yard.create("harbour", name="G")
    boats = [
        await yard.create("boat", name="B", home=Reference("harbour", item))
        for item in (harbour, gone)
    ]
    result = await yard.publish(harbour=both["harbour"])
    assert "record type boat is retired; its records are kept" in said(result)
    await (await yard.records()).delete("harbour", gone)  # nobody is in the way any more
    result = await yard.publish(**both)
    assert "record type boat comes back with its records" in said(result)
    assert (await yard.read("boat", boats[0]))["home"] == Reference("harbour", harbour, "H")
    assert (await yard.read("boat", boats[1]))["home"] is None


async def test_a_retired_name_may_be_used_for_something_else(yard):
    await yard.publish(boat="name: text; size: text; width: whole_number")
    boat = await yard.create("boat", name="B", size="large", width=3)
    await yard.publish(boat="name: text; width: whole_number")
    await yard.publish(boat="name: text; size(was=width): whole_number")
    assert (await yard.read("boat", boat))["size"] == 3
    kept = await retired_items(yard.database)
    assert [(item.name, item.values) for item in kept] == [("boat.size", 1)]
    await yard.publish(boat="name: text; width(was=size): whole_number")
    await yard.publish(boat="name: text; width: whole_number; size: text")
    found = await yard.read("boat", boat)
    assert (found["size"], found["width"]) == ("large", 3)


async def test_what_is_purged_is_gone_and_a_rollback_says_so(yard):
    await yard.publish(boat="name: text; size: text", harbour="name: text")
    boat = await yard.create("boat", name="B", size="large")
    await yard.publish(boat="name: text")
    with pytest.raises(PublishFailed, match="boat is live"):
        await purge(yard.database, "boat")
    with pytest.raises(PublishFailed, match='did you mean "boat.size"'):
        await find_purgeable(yard.database, "boat.sise")
    gone = await purge(yard.database, "boat.size")
    assert [item.values for item in gone] == [1]
    gone = await purge(yard.database, "harbour")
    assert [item.name for item in gone] == ["harbour"]
    made, _ = await plan_rollback(yard.database)
    warned = {change.words: change.warning for change in made.changes if change.warning}
    assert warned.keys() == {
        "new field boat.size: text of 100 characters", "new record type harbour"
    }  # fmt: skip
    await rollback(yard.database)
    assert (await yard.read("boat", boat))["size"] is None


async def test_the_plan_that_was_shown_is_carried_out_or_none(yard):
    await yard.publish(boat="name: text; size: text")
    await yard.create("boat", name="A", size="one")
    wanted = yard.registry(boat="name: text; size: whole_number")
    shown = await plan(yard.database, wanted)
    await yard.create("boat", name="B", size="two")
    with pytest.raises(PlanRefused, match="changed since"):
        await publish(yard.database, wanted, consents={"boat.size"}, shown=shown)
    shown = await plan(yard.database, wanted)
    result = await publish(yard.database, wanted, consents={"boat.size"}, shown=shown)
    assert result.number == 2


async def test_another_app_is_kept_out_of_the_database(yard):
    registry = yard.registry(boat="name: text")
    await publish(yard.database, registry, app="yard")
    with pytest.raises(PlanRefused, match='belongs to the app yard|--consent "app field"'):
        await publish(yard.database, registry, app="field")
    await publish(yard.database, registry, app="field", consents={"app field"})


async def test_unique_is_refused_while_values_are_repeated(yard):
    await yard.publish(boat="name: text; sail: text")
    for sail in ("Ż1", "ż1"):
        await yard.create("boat", name="A", sail=sail)
    with pytest.raises(PlanRefused, match="1 value stands in more than one record"):
        await yard.publish(boat="name: text; sail: text unique: true")


async def test_drift_is_told_and_mended_by_consent(yard):
    registry = yard.registry(boat="name: text; size: text", trip="name: text")
    await publish(yard.database, registry)
    boat = await yard.create("boat", name="A", size="one")
    async with yard.database.publishing() as connection:
        await connection.execute("ALTER TABLE boat DROP COLUMN size", {})
        await connection.execute("ALTER TABLE boat ADD COLUMN extra INTEGER", {})
        await connection.execute("DROP TABLE trip", {})
    made = await plan(yard.database, registry)
    assert {str(item) for item in made.drift} >= {
        "column boat.size is missing", "table trip is missing",
        "column boat.extra was added by somebody else; it is left alone",
    }  # fmt: skip
    with pytest.raises(PlanRefused, match="--consent drift"):
        await publish(yard.database, registry)
    await publish(yard.database, registry, consents={"drift"})
    assert (await yard.read("boat", boat))["size"] is None
    await yard.create("trip", name="T")
    assert (await plan(yard.database, registry)).is_empty


async def test_shares_follow_a_renamed_entity_and_go_with_a_purged_one(yard):
    await yard.publish(boat="name: text", crate="name: text")
    shares = Shares(yard.database.dialect)
    record, user = str(uuid.uuid4()), str(uuid.uuid4())
    given = [
        Share(entity, record, user, "systemuser", explicit_rights=1, changed_on="2031-01-01")
        for entity in ("boat", "crate")
    ]
    async with yard.database.writing() as connection:
        await shares.write(connection, given)
    await yard.publish(ship="renamed_from=boat; name: text", crate="name: text")
    async with yard.database.reading() as connection:
        names = {one.entity for one in await shares.of_principal(connection, user)}
        assert names == {"ship", "crate"}
        assert not await shares.of_record(connection, "boat", record)
    await yard.publish(ship="renamed_from=boat; name: text")
    await purge(yard.database, "crate")
    async with yard.database.reading() as connection:
        assert [one.entity for one in await shares.of_principal(connection, user)] == ["ship"]
