"""Durations in minutes: written as ``2 h 30 min``, read from what people type."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from functools import cache

from babel import Locale

_UNITS = (("week", 10080), ("day", 1440), ("hour", 60), ("minute", 1))
_CLOCK = re.compile(r"(\d{1,4}):([0-5]\d)")
_PART = re.compile(r"([\d.,]+)\s*([^\d\s.,][^\d,]*)?\s*,?\s*")
_MOST_MINUTES = 2**31 - 1


def write_duration(minutes: int) -> str:
    """Return a duration in days, hours and minutes, each only where it is not zero.

    ``d``, ``h`` and ``min`` are the symbols of the SI, the same in every language.
    """
    rest = abs(minutes)
    parts: list[str] = []
    for symbol, size in (("d", 1440), ("h", 60), ("min", 1)):
        count, rest = divmod(rest, size)
        if count or (size == 1 and not parts):
            parts.append(f"{count} {symbol}")
    return ("-" if minutes < 0 else "") + " ".join(parts)


def read_duration(text: str, language: str) -> int | None:
    """Return the minutes that a text names, or None when it names no duration.

    Takes ``90`` (minutes), ``1:30``, ``2 h``, ``1.5 hours``, ``1 day 4 h`` and the same in the
    words of ``language``.
    """
    typed = text.strip().casefold()
    if clock := _CLOCK.fullmatch(typed):
        return int(clock[1]) * 60 + int(clock[2])
    factors = _factors(language)
    total = Decimal(0)
    at = 0
    while at < len(typed):
        part = _PART.match(typed, at)
        if part is None:
            return None
        unit = (part[2] or "").strip().rstrip(".")
        factor = factors.get(unit) if unit else (1 if part.end() == len(typed) and not at else None)
        try:
            count = Decimal(part[1].strip(",").replace(",", "."))
        except InvalidOperation:
            return None
        if factor is None:
            return None
        total += count * factor
        at = part.end()
    return round(total) if typed and total <= _MOST_MINUTES else None


@cache
def _factors(language: str) -> dict[str, int]:
    """Return ``{unit word: minutes}`` of a language and of English."""
    found = {"h": 60, "m": 1, "min": 1, "mins": 1, "d": 1440, "hrs": 60, "w": 10080}
    for name in ("en", language):
        patterns = Locale.parse(name)._data["unit_patterns"]
        for unit, minutes in _UNITS:
            for length in ("long", "short", "narrow"):
                for pattern in patterns.get(f"duration-{unit}", {}).get(length, {}).values():
                    word = str(pattern).replace("{0}", "").strip().rstrip(".").casefold()
                    if word:
                        found.setdefault(word, minutes)
    return found
