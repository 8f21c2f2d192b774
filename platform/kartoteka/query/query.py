"""Query: what is asked of records, whoever asks and however it was written.

Views, lookups, subgrids, counts, exports and the Web API all ask through it. A query has no SQL and
no access rules; ``kartoteka_runtime.records.reading`` adds the one condition of access to it and to
every query inside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kartoteka.conditions.typed import (
    Collection,
    FieldPath,
    Linked,
    LookupStep,
    Match,
    TypedCondition,
)

MOST_JOINS = 15  # Source: reference platform, section 4.3
MOST_EXPANDS = 50  # in one query, whatever their depth
MOST_EXPAND_DEPTH = 10
MOST_ITEMS_EXPANDED = 5000  # of one collection of one record


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One key of an order; empty values come first in ascending order, last in descending.

    ``path`` is a field, or the alias of a group or aggregate of the query.
    """

    path: FieldPath | str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Expand:
    """Related records inside each record: one over a lookup, or the items of a collection.

    ``key`` is where rows hold them: a record or None, or a list. ``query`` says which fields,
    which of the items, in which order and how many of each record (``limit``). When a record has
    more and the list ``goes_on``, its row holds at ``cut_key`` the sort values of the last one.
    """

    key: str
    over: LookupStep | Collection
    query: Query
    goes_on: bool = False

    @property
    def cut_key(self) -> str:
        """Return where a row holds what the items that are left out come after."""
        return f"{self.key}@cut"


@dataclass(frozen=True, slots=True)
class Join:
    """Another entity's records beside those asked for, by a condition between two fields.

    Every matching pair is a row. ``alias`` is the ``variable`` of paths that begin here, ``parent``
    the alias that ``via``'s owner belongs to (empty: the query's own entity). ``condition`` takes
    part in joining: with ``is_outer`` records without a match stay, and joined paths are empty.
    """

    alias: str
    entity: str
    via: Match | Linked
    parent: str = ""
    is_outer: bool = False
    condition: TypedCondition | None = None


@dataclass(frozen=True, slots=True)
class LinkedTo:
    """Narrows a query to the records that an N:N relationship links with one record."""

    relationship: str
    record_id: str


class DatePart(StrEnum):
    """What of a date or time makes a group, in the asker's time zone."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    FISCAL_PERIOD = "fiscal-period"
    FISCAL_YEAR = "fiscal-year"


@dataclass(frozen=True, slots=True)
class Group:
    """One key that rows are grouped by; ``part`` for dates only."""

    alias: str
    path: FieldPath
    part: DatePart | None = None


class AggregateFunction(StrEnum):
    """What is worked out of a group's records; empty values take no part."""

    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    COUNT = "count"  # of records; with a path: of values that are not empty


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One figure of each group; ``distinct`` looks at every value once."""

    alias: str
    function: AggregateFunction
    path: FieldPath | None = None
    distinct: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Records of ``entity``, or figures about them.

    ``columns`` may begin at joins. ``order`` is made total by the primary id. ``after`` holds, for
    the page that follows a record, that record's sort values and its id as the token of the page
    before gave them; ``skip`` pages simply, for what has no such order. ``with_labels`` reads the
    names of the records that lookups refer to. With ``groups`` or ``aggregates`` rows are keyed by
    their aliases, and ``columns`` and ``expands`` are empty; ``having`` is what they must meet, by
    these aliases.
    """

    entity: str
    columns: tuple[FieldPath, ...] = ()
    condition: TypedCondition | None = None
    order: tuple[OrderKey, ...] = ()
    expands: tuple[Expand, ...] = ()
    joins: tuple[Join, ...] = ()
    groups: tuple[Group, ...] = ()
    aggregates: tuple[Aggregate, ...] = ()
    distinct: bool = False
    linked_to: LinkedTo | None = None
    after: tuple[Any, ...] = ()
    skip: int = 0
    limit: int = 50
    with_labels: bool = True
    having: TypedCondition | None = None

    @property
    def is_aggregate(self) -> bool:
        """Return whether rows are groups, not records."""
        return bool(self.groups or self.aggregates)
