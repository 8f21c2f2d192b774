"""What the functions of ``FUNCTIONS`` compute, in Python.

``PYTHON`` holds a function for each row; those named in ``ZONED`` take the asker's time zone (a
``ZoneInfo``) before their arguments. Arguments are values as ``typed.ValueKind`` lists them,
numbers of any of the three kinds; None is empty, both as an argument and as a result. Numbers come
back as ``int`` where all that went in was whole, else as ``Decimal``; where ``div`` is of a kind
that is not whole, ``divby`` is what it means. Every argument has an answer: nothing raises. The
rules are those of ``kartoteka.conditions.functions``.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal
from functools import wraps
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from kartoteka.conditions.functions import MOST_NUMBER, MOST_PLACES, TRIMMED
from kartoteka.conditions.zones import clock_of, instant_of
from kartoteka.text_folding import fold

Number = int | Decimal
Day = date | datetime

# Sums and products of numbers as large and as small as a float can be are exact in it.
_EXACT = Context(prec=1400, rounding=ROUND_HALF_UP, Emin=-9999, Emax=9999, traps=[])
# A quotient of two numbers with 30 digits that is no tie differs from one before its 70th digit.
_QUOTIENT = Context(prec=100, rounding=ROUND_HALF_UP, Emin=-9999, Emax=9999, traps=[])
_PLACES = Decimal(1).scaleb(-MOST_PLACES)
_MOST = Decimal(MOST_NUMBER)
_ZERO = Decimal(0)
_LEAST_ROUNDED = -20  # all digits of the largest number are before this place


def exact(number: int | Decimal | float) -> Number:
    """Return a number without rounding; a float as the shortest decimal that reads back."""
    return Decimal(repr(number)) if isinstance(number, float) else number


def _number(value: Number | None) -> Number | None:
    """Return a result rounded to ``MOST_PLACES``; None when it is too large, or none at all."""
    if value is None:
        return None
    if isinstance(value, int):
        return value if -MOST_NUMBER < value < MOST_NUMBER else None
    if not value.is_finite() or not -_MOST < value < _MOST:
        return None
    rounded = value.quantize(_PLACES, ROUND_HALF_UP, _EXACT)
    if rounded != value:
        value = rounded
        if not -_MOST < value < _MOST:
            return None
    return value or _ZERO  # no negative zero


def _of_number(work: Callable[[Number], Number | None]) -> Callable[..., Number | None]:
    """Return a function of a number of any kind, empty when it is."""

    @wraps(work)
    def compute(number: int | Decimal | float | None) -> Number | None:
        return None if number is None else _number(work(exact(number)))

    return compute


def _of_numbers(work: Callable[[Number, Number], Number | None]) -> Callable[..., Number | None]:
    """Return a function of two numbers of any kind, empty when one of them is."""

    @wraps(work)
    def compute(
        left: int | Decimal | float | None, right: int | Decimal | float | None
    ) -> Number | None:
        if left is None or right is None:
            return None
        return _number(work(exact(left), exact(right)))

    return compute


@_of_numbers
def add(left: Number, right: Number) -> Number:
    """Return the sum."""
    if isinstance(left, int) and isinstance(right, int):
        return left + right
    return _EXACT.add(left, right)


@_of_numbers
def sub(left: Number, right: Number) -> Number:
    """Return the difference."""
    if isinstance(left, int) and isinstance(right, int):
        return left - right
    return _EXACT.subtract(left, right)


@_of_numbers
def mul(left: Number, right: Number) -> Number:
    """Return the product."""
    if isinstance(left, int) and isinstance(right, int):
        return left * right
    return _EXACT.multiply(left, right)


@_of_numbers
def div(left: Number, right: Number) -> Number | None:
    """Return the quotient, of two whole numbers a whole one."""
    if not right:
        return None
    if isinstance(left, int) and isinstance(right, int):
        whole = abs(left) // abs(right)
        return whole if (left < 0) == (right < 0) else -whole
    return _QUOTIENT.divide(left, right)


@_of_numbers
def divby(left: Number, right: Number) -> Number | None:
    """Return the quotient with its places."""
    return _QUOTIENT.divide(Decimal(left), Decimal(right)) if right else None


@_of_numbers
def mod(left: Number, right: Number) -> Number | None:
    """Return what division to a whole quotient leaves."""
    if not right:
        return None
    if isinstance(left, int) and isinstance(right, int):
        rest = abs(left) % abs(right)
        return -rest if left < 0 else rest
    return _EXACT.remainder(left, right)


@_of_number
def neg(number: Number) -> Number:
    """Return the number with the other sign."""
    return -number if isinstance(number, int) else _EXACT.minus(number)


def round_to(number: Number | float | None, places: int | None = 0) -> Number | None:
    """Return the number with at most so many places, below 0 that of tens, hundreds …."""
    return _rounded(number, places)


@_of_numbers
def _rounded(number: Number, places: Number) -> Number:
    unit = Decimal(1).scaleb(-int(min(max(places, _LEAST_ROUNDED), MOST_PLACES)))
    return _to_unit(Decimal(number), unit, ROUND_HALF_UP)


@_of_number
def floor(number: Number) -> Number:
    """Return the largest whole number that is not larger."""
    return _to_unit(Decimal(number), Decimal(1), ROUND_FLOOR)


@_of_number
def ceiling(number: Number) -> Number:
    """Return the smallest whole number that is not smaller."""
    return _to_unit(Decimal(number), Decimal(1), ROUND_CEILING)


def _to_unit(number: Decimal, unit: Decimal, rounding: str) -> Decimal:
    return number.quantize(unit, rounding=rounding, context=_EXACT)


def _of_values(work: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that is empty when an argument is, and when it leaves the calendar."""

    @wraps(work)
    def compute(*values: Any) -> Any:
        if None in values:
            return None
        try:
            return work(*values)
        except OverflowError:
            return None

    return compute


