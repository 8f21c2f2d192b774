"""The statements of one entity: insert, update, delete and read by id, compiled once a shape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka.access.reach import Asked, Reaches
from kartoteka.conditions.asker import Asker
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.storage.column_types import codec
from kartoteka_runtime.storage.condition_parameters import asker_parameters
from kartoteka_runtime.storage.database import BadParameter, Connection
from kartoteka_runtime.storage.json_rows import Encode, JsonShape, select_json
from kartoteka_runtime.storage.kept import Kept
from kartoteka_runtime.storage.query_source import QuerySource
from kartoteka_runtime.storage.reach_sql import ReachSql
from kartoteka_runtime.storage.row_readers import ReadColumn, RowReader, build_reader
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX, Tables

VERSION = "versionnumber"
_SHAPES = 512  # statements kept per entity; a shape is a set of column names


def compile_text(statement: sa.ClauseElement, dialect: Dialect) -> str:
    """Return a statement's text for the driver, its parameters by name.

    Raises:
        BadParameter: A condition in it has too many levels.
    """
    try:
        return str(statement.compile(dialect=dialect))
    except RecursionError:
        raise BadParameter("the condition has too many levels") from None


def next_version(name: str, engine: str) -> str:
    """Return the expression for the version that a statement gives to what it writes.

    PostgreSQL numbers the transaction first: what tells changes in order needs to know that whoever
    has a version had a number before (``change_horizon``). SQLite's counter is raised beforehand.
    """
    if engine == "postgresql":
        return f"CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('{name}') END"
    return f"(SELECT value FROM {name})"


class EntityQueries:
    """Reads and writes single records of one entity; knows columns, nothing of rules."""

    def __init__(
        self, entity: Entity, registry: Registry, tables: Tables, dialect: Dialect
    ) -> None:
        """Prepare the encoders and the statements every record needs."""
        self.entity = entity
        self.registry = registry
        self.tables = tables
        self.table = tables.entities[entity.name]
        self.dialect = dialect
        self.engine = tables.engine
        self.stored = tuple(item for item in entity.fields if has_column(item))
        self.on_read = tuple(item for item in entity.fields if item.is_on_read)
        self._source = QuerySource(entity.name, registry, tables)
        self._encoders = {item.name: self._encoder(item) for item in self.stored}
        self._multi_target = frozenset(item.name for item in self.stored if item.is_multi_target)
        self._next_version_sql = f"UPDATE {tables.version_name} SET value = value + 1"
        self._next_versions_sql = f"UPDATE {tables.version_name} SET value = value + :count"
        self._last_version_sql = f"SELECT value FROM {tables.version_name}"
        self._insert = lru_cache(_SHAPES)(self._insert_text)
        self._insert_rows = lru_cache(_SHAPES)(self._insert_rows_text)
        self._update = lru_cache(_SHAPES)(self._update_text)
        self._write = lru_cache(_SHAPES)(self._write_text)
        self._select = lru_cache(_SHAPES)(self._select_text)
        self._select_json = lru_cache(_SHAPES)(self._select_json_text)
        self._restricted: Kept[tuple[str, RowReader]] = Kept(_SHAPES)
        self._restricted_json: Kept[tuple[str, Encode]] = Kept(_SHAPES)
        self._delete = compile_text(sa.delete(self.table).where(self._id_is()), dialect)
        self.all_names = tuple(
            item.name for item in entity.fields if has_column(item) or item.is_on_read
        )

    async def insert(self, connection: Connection, values: Mapping[str, Any]) -> None:
        """Store a new record; ``values`` must hold the primary id."""
        await self.raise_version(connection)
        params = self._params(values)
        await connection.execute(self._insert(tuple(params)), params)

    async def insert_many(
        self, connection: Connection, records: Sequence[Mapping[str, Any]]
    ) -> None:
        """Store new records in their order; a field that one of them lacks is empty in it.

        Versions follow one another as if each was stored by itself.
        """
        rows = [self._params(values) for values in records]
        names = dict.fromkeys(name for row in rows for name in row)
        for row in rows:
            if len(row) < len(names):
                for name in names:
                    row.setdefault(name, None)
        if self.engine == "sqlite":
            last = await self._advance_version(connection, len(rows))
            if VERSION in self.table.c:
                for version, row in enumerate(rows, last - len(rows) + 1):
                    row[VERSION] = version
        await connection.execute_many(self._insert_rows(frozenset(names)), rows)

    async def update(
        self, connection: Connection, record_id: str, values: Mapping[str, Any]
    ) -> int:
        """Change the named fields of a record and return how many records that were (0 or 1)."""
        await self.raise_version(connection)
        params = self._params(values)
        sql = self._update(tuple(params))
        params["id_"] = record_id
        return await connection.execute(sql, params)

    async def write_calculated(
        self, connection: Connection, record_id: str, values: Mapping[str, Any]
    ) -> None:
        """Change fields that nobody writes; the record keeps its version."""
        await self.raise_version(connection)
        params = self._params(values)
        sql = self._write(tuple(params))
        params["id_"] = record_id
        await connection.execute(sql, params)

    async def delete(self, connection: Connection, record_id: str) -> int:
        """Delete a record and return how many that were."""
        return await connection.execute(self._delete, {"id_": record_id})

    async def read(
        self,
        connection: Connection,
        record_id: str,
        *,
        names: tuple[str, ...] | None = None,
        with_labels: bool = False,
        for_update: bool = False,
        keeps_id: bool = False,
        asker: Asker | None = None,
    ) -> dict[str, Any] | None:
        """Return fields of a record (all of them unless named), or None.

        ``with_labels`` gives references their names; ``for_update`` holds the record until the
        transaction ends; with ``keeps_id`` others may refer to it meanwhile. ``asker`` is who asks
        for what is calculated on read; without one, nobody.
        """
        found = await self.read_allowed(
            connection, record_id, (), names=names, with_labels=with_labels,
            for_update=for_update, keeps_id=keeps_id, asker=asker,
        )  # fmt: skip
        return None if found is None else found[0]

    async def read_allowed(
        self,
        connection: Connection,
        record_id: str,
        privileges: tuple[str, ...],
        *,
        names: tuple[str, ...] | None = None,
        with_labels: bool = False,
        for_update: bool = False,
        keeps_id: bool = False,
        asker: Asker | None = None,
    ) -> tuple[dict[str, Any], frozenset[str]] | None:
        """Return the same and which of the privileges reach the record, or None.

        A record that the asker may not read is none.
        """
        reaches = None if asker is None else asker.reaches
        params: dict[str, Any] = {"id_": record_id}
        if self.on_read:
            params |= asker_parameters(asker or Asker(), self.engine)
        shape = (names, with_labels, for_update, keeps_id)
        if reaches is None:
            sql, reader = self._select(*shape)
            row = await connection.fetch_one(sql, params)
            return None if row is None else (reader(row), frozenset(privileges))
        asked = self._asked(privileges)
        sql, reader = self._restricted(
            (shape, reaches.key(asked)),
            lambda: self._select_text(*shape, reach=self._reach(reaches), privileges=privileges),
        )
        row = await connection.fetch_one(sql, params | reaches.parameters(asked))
        if row is None:
            return None
        first = len(row) - len(privileges)
        return reader(row), frozenset(
            name for number, name in enumerate(privileges) if row[first + number]
        )

    async def allowed(
        self,
        connection: Connection,
        record_id: str,
        privileges: tuple[str, ...],
        reaches: Reaches | None,
    ) -> frozenset[str] | None:
        """Return which of the privileges reach a record; None when it may not be read."""
        asker = Asker(reaches=reaches)
        names = (self.entity.primary_id,)
        found = await self.read_allowed(connection, record_id, privileges, names=names, asker=asker)
        return None if found is None else found[1]

    async def read_json(
        self,
        connection: Connection,
        record_id: str,
        shape: JsonShape,
        reaches: Reaches | None = None,
    ) -> tuple[bytes, int | None] | None:
        """Return a record's JSON object and its version (None when it keeps none), or None."""
        params: dict[str, Any] = {"id_": record_id}
        if reaches is None:
            sql, encode = self._select_json(shape)
        else:
            asked = self._asked(())
            sql, encode = self._restricted_json(
                (shape, reaches.key(asked)),
                lambda: self._select_json_text(shape, self._reach(reaches)),
            )
            params |= reaches.parameters(asked)
        row = await connection.fetch_one(sql, params)
        return None if row is None else (encode((row,))[1:-1], row[-1])

    def _asked(self, privileges: tuple[str, ...]) -> Asked:
        """Return what a statement looks at that reads a record and decides over privileges."""
        name = self.entity.name
        return ((name, "read"), *((name, privilege) for privilege in privileges))

    def _reach(self, reaches: Reaches) -> ReachSql:
        return ReachSql(reaches, self.registry, self.tables)

    def columns_for(
        self, field: Field, *, with_label: bool, at: int, key: str, table: sa.FromClause
    ) -> tuple[list[sa.ColumnElement[Any]], ReadColumn]:
        """Return what to select for a field whose first column lands at position ``at``."""
        selected = [self._source.column_in(table, field, self.entity.name)]
        entity_at = name_at = -1
        if field.is_multi_target:
            entity_at = at + 1
            selected.append(table.c[field.name + ENTITY_SUFFIX])
        if field.is_lookup and with_label:
            name = self.reference_name(field, table)
            if name is not None:
                name_at = at + len(selected)
                selected.append(name)
        return selected, ReadColumn(key, field, at, entity_at, name_at)

    def reference_name(self, field: Field, table: sa.FromClause) -> sa.ColumnElement[Any] | None:
        """Return the primary field of the record a lookup names, as a scalar subquery.

        A subquery rather than a join: it is evaluated for the rows of the page alone, and each
        target of a multi-target lookup only where the lookup names it.
        """
        branches = []
        for target in field.targets:
            found = self.registry.entities[target]
            if found.primary_field not in found.field_by_name:
                continue
            # An alias of the whole table would describe each of its columns anew, to name two.
            key = sa.column(found.primary_id, table.c[field.name].type)
            shown = sa.column(
                found.primary_field,
                codec(found.field_by_name[found.primary_field], self.engine).sql_type,
            )
            other = sa.table(target, key, shown).alias()
            name = (
                sa.select(other.c[found.primary_field])
                .where(other.c[found.primary_id] == table.c[field.name])
                .scalar_subquery()
            )
            branches.append((target, name))
        if not branches:
            return None
        if not field.is_multi_target:
            return branches[0][1]
        entity = table.c[field.name + ENTITY_SUFFIX]
        return sa.case(
            *((entity == sa.literal_column(f"'{target}'"), name) for target, name in branches)
        )

    def encode(self, field: Field, value: Any) -> Any:
        """Return a record value as the driver wants it (the id for references)."""
        encoder = self._encoders[field.name]
        return None if value is None else encoder(value) if encoder else value

    def _encoder(self, field: Field) -> Callable[[Any], Any] | None:
        if field.is_lookup:
            return lambda value: value.id if isinstance(value, Reference) else value
        return codec(field, self.engine).encode

    def _params(self, values: Mapping[str, Any]) -> dict[str, Any]:
        params: dict[str, Any] = {}
        encoders, multi_target = self._encoders, self._multi_target
        for name, value in values.items():
            if name not in encoders:
                if name == self.entity.primary_id:
                    params[name] = value
                continue
            if value is None:
                params[name] = None
            else:
                encoder = encoders[name]
                params[name] = encoder(value) if encoder else value
            if name in multi_target:
                params[name + ENTITY_SUFFIX] = None if value is None else value.entity
        return params

    def _insert_text(self, columns: tuple[str, ...]) -> str:
        values: dict[str, Any] = {name: self._bind(name) for name in columns if name != VERSION}
        if VERSION in self.table.c:
            values[VERSION] = self._next_version()
        elif self.engine == "postgresql":
            primary_id = self.entity.primary_id
            values[primary_id] = sa.case((self._is_of_generation(), values[primary_id]))
        return compile_text(sa.insert(self.table).values(values), self.dialect)

    def _insert_rows_text(self, columns: frozenset[str]) -> str:
        if self.engine == "postgresql" or VERSION not in self.table.c:
            return self._insert_text(tuple(sorted(columns)))
        values = {name: self._bind(name) for name in sorted(columns | {VERSION})}
        return compile_text(sa.insert(self.table).values(values), self.dialect)

    def _update_text(self, columns: tuple[str, ...]) -> str:
        values: dict[str, Any] = {name: self._bind(name) for name in columns if name != VERSION}
        if VERSION in self.table.c:
            values[VERSION] = self._next_version()
        statement = sa.update(self.table).values(values).where(self._id_is())
        if VERSION not in self.table.c and self.engine == "postgresql":
            statement = statement.where(self._is_of_generation())
        return compile_text(statement, self.dialect)

    def _write_text(self, columns: tuple[str, ...]) -> str:
        values = {name: self._bind(name) for name in columns}
        statement = sa.update(self.table).values(values).where(self._id_is())
        if self.engine == "postgresql":
            statement = statement.where(self._is_of_generation())
        return compile_text(statement, self.dialect)

    def _select_text(
        self,
        names: tuple[str, ...] | None,
        with_labels: bool,
        for_update: bool,
        keeps_id: bool,
        *,
        reach: ReachSql | None = None,
        privileges: tuple[str, ...] = (),
    ) -> tuple[str, RowReader]:
        selected: list[sa.ColumnElement[Any]] = []
        columns: list[ReadColumn] = []
        for name in names or self.all_names:
            item = self.entity.field_by_name[name]
            if not has_column(item) and not item.is_on_read:
                continue
            found, column = self.columns_for(
                item, with_label=with_labels, at=len(selected), key=name, table=self.table
            )
            selected += found
            columns.append(column)
        for privilege in privileges:
            within = reach.condition(self.entity.name, self.table, privilege) if reach else None
            selected.append(sa.true() if within is None else sa.func.coalesce(within, sa.false()))
        statement = self._where_read(sa.select(*selected), reach)
        if for_update and self.engine == "postgresql":
            statement = statement.with_for_update(key_share=keeps_id)
        return compile_text(statement, self.dialect), build_reader(columns, self.engine)

    def _select_json_text(
        self, shape: JsonShape, reach: ReachSql | None = None
    ) -> tuple[str, Encode]:
        selection = select_json(shape, self.table, engine=self.engine)
        version = self.table.c[VERSION] if VERSION in self.table.c else sa.null()
        statement = self._where_read(sa.select(*selection.columns, version), reach)
        return compile_text(statement, self.dialect), selection.encode

    def _where_read(self, statement: sa.Select[Any], reach: ReachSql | None) -> sa.Select[Any]:
        """Return a statement for the one record asked for, if it may be read."""
        statement = statement.where(self._id_is())
        within = None if reach is None else reach.condition(self.entity.name, self.table)
        return statement if within is None else statement.where(within)

    def _bind(self, name: str) -> sa.BindParameter[Any]:
        return sa.bindparam(name, type_=self.table.c[name].type)

    def _id_is(self) -> sa.ColumnElement[bool]:
        column = self.table.c[self.entity.primary_id]
        return column == sa.bindparam("id_", type_=column.type)

    def _next_version(self) -> sa.ColumnElement[int]:
        return sa.literal_column(next_version(self.tables.version_name, self.engine))

    def _is_of_generation(self) -> sa.ColumnElement[bool]:
        """Return a condition that fails once values are stored otherwise; it is worked out once."""
        return sa.literal_column(f"'{self.tables.version_name}'::regclass").is_not(None)

    async def raise_version(self, connection: Connection) -> None:
        """Raise the counter of versions, where it is not the statement that does."""
        if self.engine == "sqlite":  # without a version too: it fails on another generation
            await connection.execute(self._next_version_sql, {})

    async def _advance_version(self, connection: Connection, count: int) -> int:
        """Take that many versions of SQLite's counter and return the last of them."""
        await connection.execute(self._next_versions_sql, {"count": count})
        row = await connection.fetch_one(self._last_version_sql, {})
        assert row is not None
        return int(row[0])
