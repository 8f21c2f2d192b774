"""Each function of the language once as a formula: read, stored, filtered by, on both engines."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kartoteka.conditions.functions import FUNCTIONS

SEEN = datetime(2026, 3, 31, 10, 20, 30, tzinfo=UTC)
VALUES = {
    "name": "  Żuraw sails ",
    "whole": 7,
    "amount": Decimal("-2.55"),
    "day": date(2024, 2, 29),
    "seen": SEEN,
}

# function → formula, type of the field, and what it gives for VALUES.
TABLE: dict[str, tuple[str, str, object]] = {
    "add": ("whole add amount", "decimal", Decimal("4.45")),
    "sub": ("whole sub amount", "decimal", Decimal("9.55")),
    "mul": ("whole mul amount", "decimal", Decimal("-17.85")),
    "div": ("whole div 2", "whole_number", 3),
    "mod": ("whole mod 4", "whole_number", 3),
    "divby": ("whole divby 2", "decimal", Decimal("3.5")),
    "neg": ("-amount", "decimal", Decimal("2.55")),
    "round": ("round(amount)", "decimal", Decimal(-3)),
    "floor": ("floor(amount)", "decimal", Decimal(-3)),
    "ceiling": ("ceiling(amount)", "decimal", Decimal(-2)),
    "length": ("length(trim(name))", "whole_number", 11),
    "indexof": ("indexof(name,'SAILS')", "whole_number", 8),
    "substring": ("substring(trim(name),6,4)", "text", "sail"),
    "tolower": ("tolower(trim(name))", "text", "żuraw sails"),
    "toupper": ("toupper(trim(name))", "text", "ŻURAW SAILS"),
    "trim": ("trim(name)", "text", "Żuraw sails"),
    "concat": ("concat(trim(name),' ',other)", "text", "Żuraw sails "),
    "year": ("year(day)", "whole_number", 2024),
    "month": ("month(seen)", "whole_number", 3),
    "day": ("day(seen)", "whole_number", 31),
    "hour": ("hour(seen)", "whole_number", 10),
    "minute": ("minute(seen)", "whole_number", 20),
    "second": ("second(seen)", "whole_number", 30),
    "date": ("date(seen)", "date", date(2026, 3, 31)),
    "addminutes": ("addminutes(seen,-20)", "date_time", SEEN.replace(minute=0)),
    "addhours": ("addhours(seen,2)", "date_time", SEEN.replace(hour=12)),
    "adddays": ("adddays(day,1)", "date", date(2024, 3, 1)),
    "addweeks": ("addweeks(day,1)", "date", date(2024, 3, 7)),
    "addmonths": ("addmonths(seen,-1)", "date_time", SEEN.replace(month=2, day=28)),
    "addyears": ("addyears(day,1)", "date", date(2025, 2, 28)),
    "diffinminutes": ("diffinminutes(seen,addhours(seen,1))", "whole_number", 60),
    "diffinhours": ("diffinhours(seen,addminutes(seen,-90))", "whole_number", -1),
    "diffindays": ("diffindays(day,addweeks(day,2))", "whole_number", 14),
    "diffinweeks": ("diffinweeks(day,adddays(day,13))", "whole_number", 1),
    "diffinmonths": ("diffinmonths(day,adddays(day,31))", "whole_number", 1),
    "diffinyears": ("diffinyears(day,date(seen))", "whole_number", 2),
    "coalesce": ("coalesce(other,'none')", "text", "none"),
    "case": ("case(whole gt 9:'many',whole gt 5:'some',true:'few')", "text", "some"),
}
BY_ZONE = {"month", "day", "hour", "minute", "second", "date", "addmonths", "diffinyears"}


def formula_field(name: str, *, is_stored: bool) -> str:
    formula, kind, _ = TABLE[name]
    prefix, stored = ("s", ", stored: true") if is_stored else ("r", "")
    return (
        f"  - {{ name: {prefix}_{name}, type: {kind}, label: {{ en: {prefix} {name} }}{stored},\n"
        f'      formula: "{formula}" }}\n'
    )


ENTITY = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: title
ownership: none
fields:
  - { name: title, type: text, label: { en: Title } }
  - { name: name, type: text, label: { en: Name } }
  - { name: other, type: text, label: { en: Other } }
  - { name: whole, type: whole_number, label: { en: Whole } }
  - { name: amount, type: decimal, label: { en: Amount } }
  - { name: day, type: date, label: { en: Day } }
  - { name: seen, type: date_time, label: { en: Seen } }
"""
FIELDS = [formula_field(name, is_stored=False) for name in TABLE]
FIELDS += [formula_field(name, is_stored=True) for name in TABLE if name not in BY_ZONE]


@pytest.fixture
async def app(start_app):
    """Give an app whose boats have a field for each function."""
    return await start_app(metadata={"entities/boat.yaml": ENTITY + "".join(FIELDS)})


def test_the_table_is_complete():
    assert {*FUNCTIONS, "case"} == set(TABLE)


async def test_each_function_gives_what_it_says(app):
    records = app.system_records
    found = await records.create("boat", {"title": "A", **VALUES})
    record = await records.read("boat", found)
    wanted = {name: value for name, (_, _, value) in TABLE.items()}
    assert {name: record[f"r_{name}"] for name in TABLE} == wanted
    kept = {name: value for name, value in wanted.items() if name not in BY_ZONE}
    assert {name: record[f"s_{name}"] for name in kept} == kept


async def test_each_function_is_found_and_sorted_by(app):
    records = app.system_records
    await records.create("boat", {"title": "A", **VALUES})
    await records.create("boat", {"title": "B"})
    for name in TABLE:
        rows = await records.list(
            "boat", filter=f"r_{name} ne null and title eq 'A'", order=[f"r_{name} desc"]
        )
        assert [row["title"] for row in rows] == ["A"], name
    same = " and ".join(f"r_{name} eq s_{name}" for name in TABLE if name not in BY_ZONE)
    assert await records.count("boat", filter=same) == 2


async def test_all_of_them_are_empty_without_values(app):
    records = app.system_records
    found = await records.create("boat", {"title": "B"})
    record = await records.read("boat", found)
    filled = {name for name in TABLE if record[f"r_{name}"] is not None}
    assert filled == {"coalesce", "case", "concat"}
    assert record["r_case"] == "few"
