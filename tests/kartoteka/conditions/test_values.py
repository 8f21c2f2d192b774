"""What functions compute: the answers that every back end gives."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kartoteka.conditions.functions import FUNCTIONS, MOST_NUMBER, MOST_PLACES
from kartoteka.conditions.typed import ValueKind
from kartoteka.conditions.values import PYTHON, ZONED

WARSAW = ZoneInfo("Europe/Warsaw")


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_every_function_of_the_language_is_there():
    assert PYTHON.keys() == FUNCTIONS.keys()
    assert ZONED <= PYTHON.keys()


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("add", (2, Decimal("0.5")), "2.5"),
        ("add", (0.1, 0.2), "0.3"),
        ("add", (Decimal("99999999999999999999"), 1), None),
        ("sub", (1, Decimal("0.00000000004")), "1"),
        ("sub", (1, Decimal("0.00000000006")), "0.9999999999"),
        ("mul", (10**10, 10**10), None),
        ("mul", (10**10, 10**9), "10000000000000000000"),
        ("mul", (Decimal("0.00001"), Decimal("0.000005")), "0.0000000001"),
        ("div", (7, 2), "3"),
        ("div", (-7, 2), "-3"),
        ("div", (7, Decimal(2)), "3.5"),
        ("div", (7, 0), None),
        ("divby", (7, 2), "3.5"),
        ("divby", (2, 3), "0.6666666667"),
        ("divby", (-2, 3), "-0.6666666667"),
        ("divby", (1, Decimal("0.0")), None),
        ("divby", (Decimal("99999999999999999999"), Decimal("0.1")), None),
        ("mod", (7, 3), "1"),
        ("mod", (-7, 3), "-1"),
        ("mod", (7, -3), "1"),
        ("mod", (Decimal("7.5"), 2), "1.5"),
        ("mod", (7, 0), None),
        ("neg", (Decimal(0),), "0"),
        ("round", (Decimal("2.5"),), "3"),
        ("round", (Decimal("-2.5"),), "-3"),
        ("round", (Decimal("-0.4"),), "0"),
        ("round", (Decimal("2.345"), 2), "2.35"),
        ("round", (1250, -2), "1300"),
        ("round", (1250, -(10**19)), "0"),
        ("round", (Decimal("0.0000000001"), 10**19), "0.0000000001"),
        ("floor", (Decimal("-1.5"),), "-2"),
        ("ceiling", (Decimal("-1.5"),), "-1"),
        ("ceiling", (Decimal("99999999999999999999.5"),), None),
    ],
)
def test_numbers(name, arguments, expected):
    found = PYTHON[name](*arguments)
    assert found == (None if expected is None else Decimal(expected))
    assert str(found) != "-0"


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("length", ("Ł😀",), 2),
        ("indexof", ("Straße", "E"), 6),
        ("indexof", ("abc", "x"), -1),
        ("substring", ("Zażółć", 2), "żółć"),
        ("substring", ("Zażółć", -2, 2), "Za"),
        ("substring", ("Zażółć", 2, -1), None),
        ("substring", ("abc", 10**20), None),
        ("tolower", ("ŁÓDŹ",), "łódź"),
        ("toupper", ("straße",), "STRASSE"),
        ("trim", ("\u00a0 a b\t\r\n",), "a b"),
        ("trim", (" ",), None),
        ("concat", ("a", None, "b"), "ab"),
        ("concat", (None, None), None),
        ("coalesce", (None, 0, 1), 0),
    ],
)
def test_texts(name, arguments, expected):
    assert PYTHON[name](*arguments) == expected


SUMMER, WINTER = instant("2031-06-30T23:30:00"), instant("2031-12-31T23:30:00")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("year", (WINTER,), 2032),
        ("hour", (SUMMER,), 1),
        ("hour", (datetime(2031, 6, 30, 23, 30),), 23),
        ("date", (WINTER,), date(2032, 1, 1)),
        ("adddays", (date(2031, 12, 31), 1), date(2032, 1, 1)),
        ("adddays", (date(9999, 12, 31), 1), None),
        ("adddays", (date(2031, 1, 1), 10**20), None),
        ("addmonths", (date(2031, 1, 31), 1), date(2031, 2, 28)),
        ("addmonths", (date(2031, 3, 31), -1), date(2031, 2, 28)),
        ("addyears", (date(2028, 2, 29), 1), date(2029, 2, 28)),
        ("addyears", (date(2028, 2, 29), -2028), None),
        # A day later clocks show the same, an hour less has passed.
        ("adddays", (instant("2031-03-29T12:00:00"), 1), instant("2031-03-30T11:00:00")),
        ("addhours", (instant("2031-03-29T12:00:00"), 24), instant("2031-03-30T12:00:00")),
        # 02:30 does not come that day, and twice that one.
        ("adddays", (instant("2031-03-29T01:30:00"), 1), instant("2031-03-30T01:30:00")),
        ("adddays", (instant("2031-10-25T00:30:00"), 1), instant("2031-10-26T01:30:00")),
        ("diffindays", (instant("2031-03-29T12:00:00"), instant("2031-03-30T11:00:00")), 1),
        ("diffinhours", (instant("2031-03-29T12:00:00"), instant("2031-03-30T11:00:00")), 23),
        ("diffindays", (date(2031, 1, 2), date(2031, 1, 1)), -1),
        ("diffinweeks", (date(2031, 1, 14), date(2031, 1, 1)), -1),
        ("diffinmonths", (date(2031, 1, 31), date(2031, 2, 28)), 0),
        ("diffinmonths", (date(2031, 2, 28), date(2031, 1, 31)), 0),
        ("diffinmonths", (date(2031, 1, 28), date(2031, 2, 28)), 1),
        ("diffinyears", (date(2031, 3, 1), date(2028, 3, 1)), -3),
        ("diffinyears", (date(2028, 3, 1), date(2031, 2, 28)), 2),
    ],
)
def test_dates(name, arguments, expected):
    zone = (WARSAW,) if name in ZONED else ()
    assert PYTHON[name](*zone, *arguments) == expected


VALUES = {
    ValueKind.TEXT: st.text(min_size=1, max_size=5),
    ValueKind.WHOLE: st.one_of(st.integers(-9, 9), st.integers(-(10**20), 10**20)),
    ValueKind.DECIMAL: st.decimals(-(10**21), 10**21, places=9),
    ValueKind.FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    ValueKind.DATE: st.dates(),
    ValueKind.LOCAL_TIME: st.datetimes(),
    ValueKind.INSTANT: st.datetimes(timezones=st.just(UTC)),
    ValueKind.YES_NO: st.booleans(),
    ValueKind.OPTION: st.integers(0, 9),
    ValueKind.ID: st.uuids().map(str),
}


@given(st.data())
def test_every_argument_has_an_answer_and_none_is_empty(data):
    function = FUNCTIONS[data.draw(st.sampled_from(sorted(FUNCTIONS)))]
    zone = (WARSAW,) if function.name in ZONED else ()
    arguments = [
        data.draw(VALUES[data.draw(st.sampled_from(sorted(kinds)))]) for kinds in function.takes
    ]
    found = PYTHON[function.name](*zone, *arguments)
    if function.name != "coalesce" and isinstance(found, (int, Decimal)):
        assert -MOST_NUMBER < found < MOST_NUMBER
        assert (Fraction(found) * 10**MOST_PLACES).denominator == 1
    assert found != ""
    if function.name not in ("coalesce", "concat"):
        for place in range(len(arguments)):
            gone = [*arguments[:place], None, *arguments[place + 1 :]]
            is_optional = place >= function.least and function.name == "substring"
            assert is_optional or PYTHON[function.name](*zone, *gone) is None
