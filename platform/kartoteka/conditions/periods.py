"""Periods: what ``LastXDays`` and its like mean, as bounds that values are compared with.

A period is half-open: a value lies in it when ``first <= value < end``; a bound that is None is
none. Days begin at midnight on the asker's clock, weeks on Sunday. ``n`` is moved within the years
1 to 9999, however large it is. Source: reference platform, section 4.3.

| periods | reach |
|---|---|
| Today Yesterday Tomorrow, Last/This/Next Week Month Year | whole days, weeks, months, years |
| Last7Days, Next7Days | seven whole days, the last (the first) of which is today |
| LastXHours(n) | from n hours ago up to and with now |
| LastXDays(n) Weeks Months Years | from the start of the day n units ago, up to and with now |
| NextXHours(n) | after now, for n hours |
| NextXDays(n) Weeks Months Years | after now, up to the end of the day n units after today |
| OlderThanXMinutes(n) … Years | before the time n units ago |
| On(date) OnOrBefore OnOrAfter | that day, up to its end, from its start |
| Last/This/Next FiscalYear FiscalPeriod | whole fiscal years and periods |
| LastXFiscalYears(n) FiscalPeriods, NextX… | the n whole ones before, after the present one |
| InFiscalYear(y) | the fiscal year that began in the year y |
| InFiscalPeriodAndYear(p,y), InOrBefore…, InOrAfter… | a period of it, counted from 1 |
| InFiscalPeriod(p) | that period of this fiscal year, and of the 100 before and after it |

For a field without a clock "now" is today: ``LastXDays`` ends with today, ``NextXDays`` begins with
tomorrow, ``OlderThanXDays(3)`` ends before the day three days ago. The same day in a shorter month
is its last. A year is divided into fiscal periods of 12, 6, 3 or 1 months, or into 12 of four weeks
and one for what is left; a period or year that is not there finds nothing.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from zoneinfo import ZoneInfo

from kartoteka.conditions.asker import Asker, FiscalCalendar
from kartoteka.conditions.typed import ValueKind
from kartoteka.conditions.zones import calendar_end, instant_of, shown_clock, zone_named

YEARS_AROUND = 100  # how far InFiscalPeriod looks, to both sides

Moment = date | datetime
Bounds = tuple[Moment | None, Moment | None]

_DAYS = frozenset({ValueKind.DATE, ValueKind.INSTANT, ValueKind.LOCAL_TIME})
_TIMES = frozenset({ValueKind.INSTANT, ValueKind.LOCAL_TIME})
_LAST_DAY = date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Period:
    """One name: the kinds of its arguments (whole or date) and of the fields it is asked of.

    ``intervals`` is how many bounds it always has: 1 but for ``InFiscalPeriod``.
    """

    name: str
    takes: tuple[ValueKind, ...]
    kinds: frozenset[ValueKind]
    intervals: int


def bounds(name: str, arguments: tuple[int | date, ...], asker: Asker, kind: ValueKind) -> Bounds:
    """Return where a period of one interval begins and ends, in the Python values of ``kind``.

    Raises:
        ValueError: The period has several (``intervals``).
    """
    (only,) = intervals(name, arguments, asker, kind)
    return only


def intervals(
    name: str, arguments: tuple[int | date, ...], asker: Asker, kind: ValueKind
) -> tuple[Bounds, ...]:
    """Return the intervals of a period, ascending: ``PERIODS[name].intervals`` of them.

    One that finds nothing ends where it begins.
    """
    return _intervals(name, arguments, asker.time_zone, asker.now, asker.fiscal, kind)


@lru_cache(maxsize=512)
def _intervals(
    name: str,
    arguments: tuple[int | date, ...],
    time_zone: str,
    now: datetime,
    fiscal: FiscalCalendar,
    kind: ValueKind,
) -> tuple[Bounds, ...]:
    when = _When(now, zone_named(time_zone), kind, fiscal)
    return tuple(when.between(first, end) for first, end in _REACH[name](when, *arguments))


_Bound = int | datetime | None  # a day's ordinal, or an instant in UTC
_Reach = tuple[tuple[_Bound, _Bound], ...]


class _When:
    """The moment of a question, as days and instants of the asker's calendar."""

    def __init__(
        self, now: datetime, zone: ZoneInfo, kind: ValueKind, fiscal: FiscalCalendar
    ) -> None:
        self.now = now
        self.clock = shown_clock(now, zone)
        self.today = self.clock.toordinal()
        self.fiscal = fiscal
        self._zone = zone
        self._kind = kind

    @property
    def after_now(self) -> _Bound:
        """Return the first moment that is later than now; of fields without a clock, tomorrow."""
        if self._kind is ValueKind.DATE:
            return self.today + 1
        return _shifted(self.now, timedelta(seconds=1))

    def moved(self, unit: str, count: int) -> int:
        """Return the day that lies so many days, weeks, months or years after today."""
        if unit in _DAYS_OF:
            return _within(self.today + count * _DAYS_OF[unit])
        return _month_later(date.fromordinal(self.today), count * _MONTHS_OF[unit])

    def same_time(self, day: int) -> datetime:
        """Return the instant at which the clock shows on a day what it shows now."""
        clock = datetime.combine(date.fromordinal(day), self.clock.time())
        return _instant(clock, self._zone)

    def between(self, first: _Bound, end: _Bound) -> Bounds:
        """Return bounds as values of the kind that is asked; after the last day lies nothing."""
        if isinstance(first, int) and first > _LAST_DAY:
            first, end = _NOTHING[0]
        return self._value(first), self._value(end)

    def _value(self, bound: _Bound) -> Moment | None:
        match self._kind, bound:
            case _, None:
                return None
            case ValueKind.DATE, datetime():
                return shown_clock(bound, self._zone).date()
            case ValueKind.LOCAL_TIME, datetime():
                return shown_clock(bound, self._zone)
            case _, datetime():
                return bound
            case _, int() if bound > _LAST_DAY:
                return None
            case ValueKind.DATE, int():
                return date.fromordinal(max(bound, 1))
            case _, int():
                midnight = datetime.combine(date.fromordinal(max(bound, 1)), time())
                is_local = self._kind is ValueKind.LOCAL_TIME
                return midnight if is_local else _instant(midnight, self._zone)
        raise TypeError(bound)


