"""Sums that do not depend on the order of the records: aggregates that SQLite gets.

A float counts as the shortest decimal that reads back as the same float, as everywhere in the
condition language.
"""

from __future__ import annotations

from decimal import Context, Decimal

from kartoteka.conditions.values import exact

DIGITS = Context(prec=60)  # more than the sum of all records of a table has


class ExactTotal:
    """``kartoteka_total``: the sum of numbers and their count, as text."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.sum: int | Decimal = 0
        self.count = 0

    def step(self, value: int | float | None) -> None:
        """Add a value."""
        if value is None:
            return
        number = exact(value)
        is_whole = isinstance(number, int) and isinstance(self.sum, int)
        self.sum = self.sum + number if is_whole else DIGITS.add(self.sum, number)
        self.count += 1

    def finalize(self) -> str | float | None:
        """Return ``sum count``, or None without values."""
        return f"{self.sum} {self.count}" if self.count else None


class ExactSum(ExactTotal):
    """``kartoteka_sum``: the sum of floats, to sort by."""

    def finalize(self) -> float | None:
        """Return the float next to the sum, or None without values."""
        return float(self.sum) if self.count else None


class ExactAverage(ExactTotal):
    """``kartoteka_average``: the average of floats, to sort by."""

    def finalize(self) -> float | None:
        """Return the float next to the average, or None without values."""
        return float(DIGITS.divide(self.sum, self.count)) if self.count else None
