"""Formulas: what they come to, wherever the field is asked for, on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kartoteka.errors import RecordInvalid
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
  - { name: depth, type: decimal, precision: 1, label: { en: Depth } }
  - { name: double_depth, type: decimal, precision: 1, label: { en: Twice }, formula: depth mul 2 }
"""
BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
ownership: none
fields:
  - { name: name, type: text, label: { en: Name } }
  - { name: masts, type: whole_number, label: { en: Masts } }
  - { name: length, type: decimal, precision: 2, label: { en: Length } }
  - { name: built, type: date, label: { en: Built } }
  - { name: seen, type: date_time, label: { en: Seen } }
  - { name: harbour, type: lookup, target: harbour, label: { en: Harbour } }
  - { name: per_mast, type: decimal, precision: 2, formula: length divby masts, label: { en: P } }
  - { name: twice, type: decimal, precision: 1, formula: per_mast mul 2, label: { en: T } }
  - name: title
    type: text
    max_length: 20
    label: { en: Title }
    formula: concat(name, ' of ', harbour/name)
  - { name: fits, type: yes_no, label: { en: F },
      formula: harbour/double_depth gt 5 and masts lt 3 }
  - name: size
    type: choice
    label: { en: Size }
    options: [{ name: small, value: 1 }, { name: large, value: 2 }]
    formula: "case(length gt 10:'large', length ge 0:'small')"
  - { name: next_year, type: date, label: { en: N }, formula: "addyears(built,1)" }
  - { name: later, type: date_time, label: { en: L }, formula: "addhours(seen,2)" }
  - { name: is_mine, type: yes_no, label: { en: M }, formula: createdby eq me() }
  - { name: age, type: whole_number, label: { en: A },
      formula: "diffindays(createdon,now())" }
  - { name: few, type: whole_number, min: 0, max: 9, label: { en: F }, formula: masts mul 3 }
  - { name: code, type: text, max_length: 8, unique: true, stored: true, label: { en: C },
      formula: "toupper(name)" }
  - { name: score, type: whole_number, stored: true, label: { en: S },
      formula: "coalesce(masts,0) mul 10 add round(twice)" }
  - { name: level, type: whole_number, stored: true, label: { en: V }, formula: score add 1 }
  - { name: homeless, type: yes_no, stored: true, label: { en: H }, formula: harbour eq null }
