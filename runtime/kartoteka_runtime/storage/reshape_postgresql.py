"""Table changes carried out on PostgreSQL: the long part while everybody works, the swap at once.

``prepare`` adds columns under names that the live registry does not know, converts values into
them in batches and builds indexes without keeping writers waiting. A trigger empties a converted
cell when its old one is written, so that the swap sees what changed meanwhile. Everything in
``prepare`` may be cut short at any point: the live registry does not see it, and the next publish
goes on where it stopped, or clears it away when it wants something else. ``swap`` runs in the
publisher's transaction and touches names alone, but for the few cells that changed last.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateIndex

from kartoteka.errors import PublishFailed
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.registry import Registry
from kartoteka_runtime.storage.cell_converter import CellConverter
from kartoteka_runtime.storage.database import DatabaseBusy, PublishingConnection, UniqueViolation
from kartoteka_runtime.storage.ddl import rename_columns
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.schema import (
    OUR_INDEXES,
    UNFINISHED,
    UNFINISHED_INDEX,
    Schema,
    TableSchema,
)
from kartoteka_runtime.storage.stored_values import column_names
from kartoteka_runtime.storage.table_changes import Converted, TableChange
from kartoteka_runtime.storage.tables import (
    IndexSpec,
    field_columns,
    index_on,
    index_specs,
    short_name,
    table_as_named,
)

Progress = Callable[[str, int, int], None]

_BATCH = 2_000
_TRIES = 30  # how often a second is waited for a table
_SYNC = "kartoteka_sync"


class PostgresqlReshape:
    """One table's way from what it is to what is wanted."""

    def __init__(
        self,
        change: TableChange,
        *,
        live: Registry,
        wanted: Registry,
        now: TableSchema,
        dialect: Dialect,
        progress: Progress,
    ) -> None:
        """Prepare nothing yet; ``now`` is the table as it was when the plan was made."""
        assert change.after is not None
        self._change = change
        self._entity: Entity = change.after
        self._live = live
        self._wanted = wanted
        self._now = now
        self._dialect = dialect
        self._progress = progress
        self._quote = dialect.identifier_preparer.quote
        self._there: set[str] = set()  # columns that a publish that was cut short has made
        self._converters = {
            item.field.name: CellConverter(item, "postgresql") for item in change.converted
        }
        self._staged = self._staging_names()
        self._renamed_indexes, self._built_indexes = self._index_changes()

    # --- while everybody works -----------------------------------------------------------------

    async def prepare(self, connection: PublishingConnection) -> None:
        """Add columns, convert values and build indexes beside what is live.

        Raises:
            PublishFailed: Records that have the same values would break a new unique index.
        """
        await self._clear_leftovers(connection)
        for field in (*self._change.added, *(item.field for item in self._change.converted)):
            await self._add_columns(connection, field)
        if self._change.converted:
            await self._follow_writes(connection)
            for item in self._change.converted:
                await self._convert(connection, item, everything=False)
        for spec in self._built_indexes:
            await self._build_index(connection, spec)

    async def _clear_leftovers(self, connection: PublishingConnection) -> None:
        """Remove what an earlier publish began and this one does not want in that form."""
        table = self._quote(self._change.live_table)
        marks = {
            column: self._mark(field)
            for field in (*self._change.added, *(item.field for item in self._change.converted))
            for column in self._staged_columns(field)
        }
        found = await connection.fetch_all(
            "SELECT a.attname, col_description(a.attrelid, a.attnum) FROM pg_attribute a "
            "WHERE a.attrelid = %(table)s::regclass AND NOT a.attisdropped "
            f"AND right(a.attname, {len(UNFINISHED)}) = '{UNFINISHED}'",
            {"table": table},
        )
        await _briefly(connection, f"DROP TRIGGER IF EXISTS {_SYNC} ON {table}")
        self._there = {name for name, mark in found if marks.get(name) == mark}
        for name, _ in found:
            if name not in self._there:
                await _briefly(connection, f"ALTER TABLE {table} DROP COLUMN {self._quote(name)}")

    async def _add_columns(self, connection: PublishingConnection, field: Field) -> None:
        table = self._quote(self._change.live_table)
        for column, name in zip(
            field_columns(field, self._wanted, "postgresql"),
            self._staged_columns(field),
            strict=True,
        ):
            if name in self._there:
                continue
            kind = column.type.compile(dialect=self._dialect)
            await _briefly(
                connection,
                f"ALTER TABLE {table} ADD COLUMN {self._quote(name)} {kind}",
                f"COMMENT ON COLUMN {table}.{self._quote(name)} IS '{self._mark(field)}'",
            )

    async def _follow_writes(self, connection: PublishingConnection) -> None:
        """Let a write of an old cell empty its converted one, until the swap."""
        quote = _always_quoted  # PL/pgSQL reserves words that SQL does not, such as "by"
        body = "".join(
            f"IF ({_row('NEW', item.columns, quote)}) IS DISTINCT FROM "
            f"({_row('OLD', item.columns, quote)}) THEN "
            + "".join(f"NEW.{quote(name)} := NULL; " for name in self._staged_columns(item.field))
            + "END IF; "
            for item in self._change.converted
        )
        function = self._quote(short_name(_SYNC, self._change.live_table))
        table = self._quote(self._change.live_table)
        await connection.execute(
            f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$sync$ BEGIN {body}RETURN NEW; END $sync$",
            {},
        )
        await _briefly(
            connection,
            f"CREATE TRIGGER {_SYNC} BEFORE UPDATE ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {function}()",
        )

    async def _convert(
        self, connection: PublishingConnection, item: Converted, *, everything: bool
    ) -> None:
        """Fill the new cells of one field, in batches, where they are empty.

        ``everything``: under the swap's lock, when what failed in ``prepare`` counts no more.
        """
        quote, table = self._quote, self._quote(self._change.live_table)
        original = () if item.original is None else item.original.columns
        read = ", ".join(quote(name) for name in (*item.columns, *original))
        primary_id = quote(self._primary_id())
        new = self._staged_columns(item.field)
        has_value = " OR ".join(
            f"{quote(name)} IS NOT NULL" for name in (item.columns[0], *original[:1])
        )
        select = (
            f"SELECT {primary_id}, {read} FROM {table} WHERE ({has_value}) "
            f"AND {quote(new[0])} IS NULL"
        )
        assignments = ", ".join(f"{quote(name)} = %(n{i})s" for i, name in enumerate(new))
        unchanged = " AND ".join(
            f"{quote(name)} IS NOT DISTINCT FROM %(o{i})s::{self._now.columns[name]}"
            for i, name in enumerate(item.columns)
        )
        update = f"UPDATE {table} SET {assignments} WHERE {primary_id} = %(id)s AND {unchanged}"
        convert = self._converters[item.field.name]
        convert.failed = 0
        total = None if everything else await connection.fetch_one(
            f"SELECT count(*) FROM {table} WHERE ({has_value}) AND {quote(new[0])} IS NULL", {}
        )  # fmt: skip
        done, last = 0, None
        while True:
            after = f" AND {primary_id} > %(last)s" if last is not None else ""
            rows = await connection.fetch_all(
                f"{select}{after} ORDER BY {primary_id} LIMIT {_BATCH}", {"last": last}
            )
            if not rows:
                return
            changed = []
            for record_id, *cells in rows:
                values = convert(cells)
                if values[0] is not None:
                    old = {f"o{i}": cells[i] for i in range(len(item.columns))}
                    found = {f"n{i}": value for i, value in enumerate(values)}
                    changed.append({"id": record_id, **old, **found})
            if changed:
                async with connection.transaction():
                    await connection.execute_many(update, changed)
            done, last = done + len(rows), rows[-1][0]
            if not everything:
                subject = f"{self._entity.name}.{item.field.name}"
                self._progress(f"converting {subject}", done, max(done, total[0] if total else 0))

    async def _build_index(self, connection: PublishingConnection, spec: IndexSpec) -> None:
        name = self._unfinished_index(spec)
        await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self._quote(name)}", {})
        index = index_on(spec, self._staging_table(), self._entity, "postgresql", name=name)
        self._progress(f"building index {spec.name(self._entity.name)}", 0, 0)
        text = compile_text(CreateIndex(index), self._dialect)
        concurrently = text.replace("INDEX ", "INDEX CONCURRENTLY ", 1)
        try:
            await connection.execute(concurrently, {})
        except UniqueViolation as error:
            await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {self._quote(name)}", {})
            raise PublishFailed(
                f"{self._entity.name}: {', '.join(spec.fields)} cannot be unique, "
                "some records have the same values"
            ) from error

    # --- at once, in the publisher's transaction -----------------------------------------------

    async def swap(self, connection: PublishingConnection) -> None:
        """Give everything its name; the table keeps the name it has.

        Raises:
            PublishFailed: A value that does not convert was written since the plan was made.
        """
        quote, table = self._quote, self._quote(self._change.live_table)
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", {})
        for item in self._change.converted:
            await self._convert(connection, item, everything=True)
            if self._converters[item.field.name].failed and not item.kept_as:
                raise PublishFailed(
                    f"{self._entity.name}.{item.field.name}: a value that does not convert was "
                    "written a moment ago; publish again"
                )
        if self._change.converted:
            await connection.execute(f"DROP TRIGGER IF EXISTS {_SYNC} ON {table}", {})
            function = quote(short_name(_SYNC, self._change.live_table))
            await connection.execute(f"DROP FUNCTION IF EXISTS {function}()", {})
        await self._drop_indexes(connection)
        for item in self._change.converted:
            for name in item.dropped:
                await connection.execute(f"ALTER TABLE {table} DROP COLUMN {quote(name)}", {})
        renames = dict(self._change.renames)
        for item in self._change.converted:
            renames |= dict(zip(item.columns, item.kept_as, strict=False))
        for field in (*self._change.added, *(item.field for item in self._change.converted)):
            renames |= dict(zip(self._staged_columns(field), column_names(field), strict=True))
            for name in self._staged_columns(field):
                await connection.execute(f"COMMENT ON COLUMN {table}.{quote(name)} IS NULL", {})
        await rename_columns(connection, self._change.live_table, renames, quote)
        for old, spec in self._renamed_indexes.items():
            new = spec.name(self._entity.name)
            if old != new:  # other tables' indexes may still be called so: new__ meanwhile
                await self._rename_index(connection, old, self._unfinished_index(spec))

    async def name_indexes(self, connection: PublishingConnection) -> None:
        """Give indexes their final names, once those of other tables have made room."""
        for old, spec in self._renamed_indexes.items():
            if old != spec.name(self._entity.name):
                await self._name_index(connection, spec)
        for spec in self._built_indexes:
            await self._name_index(connection, spec)

    async def _name_index(self, connection: PublishingConnection, spec: IndexSpec) -> None:
        await self._rename_index(
            connection, self._unfinished_index(spec), spec.name(self._entity.name)
        )

    async def _rename_index(self, connection: PublishingConnection, old: str, new: str) -> None:
        await connection.execute(f"ALTER INDEX {self._quote(old)} RENAME TO {self._quote(new)}", {})

    async def _drop_indexes(self, connection: PublishingConnection) -> None:
        staying = {*self._renamed_indexes, *map(self._unfinished_index, self._built_indexes)}
        for name in self._now.indexes:
            if name not in staying and name.startswith(OUR_INDEXES):
                await connection.execute(f"DROP INDEX IF EXISTS {self._quote(name)}", {})

    # --- names -----------------------------------------------------------------------------------

    def _staging_names(self) -> dict[str, str]:
        """Return ``{column as wanted: column as it is called until the swap}``."""
        names = {new: old for old, new in self._change.renames.items()}
        for field in (*self._change.added, *(item.field for item in self._change.converted)):
            for name in column_names(field):
                names[name] = short_name(name)[:55] + UNFINISHED
        return names

    def _staged_columns(self, field: Field) -> tuple[str, ...]:
        return tuple(self._staged.get(name, name) for name in column_names(field))

    def _staging_table(self) -> sa.Table:
        """Return the table as it is until the swap, its columns keyed by their wanted names."""
        return table_as_named(
            self._entity, self._wanted, "postgresql",
            table=self._change.live_table, names=self._staged,
        )  # fmt: skip

    def _index_changes(self) -> tuple[dict[str, IndexSpec], list[IndexSpec]]:
        """Return ``{index that stays: as what}`` and what has to be built."""
        built_anew = {
            field.name
            for field in (*self._change.added, *(item.field for item in self._change.converted))
        }
        before = self._change.before
        new_name = self._change.renames
        old_specs: dict[IndexSpec, str] = {}
        if before is not None and self._live.entities.get(before.name) is before:
            for spec in index_specs(before, self._live):
                renamed = tuple(new_name.get(name, name) for name in spec.fields)
                old_specs[replace(spec, fields=renamed)] = spec.name(before.name)
        staying: dict[str, IndexSpec] = {}
        built: list[IndexSpec] = []
        for spec in index_specs(self._entity, self._wanted):
            old = old_specs.get(spec, spec.name(self._change.live_table))
            is_there = self._now.indexes.get(old, "invalid") != "invalid"
            if is_there and built_anew.isdisjoint(spec.fields):
                staying[old] = spec
            else:
                built.append(spec)
        return staying, built

    def _unfinished_index(self, spec: IndexSpec) -> str:
        return short_name(UNFINISHED_INDEX + spec.name(self._entity.name))

    def _primary_id(self) -> str:
        return self._staged.get(self._entity.primary_id, self._entity.primary_id)

    def _mark(self, field: Field) -> str:
        """Return what tells a half-done column of this very change from that of another."""
        said = repr(
            [
                (item.stored, item.original, sorted(item.entity_names.items()))
                for item in self._change.converted
                if item.field is field
            ]
            + [field]
        )
        return hashlib.sha256(said.encode()).hexdigest()[:32]


