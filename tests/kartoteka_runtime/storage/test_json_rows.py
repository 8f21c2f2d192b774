"""Records as JSON text: the same bytes, whoever writes them, for values of every kind."""

from __future__ import annotations

import random
import struct
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kartoteka.errors import RecordNotFound
from kartoteka.query.odata import read_options
from kartoteka.query.query import Query
from kartoteka_runtime.localization.format_value import Currency
from kartoteka_runtime.localization.money_writers import MoneyWriters
from kartoteka_runtime.storage.json_rows import to_json
from kartoteka_runtime.web_api.formatted_values import Reader
from kartoteka_runtime.web_api.row_writer import Annotated, build_row_writer
from kartoteka_runtime.web_api.serialize import build_serializer, stored_shape

HOSTILE = (
    'say "so"\\ and \\"so\\"',
    "</script>&<!--",
    "it's '' 100% %s %(id_)s :id_ ${x} {r[0]}",
    "\u2028\u2029\u0085\u00a0\ufeff\u200f.",
    "🜚𝔸𐍈\U0010ffff",
    "Zażółć gęślą jaźń",
    "e\u0301 \u00e9 ﬁ ß İ",
    "[1,2]",
    '{"a":null}',
    "null",
    "1e5",
)
NUMBERS = {
    "weight": ("0", "999.999", "0.1", "0.001", "-0.001", "-4.999"),
    "price": ("0", "0.01", "922337203685477", "12.5", "1000000"),
}


@pytest.fixture
async def app(start_app, every_type):
    """Give an app with the entity ``sample``, which has a field of every type."""
    return await start_app(metadata=every_type)


async def samples(records) -> list[str]:
    """Create records of many values and return their ids."""
    values: list[dict[str, object]] = [
        {"name": "only a name"},
        {
            "name": "x" * 40,
            "wheels": 18,
            "odometer": -(2**63),
            "leased": True,
            "fuel": 2,
            "colors": [12, 1],
            "built": date(1753, 1, 1),
            "seen": datetime(9999, 12, 30, 23, 59, 59, tzinfo=UTC),
            "opens": datetime(1900, 1, 1),
            "due": date(2031, 2, 28),
            "chassis": "0190A000-0000-7000-8000-00000000DEAD",
        },
        {"name": "no", "leased": False, "colors": [], "odometer": 2**63 - 1, "wheels": 0},
    ]
    values += [{"name": "hostile", "story": text} for text in HOSTILE]
    values += [{"name": "story", "story": "".join(map(chr, (9, 10, 0x1F600))) + "line\r\nline"}]
    values += [{"name": "n", name: Decimal(one)} for name, all in NUMBERS.items() for one in all]
    values += [{"name": "f", "latitude": one} for one in (0.0, -0.0, 90.0, -89.12345, 0.00001)]
    return [await records.create("sample", one) for one in values]


async def test_a_record_is_the_same_bytes_from_the_database_and_from_python(app):
    records = await app.records_as()
    entity = app.registry.entities["sample"]
    every, some = stored_shape(entity, None), stored_shape(entity, ("name", "colors", "price"))
    assert every is not None and every.is_wide
    assert some is not None and not some.is_wide
    for record_id in await samples(records):
        record = await records.read_fields("sample", record_id)
        for shape, names in ((every, None), (some, ("name", "colors", "price"))):
            text, version = await records.read_json("sample", record_id, shape)
            assert text == to_json(build_serializer(entity, names)(record))
            assert version == record["versionnumber"]


async def test_values_that_only_an_import_can_bring_are_the_same_bytes_too(app):
    """Control characters, long texts and references are past what a form takes."""
    records = await app.records_as()
    entity = app.registry.entities["sample"]
    shape = stored_shape(entity, None)
    assert shape is not None
    record_id = await records.create("sample", {"name": "x"})
    texts = ["".join(map(chr, range(1, 32))), '\\"' * 50_000, "\x01", "\x7f\x80\x9f", "Ω" * 10_000]
    for text in texts:
        async with app.parts.database.writing() as connection:
            update = f"UPDATE sample SET story = {_mark(app, 'text_')} WHERE name = 'x'"
            await connection.execute(update, {"text_": text})
        record = await records.read_fields("sample", record_id)
        assert record["story"] == text
        found, _ = await records.read_json("sample", record_id, shape)
        assert found == to_json(build_serializer(entity, None)(record))


async def test_floats_are_written_with_the_digits_that_bring_them_back(app):
    records = await app.records_as()
    entity = app.registry.entities["sample"]
    shape = stored_shape(entity, None)
    assert shape is not None
    record_id = await records.create("sample", {"name": "x"})
    draw = random.Random(3)
    floats = [draw.uniform(-1e11, 1e11) for _ in range(20)]
    floats += [round(draw.uniform(-100, 100), 5) for _ in range(20)]
    floats += [struct.unpack("d", struct.pack("d", 0.1 + 0.2))[0], 1e15, 123456789012345.6, 1e-5]
    for value in floats:
        async with app.parts.database.writing() as connection:
            update = f"UPDATE sample SET latitude = {_mark(app, 'value_')} WHERE name = 'x'"
            await connection.execute(update, {"value_": value})
        record = await records.read_fields("sample", record_id)
        found, _ = await records.read_json("sample", record_id, shape)
        assert found == to_json(build_serializer(entity, None)(record))


LISTS = [
    ({}, Annotated()),
    ({"$select": "name,price,colors,seen,leased"}, Annotated()),
    ({}, Annotated(formatted=True, logical_name=True, navigation=True)),
    ({"$select": "name,price,_ownerid_value,seen"}, Annotated(logical_name=True)),
]


@pytest.mark.parametrize(("options", "wanted"), LISTS)
async def test_a_page_is_the_same_bytes_as_its_records(app, options, wanted):
    records = await app.records_as()
    await samples(records)
    entity, registry = app.registry.entities["sample"], app.registry
    found = read_options({**options, "$orderby": "createdon"}, registry, entity)
    query: Query = found.query
    reader = Reader(app.parts.live_registry.current.labels, "pl", "Europe/Warsaw")
    write = build_row_writer(found.shown, wanted, reader, registry)
    money = MoneyWriters("pl", {}, Currency("EUR", "€"))
    after = ""
    while True:
        page = await records.query(query, after=after, limit=9)
        text = await records.query_text(query, write, money, after=after, limit=9)
        assert text.text == to_json([write.record(row, money) for row in page.rows])
        assert text.next_after == page.next_after
        last = await records.query_text(
            query, write, money, after=after, limit=9, goes_on=False
        )  # fmt: skip
        assert (last.text, last.next_after) == (text.text, "")
        after = page.next_after
        if not after:
            break


def _mark(app, name: str) -> str:
    return f":{name}" if app.parts.database.engine == "sqlite" else f"%({name})s"


async def test_a_record_that_is_not_there_has_no_text(app):
    records = await app.records_as()
    shape = stored_shape(app.registry.entities["sample"], None)
    for record_id in ("0190a000-0000-7000-8000-00000000dead", "no id"):
        with pytest.raises(RecordNotFound):
            await records.read_json("sample", record_id, shape)
