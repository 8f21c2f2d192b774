"""SQL and the closure for one record agree on every condition, on both engines."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.compile_closure import compile_closure
from kartoteka.conditions.parser import parse
from kartoteka.record_values import Reference
from kartoteka.text_folding import fold

TEXTS = [None, "a", "A", "á", "ab", "Łódź", "lodz", "Straße", "STRASSE", "50%", "5_0", "\\", "Σίσυφος",  # noqa: E501
         "zażółć", "ZAZOLC", "İstanbul", "œuvre", "z"]  # fmt: skip
NUMBERS = [None, -1, 0, 3, 18]


def values(random: Random, parents: list[str], account: str) -> dict[str, object]:
    """Return a record with a value, or none, in every field that conditions ask for."""
    seen = datetime(2031, 1, 1, tzinfo=UTC) + timedelta(hours=random.randrange(0, 60, 12))
    return {
        "name": random.choice(TEXTS[1:]),
        "story": random.choice(TEXTS),
        "wheels": random.choice([None, 0, 3, 18]),
        "weight": random.choice([None, Decimal("-1.5"), Decimal("0"), Decimal("2.125")]),
        "latitude": random.choice([None, -1.5, 0.0, 2.25]),
        "leased": random.choice([None, True, False]),
        "fuel": random.choice([None, 1, 2]),
        "colors": random.choice([None, (1,), (1, 12), (2, 12)]),
        "built": random.choice([None, "2031-01-01", "2031-01-02"]),
        "seen": random.choice([None, seen]),
        "opens": random.choice([None, seen.replace(tzinfo=None)]),
        "parent": random.choice([None, *[Reference("sample", parent) for parent in parents[:3]]]),
        "buyer": random.choice([None, Reference("account", account)]),
    }


def leaf(random: Random, parents: list[str]) -> str:
    """Return one comparison."""
    text = str(random.choice(TEXTS[1:])).replace("'", "''")
    relation = random.choice(["eq", "ne", "gt", "ge", "lt", "le"])
    sameness = random.choice(["eq", "ne"])
    return random.choice(
        [
            f"{random.choice(['name', 'story'])} {relation} '{text}'",
            f"{random.choice(['contains', 'startswith', 'endswith'])}(story,'{text}')",
            f"story in ('{text}','a',null)",
            f"wheels {relation} {random.choice([-1, 0, 2.5, 3])}",
            f"weight {relation} {random.choice(['-1.5', '0', '2.1254', '2.125'])}",
            f"latitude {relation} {random.choice(['-1.5', '0', '2.25'])}",
            f"leased {sameness} {random.choice(['true', 'false', 'null'])}",
            f"fuel {sameness} {random.choice(['1', 'null'])}",
            "fuel in ('diesel',2)",
            f"contains(colors,'{random.choice(['red', 'blue', 'green'])}')",
            f"colors {sameness} 'red,green'",
            f"built {relation} 2031-01-02",
            f"seen {relation} 2031-01-01T12:00:00Z",
            f"opens {relation} 2031-01-01T12:00:00",
            f"parent {sameness} {random.choice([*parents[:2], 'null'])}",
            f"parent/name {relation} '{text}'",
            f"buyer {sameness} null",
            "ownerid eq me()",
            "statecode eq 'active'",
        ]
    )


def condition(random: Random, parents: list[str], depth: int) -> str:
    """Return a nested condition."""
    if depth == 0 or random.random() < 0.2:
        return leaf(random, parents)
    kind = random.choice(["and", "or", "not"])
    if kind == "not":
        return f"not ({condition(random, parents, depth - 1)})"
    left, right = (condition(random, parents, depth - 1) for _ in range(2))
    return f"({left} {kind} {right})"


@pytest.mark.parametrize("seed", range(2))
async def test_sql_finds_exactly_the_records_for_which_the_closure_holds(
    start_app, every_type, seed
):
    app = await start_app(metadata=every_type)
    records = await app.records_as()
    principal = await app.principal()
    random = Random(seed)
    account = await records.create("account", {"name": "Buyer"})
    ids: list[str] = []
    for _ in range(50):
        ids.append(await records.create("sample", values(random, ids, account)))
    stored = {record_id: dict(await records.read("sample", record_id)) for record_id in ids}
    for record in stored.values():
        parent = record["parent"]
        record["parent/name"] = stored[parent.id]["name"] if parent else None
    found_some = 0
    for _ in range(200):
        text = condition(random, ids, 3)
        holds = compile_closure(check_condition(parse(text), app.registry, "sample"))
        expected = {key for key, record in stored.items() if holds(record, principal)}
        found = await records.list("sample", filter=text, fields=("sampleid",))
        assert {record["sampleid"] for record in found} == expected, text
        assert await records.count("sample", filter=text) == len(expected)
        found_some += 0 < len(expected) < len(ids)
    assert found_some > 60


async def test_texts_are_folded_alike_by_python_and_the_database(start_app, every_type):
    app = await start_app(metadata=every_type)
    ranges = [(0x20, 0x250), (0x370, 0x400), (0x400, 0x530), (0x1E00, 0x2000), (0x2100, 0x2190)]
    letters = [chr(code) for first, last in ranges for code in range(first, last)]
    placeholder = "%(t)s::text" if app.parts.database.engine == "postgresql" else ":t"
    different = []
    async with app.parts.database.reading() as connection:
        for letter in letters:
            row = await connection.fetch_one(f"SELECT kartoteka_fold({placeholder})", {"t": letter})
            if row[0] != fold(letter):
                different.append((letter, hex(ord(letter)), row[0], fold(letter)))
    assert different == []


async def test_pages_show_every_record_once_whatever_the_order(start_app, every_type):
    app = await start_app(metadata=every_type)
    records = await app.records_as()
    random = Random(7)
    account = await records.create("account", {"name": "Buyer"})
    ids: list[str] = []
    for _ in range(43):
        ids.append(await records.create("sample", values(random, ids, account)))
    for order in ("name", "name desc", "wheels", "wheels desc", "weight", "seen desc", "parent"):
        seen: list[str] = []
        after = ""
        for _ in range(20):
            page = await records.select(
                "sample", fields=("name",), order=[order], after=after, limit=7
            )
            seen += [row["sampleid"] for row in page.rows]
            after = page.next_after
            if not after:
                break
        assert len(seen) == len(set(seen)) == 43, order
        everything = await records.select("sample", fields=("name",), order=[order], limit=100)
        assert seen == [row["sampleid"] for row in everything.rows], order
