"""Keyset paging: the condition for what comes after a record in an order.

An order's first key is where an index begins. Its empty values come first when it ascends and last
when it descends, so what follows a record may lie in two ranges of the index: these are read one
after the other, each from its own beginning, and never by walking over what came before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import sqlalchemy as sa

Condition = sa.ColumnElement[bool]


@dataclass(frozen=True, slots=True)
class SortValue:
    """One key of an order as SQL."""

    value: sa.ColumnElement[Any]
    descending: bool
    is_nullable: bool = True


class Segment(Enum):
    """A range of an order's first key."""

    WHOLE = "whole"  # from the very beginning
    EMPTY_AFTER = "empty after"  # empty values, after the known record
    VALUES_AFTER = "values after"
    EMPTY = "empty"  # all empty values
    VALUES = "values"


def segments(known: Sequence[Any], *, descending: bool, has_order: bool) -> tuple[Segment, ...]:
    """Return the ranges that follow a record with the sort values ``known`` (empty: none)."""
    if not known:
        return (Segment.WHOLE,)
    if not has_order:
        return (Segment.VALUES_AFTER,)
    if known[0] is None:
        return (Segment.EMPTY_AFTER,) if descending else (Segment.EMPTY_AFTER, Segment.VALUES)
    return (Segment.VALUES_AFTER, Segment.EMPTY) if descending else (Segment.VALUES_AFTER,)


def after(keys: Sequence[SortValue], segment: Segment, known: tuple[bool, ...]) -> Condition | None:
    """Return the condition of a segment; ``known`` tells which parameters ``aN`` are not null."""
    match segment:
        case Segment.WHOLE:
            return None
        case Segment.EMPTY:
            return keys[0].value.is_(None)
        case Segment.VALUES:
            return keys[0].value.is_not(None)
        case Segment.EMPTY_AFTER:
            return sa.and_(keys[0].value.is_(None), _beyond(keys, known, start=1))
        case Segment.VALUES_AFTER:
            return _values_after(keys, known)


def _values_after(keys: Sequence[SortValue], known: tuple[bool, ...]) -> Condition:
    """Return what lies beyond a record whose first key is not empty.

    One comparison of whole rows where that says the same, since an index can begin at it.
    """
    directions = {key.descending for key in keys}
    if len(directions) == 1 and all(known) and (len(keys) <= 2 or not keys[0].descending):
        row = sa.tuple_(*(key.value for key in keys))
        bound = sa.tuple_(*(_bound(key, number) for number, key in enumerate(keys)))
        return row < bound if keys[0].descending else row > bound
    first = keys[0]
    start = first.value <= _bound(first, 0) if first.descending else first.value >= _bound(first, 0)
    return sa.and_(start, _beyond(keys, known, start=0))


def _beyond(keys: Sequence[SortValue], known: tuple[bool, ...], *, start: int) -> Condition:
    """Return ``a > x OR (a = x AND b > y) …`` for the keys from ``start`` on."""
    alternatives: list[Condition] = []
    equal: list[Condition] = []
    for number in range(start, len(keys)):
        key = keys[number]
        bound = _bound(key, number)
        if not known[number]:
            beyond: Condition = sa.false() if key.descending else key.value.is_not(None)
            same: Condition = key.value.is_(None)
        elif key.descending:
            beyond, same = key.value < bound, key.value == bound
            if key.is_nullable and number:
                beyond = sa.or_(beyond, key.value.is_(None))
        else:
            beyond, same = key.value > bound, key.value == bound
        alternatives.append(sa.and_(*equal, beyond))
        equal.append(same)
    return sa.or_(*alternatives)


def _bound(key: SortValue, number: int) -> sa.BindParameter[Any]:
    return sa.bindparam(f"a{number}", type_=key.value.type)