async def _briefly(connection: PublishingConnection, *statements: str) -> None:
    """Run statements that need a table for a moment, without making others queue for long.

    Raises:
        PublishFailed: The table was in use all the time.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            async with connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '1s'", {})
                for statement in statements:
                    await connection.execute(statement, {})
            return
        except DatabaseBusy as busy:
            if attempt == _TRIES:
                raise PublishFailed(
                    f"a table is in use; what was prepared is kept, publish again: {busy}"
                ) from busy
        await asyncio.sleep(0.2)


async def clear_unfinished(
    connection: PublishingConnection, schema: Schema, touched: Collection[str], dialect: Dialect
) -> None:
    """Remove what a publish that was cut short left in tables that are not to change now."""
    quote = dialect.identifier_preparer.quote
    for name, table in schema.items():
        if name in touched:
            continue
        for index in table.indexes:
            if index.startswith(UNFINISHED_INDEX):
                await connection.execute(f"DROP INDEX CONCURRENTLY {quote(index)}", {})
        columns = [column for column in table.columns if column.endswith(UNFINISHED)]
        if columns:
            await _briefly(connection, f"DROP TRIGGER IF EXISTS {_SYNC} ON {quote(name)}")
            function = quote(short_name(_SYNC, name))
            await connection.execute(f"DROP FUNCTION IF EXISTS {function}()", {})
        for column in columns:
            await _briefly(connection, f"ALTER TABLE {quote(name)} DROP COLUMN {quote(column)}")


def _always_quoted(name: str) -> str:
    return f'"{name}"'


def _row(prefix: str, columns: Sequence[str], quote: Callable[[str], str]) -> str:
    return f"ROW({', '.join(f'{prefix}.{quote(name)}' for name in columns)})"
