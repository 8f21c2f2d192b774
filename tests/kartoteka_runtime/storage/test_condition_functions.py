"""Every function of conditions in SQL on both engines, against results worked out by hand."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kartoteka.conditions.asker import Asker, FiscalCalendar
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.functions import FUNCTIONS
from kartoteka.conditions.parser import parse
from kartoteka.conditions.periods import PERIODS
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    Compared,
    Constant,
    FieldPath,
    Like,
    OneOf,
    Related,
    TextFunction,
    TextTest,
    ValueKind,
)
from kartoteka.model.field import Field
from kartoteka.model.label import NO_LABEL
from kartoteka.query.query import Query
from kartoteka_runtime.storage.condition_parameters import parameters_of
from kartoteka_runtime.storage.database import BadParameter

PROBE = """\
kind: entity
format: 1
name: probe
label: { en: Probe }
plural_label: { en: Probes }
primary_field: title
ownership: user

fields:
  - { name: title, type: text, label: { en: Title } }
  - { name: name, type: text, label: { en: Name }, max_length: 100, format: multi_line }
  - { name: other, type: text, label: { en: Other }, max_length: 100 }
  - { name: part, type: whole_number, label: { en: Part } }
  - { name: whole, type: big_integer, label: { en: Whole } }
  - { name: exact, type: decimal, label: { en: Exact }, precision: 10, min: -900000000, max: 900000000 }
  - { name: coarse, type: decimal, label: { en: Coarse }, precision: 2 }
  - { name: amount, type: money, label: { en: Amount }, precision: 4 }
  - { name: rough, type: float, label: { en: Rough }, precision: 5 }
  - { name: flag, type: yes_no, label: { en: Flag } }
  - name: size
    type: choice
    label: { en: Size }
    options:
      - { name: small, value: 1, label: { en: Small } }
      - { name: large, value: 2, label: { en: Large } }
  - { name: day, type: date, label: { en: Day } }
  - { name: until, type: date, label: { en: Until } }
  - { name: seen, type: date_time, label: { en: Seen } }
  - { name: left, type: date_time, label: { en: Left } }
  - { name: opens, type: date_time, label: { en: Opens }, behavior: time_zone_independent }
  - { name: closes, type: date_time, label: { en: Closes }, behavior: time_zone_independent }
  - { name: above, type: lookup, label: { en: Above }, target: probe, hierarchical: true }
