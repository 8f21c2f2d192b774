"""Values as FetchXML and forms write them, texts without a type → literals of the conditions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from kartoteka.conditions.syntax import Literal, LiteralKind
from kartoteka.conditions.typed import ValueKind

_NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?")
_YES_NO = {"1": True, "true": True, "0": False, "false": False}


def literal_of(text: str, kind: ValueKind) -> Literal:
    """Return what a text means beside a field of a kind.

    A text that is none of its values stays a text, which the check of conditions then refuses
    with the name of the field. A date-time without a zone is one in UTC where an instant is meant.
    """
    read = _READ.get(kind)
    found = read(text.strip()) if read is not None else None
    return found or Literal(LiteralKind.TEXT, text)


def number_of(text: str) -> Literal | None:
    """Return a number, or None when a text is none."""
    try:
        if _NUMBER.fullmatch(text):
            return Literal(LiteralKind.NUMBER, Decimal(text))
    except InvalidOperation:
        pass
    return None


def day_of(text: str) -> Literal | None:
    """Return the calendar day of a date or date-time, or None when a text is neither."""
    moment = _moment(text)
    if moment is None:
        return None
    day = moment.date() if isinstance(moment, datetime) else moment
    return Literal(LiteralKind.DATE, day)


def _yes_no(text: str) -> Literal | None:
    value = _YES_NO.get(text.lower())
    return None if value is None else Literal(LiteralKind.BOOLEAN, value)


def _id(text: str) -> Literal | None:
    try:
        return Literal(LiteralKind.GUID, UUID(text.strip("{}"))) if len(text) >= 36 else None
    except ValueError:
        return None


def _instant(text: str) -> Literal | None:
    moment = _moment(text)
    if isinstance(moment, datetime):
        in_zone = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        return Literal(LiteralKind.DATE_TIME, in_zone)
    return None if moment is None else Literal(LiteralKind.DATE, moment)


def _local_time(text: str) -> Literal | None:
    moment = _moment(text)
    if isinstance(moment, datetime):
        return Literal(LiteralKind.DATE_TIME, moment)
    return None if moment is None else Literal(LiteralKind.DATE, moment)


def _moment(text: str) -> date | datetime | None:
    text = text.strip()
    if not text[:4].isdigit():
        return None
    read = date.fromisoformat if len(text) <= 10 else datetime.fromisoformat
    try:
        return read(text)
    except ValueError:
        return None


_READ: Mapping[ValueKind, Callable[[str], Literal | None]] = {
    ValueKind.WHOLE: number_of,
    ValueKind.DECIMAL: number_of,
    ValueKind.FLOAT: number_of,
    ValueKind.YES_NO: _yes_no,
    ValueKind.ID: _id,
    ValueKind.DATE: day_of,
    ValueKind.INSTANT: _instant,
    ValueKind.LOCAL_TIME: _local_time,
}
