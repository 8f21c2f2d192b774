"""Moments as jobs keep them: UTC with milliseconds, sortable as text, the same on every engine."""

from __future__ import annotations

from datetime import UTC, datetime


def encode_moment(value: datetime) -> str:
    """Return ``2026-03-01T09:30:00.250Z``; what is finer than a millisecond is cut off.

    A moment without a zone is meant in UTC.
    """
    utc = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def decode_moment(text: str) -> datetime:
    """Return the moment that a text stands for.

    Raises:
        ValueError: It stands for none, or names no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment
