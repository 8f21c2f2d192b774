"""Secured columns on pages: a lock for what is hidden, a part of what is masked, and no input.

The record service keeps values back; this only says so, and offers no input that it would refuse.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from kartoteka.access.columns import secured_entities
from kartoteka_runtime.security.column_access import MASKED, ONE_RECORD, ColumnAccess, is_masked
from kartoteka_runtime.web.list_model import field_at
from kartoteka_runtime.web.page_request import PageRequest


class Kept(Markup):
    """What stands in place of a value, whatever widget would show it."""

    is_kept = True


@dataclass(frozen=True, slots=True)
class KeptFields:
    """The fields of a form that its reader may not edit: of these, some hidden, some unmaskable."""

    names: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    unmaskable: frozenset[str] = frozenset()


NOTHING_KEPT = KeptFields()


async def kept_fields(page: PageRequest, entity: str, *, is_new: bool = False) -> KeptFields:
    """Return which fields of a form of an entity are kept from its reader."""
    columns = await _columns(page)
    if columns is None:
        return NOTHING_KEPT
    secured = page.registry.entities[entity].secured_fields
    if is_new:
        new = frozenset(name for name in secured if not columns.may_create(entity, name))
        return KeptFields(new, new & columns.limits(entity).hidden)
    limits = columns.limits(entity, ONE_RECORD if page.is_unmasked else MASKED)
    names = {name for name in secured if not columns.may_update(entity, name)}
    return KeptFields(
        frozenset(names | limits.hidden | set(limits.masked)),
        limits.hidden,
        frozenset(limits.masked) & columns.unmasked(entity, ONE_RECORD),
    )


def with_locks(page: PageRequest, shown: Mapping[str, Any], kept: KeptFields) -> dict[str, Any]:
    """Return shown values with a lock for each that is hidden."""
    return {**shown, **dict.fromkeys(kept.hidden, locked(page))}


def without_masked(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without what masks left of its values, for those who reckon with them."""
    return {name: None if is_masked(value) else value for name, value in record.items()}


async def locked_columns(page: PageRequest, view: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the columns of a view that are hidden, and all by which nobody may sort, from 0."""
    columns = await _columns(page)
    if columns is None:
        return (), ()
    hidden, unsortable = [], []
    entity = page.registry.views[view].entity
    for number, column in enumerate(page.pages.list_model(view).columns):
        item, owner = field_at(column.path, entity, page.registry)
        limits = columns.limits(owner)
        if item.name in limits.hidden:
            hidden.append(number)
        if item.name in limits.hidden or item.name in limits.masked:
            unsortable.append(number)
    return tuple(hidden), tuple(unsortable)


def rows_with_locks(
    page: PageRequest, rows: Sequence[tuple[Any, ...]], hidden: Sequence[int]
) -> list[tuple[Any, ...]]:
    """Return rows, which begin with an id, with a lock in each hidden column."""
    if not hidden:
        return list(rows)
    lock = locked(page)
    at = {number + 1 for number in hidden}
    return [
        tuple(lock if place in at else value for place, value in enumerate(row)) for row in rows
    ]


def locked(page: PageRequest) -> Kept:
    """Return a lock, with words for those who do not see it."""
    text = escape(page.text("form.secured"))
    icon = page.pages.icon("lock", "k-icon--small")
    return Kept(
        f'<span class="k-locked" title="{text}">{icon}<span aria-hidden="true">********</span>'
        f'<span class="k-hidden">{text}</span></span>'
    )


async def _columns(page: PageRequest) -> ColumnAccess | None:
    """Return what the reader may do with secured columns; None when nothing is kept back."""
    if not secured_entities(page.registry):
        return None
    columns = (await page.records.access()).columns
    return None if columns.is_free else columns
