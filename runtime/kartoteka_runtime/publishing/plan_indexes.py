"""Which indexes a publish builds over records that are there, and whether it can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

from kartoteka.registry import Registry
from kartoteka_runtime.publishing.plan import PlannedChange
from kartoteka_runtime.publishing.stored_counts import StoredCounts
from kartoteka_runtime.storage.database import Database
from kartoteka_runtime.storage.table_changes import TableChange
from kartoteka_runtime.storage.tables import IndexSpec, index_on, index_specs, table_as_named

# About how many rows a second go into an index.
_INDEXED_A_SECOND = {"sqlite": 400_000, "postgresql": 500_000}


async def planned_indexes(
    table: TableChange,
    live: Registry,
    wanted: Registry,
    counts: StoredCounts,
    database: Database,
) -> AsyncIterator[PlannedChange]:
    """Yield the indexes that have to be built for one entity.

    One that must be unique is blocked while records have the same values; where the values are
    converted in the same publish, the building itself finds out.
    """
    after = table.after
    if after is None or not table.live_table:
        return
    missing = [
        spec for spec in index_specs(after, wanted) if spec not in _specs_before(table, live)
    ]
    if not missing or not await counts.has_records(table.live_table):
        return
    rows = await counts.records(table.live_table)
    moved = {field.name for field in table.added} | {item.field.name for item in table.converted}
    for spec in missing:
        blocked = ""
        if spec.prefix == "uq" and moved.isdisjoint(spec.fields):
            repeated = await counts.repeated(
                table.live_table, _expressions(spec, table, wanted, database)
            )
            if repeated:
                blocked = (
                    "1 value stands in more than one record; make them different first"
                    if repeated == 1
                    else f"{repeated:,} values stand in more than one record; make them different "
                    "first"
                )
        yield PlannedChange(
            "index/build",
            {"fields": f"{after.name}.{', '.join(spec.fields)}"},
            entity=after.name,
            rows=rows,
            blocked=blocked,
            lock="none" if database.engine == "postgresql" else "table",
            seconds=round(rows / _INDEXED_A_SECOND[database.engine], 1),
        )


def _specs_before(table: TableChange, live: Registry) -> set[IndexSpec]:
    before = table.before
    if before is None or before.name not in live.entities:
        return set()
    return {
        replace(spec, fields=tuple(table.renames.get(name, name) for name in spec.fields))
        for spec in index_specs(before, live)
    }


def _expressions(
    spec: IndexSpec, table: TableChange, wanted: Registry, database: Database
) -> list[str]:
    """Return what an index is over, as SQL on the table as it is now."""
    assert table.after is not None
    names = {new: old for old, new in table.renames.items()}
    now = table_as_named(table.after, wanted, database.engine, table=table.live_table, names=names)
    index = index_on(spec, now, table.after, database.engine)
    return [
        str(part.compile(dialect=database.dialect, compile_kwargs={"include_table": False}))
        for part in index.expressions
        if not isinstance(part, str)
    ]
