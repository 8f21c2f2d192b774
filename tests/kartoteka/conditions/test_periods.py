"""What relative dates reach, with the clock held still."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kartoteka.conditions.asker import Asker, FiscalCalendar
from kartoteka.conditions.periods import PERIODS, YEARS_AROUND, bounds, intervals
from kartoteka.conditions.typed import ValueKind

DATE, INSTANT, LOCAL_TIME = ValueKind.DATE, ValueKind.INSTANT, ValueKind.LOCAL_TIME


CALENDAR = FiscalCalendar()


def asker(now: str, zone: str = "UTC", fiscal: FiscalCalendar = CALENDAR) -> Asker:
    return Asker(time_zone=zone, now=datetime.fromisoformat(now).astimezone(UTC), fiscal=fiscal)


def told(name: str, arguments, who: Asker, kind: ValueKind) -> str:
    """Return bounds as text: ``2031-01-01..2031-01-02``."""
    return "..".join(
        "" if bound is None else bound.isoformat().replace("+00:00", "Z")
        for bound in bounds(name, tuple(arguments), who, kind)
    )


WEDNESDAY = asker("2031-05-14T15:30:00Z")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("Today", [], "2031-05-14..2031-05-15"),
        ("Yesterday", [], "2031-05-13..2031-05-14"),
        ("Tomorrow", [], "2031-05-15..2031-05-16"),
        ("Last7Days", [], "2031-05-08..2031-05-15"),
        ("Next7Days", [], "2031-05-14..2031-05-21"),
        ("LastWeek", [], "2031-05-04..2031-05-11"),
        ("ThisWeek", [], "2031-05-11..2031-05-18"),
        ("NextWeek", [], "2031-05-18..2031-05-25"),
        ("LastMonth", [], "2031-04-01..2031-05-01"),
        ("ThisMonth", [], "2031-05-01..2031-06-01"),
        ("NextMonth", [], "2031-06-01..2031-07-01"),
        ("LastYear", [], "2030-01-01..2031-01-01"),
        ("ThisYear", [], "2031-01-01..2032-01-01"),
        ("NextYear", [], "2032-01-01..2033-01-01"),
        ("LastXDays", [3], "2031-05-11..2031-05-15"),
        ("NextXDays", [3], "2031-05-15..2031-05-18"),
        ("LastXWeeks", [1], "2031-05-07..2031-05-15"),
        ("NextXWeeks", [1], "2031-05-15..2031-05-22"),
        ("LastXMonths", [3], "2031-02-14..2031-05-15"),
        ("NextXMonths", [3], "2031-05-15..2031-08-15"),
        ("LastXYears", [3], "2028-05-14..2031-05-15"),
        ("NextXYears", [3], "2031-05-15..2034-05-15"),
        ("OlderThanXDays", [3], "..2031-05-11"),
        ("OlderThanXWeeks", [1], "..2031-05-07"),
        ("OlderThanXMonths", [1], "..2031-04-14"),
        ("OlderThanXYears", [1], "..2030-05-14"),
        ("On", [date(2031, 2, 28)], "2031-02-28..2031-03-01"),
        ("OnOrBefore", [date(2031, 2, 28)], "..2031-03-01"),
        ("OnOrAfter", [date(2031, 2, 28)], "2031-02-28.."),
        ("LastFiscalYear", [], "2030-01-01..2031-01-01"),
        ("ThisFiscalPeriod", [], "2031-04-01..2031-07-01"),
        ("LastXFiscalPeriods", [2], "2030-10-01..2031-04-01"),
        ("NextXFiscalPeriods", [2], "2031-07-01..2032-01-01"),
        ("LastXFiscalYears", [2], "2029-01-01..2031-01-01"),
        ("NextXFiscalYears", [2], "2032-01-01..2034-01-01"),
    ],
)
def test_periods_of_a_date(name, arguments, expected):
    assert told(name, arguments, WEDNESDAY, DATE) == expected
    whole_days = told(name, arguments, WEDNESDAY, LOCAL_TIME).replace("T00:00:00", "")
    if "15:30" not in whole_days:
        assert whole_days == expected


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("Today", [], "2031-05-13T14:00:00Z..2031-05-14T14:00:00Z"),
        ("LastXHours", [2], "2031-05-14T11:00:00Z..2031-05-14T13:00:01Z"),
        ("NextXHours", [2], "2031-05-14T13:00:01Z..2031-05-14T15:00:01Z"),
        ("LastXDays", [1], "2031-05-12T14:00:00Z..2031-05-14T13:00:01Z"),
        ("NextXDays", [1], "2031-05-14T13:00:01Z..2031-05-15T14:00:00Z"),
        ("OlderThanXMinutes", [90], "..2031-05-14T11:30:00Z"),
        ("OlderThanXHours", [1], "..2031-05-14T12:00:00Z"),
        ("OlderThanXDays", [1], "..2031-05-13T13:00:00Z"),
        ("On", [date(2031, 5, 15)], "2031-05-14T14:00:00Z..2031-05-15T14:00:00Z"),
    ],
)
def test_periods_of_an_instant_are_those_of_the_askers_clock(name, arguments, expected):
    in_brisbane = asker("2031-05-14T23:00:00+10:00", "Australia/Brisbane")
    assert told(name, arguments, in_brisbane, INSTANT) == expected


def test_a_clock_without_a_zone_is_the_askers():
    in_brisbane = asker("2031-05-14T23:00:00+10:00", "Australia/Brisbane")
    assert told("LastXHours", [2], in_brisbane, LOCAL_TIME) == (
        "2031-05-14T21:00:00..2031-05-14T23:00:01"
    )


@pytest.mark.parametrize(
    ("now", "zone", "expected"),
    [
        ("2031-03-30T12:00:00Z", "Europe/Warsaw", "2031-03-29T23:00:00Z..2031-03-30T22:00:00Z"),
        ("2031-10-26T12:00:00Z", "Europe/Warsaw", "2031-10-25T22:00:00Z..2031-10-26T23:00:00Z"),
        # Cairo's summer begins at midnight, so that the day has no midnight.
        ("2024-04-26T12:00:00Z", "Africa/Cairo", "2024-04-25T22:00:00Z..2024-04-26T21:00:00Z"),
        # Havana shows midnight twice when summer ends.
        ("2024-11-03T12:00:00Z", "America/Havana", "2024-11-03T05:00:00Z..2024-11-04T05:00:00Z"),
    ],
)
def test_a_day_has_23_or_25_hours_when_clocks_change(now, zone, expected):
    assert told("Today", [], asker(now, zone), INSTANT) == expected


def test_the_asker_decides_which_day_it_is():
    at = "2031-05-15T02:00:00Z"
    assert told("Today", [], asker(at, "America/Los_Angeles"), DATE) == "2031-05-14..2031-05-15"
    assert told("Today", [], asker(at, "Asia/Tokyo"), DATE) == "2031-05-15..2031-05-16"


@pytest.mark.parametrize("day", range(11, 18))
def test_weeks_begin_on_sunday(day):
    week = told("ThisWeek", [], asker(f"2031-05-{day}T00:00:00Z"), DATE)
    assert week == "2031-05-11..2031-05-18"


def test_the_same_day_of_a_shorter_month_is_its_last():
    at = asker("2031-05-31T08:00:00Z")
    assert told("LastXMonths", [3], at, DATE) == "2031-02-28..2031-06-01"
    assert told("OlderThanXMonths", [1], at, INSTANT) == "..2031-04-30T08:00:00Z"
    leap = asker("2028-02-29T08:00:00Z")
    assert told("NextXYears", [1], leap, DATE) == "2028-03-01..2029-03-01"


APRIL = FiscalCalendar(4, 1, "quarterly")


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("ThisFiscalYear", [], "2030-04-01..2031-04-01"),
        ("LastFiscalYear", [], "2029-04-01..2030-04-01"),
        ("NextFiscalYear", [], "2031-04-01..2032-04-01"),
        ("ThisFiscalPeriod", [], "2031-01-01..2031-04-01"),
        ("LastFiscalPeriod", [], "2030-10-01..2031-01-01"),
        ("NextFiscalPeriod", [], "2031-04-01..2031-07-01"),
        ("InFiscalYear", [2031], "2031-04-01..2032-04-01"),
        ("InFiscalPeriodAndYear", [4, 2031], "2032-01-01..2032-04-01"),
        ("InOrBeforeFiscalPeriodAndYear", [1, 2031], "..2031-07-01"),
        ("InOrAfterFiscalPeriodAndYear", [1, 2031], "2031-04-01.."),
    ],
)
def test_fiscal_years_from_april(name, arguments, expected):
    assert told(name, arguments, asker("2031-03-31T12:00:00Z", fiscal=APRIL), DATE) == expected


@pytest.mark.parametrize(
    ("period_type", "number", "expected"),
    [
        ("annually", 1, "2031-07-06..2032-07-06"),
        ("semiannually", 2, "2032-01-06..2032-07-06"),
        ("quarterly", 2, "2031-10-06..2032-01-06"),
        ("monthly", 12, "2032-06-06..2032-07-06"),
        ("four_weeks", 1, "2031-07-06..2031-08-03"),
        ("four_weeks", 13, "2032-06-06..2032-07-06"),
    ],
)
def test_kinds_of_fiscal_periods(period_type, number, expected):
    who = asker("2031-09-01T12:00:00Z", fiscal=FiscalCalendar(7, 6, period_type))
    assert told("InFiscalPeriodAndYear", [number, 2031], who, DATE) == expected
    for outside in (0, number + 13):
        first, end = bounds("InFiscalPeriodAndYear", (outside, 2031), who, DATE)
        assert first == end


def test_a_fiscal_period_without_a_year_comes_every_year():
    found = intervals("InFiscalPeriod", (2,), asker("2031-05-14T12:00:00Z", fiscal=APRIL), DATE)
    assert len(found) == PERIODS["InFiscalPeriod"].intervals == 2 * YEARS_AROUND + 1
    assert found[0] == (date(1931, 7, 1), date(1931, 10, 1))
    assert found[-1] == (date(2131, 7, 1), date(2131, 10, 1))
    assert list(found) == sorted(found)
    with pytest.raises(ValueError):
        bounds("InFiscalPeriod", (2,), WEDNESDAY, DATE)


ZONES = ["UTC", "Pacific/Kiritimati", "Pacific/Niue", "Europe/Warsaw", "America/St_Johns"]
NUMBERS = st.one_of(st.integers(-5, 20_000), st.integers(-(10**30), 10**30))
DATES = st.one_of(st.dates(), st.sampled_from([date.min, date.max]))


@given(st.data())
def test_every_period_has_bounds_of_its_kind_however_large_its_numbers(data):
    period = data.draw(st.sampled_from(list(PERIODS.values())))
    arguments = tuple(
        data.draw(DATES if kind is DATE else NUMBERS, label="argument") for kind in period.takes
    )
    who = Asker(
        time_zone=data.draw(st.sampled_from(ZONES)),
        now=data.draw(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))).replace(
            tzinfo=UTC, microsecond=0
        ),
        fiscal=FiscalCalendar(
            data.draw(st.integers(1, 12)),
            data.draw(st.integers(1, 31)),
            data.draw(
                st.sampled_from(["annually", "semiannually", "quarterly", "monthly", "four_weeks"])
            ),
        ),
    )
    for kind in period.kinds:
        found = intervals(period.name, arguments, who, kind)
        assert len(found) == period.intervals
        for bound in (bound for pair in found for bound in pair if bound is not None):
            assert isinstance(bound, datetime) is (kind is not DATE)
            assert getattr(bound, "tzinfo", None) is (UTC if kind is INSTANT else None)


def test_numbers_that_leave_the_calendar_stop_at_its_end():
    assert told("LastXDays", [10**12], WEDNESDAY, DATE) == "0001-01-01..2031-05-15"
    assert told("NextXYears", [10**12], WEDNESDAY, DATE) == "2031-05-15.."
    assert told("OlderThanXHours", [10**12], WEDNESDAY, INSTANT) == "..0001-01-01T00:00:00Z"
    assert told("InFiscalYear", [10000], WEDNESDAY, DATE) == "0001-01-01..0001-01-01"
    assert told("On", [date.max], WEDNESDAY, DATE) == "9999-12-31.."


def test_minutes_and_hours_are_asked_of_fields_with_a_clock():
    without_clock = {name for name, period in PERIODS.items() if DATE not in period.kinds}
    assert without_clock == {"LastXHours", "NextXHours", "OlderThanXMinutes", "OlderThanXHours"}
