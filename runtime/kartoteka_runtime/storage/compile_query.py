"""ListQuery → one SELECT, its parameters and a reader of its rows; built once a shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka.conditions.typed import FieldPath, ValueKind
from kartoteka.query.list_query import ListQuery, OrderKey
from kartoteka.registry import Registry
from kartoteka_runtime.storage.compile_condition import (
    ME,
    ConditionCompiler,
    parameters_of,
    shape_of,
)
from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.record_queries import EntityQueries, compile_text
from kartoteka_runtime.storage.row_readers import ReadColumn, RowReader, build_reader
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX, Tables, folded, link_columns

_SHAPES = 1024


@dataclass(frozen=True, slots=True)
class _Compiled:
    sql: str
    reader: RowReader
    sort_at: tuple[int, ...]  # where in a row the sort values lie, the id last


@dataclass(frozen=True, slots=True)
class _Page:
    """Everything that decides a page's SQL, and nothing else; ``query`` takes no part."""

    shape: Any
    query: ListQuery

    def __hash__(self) -> int:
        return hash(self.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Page) and self.shape == other.shape


class ListQueries:
    """Runs list queries and counts against one registry's tables."""

    def __init__(
        self,
        registry: Registry,
        tables: Tables,
        dialect: Dialect,
        queries: Mapping[str, EntityQueries],
    ) -> None:
        """Share the entities' statements; keep the compiled shapes."""
        self._registry = registry
        self._tables = tables
        self._dialect = dialect
        self._queries = queries
        self._pages = lru_cache(_SHAPES)(self._compile_page)
        self._counts = lru_cache(_SHAPES)(self._compile_count)

    async def page(
        self, connection: Connection, query: ListQuery, user_id: str | None
    ) -> tuple[list[dict[str, Any]], tuple[Any, ...]]:
        """Return a page's records, keyed by path, and where the next page begins (empty: nowhere).

        One record more than asked for is read, to know whether there is a next page.
        """
        shape = (
            query.entity,
            tuple(path.key for path in query.columns),
            shape_of(query.condition),
            query.linked_to and query.linked_to.relationship,
            tuple((key.path.key, key.descending) for key in query.order),
            tuple(value is None for value in query.after),
            query.with_labels,
        )
        compiled = self._pages(_Page(shape, query))
        params = parameters_of(query.condition, self._tables.engine)
        params.update({f"a{number}": value for number, value in enumerate(query.after)})
        params[ME] = user_id
        params["limit_"] = query.limit + 1
        params["linked_"] = query.linked_to and query.linked_to.record_id
        rows = await connection.fetch_all(compiled.sql, params)
        records = [compiled.reader(row) for row in rows[: query.limit]]
        if len(rows) <= query.limit or not records:
            return records, ()
        last = rows[query.limit - 1]
        return records, tuple(last[position] for position in compiled.sort_at)

    async def count(
        self, connection: Connection, query: ListQuery, user_id: str | None, cap: int
    ) -> int:
        """Return how many records a query finds in all, counting no further than ``cap``."""
        linked = query.linked_to and query.linked_to.relationship
        shape = (query.entity, shape_of(query.condition), linked)
        sql = self._counts(_Page(shape, query))
        params = parameters_of(query.condition, self._tables.engine)
        params["linked_"] = query.linked_to and query.linked_to.record_id
        params[ME] = user_id
        params["limit_"] = cap
        row = await connection.fetch_one(sql, params)
        return int(row[0]) if row else 0

    def _compile_page(self, page: _Page) -> _Compiled:
        query = page.query
        source = _Source(query.entity, self._registry, self._tables)
        own = self._queries[query.entity]
        selected: list[sa.ColumnElement[Any]] = []
        columns: list[ReadColumn] = []
        for path in query.columns:
            queries = self._queries[path.entity]
            found, column = queries.columns_for(
                path.field,
                with_label=query.with_labels,
                at=len(selected),
                key=path.key,
                table=source.table_of(path),
            )
            selected += found
            columns.append(column)
        keys = [(self._sort_value(key, source), key.descending) for key in query.order]
        identity = source.root.c[own.entity.primary_id]
        keys.append((identity, bool(query.order and query.order[-1].descending)))
        sort_at = tuple(range(len(selected), len(selected) + len(keys)))
        selected += [value.label(f"s{number}") for number, (value, _) in enumerate(keys)]
        statement = sa.select(*selected)
        if query.condition is not None:
            compiler = ConditionCompiler(source.column, self._tables.engine, source.identity)
            statement = statement.where(compiler.compile(query.condition))
        if query.linked_to is not None:
            statement = statement.where(self._linked(query, source))
        if query.after:
            statement = statement.where(_after(keys, query.after))
        statement = statement.select_from(source.joined())
        statement = statement.order_by(*self._ordering(keys))
        statement = _limited(statement)
        sql = compile_text(statement, self._dialect)
        return _Compiled(sql, build_reader(columns, self._tables.engine), sort_at)

    def _compile_count(self, page: _Page) -> str:
        query = page.query
        source = _Source(query.entity, self._registry, self._tables)
        counted: sa.Select[Any] = sa.select(sa.literal_column("1").label("one"))
        if query.condition is not None:
            compiler = ConditionCompiler(source.column, self._tables.engine, source.identity)
            counted = counted.where(compiler.compile(query.condition))
        if query.linked_to is not None:
            counted = counted.where(self._linked(query, source))
        counted = counted.select_from(source.joined())
        capped = _limited(counted).subquery()
        return compile_text(sa.select(sa.func.count()).select_from(capped), self._dialect)

    def _linked(self, query: ListQuery, source: _Source) -> sa.ColumnElement[bool]:
        """Return the condition for records that a relationship links with one record."""
        assert query.linked_to is not None
        relationship = self._registry.relationships[query.linked_to.relationship]
        left, right = link_columns(relationship.left, relationship.right)
        table = self._tables.links[relationship.name]
        own, other = (right, left) if query.entity == relationship.right else (left, right)
        linked = sa.bindparam("linked_", type_=table.c[other].type)
        return source.identity.in_(sa.select(table.c[own]).where(table.c[other] == linked))

    def _sort_value(self, key: OrderKey, source: _Source) -> sa.ColumnElement[Any]:
        field = key.path.field
        table = source.table_of(key.path)
        if field.is_lookup:
            name = self._queries[key.path.entity].reference_name(field, table)
            if name is not None:
                return folded(name, self._tables.engine)
        column: sa.ColumnElement[Any] = table.c[field.name]
        return folded(column, self._tables.engine) if key.path.kind is ValueKind.TEXT else column

    def _ordering(
        self, keys: Sequence[tuple[sa.ColumnElement[Any], bool]]
    ) -> list[sa.ColumnElement[Any]]:
        ordering = []
        for value, descending in keys[:-1]:
            ordered = value.desc() if descending else value.asc()
            if self._tables.engine == "postgresql":
                ordered = ordered.nulls_last() if descending else ordered.nulls_first()
            ordering.append(ordered)
        identity, descending = keys[-1]
        return [*ordering, identity.desc() if descending else identity.asc()]


