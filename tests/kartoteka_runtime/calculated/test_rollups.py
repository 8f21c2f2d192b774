"""Rollups: what belongs to a record, summed up by jobs after every change, on both engines."""

from __future__ import annotations

import asyncio
import html
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kartoteka.errors import RecordInvalid, RecordNotFound
from kartoteka.record_values import Reference

HARBOUR = """\
kind: entity
format: 1
name: harbour
label: { en: Harbour }
plural_label: { en: Harbours }
primary_field: name
ownership: none
fields:
  - { name: name, type: text, label: { en: Name } }
  - { name: above, type: lookup, target: harbour, hierarchical: true, label: { en: Above } }
  - { name: boats, type: whole_number, label: { en: Boats },
      rollup: { over: harbour_boat_harbour, function: count } }
  - { name: sailing, type: whole_number, label: { en: Sailing },
      rollup: { over: harbour_boat_harbour, function: count, filter: "is_sailing" } }
  - { name: total, type: decimal, precision: 1, label: { en: Total },
      rollup: { over: harbour_boat_harbour, function: sum, field: length } }
  - { name: mean, type: decimal, precision: 2, label: { en: Mean },
      rollup: { over: harbour_boat_harbour, function: avg, field: length } }
  - { name: shortest, type: decimal, precision: 2, label: { en: Shortest },
      rollup: { over: harbour_boat_harbour, function: min, field: length, filter: "masts gt 1" } }
  - { name: newest, type: date, label: { en: Newest },
      rollup: { over: harbour_boat_harbour, function: max, field: built } }
  - { name: small, type: whole_number, max: 20, label: { en: Small },
      rollup: { over: harbour_boat_harbour, function: sum, field: masts } }
  - { name: everywhere, type: whole_number, label: { en: Everywhere },
      rollup: { over: harbour_boat_harbour, function: count, hierarchy: true } }
  - { name: is_full, type: yes_no, stored: true, formula: "boats ge 2", label: { en: Full } }
  - { name: room, type: whole_number, formula: "10 sub boats", label: { en: Room } }
"""
BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
ownership: organization
fields:
  - { name: name, type: text, label: { en: Name } }
  - { name: masts, type: whole_number, label: { en: Masts } }
  - { name: length, type: decimal, precision: 2, label: { en: Length } }
  - { name: built, type: date, label: { en: Built } }
  - { name: is_sailing, type: yes_no, formula: "masts gt 0 and statecode eq 0",
      label: { en: Sailing } }
  - { name: harbour, type: lookup, target: harbour, label: { en: Harbour } }
