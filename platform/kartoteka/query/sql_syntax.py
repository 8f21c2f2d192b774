"""The parsed text of a SELECT, before anyone asked whether its names exist.

Offsets are characters from 0 in the text.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column, perhaps with the table or alias before it."""

    name: str
    offset: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A text, a number (as it is written) or NULL (None)."""

    value: str | None
    offset: int
    is_number: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """``COUNT(*)`` (no column), or a function of a column; ``text`` is how it was written."""

    function: str
    column: Column | None
    offset: int
    text: str
    is_distinct: bool = False


@dataclass(frozen=True, slots=True)
class Item:
    """What one column of the result is, and its alias, if it has one."""

    what: Column | Figure
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Compare:
    """Two operands and ``= <> < > <= >=`` between them."""

    left: Column | Value
    operator: str
    right: Column | Value
    offset: int


@dataclass(frozen=True, slots=True)
class In:
    """A column and the values it may have."""

    column: Column
    values: tuple[Value, ...]
    offset: int


@dataclass(frozen=True, slots=True)
class Between:
    """A column and the values it lies between."""

    column: Column
    low: Value
    high: Value
    offset: int


@dataclass(frozen=True, slots=True)
class Like:
    """A column and a pattern."""

    column: Column
    pattern: Value
    offset: int


@dataclass(frozen=True, slots=True)
class IsNull:
    """A column that is empty."""

    column: Column
    offset: int


@dataclass(frozen=True, slots=True)
class Negation:
    """``NOT`` and what it is about."""

    term: Term
    offset: int


@dataclass(frozen=True, slots=True)
class Several:
    """Two or more terms, all of which hold, or with ``is_or`` one."""

    terms: tuple[Term, ...]
    is_or: bool
    offset: int


Term = Compare | In | Between | Like | IsNull | Negation | Several


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the name it goes by."""

    name: str
    alias: str
    offset: int


@dataclass(frozen=True, slots=True)
class JoinedTable:
    """A table that is joined to those before it."""

    table: Table
    on: Term
    is_outer: bool


@dataclass(frozen=True, slots=True)
class SortItem:
    """A column, an alias, a figure, or the number of an item, from 1."""

    what: Column | Figure | int
    descending: bool
    offset: int


@dataclass(frozen=True, slots=True)
class Select:
    """One statement; ``top`` and ``fetch`` are None where they are not said."""

    items: tuple[Item, ...]
    table: Table
    joins: tuple[JoinedTable, ...] = ()
    where: Term | None = None
    groups: tuple[Column, ...] = ()
    order: tuple[SortItem, ...] = ()
    is_distinct: bool = False
    top: int | None = None
    offset: int = 0
    fetch: int | None = None
