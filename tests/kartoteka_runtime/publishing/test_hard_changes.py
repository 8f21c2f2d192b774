"""Changes that meet one another: renames, retirement and conversions of the same few names."""

from __future__ import annotations

import sys
from decimal import Decimal
from pathlib import Path

import pytest

from kartoteka.errors import PublishFailed
from kartoteka.record_values import Reference
from kartoteka_runtime.publishing.publish import plan, publish
from kartoteka_runtime.publishing.purge import retired_items
from kartoteka_runtime.publishing.rollback import plan_rollback, rollback
from kartoteka_runtime.storage.open_database import database_for
from kartoteka_runtime.storage.schema import read_schema

sys.path.insert(0, str(Path(__file__).parent))
from yard import Yard  # type: ignore[import-not-found]  # noqa: E402


@pytest.fixture
async def yard(empty_database, tmp_path):
    """Give an empty yard on each engine."""
    database = database_for(empty_database)
    await database.open()
    yield Yard(database, tmp_path / "metadata")
    await database.close()


async def roll_back(yard, *, to=None):
    made, _ = await plan_rollback(yard.database, to=to)
    await rollback(yard.database, to=to, consents=made.consents)


async def test_references_follow_a_record_id_that_is_renamed_while_values_convert(yard):
    await yard.publish(boat="name: text; size: text", trip="name: text; boat: lookup target: boat")
    boat = await yard.create("boat", name="B", size="12")
    await yard.publish(
        ship="renamed_from=boat; name: text; size: whole_number",
        trip="name: text; boat: lookup target: ship",
    )
    trip = await yard.create("trip", name="T", boat=Reference("ship", boat))
    assert (await yard.read("trip", trip))["boat"] == Reference("ship", boat, "B")


async def test_a_retired_field_is_found_again_after_its_entity_took_a_retired_name(yard):
    await yard.publish(boat="name: text; size: text", ship="name: text; width: text")
    ship = await yard.create("ship", name="S", width="wide")
    boat = await yard.create("boat", name="B", size="big")
    await yard.publish(ship="name: text")
    await yard.publish(boat="renamed_from=ship; name: text")
    assert [(item.name, item.values) for item in await retired_items(yard.database)] == [
        ("boat", 1), ("boat.width", 1)
    ]  # fmt: skip
    await yard.publish(boat="name: text; width: text")
    assert (await yard.read("boat", ship))["width"] == "wide"
    await roll_back(yard, to=1)
    assert (await yard.read("boat", boat))["size"] == "big"
    assert (await yard.read("ship", ship))["width"] == "wide"


async def test_a_lookup_never_names_another_entity_that_took_its_targets_name(yard):
    trip = "name: text; boat: lookup target: boat; of: lookup targets: [boat, trip]"
    await yard.publish(boat="name: text", ship="name: text", trip=trip)
    boat = Reference("boat", await yard.create("boat", name="B"))
    made = await yard.create("trip", name="T", boat=boat, of=boat)
    await yard.publish(ship="name: text", trip="name: text")
    wanted = yard.registry(boat="renamed_from=ship; name: text", trip=trip)
    assert (await plan(yard.database, wanted)).consents == ("trip.boat", "trip.of")
    await publish(yard.database, wanted, consents={"trip.boat", "trip.of"})
    found = await yard.read("trip", made)
    assert found["boat"] is found["of"] is None
    await roll_back(yard, to=1)
    found = await yard.read("trip", made)
    assert found["boat"] == found["of"] == Reference("boat", boat.id, "B")


async def test_references_of_any_kind_follow_a_rename_while_their_targets_change(yard):
    await yard.publish(
        boat="name: text", harbour="name: text",
        trip="name: text; of: lookup targets: [boat, harbour, trip]",
    )  # fmt: skip
    boat = await yard.create("boat", name="B")
    trip = await yard.create("trip", name="T", of=Reference("boat", boat))
    wanted = yard.registry(
        ship="renamed_from=boat; name: text", harbour="name: text",
        trip="name: text; of: lookup target: ship",
    )  # fmt: skip
    assert not (await plan(yard.database, wanted)).consents
    await publish(yard.database, wanted)
    assert (await yard.read("trip", trip))["of"] == Reference("ship", boat, "B")
    await roll_back(yard)
    assert (await yard.read("trip", trip))["of"] == Reference("boat", boat, "B")


async def test_what_a_narrower_field_of_the_same_type_lost_comes_back(yard):
    await yard.publish(boat="name: text; price: decimal precision: 4; code: text max_length: 9")
    boat = await yard.create("boat", name="B", price=Decimal("1.2345"), code="ninechars")
    narrow = yard.registry(boat="name: text; price: decimal precision: 2; code: text max_length: 3")
    consents = (await plan(yard.database, narrow)).consents
    assert set(consents) == {"boat.price", "boat.code"}
    await publish(yard.database, narrow, consents=consents)
    assert (await yard.read("boat", boat))["code"] is None
    await roll_back(yard)
    found = await yard.read("boat", boat)
    assert (str(found["price"]), found["code"]) == ("1.2345", "ninechars")


async def test_values_lost_on_a_way_of_several_types_are_kept_and_come_back(yard):
    await yard.publish(boat="name: text; size: text")
    boats = [await yard.create("boat", name="B", size=size) for size in ("1.5", "012", "two")]
    await yard.publish(boat="name: text; size: whole_number", consents=("boat.size",))
    await yard.publish(boat="name: text; size: decimal")
    values = [(await yard.read("boat", boat))["size"] for boat in boats]
    assert [str(value) for value in values] == ["1.50", "12.00", "None"]
    await roll_back(yard, to=1)
    values = [(await yard.read("boat", boat))["size"] for boat in boats]
    assert values == ["1.5", "012", "two"]