"""
METADATA = {"entities/harbour.yaml": HARBOUR, "entities/boat.yaml": BOAT}


@pytest.fixture
async def app(start_app):
    """Give an app with boats in harbours."""
    return await start_app(metadata=METADATA)


async def harbour(app, name, above=None):
    values = {"name": name, "above": Reference("harbour", above) if above else None}
    return await app.system_records.create("harbour", values)


async def boat(app, where, **values):
    found = {"name": "Boat", "harbour": Reference("harbour", where) if where else None, **values}
    return await app.system_records.create("boat", found)


async def rollups(app, record_id: str, *names: str) -> list[object]:
    await app.run_jobs()
    record = await app.system_records.read("harbour", record_id)
    return [record[name] for name in names]


async def test_a_new_record_has_what_nothing_adds_up_to(app):
    found = await harbour(app, "Gdynia")
    names = ("boats", "total", "mean", "newest", "boats_state", "is_full", "room")
    assert await rollups(app, found, *names) == [0, Decimal(0), None, None, 1, False, 10]


async def test_every_function_and_filter(app):
    found = await harbour(app, "Gdynia")
    for masts, length, built in (
        (0, "4.05", date(1999, 1, 1)), (2, "8.10", date(2020, 5, 5)), (3, "5", None),
        (None, None, date(2024, 2, 29)),
    ):  # fmt: skip
        await boat(
            app, found, masts=masts, length=length and Decimal(length), built=built
        )  # fmt: skip
    await boat(app, None, masts=9, length=Decimal(99))
    names = ("boats", "sailing", "total", "mean", "shortest", "newest", "is_full", "room")
    assert await rollups(app, found, *names) == [
        4, 2, Decimal("17.2"), Decimal("5.72"), Decimal(5), date(2024, 2, 29), True, 6,
    ]  # fmt: skip


async def test_changes_that_matter_are_followed_and_others_are_not(app):
    one, other = await harbour(app, "Gdynia"), await harbour(app, "Hel")
    records = app.system_records
    found = await boat(app, one, masts=1, length=Decimal(4))
    assert await rollups(app, one, "boats", "sailing", "total") == [1, 1, Decimal(4)]
    await records.update("boat", found, {"name": "Ania"})
    assert await app.run_jobs() == 0
    await records.update("boat", found, {"length": Decimal(6)})
    assert await rollups(app, one, "total") == [Decimal(6)]
    await records.set_state("boat", found, state="inactive")
    assert await rollups(app, one, "sailing", "boats") == [0, 1]
    await records.set_state("boat", found, state="active")
    await records.update("boat", found, {"harbour": Reference("harbour", other)})
    assert await rollups(app, one, "boats", "total", "is_full") == [0, Decimal(0), False]
    assert await rollups(app, other, "boats", "total") == [1, Decimal(6)]
    await records.delete("boat", found)
    assert await rollups(app, other, "boats", "total") == [0, Decimal(0)]


async def test_many_writes_make_one_job(app):
    found = await harbour(app, "Gdynia")
    async with app.system_records.transaction() as records:
        for _ in range(5):
            await records.create("boat", {"name": "B", "harbour": Reference("harbour", found)})
    await boat(app, found)
    assert await app.run_jobs() == 1
    assert await rollups(app, found, "boats") == [6]


async def test_what_was_rolled_back_leaves_no_job(app):
    found = await harbour(app, "Gdynia")
    with pytest.raises(RecordInvalid):
        async with app.system_records.transaction() as records:
            await records.create("boat", {"name": "B", "harbour": Reference("harbour", found)})
            await records.create("boat", {"boats": 3})
    assert await app.run_jobs() == 0


async def test_a_value_without_a_place_is_empty_and_says_so(app):
    found = await harbour(app, "Gdynia")
    await boat(app, found, masts=20)
    assert await rollups(app, found, "small", "small_state") == [20, 1]
    await boat(app, found, masts=1)
    assert await rollups(app, found, "small", "small_state") == [None, 2]


async def test_working_one_out_is_no_change_that_anybody_made(app):
    found = await harbour(app, "Gdynia")
    before = await app.system_records.read("harbour", found)
    await boat(app, found)
    await app.run_jobs()
    after = await app.system_records.read("harbour", found)
    assert after["boats"] == 1
    assert after["versionnumber"] == before["versionnumber"]
    assert after["modifiedon"] == before["modifiedon"]
    await app.system_records.update(
        "harbour", found, {"name": "Sopot"}, version=before["versionnumber"]
    )


async def test_a_tree_is_summed_up_to_its_top(app):
    top = await harbour(app, "Poland")
    middle = await harbour(app, "Pomerania", top)
    leaf = await harbour(app, "Gdynia", middle)
    found = await boat(app, leaf)
    await boat(app, top)
    for record_id, count in ((top, 2), (middle, 1), (leaf, 1)):
        assert await rollups(app, record_id, "everywhere") == [count]
    records = app.system_records
    await records.update("harbour", leaf, {"above": Reference("harbour", top)})
    for record_id, count in ((top, 2), (middle, 0), (leaf, 1)):
        assert await rollups(app, record_id, "everywhere") == [count]
    await records.update("harbour", leaf, {"above": None})
    assert await rollups(app, top, "everywhere", "boats") == [1, 1]
    await records.delete("boat", found)
    assert await rollups(app, leaf, "everywhere") == [0]
    await records.update("harbour", leaf, {"above": Reference("harbour", middle)})
    await boat(app, leaf)
    assert await rollups(app, top, "everywhere") == [2]
    await records.delete("harbour", leaf)
    assert await rollups(app, top, "everywhere") == [1]
    assert await rollups(app, middle, "everywhere") == [0]


async def test_it_is_worked_out_on_demand(app):
    found = await harbour(app, "Gdynia")
    await boat(app, found)
    record = await app.system_records.read("harbour", found)
    assert record["boats"] == 0
    records = await app.records_as()
    values = await records.calculate_rollup("harbour", found, "boats")
    assert (values["boats"], values["boats_state"]) == (1, 1)
    assert isinstance(values["boats_date"], datetime)
    assert values["boats_date"] <= datetime.now(UTC)
    for entity, record_id, field in (
        ("harbour", found, "name"), ("harbour", "no id", "boats"), ("boat", found, "boats"),
        ("harbour", "00000000-0000-7000-8000-000000000000", "boats"),
    ):  # fmt: skip
        with pytest.raises(RecordNotFound):
            await records.calculate_rollup(entity, record_id, field)


async def test_on_demand_a_tree_may_be_ten_levels_deep(app):
    names = [await harbour(app, "0")]
    for number in range(11):
        names.append(await harbour(app, str(number + 1), names[-1]))
    await boat(app, names[-1])
    records = await app.records_as()
    values = await records.calculate_rollup("harbour", names[1], "everywhere")
    assert values["everywhere"] == 1
    with pytest.raises(RecordInvalid) as refused:
        await records.calculate_rollup("harbour", names[0], "everywhere")
    assert refused.value.violations[0].code == "violation.tree_too_deep"
    assert await rollups(app, names[0], "everywhere", "everywhere_state") == [1, 1]


async def test_two_writers_at_once_are_both_counted(app):
    found = await harbour(app, "Gdynia")

    async def write() -> None:
        for _ in range(5):
            await boat(app, found, length=Decimal(1))

    await asyncio.gather(write(), write())
    assert await rollups(app, found, "boats", "total") == [10, Decimal(10)]


async def test_nobody_writes_it_and_it_is_filtered_and_sorted_by(app):
    found = await harbour(app, "Gdynia")
    await harbour(app, "Hel")
    for name in ("boats", "boats_date", "boats_state"):
        with pytest.raises(RecordInvalid):
            await (await app.records_as()).update("harbour", found, {name: 3})
    await boat(app, found)
    await app.run_jobs()
    rows = await app.system_records.list(
        "harbour", filter="boats le 1 and room gt 1", order=["boats desc"]
    )
    assert [row["name"] for row in rows] == ["Gdynia", "Hel"]


async def test_the_api_works_it_out_for_who_may_write(app):
    found = await harbour(app, "Gdynia")
    await boat(app, found)
    async with app.api_as() as api:
        answer = await api.get(
            "CalculateRollupField(Target=@p1,FieldName=@p2)",
            params={"@p1": f'{{"@odata.id":"harbours({found})"}}', "@p2": "'boats'"},
        )
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert (body["boats"], body["boats_state"], body["harbourid"]) == (1, 1, found)
        quoted = {"@p1": f"{{'@odata.id':'/api/data/v9.2/harbours({found})'}}"}
        inline = await api.get("CalculateRollupField(Target=@p1,FieldName='boats')", params=quoted)
        assert inline.status_code == 200, inline.text
        for text, status in (
            ("CalculateRollupField(Target=@p1,FieldName='name')", 404),
            ("CalculateRollupField(Target=@p1)", 400),
            ("CalculateRollupField(Target=@p3,FieldName='boats')", 400),
        ):
            params = {"@p1": f'{{"@odata.id":"harbours({found})"}}'}
            assert (await api.get(text, params=params)).status_code == status


async def test_a_form_has_a_button_that_saves_and_works_it_out(app):
    found = await harbour(app, "Gdynia")
    await boat(app, found)
    async with app.client_as() as client:
        page = await client.get(f"/e/harbour/{found}")
        assert page.status_code == 200
        assert 'name="_then" value="rollup/boats"' in page.text
        assert 'name="boats"' not in page.text
        hidden = dict(re.findall(r'<input type="hidden" name="(_\w+)" value="([^"]*)"', page.text))
        values = {**hidden, "name": "Hel", "_then": "rollup/boats"}
        values["_original"] = html.unescape(values["_original"])
        sent = await client.post(f"/e/harbour/{found}", data=values)
        assert sent.status_code == 303, sent.text
        shown = await client.get(sent.headers["location"])
        assert "Boats: has been recalculated." in shown.text
        values["_then"] = "rollup/name"
        assert (await client.post(f"/e/harbour/{found}", data=values)).status_code in (400, 409)
    record = await app.system_records.read("harbour", found)
    assert (record["name"], record["boats"]) == ("Hel", 1)
