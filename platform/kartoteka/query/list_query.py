"""ListQuery: one page of records, as every list, lookup, panel and endpoint asks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kartoteka.conditions.typed import FieldPath, TypedCondition


@dataclass(frozen=True, slots=True)
class OrderKey:
    """One key of an order; empty values come first in ascending order, last in descending."""

    path: FieldPath
    descending: bool = False


@dataclass(frozen=True, slots=True)
class LinkedTo:
    """Narrows a list to the records that an N:N relationship links with one record."""

    relationship: str
    record_id: str


@dataclass(frozen=True, slots=True)
class ListQuery:
    """One page of records of ``entity``.

    ``order`` is made total by the primary id. ``after`` holds, for the page that follows a
    record, that record's sort values (texts folded) and its id; empty for the first page.
    ``with_labels`` reads the names of the records that lookups refer to.
    """

    entity: str
    columns: tuple[FieldPath, ...]
    condition: TypedCondition | None = None
    order: tuple[OrderKey, ...] = ()
    after: tuple[Any, ...] = ()
    limit: int = 50
    with_labels: bool = True
    linked_to: LinkedTo | None = None
