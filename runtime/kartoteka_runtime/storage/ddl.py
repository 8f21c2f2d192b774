"""Creates the platform's own tables, and tables and indexes of entities; renames columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable

from kartoteka_runtime.storage import system_tables
from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.postgresql_functions import functions
from kartoteka_runtime.storage.record_queries import compile_text


async def create_system_tables(connection: Connection, dialect: Dialect, engine: str) -> None:
    """Create what the platform itself needs, where it is missing, whatever version made it."""
    there = await _system_columns(connection, engine)
    indexes = await _system_indexes(connection, engine)
    if system_tables.publication.name not in there:
        for statement in system_tables.VERSION_DDL[engine]:
            await connection.execute(statement, {})
    if engine == "postgresql":
        await create_functions(connection)
    quote = dialect.identifier_preparer.quote
    for table in system_tables.system_metadata.sorted_tables:
        if table.name not in there:
            await connection.execute(compile_text(CreateTable(table), dialect), {})
            await create_indexes(connection, table, dialect)
            continue
        for column in table.columns:
            if column.name not in there[table.name]:
                text = compile_text(CreateColumn(column), dialect)
                await connection.execute(f"ALTER TABLE {quote(table.name)} ADD COLUMN {text}", {})
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name not in indexes:  # the statement locks the table even when it does nothing
                await connection.execute(compile_text(CreateIndex(index), dialect), {})


async def create_tables(
    connection: Connection, new_tables: Iterable[sa.Table], dialect: Dialect, engine: str
) -> None:
    """Create tables that may refer to one another in circles.

    SQLite takes a reference to a table that comes later; on PostgreSQL the references are added
    once all tables are there.
    """
    inline: list[sa.ForeignKeyConstraint] | None = None if engine == "sqlite" else []
    for table in new_tables:
        create = CreateTable(table, include_foreign_key_constraints=inline)
        await connection.execute(compile_text(create, dialect), {})


async def create_indexes(connection: Connection, table: sa.Table, dialect: Dialect) -> None:
    """Create every index of a table that is missing."""
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        await connection.execute(compile_text(CreateIndex(index, if_not_exists=True), dialect), {})


async def rename_columns(
    connection: Connection,
    table: str,
    renames: Mapping[str, str],
    quote: Callable[[str], str],
) -> None:
    """Rename columns of a table; names may be exchanged with one another."""
    pending = {old: new for old, new in renames.items() if old != new}
    staged: dict[str, str] = {}
    for old, new in pending.items():
        first = new if new not in pending else f"{new}__moving"
        await connection.execute(
            f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(old)} TO {quote(first)}", {}
        )
        if first != new:
            staged[first] = new
    for first, new in staged.items():
        await connection.execute(
            f"ALTER TABLE {quote(table)} RENAME COLUMN {quote(first)} TO {quote(new)}", {}
        )


async def _system_columns(connection: Connection, engine: str) -> dict[str, set[str]]:
    """Return ``{table: names of its columns}`` of the platform's own tables."""
    if engine == "sqlite":
        sql = (
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c "
            "WHERE m.type = 'table' AND m.name LIKE 'kartoteka%'"
        )
    else:
        sql = (
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND starts_with(table_name, 'kartoteka')"
        )
    found: dict[str, set[str]] = {}
    for table, column in await connection.fetch_all(sql, {}):
        found.setdefault(table, set()).add(column)
    return found


async def _system_indexes(connection: Connection, engine: str) -> set[str]:
    """Return the names of the indexes of the platform's own tables."""
    if engine == "sqlite":
        sql = "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name LIKE 'kartoteka%'"
    else:
        sql = (
            "SELECT indexname FROM pg_indexes WHERE schemaname = current_schema() "
            "AND starts_with(tablename, 'kartoteka')"
        )
    return {row[0] for row in await connection.fetch_all(sql, {})}


async def create_functions(connection: Connection) -> None:
    """Give PostgreSQL the functions that it does not have, or not as they are now."""
    rows = await connection.fetch_all(
        "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = current_schema()::regnamespace",
        {},
    )
    there = {row[0]: row[1] for row in rows}
    for function in functions():
        if there.get(function.name) != function.source:
            await connection.execute(function.create, {})