async def test_values_come_back_between_types_that_are_stored_alike(yard):
    options = "{ name: %s, value: %s, label: { en: Yes } }"
    sizes = f"options: [{options % ('yes', 1)}, {options % ('no', 0)}]".replace("en: ", "en: It ")
    await yard.publish(boat="name: text; size: whole_number")
    boat = await yard.create("boat", name="B", size=7)
    await yard.publish(boat="name: text; size: yes_no", consents=("boat.size",))
    await yard.publish(boat=f"name: text; size: choice {sizes}")
    await roll_back(yard, to=1)
    assert (await yard.read("boat", boat))["size"] == 7


async def test_a_field_that_was_renamed_keeps_its_identity_while_its_entity_is_retired(yard):
    await yard.publish(boat="name: text; masts: whole_number", trip="name: text")
    boat = await yard.create("boat", name="B", masts=2)
    await yard.publish(boat="name: text; poles(was=masts): whole_number", trip="name: text")
    await yard.publish(trip="name: text")
    await roll_back(yard, to=2)
    assert (await yard.read("boat", boat))["poles"] == 2
    await roll_back(yard, to=1)
    assert (await yard.read("boat", boat))["masts"] == 2


async def test_entities_pass_their_names_on_and_every_index_with_them(yard):
    said = "name: text; size: text unique: true"
    await yard.publish(boat=said, ship=said)
    boat = await yard.create("boat", name="B", size="b")
    ship = await yard.create("ship", name="S", size="s")
    await yard.publish(barge=f"renamed_from=boat; {said}", ship=said)
    await yard.publish(barge=said, boat=f"renamed_from=ship; {said}")
    assert (await yard.read("boat", ship))["size"] == "s"
    await roll_back(yard, to=1)
    assert (await yard.read("boat", boat))["size"] == "b"
    assert (await yard.read("ship", ship))["size"] == "s"
    async with yard.database.reading() as connection:
        schema = await read_schema(connection, yard.database.engine)
    assert set(schema["boat"].indexes) == {"so_boat_name", "uq_boat_size"}
    assert set(schema["ship"].indexes) == {"so_ship_name", "uq_ship_size"}


async def test_what_returns_names_no_record_that_was_deleted_in_the_meantime(yard):
    harbours = {"harbour": "name: text"}
    await yard.publish(boat="name: text; home: lookup target: harbour", **harbours)
    harbour = await yard.create("harbour", name="H")
    boat = await yard.create("boat", name="B", home=Reference("harbour", harbour))
    await yard.publish(boat="name: text; home: text", **harbours)
    await (await yard.records()).delete("harbour", harbour)
    await roll_back(yard)
    assert (await yard.read("boat", boat))["home"] is None
    await (await yard.records()).update("boat", boat, {"name": "C"})


async def test_several_options_become_names_and_options_again(yard):
    options = (
        "[{ name: one, value: 1, label: { en: One } }, { name: two, value: 2, label: { en: Two } }]"
    )
    await yard.publish(boat=f"name: text; kinds: multi_choice options: {options}")
    boat = await yard.create("boat", name="B", kinds=(1, 2))
    await yard.publish(boat="name: text; kinds: text")
    assert (await yard.read("boat", boat))["kinds"] == "one, two".replace(",", ";")
    await roll_back(yard)
    assert (await yard.read("boat", boat))["kinds"] == (1, 2)


async def test_an_index_of_somebody_else_is_left_alone(yard, engine):
    await yard.publish(boat="name: text; size: text; crew: text")
    async with yard.database.publishing() as connection:
        await connection.execute("CREATE INDEX theirs ON boat (crew)", {})
    await yard.publish(boat="name: text; size: text max_length: 40; crew: text", consents=())
    async with yard.database.reading() as connection:
        schema = await read_schema(connection, engine)
    assert "theirs" in schema["boat"].indexes


async def test_values_that_become_alike_cannot_be_unique(yard):
    await yard.publish(boat="name: text; size: text")
    boats = [await yard.create("boat", name="B", size=size) for size in ("1", "01")]
    with pytest.raises(PublishFailed, match="boat: size cannot be unique, some records have"):
        await yard.publish(boat="name: text; size: whole_number unique: true")
    assert [(await yard.read("boat", boat))["size"] for boat in boats] == ["1", "01"]


async def test_names_may_be_as_long_as_names_are(yard, engine):
    boat, size = "boat_" + "b" * 45, "size_" + "s" * 44
    said = f"name: text; {size}a: text; {size}b: lookup targets: [{boat}, trip]"
    await yard.publish(**{boat: said, "trip": "name: text"})
    trip = Reference("trip", await yard.create("trip", name="T"))
    record = await yard.create(boat, name="B", **{f"{size}a": "1", f"{size}b": trip})
    ship = "boat_" + "b" * 44 + "c"
    said = f"""name: text; {size}a: whole_number unique: true; {size}c(was={size}b):
    lookup targets: [{ship}, trip]""".replace("\n", "")
    await yard.publish(**{ship: f"renamed_from={boat}; {said}", "trip": "name: text"})
    found = await yard.read(ship, record)
    assert (found[f"{size}a"], found[f"{size}c"]) == (1, trip._replace(name="T"))
    await yard.publish(**{ship: "name: text", "trip": "name: text"})
    await roll_back(yard, to=1)
    found = await yard.read(boat, record)
    assert (found[f"{size}a"], found[f"{size}b"]) == ("1", trip._replace(name="T"))
