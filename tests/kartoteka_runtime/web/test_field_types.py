"""Every field type: what its input takes, shows again, and refuses."""

from __future__ import annotations

from datetime import UTC, datetime

GOOD = [
    ("mail", "ana@example.org", "ana@example.org"),
    ("site", "example.org/x", "example.org/x"),
    ("phone", "+48 22 555 01 01", "+48 22 555 01 01"),
    ("story", "two\r\nlines", "two\nlines"),
    ("wheels", "18", "18"),
    ("wheels", "1 8", "18"),
    ("lasting", "90", "1 h 30 min"),
    ("lasting", "1:30", "1 h 30 min"),
    ("lasting", "2 h", "2 h"),
    ("lasting", "1.5 hours", "1 h 30 min"),
    ("lasting", "1 day 30 min", "1 d 30 min"),
    ("odometer", "9,007,199,254,740,993", "9007199254740993"),
    ("weight", "1.125", "1.125"),
    ("weight", "-5", "-5.000"),
    ("latitude", "46.05", "46.05"),
    ("price", "1,234.5", "1234.50"),
    ("leased", "1", "1"),
    ("leased", "0", "0"),
    ("fuel", "2", "2"),
    ("built", "2031-02-28", "2031-02-28"),
    ("seen", "2031-05-06T15:04", "2031-05-06T15:04"),
    ("opens", "2031-05-06T15:04", "2031-05-06T15:04"),
    ("due", "2031-05-06", "2031-05-06"),
]

BAD = [
    ("name", "x" * 41, "at most 40 characters"),
    ("name", " ", "a value is needed"),
    ("mail", "ana", "not an email address"),
    ("mail", "ana@", "not an email address"),
    ("site", "javascript:alert(1)", "not a web address"),
    ("phone", "call me", "not a phone number"),
    ("phone", "1" * 21, "at most 20 characters"),
    ("story", "x" * 61, "at most 60 characters"),
    ("wheels", "four", "not a number"),
    ("wheels", "4.5", "not a number"),
    ("wheels", "-1", "not less than 0"),
    ("wheels", "19", "not more than 18"),
    ("wheels", "9" * 50, "not a number"),
    ("lasting", "a while", "not a number"),
    ("odometer", "9" * 20, "not more than"),
    ("weight", "1.0005", "at most 3 decimal places"),
    ("weight", "1001", "not more than 1,000"),
    ("weight", "NaN", "not a number"),
    ("latitude", "north", "not a number"),
    ("latitude", "91", "not more than 90"),
    ("price", "-1", "not less than 0"),
    ("price", "€5", "not a number"),
    ("leased", "maybe", "does not fit"),
    ("fuel", "3", "not one of the options"),
    ("fuel", "coal", "not one of the options"),
    ("colors", "7", "not one of the options"),
    ("built", "2031-02-30", "not a date"),
    ("built", "tomorrow", "not a date"),
    ("seen", "2031-02-30T10:00", "not a date"),
    ("seen", "soon", "not a date"),
    ("opens", "25:00", "not a date"),
    ("due", "2031-13-01", "not a date"),
    ("parent", "Nobody", "was not found"),
    ("buyer", "Nobody", "was not found"),
]


async def test_inputs_take_values_and_show_them_again(visitor):
    shown = []
    for name, typed, _ in GOOD:
        address = await visitor.create("sample", **{"name": "Sample", name: typed})
        shown.append((name, typed, (await visitor.open(address)).form.values[name]))
    assert shown == GOOD


async def test_inputs_refuse_what_does_not_fit_and_keep_it(visitor):
    page = await visitor.open("/e/sample/new")
    for name, typed, message in BAD:
        answer = await visitor.send(
            page.form, at="/e/sample/new", **{"name": "Sample", name: typed}
        )
        case = f"{name}={typed[:20]}"
        assert (case, answer.status) == (case, 422)
        assert message in answer.text, case
        is_list = name in ("colors", "leased")  # a list cannot hold what is not on it
        assert is_list or answer.form.values[name] == typed, case


async def test_several_options_are_ticked_and_unticked(visitor, app):
    address = await visitor.create("sample", name="Sample", colors=["12", "1"])
    record_id = address.rsplit("/", 1)[1]
    assert (await app.system_records.read("sample", record_id))["colors"] == (1, 12)

    page = await visitor.open(address)
    await visitor.send(page.form, colors=[])

    assert (await app.system_records.read("sample", record_id))["colors"] is None


async def test_numbers_are_read_and_shown_in_the_readers_form(visit):
    polish = await visit(language="pl")
    address = await polish.create("sample", name="Sample", price="1 234,5", weight="0,125")

    values = (await polish.open(address)).form.values

    assert values["price"] == "1234,50"
    assert values["weight"] == "0,125"


async def test_instants_follow_the_readers_time_zone(visit, app):
    visitor = await visit()
    principal = await app.principal()
    await app.parts.sessions.set_preferences(principal.user_id, time_zone="Europe/Warsaw")
    address = await visitor.create(
        "sample", name="Sample", seen="2031-07-01T12:00", opens="2031-07-01T12:00"
    )
    stored = await app.system_records.read("sample", address.rsplit("/", 1)[1])
    assert stored["seen"].isoformat() == "2031-07-01T10:00:00+00:00"
    assert stored["opens"].isoformat() == "2031-07-01T12:00:00"
    assert (await visitor.open(address)).form.values["seen"] == "2031-07-01T12:00"


async def test_an_instant_beyond_the_readers_calendar_is_shown_as_its_end_and_kept(visit, app):
    visitor = await visit()
    principal = await app.principal()
    await app.parts.sessions.set_preferences(principal.user_id, time_zone="Europe/Warsaw")
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    records = await app.records_as()
    record_id = await records.create("sample", {"name": "Sample", "seen": last})
    page = await visitor.open(f"/e/sample/{record_id}")
    assert page.form.values["seen"] == "9999-12-31T23:59:59"
    assert (await visitor.send(page.form, wheels="4")).status == 303
    stored = await app.system_records.read("sample", record_id)
    assert (stored["wheels"], stored["seen"]) == (4, last)


async def test_a_lookup_takes_a_name_that_means_one_record(visitor):
    await visitor.create("sample", name="Alpha")
    address = await visitor.create("sample", name="Beta", parent="alpha")
    assert (await visitor.open(address)).form.values["parent"] == "Alpha"


async def test_a_name_that_means_several_records_offers_them(visitor):
    first = await visitor.create("sample", name="Twin")
    await visitor.create("sample", name="Twin")
    page = await visitor.open("/e/sample/new")

    asked = await visitor.send(page.form, at="/e/sample/new", name="Child", parent="Twin")
    assert asked.status == 422
    assert "parent.pick" in asked.form.values

    ref = f"sample:{first.rsplit('/', 1)[1]}"
    created = await visitor.send(asked.form, at="/e/sample/new", **{"parent.pick": ref})
    assert created.status == 303
    assert (await visitor.open(created.address)).form.values["parent.ref"] == ref


async def test_a_lookup_is_emptied_by_emptying_its_name(visitor, app):
    await visitor.create("sample", name="Alpha")
    address = await visitor.create("sample", name="Beta", parent="Alpha")
    page = await visitor.open(address)

    await visitor.send(page.form, parent="")

    stored = await app.system_records.read("sample", address.rsplit("/", 1)[1])
    assert stored["parent"] is None


async def test_clearing_a_required_field_is_refused(visitor):
    address = await visitor.create("sample", name="Alpha")
    answer = await visitor.send((await visitor.open(address)).form, name="")
    assert answer.status == 422
    assert "a value is needed" in answer.text
