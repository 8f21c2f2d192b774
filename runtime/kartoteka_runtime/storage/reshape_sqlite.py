"""Table changes carried out on SQLite, inside the one transaction of a publish.

What SQLite can alter is altered; where a column's type or a reference has to change, the table is
built anew beside the old one and takes its place. Source: sqlite.org, "Making Other Kinds Of
Table Schema Changes".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateColumn, CreateTable

from kartoteka.model.field import Field
from kartoteka_runtime.storage.cell_converter import CellConverter
from kartoteka_runtime.storage.database import PublishingConnection
from kartoteka_runtime.storage.ddl import rename_columns
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.schema import OUR_INDEXES, TableSchema
from kartoteka_runtime.storage.stored_values import column_names
from kartoteka_runtime.storage.table_changes import TableChange

_UNFINISHED = "__new"


async def reshape_table(
    connection: PublishingConnection,
    change: TableChange,
    table: sa.Table | None,
    now: TableSchema,
    dialect: Dialect,
    *,
    drop_indexes: bool = False,
    primary_key: tuple[str, ...] = (),
) -> None:
    """Give a table that is there the columns and references that are wanted.

    Args:
        connection: In the publisher's transaction; references are not enforced.
        change: What is to happen.
        table: As it is wanted; None for a retired entity, whose table keeps its columns alone.
        now: The table as it is.
        dialect: Of SQLite.
        drop_indexes: All of them; without it, those that are wanted stay.
        primary_key: Of a retired table.
    """
    quote = dialect.identifier_preparer.quote
    drop_indexes |= any(old != new for old, new in change.renames.items())
    wanted = set() if table is None or drop_indexes else {str(item.name) for item in table.indexes}
    for index in now.indexes.keys() - wanted:
        if index.startswith(OUR_INDEXES):
            await connection.execute(f"DROP INDEX IF EXISTS {quote(index)}", {})
    if table is None:
        if now.references:
            await _rebuild_plainly(connection, change.live_table, now, primary_key, quote)
        return
    if _needs_rebuild(change, table, now):
        theirs = [] if drop_indexes else _indexes_of_others(change, now)
        change, now = await _with_renamed_id(connection, change, now, quote)
        await _rebuild(connection, change, table, now, dialect)
        for definition in theirs:
            await connection.execute(definition, {})
        return
    await rename_columns(connection, change.live_table, change.renames, quote)
    for field in change.added:
        for name in column_names(field):
            column = table.c[name]
            text = compile_text(CreateColumn(column), dialect)
            for key in column.foreign_keys:
                target = key.column
                text += f" REFERENCES {quote(target.table.name)} ({quote(target.name)})"
            await connection.execute(
                f"ALTER TABLE {quote(change.live_table)} ADD COLUMN {text}", {}
            )


def _indexes_of_others(change: TableChange, now: TableSchema) -> list[str]:
    """Return the indexes that somebody else made, to be made again on the new table."""
    if any(item.columns != column_names(item.field) for item in change.converted):
        return []  # what they are over may be called otherwise now
    return [
        definition for name, definition in now.indexes.items() if not name.startswith(OUR_INDEXES)
    ]


async def _with_renamed_id(
    connection: PublishingConnection,
    change: TableChange,
    now: TableSchema,
    quote: Callable[[str], str],
) -> tuple[TableChange, TableSchema]:
    """Rename the primary id in place first: so the references of other tables follow it."""
    new = change.after.primary_id if change.after is not None else ""
    old = next((old for old, name in change.renames.items() if name == new), new)
    if old == new or new in now.columns:
        return change, now
    await rename_columns(connection, change.live_table, {old: new}, quote)
    renames = {new if name == old else name: then for name, then in change.renames.items()}
    columns = {new if name == old else name: kind for name, kind in now.columns.items()}
    return replace(change, renames=renames), TableSchema(columns, now.indexes, now.references)


def _needs_rebuild(change: TableChange, table: sa.Table, now: TableSchema) -> bool:
    added = {name for field in change.added for name in column_names(field)}
    present = {change.renames.get(column, column) for column in now.references}
    wanted = {column.name for column in table.columns if column.foreign_keys} - added
    return bool(change.converted) or present != wanted


async def _rebuild(
    connection: PublishingConnection,
    change: TableChange,
    table: sa.Table,
    now: TableSchema,
    dialect: Dialect,
) -> None:
    quote = dialect.identifier_preparer.quote
    unfinished = change.live_table + _UNFINISHED
    create = compile_text(CreateTable(table), dialect)
    head = f"CREATE TABLE {quote(table.name)} "
    assert create.lstrip().startswith(head)
    await connection.execute(
        create.lstrip().replace(head, f"CREATE TABLE {quote(unfinished)} ", 1), {}
    )

    targets: dict[str, str] = {}  # new column → expression over the old table
    for converted in change.converted:
        original = () if converted.original is None else converted.original.columns
        targets |= _conversion(
            connection, CellConverter(converted, "sqlite"), converted.field,
            (*converted.columns, *original), quote,
        )  # fmt: skip
    dropped = {name for item in change.converted for name in item.dropped}
    kept_as = {
        old: new
        for item in change.converted
        for old, new in zip(item.columns, item.kept_as, strict=False)
    }
    for column in now.columns:
        if column in kept_as:
            targets[kept_as[column]] = quote(column)
        elif column not in dropped:
            targets[change.renames.get(column, column)] = quote(column)
    types = {
        kept_as.get(name, change.renames.get(name, name)): kind
        for name, kind in now.columns.items()
    }
    for name in targets.keys() - table.c.keys():  # what is retired stays, without references
        await connection.execute(
            f"ALTER TABLE {quote(unfinished)} ADD COLUMN {quote(name)} {types[name]}", {}
        )
    await _fill(connection, change.live_table, unfinished, targets, quote)


def _conversion(
    connection: PublishingConnection,
    convert: CellConverter,
    field: Field,
    columns: tuple[str, ...],
    quote: Callable[[str], str],
) -> dict[str, str]:
    """Make a conversion known to SQL; return ``{new column: expression}``."""
    arguments = ", ".join(quote(column) for column in columns)
    found: dict[str, str] = {}
    for position, name in enumerate(column_names(field)):

        def cell(*cells: Any, position: int = position) -> Any:
            return convert(cells)[position]

        function = f"kartoteka_convert_{len(columns)}_{name}"
        connection.define(function, len(columns), cell)
        found[name] = f"{function}({arguments})"
    return found


async def _rebuild_plainly(
    connection: PublishingConnection,
    table: str,
    now: TableSchema,
    primary_key: tuple[str, ...],
    quote: Callable[[str], str],
) -> None:
    """Build a table anew with the columns it has, without its references."""
    unfinished = table + _UNFINISHED
    parts = [f"{quote(name)} {kind}" for name, kind in now.columns.items()]
    if set(primary_key) <= now.columns.keys():
        parts.append(f"PRIMARY KEY ({', '.join(map(quote, primary_key))})")
    await connection.execute(f"CREATE TABLE {quote(unfinished)} ({', '.join(parts)})", {})
    same = {name: quote(name) for name in now.columns}
    await _fill(connection, table, unfinished, same, quote)


async def _fill(
    connection: PublishingConnection,
    table: str,
    unfinished: str,
    targets: Mapping[str, str],
    quote: Callable[[str], str],
) -> None:
    names = ", ".join(quote(name) for name in targets)
    await connection.execute(
        f"INSERT INTO {quote(unfinished)} ({names}) "
        f"SELECT {', '.join(targets.values())} FROM {quote(table)}",
        {},
    )
    await connection.execute(f"DROP TABLE {quote(table)}", {})
    await connection.execute(f"ALTER TABLE {quote(unfinished)} RENAME TO {quote(table)}", {})