"""
VIEW = """\
kind: view
format: 1
name: small_boats
label: { en: Small boats }
entity: boat
type: public
columns: [{ field: name }, { field: per_mast }, { field: harbour/double_depth }]
filter: size eq 'small' and is_mine eq true and age ge 0
order: [title desc]
default: true
"""
METADATA = {
    "entities/harbour.yaml": HARBOUR,
    "entities/boat.yaml": BOAT,
    "views/small_boats.yaml": VIEW,
}
CALCULATED = (
    "per_mast", "twice", "title", "fits", "size", "next_year", "later", "few", "code", "score",
    "level", "homeless",
)  # fmt: skip


@pytest.fixture
async def app(start_app):
    """Give an app with boats in harbours."""
    return await start_app(metadata=METADATA)


async def boat(app, **values):
    return await app.system_records.create("boat", values)


async def test_a_record_is_read_with_what_is_calculated(app):
    records = app.system_records
    harbour = await records.create("harbour", {"name": "Gdynia", "depth": Decimal("4.5")})
    found = await boat(
        app, name="Ania", masts=2, length=Decimal("12.35"), built=date(2024, 2, 29),
        seen=datetime(2026, 1, 1, 12, tzinfo=UTC), harbour=Reference("harbour", harbour),
    )  # fmt: skip
    record = await records.read("boat", found)
    assert {name: record[name] for name in CALCULATED} == {
        "per_mast": Decimal("6.18"),
        "twice": Decimal("12.4"),
        "title": "Ania of Gdynia",
        "fits": True,
        "size": 2,
        "next_year": date(2025, 2, 28),
        "later": datetime(2026, 1, 1, 14, tzinfo=UTC),
        "few": 6,
        "code": "ANIA",
        "score": 32,
        "level": 33,
        "homeless": False,
    }


async def test_what_is_empty_or_has_no_place_is_empty(app):
    records = app.system_records
    found = await boat(app, name="A" * 30, masts=0, length=Decimal(3))
    record = await records.read("boat", found)
    assert record["per_mast"] is None  # a division by zero
    assert record["twice"] is None
    assert record["title"] is None  # too long
    assert record["code"] is None
    assert record["score"] is None
    assert record["homeless"] is True
    assert record["size"] == 1
    await records.update("boat", found, {"masts": 4})
    assert (await records.read("boat", found))["few"] is None  # above max
    empty = await records.read("boat", await boat(app, name="B"))
    assert [empty[name] for name in ("per_mast", "size", "next_year", "later", "few")] == [None] * 5
    assert empty["fits"] is False
    assert empty["title"] == "B of "


async def test_lists_show_filter_and_sort_by_what_is_calculated(app):
    records = app.system_records
    for name, masts, length in (("A", 1, 4), ("B", 2, 5), ("C", 3, 6), ("D", None, 7)):
        await boat(app, name=name, masts=masts, length=Decimal(length))

    async def names(**asked: object) -> list[object]:
        return [row["name"] for row in await records.list("boat", **asked)]

    assert await names(order=["per_mast"]) == ["D", "C", "B", "A"]
    assert await names(order=["per_mast desc", "name"]) == ["A", "B", "C", "D"]
    assert await names(order=["title desc"]) == ["D", "C", "B", "A"]
    assert await names(filter="per_mast gt 2.2", order=["name"]) == ["A", "B"]
    assert await names(filter="per_mast eq null") == ["D"]
    assert await names(filter="not (twice gt 4.1)", order=["name"]) == ["C", "D"]
    assert await names(filter="size eq 'small' and fits ne true and score gt 20") == ["B", "C"]
    assert await names(filter="contains(title,'a of')") == ["A"]
    rows = await records.list("boat", fields=["name", "title", "few"], order=["name"])
    assert [(row["title"], row["few"]) for row in rows] == [
        ("A of ", 3), ("B of ", 6), ("C of ", 9), ("D of ", None),
    ]  # fmt: skip
    page = await records.select("boat", fields=["name"], order=["per_mast"], limit=2)
    rest = await records.select(
        "boat", fields=["name"], order=["per_mast"], limit=2, after=page.next_after
    )
    assert [row["name"] for row in (*page.rows, *rest.rows)] == ["D", "C", "B", "A"]


async def test_the_api_groups_and_sums_up_what_is_calculated(app):
    for name, masts, length in (("A", 1, 4), ("B", 2, 50), ("C", 2, 5)):
        await boat(app, name=name, masts=masts, length=Decimal(length))
    async with app.api_as() as api:
        answer = await api.get(
            "boats", params={"$apply": "groupby((size),aggregate(per_mast with sum as total))"}
        )
        assert answer.status_code == 200, answer.text
        found = {row["size"]: row["total"] for row in answer.json()["value"]}
        assert found == {1: 6.5, 2: 25.0}


async def test_what_is_calculated_of_another_record_is_reached_over_lookups(app):
    records = app.system_records
    for depth in (2, 4):
        harbour = await records.create("harbour", {"name": f"H{depth}", "depth": Decimal(depth)})
        await boat(app, name=f"B{depth}", harbour=Reference("harbour", harbour), masts=1)
    rows = await records.list("boat", filter="harbour/double_depth gt 5 and fits")
    assert [row["name"] for row in rows] == ["B4"]
    async with app.api_as() as api:
        answer = await api.get(
            "boats", params={"$select": "name", "$expand": "harbour($select=double_depth)",
                             "$orderby": "harbour/double_depth desc"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert [row["harbour"]["double_depth"] for row in answer.json()["value"]] == [8, 4]


async def test_a_view_shows_filters_and_sorts_for_who_asks(app):
    mine = await app.records_as()
    found = await mine.create("boat", {"name": "Ania", "masts": 2, "length": Decimal(5)})
    await boat(app, name="Basia", masts=2, length=Decimal(5))
    assert (await mine.read("boat", found))["is_mine"] is True
    assert (await app.system_records.read("boat", found))["is_mine"] is False
    async with app.client_as() as client:
        page = await client.get("/e/boat?view=small_boats")
        assert page.status_code == 200
        assert "Ania" in page.text
        assert "2.50" in page.text
        assert "Basia" not in page.text


async def test_stored_formulas_follow_every_change(app):
    records = app.system_records
    harbour = await records.create("harbour", {"name": "Gdynia"})
    found = await boat(app, name="Ania", masts=2, length=Decimal(8))
    assert (await records.read("boat", found))["level"] == 29
    await records.update("boat", found, {"length": Decimal(4)})
    assert (await records.read("boat", found))["level"] == 25
    await records.update("boat", found, {"harbour": Reference("harbour", harbour)})
    assert (await records.read("boat", found))["homeless"] is False
    await records.delete("harbour", harbour)
    assert (await records.read("boat", found))["homeless"] is True


async def test_a_stored_formula_may_be_unique(app):
    await boat(app, name="Ania")
    with pytest.raises(RecordInvalid) as refused:
        await boat(app, name="ania")
    assert [(item.field, item.code) for item in refused.value.violations] == [
        ("code", "violation.not_unique")
    ]


@pytest.mark.parametrize("field", ["per_mast", "score"])
async def test_nobody_writes_what_is_calculated(app, field):
    found = await boat(app, name="Ania")
    for write in (boat(app, name="B", **{field: 1}),
                  app.system_records.update("boat", found, {field: 1})):  # fmt: skip
        with pytest.raises(RecordInvalid) as refused:
            await write
        assert [(item.field, item.code) for item in refused.value.violations] == [
            (field, "violation.calculated")
        ]


async def test_the_api_reads_filters_and_refuses(app):
    async with app.api_as() as api:
        await api.post("boats", json={"name": "Ania", "masts": 2, "length": 5})
        answer = await api.get(
            "boats", params={"$filter": "twice eq 5", "$select": "twice,size,fits",
                             "$orderby": "twice desc"},
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        row = answer.json()["value"][0]
        assert (row["twice"], row["size"], row["fits"]) == (5.0, 1, False)
        one = await api.get(f"boats({row['boatid']})")
        assert one.json()["per_mast"] == 2.5
        refused = await api.post("boats", json={"name": "B", "twice": 3})
        assert refused.status_code == 400
        assert "calculated" in refused.text


async def test_pages_show_it_and_do_not_ask_for_it(app):
    found = await boat(app, name="Ania", masts=2, length=Decimal(5))
    async with app.client_as() as client:
        page = await client.get(f"/e/boat/{found}")
        assert page.status_code == 200
        assert "2.50" in page.text
        assert 'name="per_mast"' not in page.text
        assert (await client.get("/e/boat")).status_code == 200
