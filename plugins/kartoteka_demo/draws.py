"""Draws: chance that falls the same way in every load, ids that never change, and days."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import TypeVar

T = TypeVar("T")

_FIRST_MOMENT = 1_767_225_600_000  # milliseconds since 1970: 2026-01-01, where the ids begin
_WORKING_HOURS = range(7, 16)  # UTC; office hours in every country of the group but one
_SATURDAY = 5


class Draws:
    """Makes every choice of the sample data, from one seed and one day."""

    def __init__(self, today: date, *, seed: int = 2003) -> None:
        """Begin; the same ``today`` and ``seed`` give the same choices."""
        self.today = today
        self._random = Random(seed)  # noqa: S311 - sample data, no secrets
        self._ids: Counter[str] = Counter()

    def record_id(self, entity: str) -> str:
        """Return the next id for a record of ``entity``, a UUID version 7 like any other."""
        self._ids[entity] += 1
        number = self._ids[entity]
        noise = int.from_bytes(hashlib.sha256(f"{entity}/{number}".encode()).digest()[:10])
        high = ((_FIRST_MOMENT + number) << 16) | 0x7000 | (noise >> 68)
        low = (0b10 << 62) | (noise & ((1 << 62) - 1))
        return str(uuid.UUID(int=(high << 64) | low))

    def one_of(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return self._random.choice(items)

    def some_of(self, items: Sequence[T], count: int) -> list[T]:
        """Return ``count`` different items (all of them, when there are fewer), in any order."""
        return self._random.sample(items, min(count, len(items)))

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return all the items in any order."""
        return self._random.sample(items, len(items))

    def weighted(self, weights: Sequence[tuple[T, int]]) -> T:
        """Return one of the items, each as likely as its weight says."""
        return self._random.choices([item for item, _ in weights], [part for _, part in weights])[0]

    def between(self, low: int, high: int, step: int = 1) -> int:
        """Return a number from ``low`` to ``high``, both included, in steps."""
        return self._random.randrange(low, high + 1, step)

    def happens(self, percent: int) -> bool:
        """Return True in ``percent`` of a hundred cases."""
        return self._random.randrange(100) < percent

    def day(self, earliest: int, latest: int) -> date:
        """Return a working day between two offsets from today, in days."""
        found = self.today + timedelta(days=self.between(earliest, latest))
        beyond_friday = found.weekday() - _SATURDAY + 1
        return found - timedelta(days=beyond_friday) if beyond_friday > 0 else found

    def moment(self, earliest: int, latest: int) -> datetime:
        """Return an instant in office hours between two offsets from today, in days."""
        return self.moment_on(self.day(earliest, latest))

    def moment_on(self, day: date) -> datetime:
        """Return an instant in office hours of a day."""
        clock = time(self.one_of(_WORKING_HOURS), self.between(0, 55, 5))
        return datetime.combine(day, clock, tzinfo=UTC)