class _Source:
    """The FROM of one query: the entity's table and the tables that paths reach."""

    def __init__(self, entity: str, registry: Registry, tables: Tables) -> None:
        self._registry = registry
        self._tables = tables
        self.root = tables.entities[entity]
        self.identity = self.root.c[registry.entities[entity].primary_id]
        self._joins: dict[tuple[str, ...], tuple[sa.FromClause, sa.ColumnElement[bool]]] = {}

    def table_of(self, path: FieldPath) -> sa.FromClause:
        """Return the table that has the path's field, joining it when it is new."""
        table: sa.FromClause = self.root
        for depth, step in enumerate(path.steps):
            key = tuple(part.key for part in path.steps[: depth + 1])
            if key not in self._joins:
                target = self._tables.entities[step.target].alias()
                primary_id = self._registry.entities[step.target].primary_id
                on = target.c[primary_id] == table.c[step.field.name]
                if step.field.is_multi_target:
                    entity = table.c[step.field.name + ENTITY_SUFFIX]
                    on = sa.and_(on, entity == sa.literal_column(f"'{step.target}'"))
                self._joins[key] = (target, on)
            table = self._joins[key][0]
        return table

    def column(self, path: FieldPath) -> sa.ColumnElement[Any]:
        """Return the column of a path."""
        return self.table_of(path).c[path.field.name]

    def joined(self) -> sa.FromClause:
        """Return the root with every join that was asked for."""
        source: sa.FromClause = self.root
        for target, on in self._joins.values():
            source = source.outerjoin(target, on)
        return source


def _limited(statement: sa.Select[Any]) -> sa.Select[Any]:
    """Return the statement with its limit a parameter; SQLite wants the offset said too."""
    limit = sa.bindparam("limit_", type_=sa.Integer())
    return statement.limit(limit).offset(sa.literal_column("0", sa.Integer()))


def _after(
    keys: Sequence[tuple[sa.ColumnElement[Any], bool]], after: Sequence[Any]
) -> sa.ColumnElement[bool]:
    """Return the condition for what comes after the given sort values.

    ``a > x OR (a = x AND b > y)``, with ``a >= x`` beside it for the index to start at.
    """
    alternatives = []
    equal: list[sa.ColumnElement[bool]] = []
    for number, ((value, descending), known) in enumerate(zip(keys, after, strict=True)):
        bound = sa.bindparam(f"a{number}", type_=value.type)
        if known is None:
            beyond: sa.ColumnElement[bool] = sa.false() if descending else value.is_not(None)
            same: sa.ColumnElement[bool] = value.is_(None)
        else:
            beyond = sa.or_(value < bound, value.is_(None)) if descending else value > bound
            same = value == bound
        alternatives.append(sa.and_(*equal, beyond))
        equal.append(same)
    condition = sa.or_(*alternatives)
    first, descending = keys[0]
    if after[0] is None or descending:
        return condition
    return sa.and_(first >= sa.bindparam("a0", type_=first.type), condition)