"""  # noqa: E501

NOTHING: dict[str, object] = {}
MOST_WHOLE, LEAST_WHOLE = 2**63 - 1, -(2**63)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# function, fields of the record, expression, what it gives (an expression, ``null``: nothing)
NUMBERS = [
    ("add", {"whole": 3, "exact": Decimal("0.25")}, "whole add exact", "3.25"),
    ("add", {"whole": MOST_WHOLE}, "whole add whole", "18446744073709551614"),
    ("add", {"rough": 0.1}, "rough add 0.2", "0.3"),
    ("add", {"whole": 3}, "whole add exact", "null"),
    ("sub", {"coarse": Decimal("1.10"), "amount": Decimal("0.95")}, "coarse sub amount", "0.15"),
    ("sub", {"whole": LEAST_WHOLE}, "whole sub 1", "-9223372036854775809"),
    ("mul", {"exact": Decimal("0.0000000005")}, "exact mul 0.1", "0.0000000001"),
    ("mul", {"exact": Decimal("-0.0000000005")}, "exact mul 0.1", "-0.0000000001"),
    ("mul", {"exact": Decimal("0.0000000004")}, "exact mul 0.1", "0"),
    ("mul", {"whole": MOST_WHOLE}, "whole mul whole", "null"),
    ("mul", {"whole": 10**10}, "whole mul whole", "null"),
    ("mul", {"whole": 10**10 - 1}, "whole mul whole", "99999999980000000001"),
    ("div", {"whole": 7}, "whole div 2", "3"),
    ("div", {"whole": -7}, "whole div 2", "-3"),
    ("div", {"whole": LEAST_WHOLE}, "whole div -1", "9223372036854775808"),
    ("div", {"whole": 7, "coarse": Decimal(2)}, "whole div coarse", "3.5"),
    ("div", {"whole": 2, "coarse": Decimal(3)}, "whole div coarse", "0.6666666667"),
    ("div", {"whole": 2, "part": 0}, "whole div part", "null"),
    ("div", {"exact": Decimal(1), "coarse": Decimal(0)}, "exact div coarse", "null"),
    ("div", {"whole": 7}, "coalesce(coarse,whole) div 2", "3.5"),
    ("divby", {"whole": 1, "part": 3}, "whole divby part", "0.3333333333"),
    ("divby", {"whole": -2, "part": 3}, "whole divby part", "-0.6666666667"),
    ("divby", {"whole": 1, "exact": Decimal(8)}, "whole divby exact divby 1000000000", "0.0000000001"),  # noqa: E501
    ("divby", {"whole": 1, "part": 0}, "whole divby part", "null"),
    ("divby", {"whole": MOST_WHOLE, "exact": Decimal("0.0000000001")}, "whole divby exact", "null"),
    ("mod", {"whole": 7}, "whole mod 3", "1"),
    ("mod", {"whole": -7}, "whole mod 3", "-1"),
    ("mod", {"whole": 7}, "whole mod -3", "1"),
    ("mod", {"exact": Decimal("5.5")}, "exact mod 2", "1.5"),
    ("mod", {"whole": 7, "part": 0}, "whole mod part", "null"),
    ("neg", {"exact": Decimal("1.5")}, "-exact", "-1.5"),
    ("neg", {"whole": LEAST_WHOLE}, "-whole", "9223372036854775808"),
    ("neg", NOTHING, "-whole", "null"),
    ("round", {"exact": Decimal("2.5")}, "round(exact)", "3"),
    ("round", {"exact": Decimal("-2.5")}, "round(exact)", "-3"),
    ("round", {"exact": Decimal("2.345")}, "round(exact,2)", "2.35"),
    ("round", {"rough": 1.005}, "round(rough,2)", "1.01"),
    ("round", {"whole": 1250}, "round(whole,-2)", "1300"),
    ("round", {"whole": 5, "part": -2147483648}, "round(whole,part)", "0"),
    ("round", {"exact": Decimal("1.2345678901"), "part": 2147483647}, "round(exact,part)",
     "1.2345678901"),
    ("round", {"exact": Decimal("1.5")}, "round(exact,part)", "null"),
    ("floor", {"exact": Decimal("-1.5")}, "floor(exact)", "-2"),
    ("floor", {"rough": 1.9}, "floor(rough)", "1"),
    ("ceiling", {"exact": Decimal("-1.5")}, "ceiling(exact)", "-1"),
    ("ceiling", {"amount": Decimal("1.0001")}, "ceiling(amount)", "2"),
]  # fmt: skip
TEXTS = [
    ("length", {"name": "Zażółć 😀"}, "length(name)", "8"),
    ("length", NOTHING, "length(other)", "null"),
    ("indexof", {"name": "Żółw"}, "indexof(name,'OL')", "1"),
    ("indexof", {"name": "Straße"}, "indexof(name,'e')", "6"),
    ("indexof", {"name": "Żółw"}, "indexof(name,'x')", "-1"),
    ("indexof", {"name": "Żółw"}, "indexof(name,other)", "null"),
    ("substring", {"name": "Zażółć"}, "substring(name,2)", "'żółć'"),
    ("substring", {"name": "Zażółć"}, "length(substring(name,2,3))", "3"),
    ("substring", {"name": "abc"}, "substring(name,-5,2)", "'ab'"),
    ("substring", {"name": "abc"}, "substring(name,1,-1)", "null"),
    ("substring", {"name": "abc"}, "substring(name,3)", "null"),
    ("substring", {"name": "abc", "whole": MOST_WHOLE}, "substring(name,whole)", "null"),
    ("substring", {"name": "abc", "whole": MOST_WHOLE}, "substring(name,1,whole)", "'bc'"),
    ("substring", {"name": "abc", "whole": LEAST_WHOLE}, "substring(name,whole)", "'abc'"),
    ("substring", {"name": "abc"}, "substring(name,part)", "null"),
    # texts compare without case and accents: lengths tell what became of them
    ("tolower", {"name": "İΣ"}, "length(tolower(name))", "3"),
    ("tolower", {"name": "ŻÓŁĆ"}, "tolower(name)", "'żółć'"),
    ("toupper", {"name": "straßeŉ"}, "length(toupper(name))", "9"),
    ("toupper", {"name": "ﬃ"}, "length(toupper(name))", "3"),
    ("toupper", NOTHING, "toupper(other)", "null"),
    ("trim", {"name": "\u00a0\t a b \n"}, "length(trim(name))", "3"),
    ("trim", {"name": "\u2003a"}, "length(trim(name))", "2"),
    ("concat", {"name": "a", "other": "b"}, "concat(name,concat(' ',other))", "'a b'"),
    ("concat", {"name": "a"}, "concat(other,name)", "'a'"),
    ("concat", NOTHING, "concat(other,other)", "null"),
    ("coalesce", {"name": "a"}, "coalesce(other,name)", "'a'"),
    ("coalesce", {"size": 2}, "coalesce(size,1)", "'large'"),
    ("coalesce", {"flag": False}, "coalesce(flag,true)", "false"),
    ("coalesce", {"whole": 2}, "coalesce(exact,whole)", "2"),
    ("coalesce", {"seen": at("2031-01-01T10:00:00Z")}, "coalesce(left,seen)", "2031-01-01T10:00:00Z"),  # noqa: E501
    ("coalesce", NOTHING, "coalesce(exact,whole)", "null"),
]  # fmt: skip
LATE = at("2031-06-30T22:30:00Z")  # July 1, 00:30 in Warsaw
NEW_YEAR = at("2031-12-31T23:30:00Z")
DATES = [
    ("year", {"seen": NEW_YEAR}, "year(seen)", "2032"),
    ("year", {"day": "2031-12-31"}, "year(day)", "2031"),
    ("year", {"day": "1753-01-01"}, "year(addyears(day,-1752))", "1"),
    ("year", {"seen": at("9999-12-31T23:30:00Z")}, "year(seen)", "null"),
    ("month", {"seen": LATE}, "month(seen)", "7"),
    ("month", {"opens": at("2031-06-30T22:30:00")}, "month(opens)", "6"),
    ("day", {"seen": LATE}, "day(seen)", "1"),
    ("day", NOTHING, "day(seen)", "null"),
    ("hour", {"seen": LATE}, "hour(seen)", "0"),
    ("hour", {"seen": at("2031-12-01T12:00:00Z")}, "hour(seen)", "13"),
    ("hour", {"opens": at("2031-06-30T22:30:00")}, "hour(opens)", "22"),
    ("minute", {"seen": LATE}, "minute(seen)", "30"),
    ("second", {"seen": at("2031-01-01T00:00:59Z")}, "second(seen)", "59"),
    ("date", {"seen": LATE}, "date(seen)", "2031-07-01"),
    ("date", {"opens": at("2031-06-30T22:30:00")}, "date(opens)", "2031-06-30"),
    ("addminutes", {"seen": LATE}, "addminutes(seen,-31)", "2031-06-30T21:59:00Z"),
    ("addminutes", {"seen": LATE, "whole": MOST_WHOLE}, "addminutes(seen,whole)", "null"),
    ("addhours", {"opens": at("2031-06-30T22:30:00")}, "addhours(opens,2)", "2031-07-01T00:30:00"),
    ("addhours", {"seen": LATE, "whole": LEAST_WHOLE}, "addhours(seen,whole)", "null"),
    # 24 hours later on the clock are 23 on the day when clocks go forward in Warsaw
    ("adddays", {"seen": at("2031-03-29T12:00:00Z")}, "adddays(seen,1)", "2031-03-30T11:00:00Z"),
    ("adddays", {"seen": at("2031-10-25T12:00:00Z")}, "adddays(seen,1)", "2031-10-26T13:00:00Z"),
    # 02:30 does not come on March 30 (03:30 in summer time), and comes twice on October 26 (later)
    ("adddays", {"seen": at("2031-03-29T01:30:00Z")}, "adddays(seen,1)", "2031-03-30T01:30:00Z"),
    ("adddays", {"seen": at("2031-10-25T00:30:00Z")}, "adddays(seen,1)", "2031-10-26T01:30:00Z"),
    ("adddays", {"day": "2031-12-31"}, "adddays(day,1)", "2032-01-01"),
    ("adddays", {"day": "9999-12-31"}, "adddays(day,1)", "null"),
    ("adddays", {"day": "2031-12-31", "whole": MOST_WHOLE}, "adddays(day,whole)", "null"),
    ("adddays", {"opens": at("2031-03-30T02:30:00")}, "adddays(opens,1)", "2031-03-31T02:30:00"),
    ("addweeks", {"day": "2031-01-01"}, "addweeks(day,-1)", "2030-12-25"),
    ("addweeks", {"seen": at("2031-03-24T12:00:00Z")}, "addweeks(seen,1)", "2031-03-31T11:00:00Z"),
    ("addmonths", {"day": "2031-01-31"}, "addmonths(day,1)", "2031-02-28"),
    ("addmonths", {"day": "2032-03-31"}, "addmonths(day,-1)", "2032-02-29"),
    ("addmonths", {"seen": LATE}, "addmonths(seen,-1)", "2031-05-31T22:30:00Z"),
    ("addmonths", {"seen": LATE, "whole": MOST_WHOLE}, "addmonths(seen,whole)", "null"),
    ("addmonths", {"day": "1753-01-31"}, "addmonths(day,-21024)", "0001-01-31"),
    ("addmonths", {"day": "1753-01-31"}, "addmonths(day,-21025)", "null"),
    ("addyears", {"day": "2032-02-29"}, "addyears(day,1)", "2033-02-28"),
    ("addyears", {"seen": at("9998-12-31T22:30:00Z")}, "addyears(seen,1)", "9999-12-31T22:30:00Z"),
    ("addyears", {"opens": at("2031-06-30T22:30:00"), "part": 7969}, "addyears(opens,part)",
     "null"),
    ("diffinminutes", {"seen": LATE, "left": NEW_YEAR}, "diffinminutes(seen,left)", "265020"),
    ("diffinminutes", {"opens": at("2031-01-01T00:00:59"), "closes": at("2031-01-01T00:02:58")},
     "diffinminutes(opens,closes)", "1"),
    ("diffinhours", {"seen": at("2031-03-29T23:00:00Z"), "left": at("2031-03-30T22:00:00Z")},
     "diffinhours(seen,left)", "23"),
    ("diffinhours", {"opens": at("2031-01-01T02:00:00"), "closes": at("2031-01-01T00:01:00")},
     "diffinhours(opens,closes)", "-1"),
    ("diffindays", {"seen": at("2031-03-29T23:00:00Z"), "left": at("2031-03-30T22:00:00Z")},
     "diffindays(seen,left)", "1"),
    ("diffindays", {"day": "2031-03-01", "until": "2031-02-28"}, "diffindays(day,until)", "-1"),
    ("diffindays", {"day": "2031-07-01", "seen": LATE}, "diffindays(day,date(seen))", "0"),
    ("diffinweeks", {"day": "2031-01-01", "until": "2031-01-14"}, "diffinweeks(day,until)", "1"),
    ("diffinmonths", {"day": "2031-01-31", "until": "2031-02-28"}, "diffinmonths(day,until)", "0"),
    ("diffinmonths", {"day": "2031-01-15", "until": "2031-03-15"}, "diffinmonths(day,until)", "2"),
    ("diffinmonths", {"day": "2031-03-15", "until": "2031-01-16"}, "diffinmonths(day,until)", "-1"),
    ("diffinmonths", {"opens": at("2031-01-15T10:00:00"), "closes": at("2031-02-15T09:59:59")},
     "diffinmonths(opens,closes)", "0"),
    ("diffinyears", {"day": "2030-03-01", "until": "2032-02-29"}, "diffinyears(day,until)", "1"),
    ("diffinyears", {"day": "2030-03-01"}, "diffinyears(day,until)", "null"),
]  # fmt: skip
RELATIONS: list[tuple[str, dict[str, object]]] = [
    ("whole lt exact", {"whole": 1, "exact": Decimal("1.0000000001")}),
    ("coarse eq exact", {"coarse": Decimal("0.1"), "exact": Decimal("0.1")}),
    ("rough eq exact", {"rough": 0.1, "exact": Decimal("0.1")}),
    ("rough ge coarse", {"rough": 0.3, "coarse": Decimal("0.30")}),
    ("name eq other", {"name": "Łódź", "other": "LODZ"}),
    ("name eq other", NOTHING),
    ("name ne other", {"name": "a"}),
    ("not (name lt other)", {"name": "a"}),
    ("not (whole gt part)", NOTHING),
    ("whole gt part", {"whole": 2, "part": 1}),
    ("seen lt left", {"seen": LATE, "left": NEW_YEAR}),
    ("day le until", {"day": "2031-01-01", "until": "2031-01-01"}),
    ("contains(name,other)", {"name": "Żółw", "other": "OL"}),
    ("startswith(name,other)", {"name": "Żółw", "other": "zo"}),
    ("endswith(name,other)", {"name": "Żółw", "other": "ŁW"}),
    ("not endswith(name,other)", {"name": "w", "other": "ŁW"}),
    ("not contains(name,other)", {"name": "Żółw"}),
    ("contains(toupper(name),'ss')", {"name": "Straße"}),
    ("like(name,'%[a-f]_ź')", {"name": "Łaadz"}),
    ("not like(name,'[^l]%')", {"name": "Łódź"}),
    ("like(name,'%a.c\\%')", {"name": "xa.c\\y"}),
    ("not like(name,'a[]b')", {"name": "ab"}),
    ("case(whole gt 5:'many',whole gt 1:'some',true:'few') eq 'some'", {"whole": 3}),
    ("case(whole gt 5:'many') eq null", {"whole": 3}),
    ("case(above eq null:1,true:2) eq 1", NOTHING),
    ("now() gt seen", {"seen": at("2031-05-14T10:59:59Z")}),
    ("date(now()) eq day", {"day": "2031-05-14"}),
    ("addhours(now(),1) eq seen", {"seen": at("2031-05-14T12:00:00Z")}),
    ("seen le now()", {"seen": at("2031-05-14T11:00:00Z")}),
    ("coarse gt 1.001 and coarse lt 1.019", {"coarse": Decimal("1.01")}),
    ("exact ge 0.00000000005", {"exact": Decimal("0.0000000001")}),
    ("not (exact ge 0.00000000015)", {"exact": Decimal("0.0000000001")}),
]

# Wednesday in the middle of May; fiscal years begin on April 1 and have quarters
ASKER = Asker(
    time_zone="Europe/Warsaw",
    now=at("2031-05-14T11:00:00Z"),
    fiscal=FiscalCalendar(4, 1, "quarterly"),
)
# the first day (or moment) that a period has, the last one, in the kinds that it may be asked of
DAY_PERIODS = [
    ("Today", "", "2031-05-14", "2031-05-14"),
    ("Yesterday", "", "2031-05-13", "2031-05-13"),
    ("Tomorrow", "", "2031-05-15", "2031-05-15"),
    ("Last7Days", "", "2031-05-08", "2031-05-14"),
    ("Next7Days", "", "2031-05-14", "2031-05-20"),
    ("LastWeek", "", "2031-05-04", "2031-05-10"),
    ("ThisWeek", "", "2031-05-11", "2031-05-17"),
    ("NextWeek", "", "2031-05-18", "2031-05-24"),
    ("LastMonth", "", "2031-04-01", "2031-04-30"),
    ("ThisMonth", "", "2031-05-01", "2031-05-31"),
    ("NextMonth", "", "2031-06-01", "2031-06-30"),
    ("LastYear", "", "2030-01-01", "2030-12-31"),
    ("ThisYear", "", "2031-01-01", "2031-12-31"),
    ("NextYear", "", "2032-01-01", "2032-12-31"),
    ("LastFiscalYear", "", "2030-04-01", "2031-03-31"),
    ("ThisFiscalYear", "", "2031-04-01", "2032-03-31"),
    ("NextFiscalYear", "", "2032-04-01", "2033-03-31"),
    ("LastFiscalPeriod", "", "2031-01-01", "2031-03-31"),
    ("ThisFiscalPeriod", "", "2031-04-01", "2031-06-30"),
    ("NextFiscalPeriod", "", "2031-07-01", "2031-09-30"),
    ("LastXDays", ",3", "2031-05-11", "2031-05-14"),
    ("NextXDays", ",3", "2031-05-15", "2031-05-17"),
    ("LastXWeeks", ",1", "2031-05-07", "2031-05-14"),
    ("NextXWeeks", ",1", "2031-05-15", "2031-05-21"),
    ("LastXMonths", ",3", "2031-02-14", "2031-05-14"),
    ("NextXMonths", ",1", "2031-05-15", "2031-06-14"),
    ("LastXYears", ",1", "2030-05-14", "2031-05-14"),
    ("NextXYears", ",1", "2031-05-15", "2032-05-14"),
    ("NextXYears", ",2147483647", "2031-05-15", None),
    ("OlderThanXDays", ",3", None, "2031-05-10"),
    ("OlderThanXWeeks", ",1", None, "2031-05-06"),
    ("OlderThanXMonths", ",1", None, "2031-04-13"),
    ("OlderThanXYears", ",1", None, "2030-05-13"),
    ("On", ",2031-02-28", "2031-02-28", "2031-02-28"),
    ("OnOrBefore", ",2031-02-28", None, "2031-02-28"),
    ("OnOrAfter", ",2031-02-28", "2031-02-28", None),
    ("LastXFiscalYears", ",2", "2029-04-01", "2031-03-31"),
    ("NextXFiscalYears", ",2", "2032-04-01", "2034-03-31"),
    ("LastXFiscalPeriods", ",2", "2030-10-01", "2031-03-31"),
    ("NextXFiscalPeriods", ",2", "2031-07-01", "2031-12-31"),
    ("InFiscalYear", ",2029", "2029-04-01", "2030-03-31"),
    ("InFiscalPeriod", ",4", "2031-01-01", "2031-03-31"),
    ("InFiscalPeriodAndYear", ",4,2029", "2030-01-01", "2030-03-31"),
    ("InOrBeforeFiscalPeriodAndYear", ",4,2029", None, "2030-03-31"),
    ("InOrAfterFiscalPeriodAndYear", ",4,2029", "2030-01-01", None),
]
TIME_PERIODS = [
    ("LastXHours", ",2", "2031-05-14T09:00:00Z", "2031-05-14T11:00:00Z"),
    ("NextXHours", ",2", "2031-05-14T11:00:01Z", "2031-05-14T13:00:00Z"),
    ("OlderThanXHours", ",2", None, "2031-05-14T08:59:59Z"),
    ("OlderThanXMinutes", ",2", None, "2031-05-14T10:57:59Z"),
    # days begin at midnight in Warsaw, two hours before that in UTC
    ("Today", "", "2031-05-13T22:00:00Z", "2031-05-14T21:59:59Z"),
    ("LastXDays", ",1", "2031-05-12T22:00:00Z", "2031-05-14T11:00:00Z"),
    ("LastXMonths", ",6", "2030-11-13T23:00:00Z", "2031-05-14T11:00:00Z"),
    ("OlderThanXMonths", ",6", None, "2030-11-14T11:59:59Z"),
]


class Probes:
    """Records of one app, and what conditions find of them."""

    def __init__(self, app: Any, records: Any) -> None:
        self.app = app
        self.records = records

    async def create(self, **values: object) -> str:
        return str(await self.records.create("probe", {"title": "a probe", **values}))

    async def holds(self, text: str, record_id: str, asker: Asker = ASKER) -> bool:
        condition = check_condition(
            parse(f"probeid eq {record_id} and ({text})"), self.app.registry, "probe"
        )
        queries = self.app.parts.records.model.queries
        async with self.app.parts.database.reading() as connection:
            found = await queries.count(connection, Query("probe", (), condition), asker, 2)
        return bool(found)


@pytest.fixture
async def probes(start_app):
    app = await start_app(metadata={"entities/probe.yaml": PROBE})
    return Probes(app, await app.records_as())


def test_every_function_and_every_period_has_a_row():
    assert {row[0] for row in NUMBERS + TEXTS + DATES} == set(FUNCTIONS)
    assert {row[0] for row in DAY_PERIODS + TIME_PERIODS} == set(PERIODS)


@pytest.mark.parametrize("rows", [NUMBERS, TEXTS, DATES], ids=["numbers", "texts", "dates"])
async def test_functions_give_what_is_written_here(probes, rows):
    wrong = []
    for name, values, expression, result in rows:
        record_id = await probes.create(**values)
        same, other = f"{expression} eq {result}", f"{expression} ne {result}"
        if not await probes.holds(f"({same}) and not ({other}) and not (not ({same}))", record_id):
            wrong.append((name, values, expression, result))
    assert wrong == []


async def test_values_relate_to_one_another(probes):
    wrong = []
    for text, values in RELATIONS:
        record_id = await probes.create(**values)
        opposite = await probes.holds(f"not ({text})", record_id)
        if opposite or not await probes.holds(text, record_id):
            wrong.append((text, values))
    assert wrong == []


async def test_periods_of_days_reach_from_their_first_to_their_last_day(probes):
    ids: dict[date, str] = {}
    wrong = []
    for name, arguments, first, last in DAY_PERIODS:
        begin = date.fromisoformat(first) if first else date(1900, 1, 1)
        end = date.fromisoformat(last) if last else date(2999, 12, 31)
        for day in {begin - timedelta(1), begin, end, end + timedelta(1)}:
            if day not in ids:
                ids[day] = await probes.create(day=day)
            expected = (not first or begin <= day) and (not last or day <= end)
            if await probes.holds(f"{name}(day{arguments})", ids[day]) is not expected:
                wrong.append((name, arguments, day, expected))
    assert wrong == []


async def test_periods_of_moments_are_those_of_the_askers_clock(probes):
    wrong = []
    second = timedelta(seconds=1)
    for name, arguments, first, last in TIME_PERIODS:
        begin, end = at(first or "1900-01-01T00:00:00Z"), at(last)
        for moment in {begin - second, begin, end, end + second}:
            record_id = await probes.create(seen=moment)
            expected = (not first or begin <= moment) and moment <= end
            if await probes.holds(f"{name}(seen{arguments})", record_id) is not expected:
                wrong.append((name, arguments, moment, expected))
    assert wrong == []


async def test_empty_dates_lie_in_no_period(probes):
    record_id = await probes.create(name="empty")
    assert not await probes.holds("OnOrAfter(day,0001-01-01)", record_id)
    assert await probes.holds("not OnOrAfter(day,0001-01-01)", record_id)


LARGE = {
    " or ".join(["flag"] * 1200 + ["whole eq 7"]): True,
    " and ".join(["whole eq 7"] * 500 + ["flag"]): False,
    "(" * 24 + "flag" + " and whole gt 1)".join(" or flag" * 40 for _ in range(24)) + ")": False,
    f"concat({','.join(['name'] * 400)}) eq '{'ab' * 400}'": True,
    f"case({','.join(f'part eq {n} or whole eq {n}:{n}' for n in range(300))}) eq 7": True,
    " or ".join(["InFiscalPeriod(day,2)"] * 50): True,
    f"whole in ({','.join(map(str, range(500)))})": True,
}  # fmt: skip


async def test_large_conditions_have_an_answer(probes):
    record_id = await probes.create(name="ab", whole=7, day="2031-07-01")
    for text, expected in LARGE.items():
        assert await probes.holds(text, record_id) is expected, text[:50]


# Of a probe whose name is as below, and of one without a name.
SOUGHT = {
    "contains(name,'ZOLW') or contains(name,'none')": (True, False),
    "contains(name,'none') or contains(name,'nor')": (False, False),
    "contains(name,'żółw') and contains(name,'%_') and contains(name,'')": (True, False),
    "contains(name,'zolw') and contains(name,'none')": (False, False),
    "contains(name,'0_') or contains(name,'5%')": (False, False),
    "contains(name,'0%') or contains(name,'5_')": (True, False),
    r"contains(name,'_\b') and contains(name,'w 5')": (True, False),
    r"contains(name,'\\') or contains(name,'\_')": (False, False),
    "not (contains(name,'zolw') or contains(name,'none'))": (False, True),
    "not (contains(name,'zolw') and contains(name,'none'))": (True, True),
    "contains(name,'x') or whole eq 7 or contains(name,'y') or contains(other,'x')": (True, True),
    " or ".join(f"contains(name,'w{n}')" for n in range(120)): (False, False),
    " or ".join(f"contains(name,'{n}%')" for n in range(120)): (True, False),
    " and ".join(["contains(name,'w')"] * 120 + ["contains(name,'50%')"]): (True, False),
    " and ".join(["contains(name,'w')"] * 120 + ["contains(name,'51%')"]): (False, False),
}


async def test_several_texts_that_one_field_is_searched_for(probes):
    named = await probes.create(name=r"Żółw 50%_\b", whole=7)
    nameless = await probes.create(whole=7)
    for text, expected in SOUGHT.items():
        found = tuple([await probes.holds(text, one) for one in (named, nameless)])
        assert found == expected, text[:60]


NAME = FieldPath((), "probe", Field("name", "text", NO_LABEL), ValueKind.TEXT)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
@pytest.mark.parametrize(
    "make",
    [
        lambda text: Compared(NAME, Operator.EQ, text),
        lambda text: OneOf(NAME, ("a", text)),
        lambda text: TextTest(NAME, TextFunction.CONTAINS, text),
        lambda text: Like(NAME, text),
        lambda text: Related(NAME, Operator.EQ, Constant(text, ValueKind.TEXT)),
    ],
    ids=["eq", "in", "contains", "like", "related"],
)
def test_a_text_that_no_database_keeps_is_a_bad_parameter(engine, text, make):
    with pytest.raises(BadParameter):
        parameters_of(make(text), engine, ASKER)
