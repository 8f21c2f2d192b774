"""Lookups of several targets lose one: what named it is counted, kept aside, and returns."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psycopg
import pytest

from kartoteka.errors import PublishFailed
from kartoteka.record_values import Reference
from kartoteka_runtime.publishing.publish import PlanRefused, plan, publish
from kartoteka_runtime.publishing.purge import purge, retired_items
from kartoteka_runtime.publishing.rollback import plan_rollback, rollback
from kartoteka_runtime.storage.open_database import database_for

sys.path.insert(0, str(Path(__file__).parent))
from yard import Yard  # type: ignore[import-not-found]  # noqa: E402

_THREE = dict(
    boat="name: text", harbour="name: text", person="name: text",
    trip="name: text; of: lookup targets: [boat, harbour, person]; "
    "by: customer targets: [boat, harbour, person]",
)  # fmt: skip
_TWO = _THREE | {
    "trip": "name: text; of: lookup targets: [harbour, person]; "
    "by: customer targets: [person, harbour]"
}


@pytest.fixture
async def yard(empty_database, tmp_path):
    """Give an empty yard on each engine."""
    database = database_for(empty_database)
    await database.open()
    yield Yard(database, tmp_path / "metadata")
    await database.close()


async def cells(yard, column: str) -> set[str | None]:
    async with yard.database.reading() as connection:
        rows = await connection.fetch_all(f'SELECT "{column}__entity" FROM trip', {})
    return {row[0] for row in rows}


async def test_values_of_a_lost_target_are_counted_and_kept_and_return(yard):
    await yard.publish(**_THREE)
    boat = Reference("boat", await yard.create("boat", name="Boat"))
    harbour = Reference("harbour", await yard.create("harbour", name="Harbour"))
    trips = [
        await yard.create("trip", name="T", of=of, by=by)
        for of, by in ((boat, harbour), (harbour, boat), (boat, None), (None, None))
    ]
    wanted = yard.registry(**_TWO)
    made = await plan(yard.database, wanted)
    of, by = (next(one for one in made.changes if one.consent == f"trip.{name}")
              for name in ("of", "by"))  # fmt: skip
    assert of.words == "field trip.of can no longer name records of boat"
    assert (of.code, of.rows, of.unconverted, by.unconverted) == ("field/narrow", 3, 2, 1)
    assert [item.record_id for item in of.samples] == [trips[0], trips[2]]
    assert of.samples[0].reason == 'records of "boat" can no longer be named'
    assert "2 of 3 values do not convert and become empty" in of.warning
    assert len(made.changes) == 2  # neither is told twice
    with pytest.raises(PlanRefused, match="--consent trip.of --consent trip.by"):
        await publish(yard.database, wanted)
    assert (await yard.read("trip", trips[0]))["of"] == Reference("boat", boat.id, "Boat")

    await publish(yard.database, wanted, consents=made.consents)
    found = [(await yard.read("trip", trip))["of"] for trip in trips]
    assert found == [None, Reference("harbour", harbour.id, "Harbour"), None, None]
    assert await cells(yard, "of") == await cells(yard, "by") == {None, "harbour"}
    assert {(item.name, item.values) for item in await retired_items(yard.database)} == {
        ("trip.of", 3), ("trip.by", 2),
    }  # fmt: skip
    records = await yard.records()
    await records.update("trip", trips[2], {"of": harbour})  # somebody has changed it since

    await yard.publish(**_THREE)  # the very target is back: so are the values
    found = [(await yard.read("trip", trip))["of"] for trip in trips]
    assert [item and item.entity for item in found] == ["boat", "harbour", "harbour", None]
    assert (await yard.read("trip", trips[1]))["by"] == Reference("boat", boat.id, "Boat")
    assert not await retired_items(yard.database)


async def test_a_target_that_is_retired_leaves_no_value_behind(yard):
    await yard.publish(**_THREE)
    boats = [await yard.create("boat", name=name) for name in ("A", "B")]
    trips = [await yard.create("trip", name="T", of=Reference("boat", item)) for item in boats]
    rest = {name: said for name, said in _TWO.items() if name != "boat"}
    made = await plan(yard.database, yard.registry(**rest))
    assert made.consents == ("trip.of",)
    await yard.publish(consents=("trip.of",), **rest)
    assert await cells(yard, "of") == {None}
    made, _ = await plan_rollback(yard.database)
    await rollback(yard.database, consents=made.consents)
    found = [(await yard.read("trip", trip))["of"] for trip in trips]
    assert found == [Reference("boat", item, name)
                     for item, name in zip(boats, ("A", "B"), strict=True)]  # fmt: skip


async def test_a_lookup_that_names_none_of_a_lost_target_is_left_as_it_is(yard):
    await yard.publish(**_THREE)
    harbour = Reference("harbour", await yard.create("harbour", name="H"))
    trip = await yard.create("trip", name="T", of=harbour, by=harbour)
    renamed = {name: said.replace("harbour", "haven") for name, said in _TWO.items()}
    renamed["haven"] = f"renamed_from=harbour; {renamed.pop('harbour')}"
    made = await plan(yard.database, yard.registry(**renamed))
    assert not made.consents
    assert not any(item.rewrites for item in made.changes)
    await publish(yard.database, yard.registry(**renamed), shown=made)
    found = await yard.read("trip", trip)
    assert found["of"] == found["by"] == Reference("haven", harbour.id, "H")
    assert not await retired_items(yard.database)


async def test_what_a_lost_target_was_named_by_can_be_purged(yard):
    await yard.publish(**_THREE)
    boat = Reference("boat", await yard.create("boat", name="B"))
    trip = await yard.create("trip", name="T", of=boat)
    await yard.publish(consents=("trip.of",), **_TWO)
    await purge(yard.database, "trip.of")
    assert not await retired_items(yard.database)
    await yard.publish(**_THREE)
    assert (await yard.read("trip", trip))["of"] is None


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite has but one writer
async def test_a_value_that_is_written_on_the_way_stops_the_publish(yard):
    """The plan found nothing that named a boat; somebody's transaction was still open."""
    await yard.publish(**_THREE)
    boat = Reference("boat", await yard.create("boat", name="B"))
    harbour = Reference("harbour", await yard.create("harbour", name="H"))
    trip = await yard.create("trip", name="T", of=harbour)
    registry = yard.registry(**_TWO)
    async with await psycopg.AsyncConnection.connect(yard.database.url) as writer:
        await writer.execute("""UPDATE trip SET "of" = %s, of__entity = 'boat'""", (boat.id,))
        publishing = asyncio.create_task(publish(yard.database, registry))
        async with asyncio.timeout(10):
            while not await waiting(yard):
                await asyncio.sleep(0.01)
    with pytest.raises(PublishFailed, match=r"trip\.of: a value that it can no longer hold"):
        await publishing
    assert (await yard.read("trip", trip))["of"] == Reference("boat", boat.id, "B")
    assert (await plan(yard.database, registry)).consents == ("trip.of",)


async def waiting(yard) -> bool:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with yard.database.reading() as connection:
        row = await connection.fetch_one(sql, {})
    return bool(row[0])
