"""Tests of one record that a closure calls: periods, hierarchies, one text in another."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.periods import Bounds, intervals
from kartoteka.conditions.typed import MOST_LEVELS, TextFunction, ValueKind
from kartoteka.conditions.zones import clock_of, zone_named
from kartoteka.text_folding import fold


def zone(asker: Asker) -> ZoneInfo:
    """Return the time zone of who asks."""
    return zone_named(asker.time_zone)


def asked_now(asker: Asker, kind: ValueKind) -> date | datetime:
    """Return the time of the question as a date, or as what the asker's clock shows."""
    clock = clock_of(asker.now, zone(asker))
    return clock.date() if kind is ValueKind.DATE else clock


class LiesIn:
    """Tells whether dates or times lie in a period; who asks is commonly the same many times."""

    __slots__ = ("_arguments", "_kind", "_last", "_name")

    def __init__(self, name: str, arguments: tuple[int | date, ...], kind: ValueKind) -> None:
        """Ask for a period of ``PERIODS``."""
        self._name = name
        self._arguments = arguments
        self._kind = kind
        self._last: tuple[Asker | None, tuple[Bounds, ...]] = (None, ())

    def __call__(self, value: Any, asker: Asker) -> bool:
        """Return whether a value of the period's kind lies in it."""
        last, found = self._last
        if last is not asker:
            found = intervals(self._name, self._arguments, asker, self._kind)
            self._last = (asker, found)
        for first, end in found:
            if (first is None or first <= value) and (end is None or value < end):
                return True
        return False


def in_hierarchy(
    record_id: str, other_id: str, asker: Asker, entity: str, is_under: bool, includes_itself: bool
) -> bool:
    """Return whether a record lies below (else above) another one."""
    if record_id == other_id:
        return includes_itself
    start, sought = (record_id, other_id) if is_under else (other_id, record_id)
    above = asker.parents.get(entity, {})
    for _ in range(MOST_LEVELS):
        found = above.get(start)
        if found is None:
            return False
        if found == sought:
            return True
        start = found
    return False


def text_related(function: TextFunction, subject: str | None, sought: str | None) -> bool:
    """Return whether one text is found in another."""
    if subject is None or sought is None:
        return False
    text, part = fold(subject), fold(sought)
    match function:
        case TextFunction.CONTAINS:
            return part in text
        case TextFunction.STARTSWITH:
            return text.startswith(part)
        case TextFunction.ENDSWITH:
            return text.endswith(part)