@_of_values
def length(text: str) -> int:
    """Return how many characters a text has."""
    return len(text)


@_of_values
def indexof(text: str, sought: str) -> int:
    """Return where in the folded text the folded other one begins, or -1."""
    return fold(text).find(fold(sought))


@_of_values
def substring(text: str, first: int, most: int | None = None) -> str | None:
    """Return the text from a place on, or so many of its characters."""
    start = max(first, 0)
    rest = text[start:] if most is None else text[start : start + max(most, 0)]
    return rest or None


@_of_values
def tolower(text: str) -> str:
    """Return the text in small letters; sigma at the end of a word is one like any other."""
    return text.replace("Σ", "σ").lower()


@_of_values
def toupper(text: str) -> str:
    """Return the text in capitals."""
    return text.upper()


@_of_values
def trim(text: str) -> str | None:
    """Return the text without blanks at its ends."""
    return text.strip(TRIMMED) or None


def concat(*texts: str | None) -> str | None:
    """Return the texts one after another."""
    return "".join(text for text in texts if text) or None


def coalesce(*values: Any) -> Any:
    """Return the first value that is not empty."""
    return next((value for value in values if value is not None), None)


def _clock(day: Day, zone: ZoneInfo) -> datetime:
    """Return a date or time as calendar and clock show it, dates at midnight."""
    if not isinstance(day, datetime):
        return datetime.combine(day, time())
    return day if day.tzinfo is None else clock_of(day, zone)


def _like(day: Day, clock: datetime, zone: ZoneInfo) -> Day:
    """Return a clock time as the kind of value that ``day`` is."""
    if not isinstance(day, datetime):
        return clock.date()
    return clock if day.tzinfo is None else instant_of(clock, zone)


def _part(name: str) -> Callable[[ZoneInfo, Day | None], int | None]:
    def read(zone: ZoneInfo, day: Day) -> int:
        found: int = getattr(_clock(day, zone), name)
        return found

    return _of_values(read)


@_of_values
def date_of(zone: ZoneInfo, day: Day) -> date:
    """Return the date."""
    return _clock(day, zone).date()


