"""Whose inherited access a publish outdates: a job works it out for all records of an entity."""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.registry import Registry
from kartoteka_runtime.records.share_paths import SharePaths
from kartoteka_runtime.storage.table_changes import TableChange


def inheritances(tables: Iterable[TableChange], wanted: Registry) -> tuple[str, ...]:
    """Return the entities of whose records lookups that pass access on lose or regain values."""
    paths = SharePaths(wanted)
    return tuple(
        table.after.name
        for table in tables
        if table.after is not None
        and table.live_table
        and paths.is_shareable(table.after.name)
        and any(map(_passes_access_on, _with_other_values(table)))
    )


def _with_other_values(table: TableChange) -> Iterable[Field]:
    for item in table.converted:
        yield item.stored
        yield item.field
    yield from table.taken_back
    for retired in table.retired:
        if isinstance(retired.definition, Field):
            yield retired.definition


def _passes_access_on(field: Field) -> bool:
    cascade = field.cascade
    rules = (cascade.share, cascade.unshare, cascade.reparent)
    return field.is_lookup and has_column(field) and any(rule != "none" for rule in rules)
