"""Carries changes out in the database: creates tables, columns and indexes, never drops any."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import AddConstraint, CreateColumn, CreateIndex, CreateTable

from kartoteka import text_folding
from kartoteka.changes import (
    AddField,
    Change,
    ChangeField,
    CreateEntity,
    CreateRelationship,
)
from kartoteka.model.field_types import storage_of
from kartoteka.registry import Registry
from kartoteka_runtime.storage.autonumbers import create_sequences
from kartoteka_runtime.storage.column_types import codec
from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.system_tables import VERSION_DDL, system_metadata
from kartoteka_runtime.storage.tables import Tables, field_columns


async def create_system_tables(connection: Connection, dialect: Dialect, engine: str) -> None:
    """Create what the platform itself needs, where it is missing."""
    for statement in VERSION_DDL[engine]:
        await connection.execute(statement, {})
    if engine == "postgresql":
        await connection.execute(_postgresql_fold(), {})
    for table in system_metadata.sorted_tables:
        await connection.execute(compile_text(CreateTable(table, if_not_exists=True), dialect), {})


async def apply_changes(
    connection: Connection,
    changes: Iterable[Change],
    wanted: Registry,
    tables: Tables,
    dialect: Dialect,
) -> None:
    """Carry out ``changes`` and see to it that every index of ``wanted`` exists.

    A column or table that is still there from before it was retired is taken up again with its
    data. Nothing is ever dropped.
    """
    every_table = tables.all()
    here = await existing_columns(connection, tables.engine)
    changes = list(changes)
    created = {change.entity for change in changes if isinstance(change, CreateEntity)}
    new_tables = [tables.entities[name] for name in created if name not in here]
    new_tables += [
        tables.links[change.relationship]
        for change in changes
        if isinstance(change, CreateRelationship)
        and tables.links[change.relationship].name not in here
    ]
    await _create_tables(connection, new_tables, dialect, tables.engine)
    for change in changes:
        if isinstance(change, AddField):
            await _add_field(connection, change, wanted, tables, dialect, here)
        elif isinstance(change, ChangeField) and tables.engine == "postgresql":
            await _change_field(connection, change, wanted, tables, dialect)
    for name in created & here.keys():  # a retired entity comes back, perhaps with new fields
        for item in wanted.entities[name].fields:
            await _add_field(connection, AddField(name, item.name), wanted, tables, dialect, here)
    await create_sequences(connection, wanted, tables.engine)
    for table in every_table:
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            await connection.execute(
                compile_text(CreateIndex(index, if_not_exists=True), dialect), {}
            )


async def _create_tables(
    connection: Connection, new_tables: list[sa.Table], dialect: Dialect, engine: str
) -> None:
    """Create tables that may refer to one another in circles.

    SQLite takes a reference to a table that comes later; PostgreSQL gets the references once all
    tables are there.
    """
    inline: list[sa.ForeignKeyConstraint] | None = None if engine == "sqlite" else []
    for table in new_tables:
        create = CreateTable(table, include_foreign_key_constraints=inline)
        await connection.execute(compile_text(create, dialect), {})
    if engine == "sqlite":
        return
    for table in new_tables:
        for constraint in sorted(table.foreign_key_constraints, key=lambda c: list(c.column_keys)):
            await connection.execute(compile_text(AddConstraint(constraint), dialect), {})


async def existing_columns(connection: Connection, engine: str) -> dict[str, set[str]]:
    """Return ``{table: names of its columns}`` of what the database holds now."""
    if engine == "sqlite":
        sql = (
            "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c "
            "WHERE m.type = 'table'"
        )
    else:
        sql = (
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = current_schema()"
        )
    found: dict[str, set[str]] = {}
    for table, column in await connection.fetch_all(sql, {}):
        found.setdefault(table, set()).add(column)
    return found


async def _add_field(
    connection: Connection,
    change: AddField,
    wanted: Registry,
    tables: Tables,
    dialect: Dialect,
    here: dict[str, set[str]],
) -> None:
    item = wanted.entities[change.entity].field_by_name[change.field]
    if change.field == wanted.entities[change.entity].primary_id:
        return
    quoted = dialect.identifier_preparer.quote(change.entity)
    for column in field_columns(item, wanted, tables.engine):
        if column.name in here.get(change.entity, set()):
            continue
        attached = tables.entities[change.entity].c[column.name]
        text = compile_text(CreateColumn(attached), dialect)
        for key in attached.foreign_keys:
            target = key.column
            text += f" REFERENCES {dialect.identifier_preparer.quote(target.table.name)} "
            text += f"({dialect.identifier_preparer.quote(target.name)})"
        await connection.execute(f"ALTER TABLE {quoted} ADD COLUMN {text}", {})
        here.setdefault(change.entity, set()).add(column.name)


async def _change_field(
    connection: Connection, change: ChangeField, wanted: Registry, tables: Tables, dialect: Dialect
) -> None:
    """Let a PostgreSQL column hold longer texts; SQLite columns have no length."""
    item = wanted.entities[change.entity].field_by_name[change.field]
    if storage_of(item) != "text" or not change.keeps_values:
        return
    quote = dialect.identifier_preparer.quote
    sql_type = codec(item, tables.engine).sql_type.compile(dialect=dialect)
    await connection.execute(
        f"ALTER TABLE {quote(change.entity)} ALTER COLUMN {quote(change.field)} TYPE {sql_type}", {}
    )


def _postgresql_fold() -> str:
    """Return the SQL twin of ``kartoteka.text_folding.fold``, made from the same tables."""
    singles = text_folding.FOLD_SINGLE
    source = "".join(singles)
    target = "".join(singles.values())
    expression = "regexp_replace(normalize(lower(value), NFD), U&'[\\0300-\\036F]', '', 'g')"
    expression = f"translate({expression}, {_literal(source)}, {_literal(target)})"
    for letter, replacement in text_folding.FOLD_MULTIPLE.items():
        expression = f"replace({expression}, {_literal(letter)}, {_literal(replacement)})"
    return (
        "CREATE OR REPLACE FUNCTION kartoteka_fold(value text) RETURNS text "
        f"LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $fold$ SELECT {expression} $fold$"
    )


def _literal(text: str) -> str:
    return str(sa.literal(text).compile(compile_kwargs={"literal_binds": True}))