def _add_span(span: timedelta) -> Callable[[Day | None, int | None], Day | None]:
    return _of_values(lambda moment, count: moment + span * int(count))


def _add_days(days: int) -> Callable[[ZoneInfo, Day | None, int | None], Day | None]:
    def later(zone: ZoneInfo, day: Day, count: int) -> Day:
        return _like(day, _clock(day, zone) + timedelta(days=days * count), zone)

    return _of_values(later)


def _add_months(months: int) -> Callable[[ZoneInfo, Day | None, int | None], Day | None]:
    def later(zone: ZoneInfo, day: Day, count: int) -> Day | None:
        clock = _clock(day, zone)
        year, month = divmod(clock.year * 12 + clock.month - 1 + months * count, 12)
        if not 1 <= year <= 9999:
            return None
        last = monthrange(year, month + 1)[1]
        moved = clock.replace(year=year, month=month + 1, day=min(clock.day, last))
        return _like(day, moved, zone)

    return _of_values(later)


def _elapsed(zone: ZoneInfo, start: Day, end: Day) -> timedelta:
    """Return the time between two moments: of two instants that which passed."""
    if isinstance(start, datetime) and isinstance(end, datetime):
        if start.tzinfo is not None and end.tzinfo is not None:
            return end - start
    return _clock(end, zone) - _clock(start, zone)


def _whole(span: timedelta, unit: timedelta) -> int:
    return span // unit if span >= timedelta(0) else -(-span // unit)


def _diff_span(unit: timedelta) -> Callable[[ZoneInfo, Day | None, Day | None], int | None]:
    return _of_values(lambda zone, start, end: _whole(_elapsed(zone, start, end), unit))


def _diff_days(days: int) -> Callable[[ZoneInfo, Day | None, Day | None], int | None]:
    unit = timedelta(days=days)
    return _of_values(
        lambda zone, start, end: _whole(_clock(end, zone) - _clock(start, zone), unit)
    )


def _diff_months(months: int) -> Callable[[ZoneInfo, Day | None, Day | None], int | None]:
    def between(zone: ZoneInfo, start: Day, end: Day) -> int:
        first, last = _clock(start, zone), _clock(end, zone)
        whole = _months_between(min(first, last), max(first, last)) // months
        return whole if first <= last else -whole

    return _of_values(between)


def _months_between(first: datetime, last: datetime) -> int:
    """Return how often a month was complete: its day and clock time reached again."""
    count = (last.year - first.year) * 12 + last.month - first.month
    is_reached = (last.day, last.time()) >= (first.day, first.time())
    return count if is_reached else count - 1


ZONED = frozenset(
    {"year", "month", "day", "hour", "minute", "second", "date"}
    | {f"add{unit}" for unit in ("days", "weeks", "months", "years")}
    | {f"diffin{unit}" for unit in ("minutes", "hours", "days", "weeks", "months", "years")}
)
PYTHON: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "add": add,
        "sub": sub,
        "mul": mul,
        "div": div,
        "divby": divby,
        "mod": mod,
        "neg": neg,
        "round": round_to,
        "floor": floor,
        "ceiling": ceiling,
        "length": length,
        "indexof": indexof,
        "substring": substring,
        "tolower": tolower,
        "toupper": toupper,
        "trim": trim,
        "concat": concat,
        **{name: _part(name) for name in ("year", "month", "day", "hour", "minute", "second")},
        "date": date_of,
        "addminutes": _add_span(timedelta(minutes=1)),
        "addhours": _add_span(timedelta(hours=1)),
        "adddays": _add_days(1),
        "addweeks": _add_days(7),
        "addmonths": _add_months(1),
        "addyears": _add_months(12),
        "diffinminutes": _diff_span(timedelta(minutes=1)),
        "diffinhours": _diff_span(timedelta(hours=1)),
        "diffindays": _diff_days(1),
        "diffinweeks": _diff_days(7),
        "diffinmonths": _diff_months(1),
        "diffinyears": _diff_months(12),
        "coalesce": coalesce,
    }
)
