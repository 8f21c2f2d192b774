"""FetchXML over the Web API: each operator, link type and aggregate, on both engines."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from urllib.parse import unquote
from xml.sax.saxutils import escape, quoteattr

from kartoteka.record_values import Reference

FORMATTED = "@OData.Community.Display.V1.FormattedValue"
CRM = "@Microsoft.Dynamics.CRM."
A, B, C = "#A", "#B", "#C"  # ids


def condition(field: str, operator: str, *values: object) -> str:
    inner = "".join(f"<value>{escape(str(value))}</value>" for value in values)
    return (
        f"<filter><condition attribute='{field}' operator='{operator}'>{inner}</condition></filter>"
    )


OPERATORS = [
    (condition("name", "eq", "ALFA"), "A"),
    (condition("code", "eq", "lodz"), "D"),
    (condition("kind", "eq", 2), "BD"),
    (condition("armed", "eq", 1), "AD"),
    (condition("armed", "eq", "false"), "BE"),
    (condition("price", "eq", "10.25"), "A"),
    (condition("speed", "eq", "1.5"), "A"),
    (condition("boss", "eq", "{#A}"), "B"),
    (condition("flags", "eq", "1,2"), "A"),
    (condition("built", "eq", "2031-05-14"), "B"),
    (condition("seen", "eq", "2031-05-15T11:00:00"), "A"),
    (condition("seen", "eq", "2031-05-15T13:00:00+02:00"), "A"),
    (condition("opens", "eq", "2031-05-15T08:00:00"), "A"),
    (condition("statecode", "eq", 0), "ABCDE"),
    (condition("crew", "ne", 10), "ACD"),
    (condition("crew", "neq", 10), "ACD"),
    (condition("code", "ne", "alfa"), "BCDE"),
    (condition("crew", "gt", 10), "D"),
    (condition("crew", "ge", 10), "BDE"),
    (condition("crew", "lt", 10), "A"),
    (condition("crew", "le", "10.5"), "ABE"),
    (condition("name", "gt", "bravo"), "CDE"),
    (condition("crew", "between", 6, 10), "BE"),
    (condition("tons", "between", "1.5", 2), "A"),
    (condition("crew", "not-between", 6, 10), "ACD"),
    (condition("crew", "in", 5, 20), "AD"),
    (condition("name", "in", "ALFA", "echo", "nobody"), "AE"),
    (condition("boss", "in", A, B), "BC"),
    (condition("crew", "not-in", 5, 20), "BCE"),
    (condition("crew", "null"), "C"),
    (condition("crew", "not-null"), "ABDE"),
    (condition("code", "like", "a%a"), "AE"),
    (condition("code", "like", "L_DZ"), "D"),
    (condition("code", "like", "[k-m]%"), "D"),
    (condition("code", "like", "x[_]1[%]"), "B"),
    (condition("code", "like", "[^a]%"), "BD"),
    (condition("code", "not-like", "a%a"), "BCD"),
    (condition("code", "begins-with", "ALF"), "AE"),
    (condition("code", "begins-with", "x_"), "B"),
    (condition("code", "not-begin-with", "ALF"), "BCD"),
    (condition("code", "ends-with", "FA"), "AE"),
    (condition("code", "not-end-with", "%"), "ACDE"),
    (condition("flags", "contain-values", 2), "AB"),
    (condition("flags", "contain-values", 1, "green"), "AD"),
    (condition("flags", "not-contain-values", 1, 3), "BCE"),
    (condition("ownerid", "eq-userid"), "A"),
    (condition("ownerid", "ne-userid"), "BCDE"),
    (condition("unit", "eq-businessid"), "A"),
    (condition("unit", "ne-businessid"), "BCDE"),
    (condition("ownerid", "eq-userteams"), "B"),
    (condition("ownerid", "eq-useroruserteams"), "AB"),
    (condition("ownerid", "eq-useroruserhierarchy"), "AC"),
    (condition("ownerid", "eq-useroruserhierarchyandteams"), "ABCD"),
    (condition("spoken", "eq-userlanguage"), "A"),
    (condition("vesselid", "above", C), "AB"),
    (condition("vesselid", "eq-or-above", C), "ABC"),
    (condition("vesselid", "under", A), "BC"),
    (condition("vesselid", "eq-or-under", A), "ABC"),
    (condition("vesselid", "not-under", A), "ADE"),
    (condition("boss", "eq-or-under", B), "C"),
]  # fmt: skip


async def test_every_operator_about_values_finds_its_records(fleet):
    found = {row: await fleet.names(row) for row, _ in OPERATORS}
    assert found == dict(OPERATORS)


MOMENTS = {
    "a": "2029-06-01T00:00", "b": "2030-02-10T00:00", "c": "2030-05-15T00:00",
    "d": "2031-01-20T00:00", "e": "2031-03-31T23:59", "f": "2031-04-10T00:00",
    "g": "2031-05-05T00:00", "h": "2031-05-09T00:00", "i": "2031-05-12T00:00",
    "j": "2031-05-14T09:00", "k": "2031-05-15T09:00", "l": "2031-05-15T11:30",
    "m": "2031-05-15T13:00", "n": "2031-05-16T10:00", "o": "2031-05-20T00:00",
    "p": "2031-06-10T00:00", "q": "2031-08-10T00:00", "r": "2032-02-10T00:00",
    "s": "2033-01-01T00:00", "t": None,
}  # fmt: skip
PERIODS = [
    ("today", (), "klm"),
    ("yesterday", (), "j"),
    ("tomorrow", (), "n"),
    ("last-seven-days", (), "hijklm"),
    ("next-seven-days", (), "klmno"),
    ("last-week", (), "gh"),
    ("this-week", (), "ijklmn"),
    ("next-week", (), "o"),
    ("last-month", (), "f"),
    ("this-month", (), "ghijklmno"),
    ("next-month", (), "p"),
    ("last-year", (), "bc"),
    ("this-year", (), "defghijklmnopq"),
    ("next-year", (), "r"),
    ("on", ("2031-05-15",), "klm"),
    ("on", ("2031-05-15T23:00:00",), "klm"),
    ("on-or-before", ("2031-05-14",), "abcdefghij"),
    ("on-or-after", ("2031-05-16",), "nopqrs"),
    ("last-x-hours", (3,), "kl"),
    ("next-x-hours", (1,), "m"),
    ("last-x-days", (1,), "jkl"),
    ("next-x-days", (1,), "mn"),
    ("last-x-weeks", (1,), "hijkl"),
    ("next-x-weeks", (1,), "mno"),
    ("last-x-months", (1,), "ghijkl"),
    ("next-x-months", (1,), "mnop"),
    ("last-x-years", (1,), "cdefghijkl"),
    ("next-x-years", (1,), "mnopqr"),
    ("olderthan-x-minutes", (30,), "abcdefghijk"),
    ("olderthan-x-hours", (3,), "abcdefghij"),
    ("olderthan-x-days", (1,), "abcdefghij"),
    ("olderthan-x-weeks", (1,), "abcdefg"),
    ("olderthan-x-months", (1,), "abcdef"),
    ("olderthan-x-years", (1,), "abc"),
    ("last-fiscal-year", (), "bc"),
    ("this-fiscal-year", (), "defghijklmnopq"),
    ("next-fiscal-year", (), "r"),
    ("last-fiscal-period", (), "de"),
    ("this-fiscal-period", (), "fghijklmnop"),
    ("next-fiscal-period", (), "q"),
    ("last-x-fiscal-years", (2,), "abc"),
    ("next-x-fiscal-years", (2,), "rs"),
    ("last-x-fiscal-periods", (2,), "de"),
    ("next-x-fiscal-periods", (3,), "qr"),
    ("in-fiscal-year", (2030,), "bc"),
    ("in-fiscal-period", (1,), "bders"),
    ("in-fiscal-period", (7,), ""),
    ("in-fiscal-period-and-year", (2, 2030), "c"),
    ("in-or-before-fiscal-period-and-year", (1, 2030), "ab"),
    ("in-or-after-fiscal-period-and-year", (1, 2032), "rs"),
]


async def test_every_operator_about_dates_finds_its_records(fleet):
    for name, moment in MOMENTS.items():
        leaves = None if moment is None else datetime.fromisoformat(moment + "Z")
        values = {"name": name, "leaves": leaves, "day": leaves and leaves.date(), "miles": -1}
        await fleet.app.system_records.create("voyage", values)
    only = condition("miles", "eq", -1)
    found = [
        (
            operator,
            values,
            await fleet.names(only + condition("leaves", operator, *values), "voyage"),
        )
        for operator, values, _ in PERIODS
    ]
    assert found == PERIODS
    days = {
        (operator, values): await fleet.names(only + condition("day", operator, *values), "voyage")
        for operator, values in (("today", ()), ("last-x-days", (1,)), ("next-x-days", (1,)))
    }
    assert days == {
        ("today", ()): "klm", ("last-x-days", (1,)): "jklm", ("next-x-days", (1,)): "n"
    }  # fmt: skip


def link(entity: str, to: str, rest: str = "", **attributes: str) -> str:
    """Return a link; ``to`` is ``from=to``."""
    theirs, ours = to.split("=")
    said = "".join(
        f" {name.replace('_', '-')}={quoteattr(text)}" for name, text in attributes.items()
    )
    return f"<link-entity name='{entity}' from='{theirs}' to='{ours}'{said}>{rest}</link-entity>"


VOYAGES = "vessel=vesselid"
LONG, FEW = condition("miles", "ge", 30), condition("crew", "eq", 5)


def with_type(link_type: str, rest: str = "", *, is_inside: bool = False) -> str:
    found = link("voyage", VOYAGES, rest, link_type=link_type)
    return f"<filter>{found}</filter>" if is_inside else found


LINKS = [
    ("inner", with_type("inner"), "AABC"),
    ("inner with a filter", with_type("inner", LONG), "AB"),
    ("natural", with_type("natural", LONG), "AB"),
    ("outer", with_type("outer"), "AABCDE"),
    ("outer with a filter", with_type("outer", LONG), "ABCDE"),
    ("outer without a match", link("voyage", VOYAGES, LONG, link_type="outer", alias="v") +
     "<filter><condition entityname='v' attribute='voyageid' operator='null'/></filter>", "CDE"),
    ("exists", with_type("exists"), "ABC"),
    ("exists with a filter", with_type("exists", LONG), "AB"),
    ("in", with_type("in", LONG), "AB"),
    ("first row", with_type("matchfirstrowusingcrossapply"), "ABC"),
    ("first row with a filter", with_type("matchfirstrowusingcrossapply", LONG), "AB"),
    ("any", with_type("any", LONG, is_inside=True), "AB"),
    ("not any", with_type("not any", LONG, is_inside=True), "CDE"),
    ("all", with_type("all", LONG, is_inside=True), "C"),
    ("not all", with_type("not all", LONG, is_inside=True), "AB"),
    ("any outside of a filter", with_type("any", LONG), "AB"),
    ("any or something else",
     f"<filter type='or'>{with_type('any', LONG)}<condition attribute='crew' operator='eq' "
     "value='20'/></filter>", "ABD"),
    ("to one", link("vessel", "vesselid=boss", alias="b"), "BC"),
    ("to one with a filter on it",
     link("vessel", "vesselid=boss", condition("name", "eq", "alfa")), "B"),
    ("nested", link("vessel", "vesselid=boss", with_type("exists")), "BC"),
    ("nested in a filter",
     with_type("any", link("vessel", "vesselid=vessel", FEW), is_inside=True), "A"),
    ("an intersect", link("vesselberth", "vesselid=vesselid", intersect="true"), "AAB"),
    ("over an intersect", link("vesselberth", "vesselid=vesselid",
     link("berth", "berthid=berthid", condition("name", "eq", "p")), intersect="true"), "AB"),
    ("an intersect's own attribute", link("vesselberth", "vesselid=vesselid",
     condition("berthid", "eq", "#Q"), intersect="true"), "A"),
    ("any over an intersect", "<filter>" + link("vesselberth", "vesselid=vesselid",
     link("berth", "berthid=berthid", condition("name", "eq", "q")), link_type="any") + "</filter>",
     "A"),
    ("not any over an intersect", "<filter>" + link("vesselberth", "vesselid=vesselid",
     link_type="not any") + "</filter>", "CDE"),
    ("by text", link("vessel", "name=code", alias="n"), "A"),
    ("values of two links",
     link("vessel", "vesselid=boss", alias="b") + "<filter><condition attribute='crew' "
     "operator='gt' valueof='b.crew'/></filter>", "B"),
    ("values of one record",
     "<filter><condition attribute='name' operator='eq' valueof='code'/></filter>", "A"),
    ("entityname by the entity", link("voyage", VOYAGES) + "<filter><condition entityname='voyage' "
     "attribute='miles' operator='eq' value='10'/></filter>", "A"),
]  # fmt: skip


async def test_every_link_type_finds_its_records(fleet):
    found = {label: await fleet.names(xml) for label, xml, _ in LINKS}
    assert found == {label: names for label, _, names in LINKS}


async def test_columns_of_links_are_called_by_their_alias(fleet):
    rows = await fleet.rows(
        "<fetch><entity name='vessel'><attribute name='name' alias='n'/><attribute name='boss'/>"
        "<link-entity name='vessel' from='vesselid' to='boss' alias='name' link-type='outer'>"
        "<attribute name='name'/><attribute name='crew' alias='bosscrew'/><attribute name='boss'/>"
        "<order attribute='name' descending='true'/></link-entity>"
        "<order attribute='name'/></entity></fetch>"
    )
    told = [{key: value for key, value in row.items() if key[0] != "@"} for row in rows[:2]]
    assert [row["n"] for row in rows] == ["Alfa", "Bravo", "Charlie", "Delta", "Echo"]
    assert told == [
        {"n": "Alfa", "_boss_value": None, "vesselid": fleet.identity("A"), "name.name": None,
         "bosscrew": None, "name.boss": None},
        {"n": "Bravo", "_boss_value": fleet.identity("A"), "vesselid": fleet.identity("B"),
         "name.name": "Alfa", "bosscrew": 5, "name.boss": None},
    ]  # fmt: skip
    everything = await fleet.rows("<fetch top='1'><entity name='vessel'/></fetch>")
    assert {"name", "_ownerid_value", "flags", "versionnumber", "@odata.etag"} <= set(everything[0])
    first = await fleet.rows(
        "<fetch><entity name='vessel'><attribute name='name'/><link-entity name='voyage' alias='v' "
        "from='vessel' to='vesselid' link-type='matchfirstrowusingcrossapply'><all-attributes/>"
        + LONG
        + "</link-entity></entity></fetch>"
    )
    assert sorted((row["name"], row["v.name"], row["v.miles"]) for row in first) == [
        ("Alfa", "w", 30), ("Bravo", "x", 30)
    ]  # fmt: skip


def aggregate(attributes: str, rest: str = "", entity: str = "voyage", **fetch: str) -> str:
    said = "".join(f" {name}='{text}'" for name, text in fetch.items())
    return (
        f"<fetch aggregate='true'{said}><entity name='{entity}'>{attributes}{rest}</entity></fetch>"
    )


def figure(name: str, function: str, alias: str = "f", rest: str = "") -> str:
    return f"<attribute name='{name}' aggregate='{function}' alias='{alias}' {rest}/>"


def group(name: str, part: str = "", alias: str = "g") -> str:
    said = f"dategrouping='{part}'" if part else ""
    return f"<attribute name='{name}' groupby='true' alias='{alias}' {said}/>"


FIGURES: list[tuple[str, list[dict[str, object]]]] = [
    (figure("miles", "count"), [{"f": 5}]),
    (figure("miles", "countcolumn"), [{"f": 4}]),
    (figure("miles", "countcolumn", rest="distinct='true'"), [{"f": 3}]),
    (figure("miles", "sum"), [{"f": 77}]),
    (figure("miles", "avg"), [{"f": 19.25}]),
    (figure("miles", "min"), [{"f": 7}]),
    (figure("miles", "max"), [{"f": 30}]),
    (figure("fare", "sum"), [{"f": 6.75}]),
    (figure("fare", "avg"), [{"f": 3.375}]),
    (figure("leaves", "max"), [{"f": "2031-02-01T00:30:00Z"}]),
    (figure("day", "min"), [{"f": "2030-12-31"}]),
    (group("leaves", "day") + figure("miles", "count"),
     [{"g": None, "f": 2}, {"g": 1, "f": 1}, {"g": 31, "f": 2}]),
    (group("leaves", "week") + figure("miles", "count"),
     [{"g": None, "f": 2}, {"g": 5, "f": 2}, {"g": 53, "f": 1}]),
    (group("leaves", "month") + figure("miles", "count"),
     [{"g": None, "f": 2}, {"g": 1, "f": 1}, {"g": 2, "f": 1}, {"g": 12, "f": 1}]),
    (group("leaves", "quarter") + figure("miles", "count"),
     [{"g": None, "f": 2}, {"g": 1, "f": 2}, {"g": 4, "f": 1}]),
    (group("leaves", "year") + figure("miles", "sum"),
     [{"g": None, "f": 7}, {"g": 2030, "f": 30}, {"g": 2031, "f": 40}]),
    (group("leaves", "fiscal-period") + figure("miles", "count"),
     [{"g": None, "f": 2}, {"g": 1, "f": 2}, {"g": 4, "f": 1}]),
    (group("day", "fiscal-year") + figure("miles", "count"),
     [{"g": None, "f": 2}, {"g": 2030, "f": 1}, {"g": 2031, "f": 2}]),
    (group("miles") + figure("name", "countcolumn") + "<order alias='f' descending='true'/>"
     "<order alias='g'/>",
     [{"g": 30, "f": 2}, {"g": None, "f": 1}, {"g": 7, "f": 1}, {"g": 10, "f": 1}]),
    (group("vessel") + figure("miles", "sum") + "<order alias='f'/>" + LONG,
     [{"g": "#A", "f": 30}, {"g": "#B", "f": 30}]),
    (figure("miles", "sum") + link("vessel", "vesselid=vessel", group("name"), alias="v"),
     [{"f": 40, "g": "Alfa"}, {"f": 30, "g": "Bravo"}, {"f": None, "g": "Charlie"}]),
]  # fmt: skip


async def test_every_aggregate_and_part_of_a_date_gives_its_groups(fleet):
    found = [(xml, await fleet.rows(aggregate(xml), "voyages")) for xml, _ in FIGURES]
    wanted = [
        (xml, [{key: fleet.full(value) for key, value in row.items()} for row in rows])
        for xml, rows in FIGURES
    ]
    assert found == wanted
    many = await fleet.fetch(aggregate(figure("miles", "count"), aggregatelimit="4"), "voyages")
    assert (many.status_code, many.json()["error"]["code"]) == (400, "0x8004E023")
    assert (await fleet.fetch(aggregate(figure("miles", "count"), aggregatelimit="5"), "voyages")
            ).status_code == 200  # fmt: skip
    pages = [
        [row["g"] for row in await fleet.rows(
            aggregate(group("miles"), count="2", page=str(number)), "voyages")]
        for number in (1, 2, 3)
    ]  # fmt: skip
    assert pages == [[None, 7], [10, 30], []]


async def test_floats_are_summed_up_exactly_in_any_order(fleet):
    speeds = {1: [0.1, 0.2, 1e10, 0.3], 2: [0.3, 1e10, 0.2, 0.1], 3: [0.1] * 3}
    for crew, several in speeds.items():
        for speed in several:
            values = {"name": "Fast", "crew": crew + 100, "speed": speed}
            values["ownerid"] = Reference("systemuser", fleet.user_id)
            await fleet.app.system_records.create("vessel", values)
    xml = (
        "<fetch aggregate='true'><entity name='vessel'>"
        + group("crew") + figure("speed", "sum") + figure("speed", "avg", "a")
        + figure("speed", "min", "least") + condition("crew", "gt", 100)
        + "<order alias='a'/><order alias='f'/></entity></fetch>"
    )  # fmt: skip
    assert await fleet.rows(xml) == [
        {"g": 103, "f": 0.3, "a": 0.1, "least": 0.1},
        {"g": 101, "f": 10000000000.6, "a": 2500000000.15, "least": 0.1},
        {"g": 102, "f": 10000000000.6, "a": 2500000000.15, "least": 0.1},
    ]
    apply = {"$apply": "filter(crew eq 103)/aggregate(speed with sum as s)"}
    assert (await fleet.get("vessels", apply)).json()["value"] == [{"s": 0.3}]


async def test_dates_are_grouped_and_read_in_the_time_zone_of_whoever_asks(fleet):
    await fleet.app.parts.sessions.set_preferences(fleet.user_id, time_zone="America/New_York")
    months = await fleet.rows(aggregate(group("leaves", "month")), "voyages")
    assert [row["g"] for row in months] == [None, 1, 12]
    assert await fleet.names(condition("leaves", "on", "2031-01-31"), "voyage") == "vw"


async def test_instants_beyond_the_askers_calendar_have_an_answer_everywhere(fleet):
    await fleet.app.parts.sessions.set_preferences(fleet.user_id, time_zone="Europe/Warsaw")
    await fleet.app.system_records.create(
        "voyage", {"name": "last", "leaves": datetime(9999, 12, 31, 23, 30, tzinfo=UTC)}
    )
    query = {"$filter": "year(leaves) eq null and name eq 'last'", "$select": "leaves"}
    answer = await fleet.get("voyages", query, prefer='odata.include-annotations="*"')
    (row,) = answer.json()["value"]
    assert row["leaves"] == "9999-12-31T23:30:00Z"
    assert "Dec 31, 9999" in row[f"leaves{FORMATTED}"] and "11:59" in row[f"leaves{FORMATTED}"]
    only_last = condition("name", "eq", "last")
    for part in ("day", "week", "month", "quarter", "year", "fiscal-period", "fiscal-year"):
        found = await fleet.rows(aggregate(group("leaves", part) + only_last), "voyages")
        assert (part, [row["g"] for row in found]) == (part, [None])


async def test_distinct_rows_come_once(fleet):
    xml = (
        "<fetch distinct='true'><entity name='voyage'><attribute name='miles'/>"
        "<order attribute='miles' descending='true'/></entity></fetch>"
    )
    rows = await fleet.rows(xml, "voyages")
    assert rows == [{"miles": 30}, {"miles": 10}, {"miles": 7}, {"miles": None}]
    paged = xml.replace("<fetch ", "<fetch count='3' page='2' ")
    answer = await fleet.fetch(paged, "voyages", prefer='odata.include-annotations="*"')
    assert [row["miles"] for row in answer.json()["value"]] == [None]
    assert answer.json()[f"{CRM}morerecords"] is False


COOKIE = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]+)" istracking="False" />')
INNER = re.compile(r'<cookie page="(\d+)".+</cookie>')


async def test_pages_follow_one_another_by_cookies_as_clients_take_them_apart(fleet):
    joined = link("voyage", VOYAGES, "<order attribute='miles'/>", link_type="outer", alias="v")
    for inner, names in (
        ("<order attribute='crew' descending='true'/><order attribute='name'/>", "DBEAC"),
        (joined + "<attribute name='name'/><order attribute='name'/>", "AABCDE"),
        ("<order attribute='name' descending='true'/>" + joined, "EDCBAA"),
    ):
        found, number, cookie, cookies = "", 1, "", 0
        while True:
            said = f" paging-cookie={quoteattr(cookie)}" if cookie else ""
            entity = f"<entity name='vessel'>{inner}</entity>"
            xml = f"<fetch count='2' page='{number}'{said}>{entity}</fetch>"
            answer = await fleet.fetch(xml, prefer='odata.include-annotations="*"')
            body = answer.json()
            found += "".join(row["name"][0] for row in body["value"])
            annotation = body.get(f"{CRM}fetchxmlpagingcookie")
            assert body[f"{CRM}morerecords"] is (annotation is not None)
            if annotation is None:
                break
            outer = COOKIE.fullmatch(annotation)
            assert outer is not None
            cookie = unquote(unquote(outer[2]))
            inside = INNER.fullmatch(cookie)
            assert inside is not None
            assert (outer[1], inside[1]) == (str(number + 1), str(number))
            number += 1
            cookies += 1
        assert (found, cookies) == (names, 2)
    by_number = (
        "<fetch count='2' page='2'><entity name='vessel'><order attribute='name'/></entity></fetch>"
    )
    assert [row["name"] for row in await fleet.rows(by_number)] == ["Charlie", "Delta"]
    unasked = (await fleet.fetch(by_number)).json()
    assert set(unasked) == {"@odata.context", "value"}


async def test_totals_are_told_when_asked_for(fleet):
    xml = (
        "<fetch count='1' returntotalrecordcount='true'><entity name='vessel'>"
        + condition("crew", "not-null")
        + "</entity></fetch>"
    )
    body = (await fleet.fetch(xml, prefer="odata.include-annotations=*")).json()
    assert body[f"{CRM}totalrecordcount"] == 4
    assert body[f"{CRM}totalrecordcountlimitexceeded"] is False
    counted = await fleet.get("vessels", {"FetchXML": xml, "$count": "true"})
    assert counted.json()["@odata.count"] == 4


async def test_values_of_fetched_rows_are_annotated(fleet):
    xml = (
        "<fetch><entity name='vessel'><attribute name='name'/><attribute name='kind'/>"
        "<attribute name='boss'/><attribute name='flags' alias='shown'/>"
        "<link-entity name='vessel' from='vesselid' to='boss' alias='b'><attribute name='price'/>"
        "<attribute name='ownerid'/></link-entity><order attribute='name'/></entity></fetch>"
    )
    (row, _) = await fleet.rows(xml, prefer='odata.include-annotations="*"')
    assert row[f"kind{FORMATTED}"] == "Ferry"
    assert (row[f"_boss_value{FORMATTED}"], row[f"_boss_value{CRM}lookuplogicalname"]) == (
        "Alfa", "vessel"
    )  # fmt: skip
    assert row[f"_boss_value{CRM}associatednavigationproperty"] == "boss"
    assert (row["shown"], row[f"shown{FORMATTED}"]) == ("2", "Blue")
    assert (row["b.price"], row[f"b.price{FORMATTED}"]) == (10.25, "€10.25")
    assert row[f"b.ownerid{CRM}lookuplogicalname"] == "systemuser"
    assert f"name{FORMATTED}" not in row
    figures = aggregate(figure("fare", "sum") + figure("fare", "count", "n"))
    (total,) = await fleet.rows(figures, "voyages", prefer='odata.include-annotations="OData.*"')
    assert total == {"f": 6.75, f"f{FORMATTED}": "€6.75", "n": 5, f"n{FORMATTED}": "5"}


def many(count: int, text: str) -> str:
    return "".join(text.replace("@", str(number)) for number in range(count))


VALUE = "<condition attribute='crew' operator='ne' value='@'/>"
INSIDE = "<link-entity name='vessel' from='boss' to='vesselid' alias='l@' link-type='{}'>"
LARGE = [
    (f"<filter>{many(500, VALUE)}</filter>", True),
    (f"<filter type='or'>{many(499, VALUE)}</filter>", True),
    ("<filter><condition attribute='crew' operator='not-in'>" + many(2000, "<value>@</value>")
     + "</condition></filter>", True),
    ("<filter><condition attribute='flags' operator='contain-values'>" + "<value>1</value>" * 1500
     + "</condition></filter>", True),
    (many(15, f"<filter type='or'>{VALUE}<filter>{VALUE}") + "</filter></filter>" * 15, True),
    (many(15, INSIDE.format("outer")) + "</link-entity>" * 15, True),
    (many(5, INSIDE.format("matchfirstrowusingcrossapply")) + "</link-entity>" * 5, True),
    (many(5, "<filter>" + INSIDE.format("not any")) + "</link-entity></filter>" * 5, True),
    (many(5, INSIDE.format("any") + f"<filter type='or'>{VALUE}<filter>{VALUE}" * 12)
     + ("</filter></filter>" * 12 + "</link-entity>") * 5, False),
    ("<filter><condition attribute='name' operator='like' value='" + "%a" * 4000 + "'/></filter>",
     True),
    ("<filter><condition attribute='seen' operator='last-x-years' value='999999999'/></filter>",
     True),
    ("<filter type='or'>" + many(490, "<condition attribute='seen' operator='in-fiscal-period'"
     " value='1@'/>") + "</filter>", True),
]  # fmt: skip


async def test_large_questions_are_answered_or_refused(fleet):
    for inside, is_answered in LARGE:
        answer = await fleet.fetch(
            f"<fetch count='1'><entity name='vessel'>{inside}</entity></fetch>"
        )
        allowed = (200,) if is_answered else (200, 400)
        assert (inside[:80], answer.status_code in allowed) == (inside[:80], True), answer.text


REFUSED = [
    ("<fetch", "", "no well-formed XML"),
    ("<fetch><entity name='nosuch'/></fetch>", "1:8", "not an entity"),
    ("<fetch><entity name='voyage'/></fetch>", "", 'asks for "voyage"'),
    (
        "<fetch>\n<entity name='vessel'><attribute name='nosuch'/></entity></fetch>",
        "2:23",
        "nosuch",
    ),
    (
        "<fetch><entity name='vessel'><attribute name='name' alias='vesselid'/></entity></fetch>",
        "1:30",
        "another column",
    ),
    ("<fetch top='1' count='1'><entity name='vessel'/></fetch>", "1:1", "top does not go"),
    ("<fetch count='5001'><entity name='vessel'/></fetch>", "1:1", "count"),
    ("<fetch page='99999'><entity name='vessel'/></fetch>", "", "50000"),
    ("<fetch page='2' paging-cookie='x'><entity name='vessel'/></fetch>", "1:1", "paging-cookie"),
    ("<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]><fetch>&b;</fetch>", "1:", "may not"),
]


async def test_what_is_no_fetchxml_gets_400_with_its_place(fleet):
    for xml, place, said in REFUSED:
        answer = await fleet.fetch(xml)
        message = answer.json()["error"]["message"]
        assert (xml, answer.status_code, said in message) == (xml, 400, True), message
        assert place in message, message
    links = "".join(link("vessel", "vesselid=boss", alias=f"l{n}") for n in range(16))
    many = await fleet.fetch(f"<fetch><entity name='vessel'>{links}</entity></fetch>")
    assert (many.status_code, many.json()["error"]["code"]) == (400, "0x8004430D")
    beside = await fleet.get("vessels", {"fetchXml": "<fetch/>", "$filter": "crew eq 1"})
    assert (beside.status_code, "$filter" in beside.text) == (400, True)
    forged = (
        "<fetch page='2' paging-cookie='&lt;cookie page=&quot;1&quot;&gt;&lt;a token=&quot;%s"
        "&quot;/&gt;&lt;/cookie&gt;'><entity name='vessel'><order attribute='crew'/></entity>"
        "</fetch>"
    )
    for token in ("x", "W10", "Wzld"):
        answer = await fleet.fetch(forged % token)
        assert (token, answer.status_code) == (token, 400)


async def test_rows_tell_how_many_records_lie_below(fleet):
    xml = (
        "<fetch><entity name='vessel'><attribute name='name'/>"
        "<attribute name='vesselid' rowaggregate='CountChildren' alias='below'/>"
        "<order attribute='name'/></entity></fetch>"
    )
    found = [(row["name"][0], row["below"]) for row in await fleet.rows(xml)]
    assert found == [("A", 1), ("B", 1), ("C", 0), ("D", 0), ("E", 0)]
