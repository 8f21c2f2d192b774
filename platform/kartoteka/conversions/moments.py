"""Days, instants and local times ↔ one another and text.

An instant (date_time of behavior user_local) is taken as UTC shows it, since nobody knows the
zone of whoever wrote it: it becomes that local time, and that day when it is midnight there. A
value with another time of day does not become a day: the time would be lost, and for readers east
and west of Greenwich the day would be wrong.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from kartoteka.conversions.conversion import Conversion, DoesNotConvert
from kartoteka.conversions.texts import written
from kartoteka.model.field import Field

EARLIEST = date(1753, 1, 1)  # Source: reference platform, section 1.5

_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.0{1,6})?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?", re.ASCII
)


def day_to_instant(before: Field, after: Field) -> Conversion:
    """Return the conversion of a day into its first moment in UTC."""
    return Conversion("widening", lambda value: datetime.combine(value, time(), UTC))


def day_to_local_time(before: Field, after: Field) -> Conversion:
    """Return the conversion of a day into its midnight."""
    return Conversion("widening", lambda value: datetime.combine(value, time()))


def moment_to_day(before: Field, after: Field) -> Conversion:
    """Return the conversion of moments at midnight, in UTC or without a zone, into days."""

    def convert(value: datetime) -> date:
        shown = _without_zone(value)
        if shown.time() != time():
            raise DoesNotConvert("has_time", value=_iso(value))
        return shown.date()

    return Conversion("checked", convert)


def instant_to_local_time(before: Field, after: Field) -> Conversion:
    """Return the conversion of an instant into the local time of UTC."""
    return Conversion("widening", _without_zone)


def local_time_to_instant(before: Field, after: Field) -> Conversion:
    """Return the conversion of a local time into the instant at which UTC shows it."""
    return Conversion("widening", lambda value: value.replace(tzinfo=UTC))


def day_to_text(before: Field, after: Field) -> Conversion:
    """Return the conversion into ``2031-05-06``."""
    return written(after, date.isoformat, len("2031-05-06"))


def instant_to_text(before: Field, after: Field) -> Conversion:
    """Return the conversion into ``2031-05-06T12:00:00Z``."""
    return written(after, _iso, len("2031-05-06T12:00:00Z"))


def local_time_to_text(before: Field, after: Field) -> Conversion:
    """Return the conversion into ``2031-05-06T12:00:00``."""
    return written(after, _iso, len("2031-05-06T12:00:00"))


def text_to_day(before: Field, after: Field) -> Conversion:
    """Return the conversion of texts such as ``2031-05-06``."""

    def convert(value: str) -> date:
        text = value.strip()
        try:
            found = date.fromisoformat(text) if _DAY.fullmatch(text) else None
        except ValueError:
            found = None
        if found is None:
            raise DoesNotConvert("not_a_date", value=value)
        return _late_enough(found)

    return Conversion("checked", convert)


def text_to_instant(before: Field, after: Field) -> Conversion:
    """Return the conversion of ISO 8601 texts; without a zone UTC is meant."""

    def convert(value: str) -> datetime:
        found = _read_moment(value)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        try:
            found = found.astimezone(UTC)
        except OverflowError:
            raise DoesNotConvert("not_a_date_time", value=value) from None
        _late_enough(found.date())
        return found

    return Conversion("checked", convert)


def text_to_local_time(before: Field, after: Field) -> Conversion:
    """Return the conversion of ISO 8601 texts without a zone."""

    def convert(value: str) -> datetime:
        found = _read_moment(value)
        if found.tzinfo is not None:
            raise DoesNotConvert("has_zone", value=value)
        _late_enough(found.date())
        return found

    return Conversion("checked", convert)


def _read_moment(value: str) -> datetime:
    text = value.strip()
    try:
        found = datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise DoesNotConvert("not_a_date_time", value=value)
    return found


def _late_enough(day: date) -> date:
    if day < EARLIEST:
        raise DoesNotConvert("too_early", value=day.isoformat(), min=EARLIEST.isoformat())
    return day


def _without_zone(value: datetime) -> datetime:
    return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)


def _iso(value: datetime) -> str:
    return _without_zone(value).isoformat() + ("Z" if value.tzinfo is not None else "")
