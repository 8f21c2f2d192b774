"""Values of every field type: what goes in comes out the same, what does not fit is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from kartoteka.errors import RecordInvalid
from kartoteka.record_values import Reference

NOBODY = "0190a000-0000-7000-8000-00000000dead"


@pytest.fixture
async def records(start_app, every_type):
    """Give the record service of an app with the entity ``sample``."""
    app = await start_app(metadata=every_type)
    return await app.records_as()


KEPT = {
    "name": ("Żółw", "Żółw"),
    "mail": ("a.b@example.com", "a.b@example.com"),
    "site": ("example.com/ä?q=1", "example.com/ä?q=1"),
    "phone": ("+48 555-0100 ext. 3", "+48 555-0100 ext. 3"),
    "story": ("one\r\ntwo", "one\ntwo"),
    "wheels": (18, 18),
    "odometer": (2**63 - 1, 2**63 - 1),
    "weight": (Decimal("999.999"), Decimal("999.999")),
    "latitude": (-89.12345, -89.12345),
    "price": (Decimal("922337203685477"), Decimal("922337203685477")),
    "leased": (False, False),
    "fuel": (2, 2),
    "colors": ([12, 1], (1, 12)),
    "built": ("1753-01-01", date(1753, 1, 1)),
    "seen": ("2031-03-30T02:30:00.9+02:00", datetime(2031, 3, 30, 0, 30, tzinfo=UTC)),
    "opens": ("2031-03-30T02:30:00", datetime(2031, 3, 30, 2, 30)),
    "due": ("2031-02-28", date(2031, 2, 28)),
    "chassis": (NOBODY.upper(), NOBODY),
}


async def test_values_come_out_as_they_went_in(records):
    for field, (given, expected) in KEPT.items():
        record_id = await records.create("sample", {"name": "x", field: given})
        found = (await records.read("sample", record_id))[field]
        assert (found, type(found)) == (expected, type(expected)), field


REFUSED = [
    ("name", None, "required"),
    ("name", "   ", "required"),
    ("name", "x" * 41, "too_long"),
    ("name", 5, "wrong_type"),
    ("name", "two\nlines", "line_break"),
    ("name", "nul\0", "control_character"),
    ("name", "half\ud800", "control_character"),
    ("story", "x" * 61, "too_long"),
    ("mail", "nobody", "not_an_email"),
    ("mail", "a@b@c.example", "not_an_email"),
    ("mail", "a@localhost", "not_an_email"),
    ("site", "javascript:alert(1)", "not_a_url"),
    ("site", "https://", "not_a_url"),
    ("site", "has space.example", "not_a_url"),
    ("phone", "call me", "not_a_phone"),
    ("phone", "--", "not_a_phone"),
    ("number", "S-1", "read_only"),
    ("wheels", -1, "too_small"),
    ("wheels", 19, "too_large"),
    ("wheels", 1.5, "not_a_number"),
    ("wheels", "4", "not_a_number"),
    ("wheels", True, "not_a_number"),
    ("wheels", float("nan"), "not_a_number"),
    ("wheels", float("inf"), "not_a_number"),
    ("lasting", 2**31, "too_large"),
    ("odometer", 2**63, "too_large"),
    ("odometer", -(2**63) - 1, "too_small"),
    ("weight", Decimal("1.2345"), "too_precise"),
    ("weight", Decimal("-5.001"), "too_small"),
    ("weight", 1001, "too_large"),
    ("weight", Decimal("NaN"), "not_a_number"),
    ("latitude", 90.1, "too_large"),
    ("latitude", float("nan"), "not_a_number"),
    ("latitude", 10**400, "not_a_number"),
    ("price", Decimal("-0.01"), "too_small"),
    ("price", 10**15, "too_large"),
    ("price", Decimal("1.001"), "too_precise"),
    ("leased", "yes", "wrong_type"),
    ("leased", 2, "wrong_type"),
    ("fuel", 3, "not_an_option"),
    ("fuel", "petrol", "not_an_option"),
    ("fuel", True, "not_an_option"),
    ("colors", [1, 99], "not_an_option"),
    ("colors", "1,x", "not_an_option"),
    ("colors", 1, "wrong_type"),
    ("built", "2031-02-29", "not_a_date"),
    ("built", "29.02.2031", "not_a_date"),
    ("built", "1752-12-31", "too_early"),
    ("seen", "2031-13-01T00:00:00Z", "not_a_date"),
    ("seen", "0001-01-01T00:00:00+14:00", "not_a_date"),
    ("seen", 12345, "not_a_date"),
    ("opens", "tomorrow", "not_a_date"),
    ("due", "2031-02-30", "not_a_date"),
    ("parent", NOBODY, "not_found"),
    ("parent", "no id", "not_found"),
    ("parent", Reference("account", NOBODY), "wrong_entity"),
    ("buyer", Reference("account", NOBODY), "not_found"),
    ("buyer", Reference("systemuser", NOBODY), "wrong_entity"),
    ("buyer", NOBODY, "wrong_type"),
    ("chassis", "123", "not_found"),
    ("statecode", 7, "not_an_option"),
    ("statuscode", 99, "not_an_option"),
    ("createdon", "2031-01-01T00:00:00Z", "read_only"),
    ("versionnumber", 1, "read_only"),
]


async def test_values_that_do_not_fit_are_refused_by_field_and_rule(records):
    different = []
    for field, value, rule in REFUSED:
        try:
            await records.create("sample", {"name": "x", field: value})
            found: object = "kept"
        except RecordInvalid as refused:
            found = {violation.field: violation.code for violation in refused.violations}
        if found != {field: f"violation.{rule}"}:
            different.append((field, str(value)[:40], found))
    assert different == []
    assert await records.count("sample") == 0


async def test_unique_values_are_compared_without_case_and_accents(records):
    await records.create("sample", {"name": "x", "code": "Łódź"})
    with pytest.raises(RecordInvalid) as refused:
        await records.create("sample", {"name": "y", "code": "LODZ"})
    assert refused.value.violations[0].field == "code"
    assert refused.value.violations[0].code == "violation.not_unique"
    await records.create("sample", {"name": "y"})
    await records.create("sample", {"name": "z"})


async def test_an_instant_keeps_its_moment_whatever_zone_it_came_in(records):
    zone = timezone(timedelta(hours=-5))
    given = datetime(2031, 5, 6, 20, 0, tzinfo=zone)
    record_id = await records.create("sample", {"name": "x", "seen": given})
    assert (await records.read("sample", record_id))["seen"] == given


async def test_a_hierarchy_refuses_to_become_a_circle(records):
    top = await records.create("sample", {"name": "top"})
    low = await records.create("sample", {"name": "low", "parent": Reference("sample", top)})
    with pytest.raises(RecordInvalid) as refused:
        await records.update("sample", top, {"parent": Reference("sample", low)})
    assert refused.value.violations[0].code == "violation.cycle"
