"""Clocks of time zones: instants as a zone's clock shows them, and back.

A clock time that comes twice (clocks go back) is the later one; one that never comes (clocks go
forward) is as long after the change as it says: 02:30 where 02:00 became 03:00 is 03:30. That is
what PostgreSQL's ``AT TIME ZONE`` does, and ``conditions.js``.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return a time zone; one that is not known here is UTC, so that a record has an answer."""
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return ZoneInfo("UTC")


def clock_of(instant: datetime, zone: tzinfo) -> datetime:
    """Return what a zone's clock shows at an instant, a time without a zone.

    Raises:
        OverflowError: The clock shows a year before 1 or after 9999.
    """
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def shown_clock(instant: datetime, zone: tzinfo) -> datetime:
    """Return what people are shown of an instant: the clock's time, at most the calendar's ends.

    Where a clock shows a year before 1 it is the first second of the year 1, after 9999 the last.
    """
    try:
        return clock_of(instant, zone)
    except OverflowError:
        return calendar_end(is_last=instant.year > 1)


def calendar_end(*, is_last: bool) -> datetime:
    """Return the first or the last second that there is, without a zone."""
    return datetime.max.replace(microsecond=0) if is_last else datetime.min


def instant_of(clock: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which a zone's clock shows a time.

    Raises:
        OverflowError: The instant lies before the year 1 or after 9999.
    """
    first = clock.replace(tzinfo=zone)
    second = first.replace(fold=1)
    return max(first.astimezone(UTC), second.astimezone(UTC))