_DAYS_OF = {"Days": 1, "Weeks": 7}
_MONTHS_OF = {"Months": 1, "Years": 12}
_SPAN_OF = {"Minutes": timedelta(minutes=1), "Hours": timedelta(hours=1)}
_PERIODS_OF = {"annually": 1, "semiannually": 2, "quarterly": 4, "monthly": 12, "four_weeks": 13}


def _within(day: int) -> int:
    return min(max(day, 1), _LAST_DAY)


def _instant(clock: datetime, zone: ZoneInfo) -> datetime:
    try:
        return instant_of(clock, zone)
    except OverflowError:
        return calendar_end(is_last=clock.year > 1).replace(tzinfo=UTC)


def _shifted(moment: datetime, span: timedelta, count: int = 1) -> datetime:
    try:
        return moment + span * count
    except OverflowError:
        return calendar_end(is_last=count > 0).replace(tzinfo=UTC)


def _month_later(day: date, months: int) -> int:
    """Return the same day so many months later; the last one of a month that is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return _within(0 if year < 1 else _LAST_DAY)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1])).toordinal()


def _days(first: int, last: int) -> Callable[[_When], _Reach]:
    return lambda when: ((when.today + first, when.today + last + 1),)


def _weeks(first: int) -> Callable[[_When], _Reach]:
    def reach(when: _When) -> _Reach:
        sunday = when.today - when.today % 7 + 7 * first  # the ordinal of a Sunday is 7 × n
        return ((sunday, sunday + 7),)

    return reach


def _months(first: int, length: int) -> Callable[[_When], _Reach]:
    def reach(when: _When) -> _Reach:
        start = when.clock.date().replace(day=1)
        if length == 12:
            start = start.replace(month=1)
        return ((_month_start(start, first), _month_start(start, first + length)),)

    return reach


def _month_start(day: date, months: int) -> int:
    """Return the first of a month; past the last year, the day that is no more."""
    is_past = day.year * 12 + day.month - 1 + months >= 10000 * 12
    return _LAST_DAY + 1 if is_past else _month_later(day, months)


def _last(unit: str) -> Callable[[_When, int], _Reach]:
    if unit in _SPAN_OF:
        return lambda when, n: ((_shifted(when.now, _SPAN_OF[unit], -n), when.after_now),)
    return lambda when, n: ((when.moved(unit, -n), when.after_now),)


def _next(unit: str) -> Callable[[_When, int], _Reach]:
    def hours(when: _When, n: int) -> _Reach:
        end = _shifted(_shifted(when.now, _SPAN_OF[unit], n), timedelta(seconds=1))
        return ((when.after_now, end),)

    if unit in _SPAN_OF:
        return hours
    return lambda when, n: ((when.after_now, when.moved(unit, n) + 1),)


def _older(unit: str) -> Callable[[_When, int], _Reach]:
    if unit in _SPAN_OF:
        return lambda when, n: ((None, _shifted(when.now, _SPAN_OF[unit], -n)),)
    return lambda when, n: ((None, when.same_time(when.moved(unit, -n))),)


# Fiscal years and periods are counted from 0 on, so that the next year's first follows.


def _fiscal_start(when: _When, period: int) -> int:
    """Return the first day of a period: year × periods in a year + the period's place in it."""
    calendar = when.fiscal
    in_year = _PERIODS_OF[calendar.period_type]
    year, place = divmod(period, in_year)
    if not 1 <= year <= 9999:
        return 1 if year < 1 else _LAST_DAY + 1
    most = monthrange(year, calendar.start_month)[1]
    start = date(year, calendar.start_month, min(calendar.start_day, most))
    if calendar.period_type == "four_weeks":
        return start.toordinal() + 28 * place
    begun = start.replace(day=1)
    months = place * (12 // in_year)
    first = _month_start(begun, months)
    if first > _LAST_DAY:
        return first
    month = date.fromordinal(first)
    return first + min(calendar.start_day, monthrange(month.year, month.month)[1]) - 1


def _this_period(when: _When) -> int:
    in_year = _PERIODS_OF[when.fiscal.period_type]
    period = (when.clock.year + 1) * in_year
    while _fiscal_start(when, period) > when.today:
        period -= 1
    return period


def _fiscal_periods(first: int, last: int) -> Callable[[_When], _Reach]:
    def reach(when: _When) -> _Reach:
        now = _this_period(when)
        return ((_fiscal_start(when, now + first), _fiscal_start(when, now + last + 1)),)

    return reach


def _fiscal_years(first: int, last: int) -> Callable[[_When], _Reach]:
    def reach(when: _When) -> _Reach:
        in_year = _PERIODS_OF[when.fiscal.period_type]
        year = _this_period(when) // in_year
        return (
            (
                _fiscal_start(when, (year + first) * in_year),
                _fiscal_start(when, (year + last + 1) * in_year),
            ),
        )

    return reach


def _in_fiscal_year(when: _When, year: int) -> _Reach:
    in_year = _PERIODS_OF[when.fiscal.period_type]
    if not 1 <= year <= 9999:
        return _NOTHING
    return ((_fiscal_start(when, year * in_year), _fiscal_start(when, (year + 1) * in_year)),)


def _in_period(when: _When, place: int, year: int) -> _Reach:
    in_year = _PERIODS_OF[when.fiscal.period_type]
    if not (1 <= place <= in_year and 1 <= year <= 9999):
        return _NOTHING
    period = year * in_year + place - 1
    return ((_fiscal_start(when, period), _fiscal_start(when, period + 1)),)


def _in_or_before(when: _When, place: int, year: int) -> _Reach:
    reach = _in_period(when, place, year)
    return reach if reach == _NOTHING else ((None, reach[0][1]),)


def _in_or_after(when: _When, place: int, year: int) -> _Reach:
    reach = _in_period(when, place, year)
    return reach if reach == _NOTHING else ((reach[0][0], None),)


def _in_period_of_any_year(when: _When, place: int) -> _Reach:
    this = _this_period(when) // _PERIODS_OF[when.fiscal.period_type]
    years = range(this - YEARS_AROUND, this + YEARS_AROUND + 1)
    return tuple(_in_period(when, place, year)[0] for year in years)


_NOTHING: _Reach = ((1, 1),)
_WHOLE, _DATE = (ValueKind.WHOLE,), (ValueKind.DATE,)
_ROWS: tuple[tuple[str, tuple[ValueKind, ...], Callable[..., _Reach]], ...] = (
    ("Today", (), _days(0, 0)),
    ("Yesterday", (), _days(-1, -1)),
    ("Tomorrow", (), _days(1, 1)),
    ("Last7Days", (), _days(-6, 0)),
    ("Next7Days", (), _days(0, 6)),
    *(
        (f"{word}{unit}", (), reach)
        for at, word in ((-1, "Last"), (0, "This"), (1, "Next"))
        for unit, reach in (
            ("Week", _weeks(at)),
            ("Month", _months(at, 1)),
            ("Year", _months(12 * at, 12)),
            ("FiscalYear", _fiscal_years(at, at)),
            ("FiscalPeriod", _fiscal_periods(at, at)),
        )
    ),
    *(
        (f"{word}X{unit}", _WHOLE, reach(unit))
        for unit in ("Hours", "Days", "Weeks", "Months", "Years")
        for word, reach in (("Last", _last), ("Next", _next))
    ),
    *(
        (f"OlderThanX{unit}", _WHOLE, _older(unit))
        for unit in ("Minutes", "Hours", "Days", "Weeks", "Months", "Years")
    ),
    ("On", _DATE, lambda when, day: ((day.toordinal(), day.toordinal() + 1),)),
    ("OnOrBefore", _DATE, lambda when, day: ((None, day.toordinal() + 1),)),
    ("OnOrAfter", _DATE, lambda when, day: ((day.toordinal(), None),)),
    ("LastXFiscalYears", _WHOLE, lambda when, n: _fiscal_years(-n, -1)(when)),
    ("NextXFiscalYears", _WHOLE, lambda when, n: _fiscal_years(1, n)(when)),
    ("LastXFiscalPeriods", _WHOLE, lambda when, n: _fiscal_periods(-n, -1)(when)),
    ("NextXFiscalPeriods", _WHOLE, lambda when, n: _fiscal_periods(1, n)(when)),
    ("InFiscalYear", _WHOLE, _in_fiscal_year),
    ("InFiscalPeriod", _WHOLE, _in_period_of_any_year),
    ("InFiscalPeriodAndYear", _WHOLE * 2, _in_period),
    ("InOrBeforeFiscalPeriodAndYear", _WHOLE * 2, _in_or_before),
    ("InOrAfterFiscalPeriodAndYear", _WHOLE * 2, _in_or_after),
)
_REACH: Mapping[str, Callable[..., _Reach]] = {name: reach for name, _, reach in _ROWS}

PERIODS: Mapping[str, Period] = MappingProxyType(
    {
        name: Period(
            name,
            takes,
            _TIMES if name.endswith(("Hours", "Minutes")) else _DAYS,
            2 * YEARS_AROUND + 1 if name == "InFiscalPeriod" else 1,
        )
        for name, takes, _ in _ROWS
    }
)
