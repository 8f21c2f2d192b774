"""Query → one SELECT for a page (more for expanded collections), and how its rows are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka.access.reach import Reaches
from kartoteka.conditions.typed import (
    Collection,
    FieldPath,
    LookupStep,
    Match,
    TypedCondition,
    ValueKind,
)
from kartoteka.conditions.walk import paths_of
from kartoteka.query.query import Expand, Query
from kartoteka.registry import Registry
from kartoteka_runtime.storage.compile_condition import ConditionCompiler
from kartoteka_runtime.storage.database import Row
from kartoteka_runtime.storage.json_rows import Encode, JsonShape, RowText, select_json
from kartoteka_runtime.storage.keyset import Segment, SortValue, after
from kartoteka_runtime.storage.query_source import QuerySource
from kartoteka_runtime.storage.reach_sql import ReachSql
from kartoteka_runtime.storage.record_queries import EntityQueries, compile_text
from kartoteka_runtime.storage.row_readers import ReadColumn, RowReader, build_reader
from kartoteka_runtime.storage.tables import Tables, link_columns, sortable

Column = sa.ColumnElement[Any]
OWNERS = "owners_"  # parameter: the ids of the records whose items are asked for


@dataclass(slots=True)
class Level:
    """The records of one level of a row: the query's own, or those that a lookup expands.

    ``id_at`` is where in the row their id lies. ``singles`` and ``collections`` say which of the
    query's expands are read in the same row, and which need statements of their own: a level is
    kept with its shape, and other queries of that shape have other values and limits.
    """

    reader: RowReader
    columns: tuple[ReadColumn, ...]
    id_at: int
    singles: dict[int, Level] = field(default_factory=dict)
    collections: list[int] = field(default_factory=list)

    @property
    def is_plain(self) -> bool:
        """Return whether records of this level hold no others."""
        return not self.singles and not self.collections


@dataclass(frozen=True, slots=True)
class PageStatement:
    """A page's SQL; ``sort_at`` says where in a row the sort values lie, the id last.

    ``encode`` makes JSON of rows that the database wrote, ``encoders`` of others, as each writer of
    texts gave it.
    """

    sql: str
    level: Level
    sort_at: tuple[int, ...]
    encode: Encode | None = None
    encoders: dict[RowText, Callable[[Sequence[Row], Any], bytes]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ItemsStatement:
    """The SQL of one expanded collection for any number of owners, whose id comes first.

    ``sort_at`` says where in a row the sort values lie, the id last.
    """

    sql: str
    level: Level
    sort_at: tuple[int, ...]


class QueryCompiler:
    """Builds the statements of queries against one registry's tables."""

    def __init__(
        self,
        registry: Registry,
        tables: Tables,
        dialect: Dialect,
        queries: Mapping[str, EntityQueries],
        reaches: Reaches | None = None,
    ) -> None:
        """Share what the entities know of their columns; ``reaches`` is what may be read.

        ``reach.asked`` holds what the statements built so far have looked at of it.
        """
        self.reach = ReachSql(reaches, registry, tables)
        self.registry = registry
        self.tables = tables
        self.dialect = dialect
        self._queries = queries

    def page(
        self,
        query: Query,
        segment: Segment,
        known: tuple[bool, ...],
        json: JsonShape | None = None,
        *,
        goes_on: bool = True,
        limit: int | None = None,
    ) -> PageStatement:
        """Return the statement of one page.

        ``segment`` is the part of the order that it reads, ``known`` says which of the sort
        values it begins after are not empty. With ``json`` the rows are JSON in that shape. Sort
        values are left out unless the list ``goes_on``. Without ``limit`` it is a parameter.
        """
        source = self.source(query)
        selected: list[Column] = []
        encode = None
        if json is not None:
            selection = select_json(json, source.root, engine=self.tables.engine)
            selected += selection.columns
            level, encode = Level(build_reader((), self.tables.engine), (), -1), selection.encode
        else:
            level = self._level(query, source, selected)
        keys = self._sort_values(query, source)
        if query.distinct:
            keys += self._different(selected)
        sort_at: tuple[int, ...] = ()
        if goes_on:
            sort_at = tuple(range(len(selected), len(selected) + len(keys)))
            selected += [key.value.label(f"s{number}") for number, key in enumerate(keys)]
            if not query.distinct:
                level.id_at = sort_at[len(query.order)]
        statement: sa.Select[Any] = sa.select(*selected)
        if query.distinct:
            statement = statement.distinct()
        statement = self.restricted(statement, query, source)
        beyond = after(keys, segment, known)
        if beyond is not None:
            statement = statement.where(beyond)
        statement = statement.select_from(source.from_clause())
        statement = statement.order_by(*self._ordering(keys))
        statement = limited(statement, limit, with_skip=query.skip > 0)
        return PageStatement(compile_text(statement, self.dialect), level, sort_at, encode)

    def count(self, query: Query, limit: int | None = None) -> str:
        """Return the statement that counts what a query finds, no further than a limit.

        Without ``limit`` it is a parameter.
        """
        source = self.source(query)
        counted: sa.Select[Any] = sa.select(sa.literal_column("1").label("one"))
        if query.distinct:
            selected: list[Column] = []
            self._level(query, source, selected)
            named = [column.label(f"d{number}") for number, column in enumerate(selected)]
            counted = sa.select(*named).distinct()
        counted = self.restricted(counted, query, source).select_from(source.from_clause())
        capped = limited(counted, limit).subquery()
        return compile_text(sa.select(sa.func.count()).select_from(capped), self.dialect)

    def items(self, expand: Expand) -> ItemsStatement:
        """Return the statement that reads the items of a collection, so many of each owner."""
        assert isinstance(expand.over, Collection)
        query = expand.query
        source = self.source(query)
        owner = self._owner(expand.over, source)
        selected: list[Column] = [owner.label("owner_")]
        level = self._level(query, source, selected)
        keys = self._sort_values(query, source)
        sort_at = tuple(range(len(selected), len(selected) + len(keys)))
        selected += [key.value for key in keys]
        level.id_at = sort_at[-1]
        rank = sa.func.row_number().over(partition_by=owner, order_by=self._ordering(keys))
        named = [column.label(f"v{number}") for number, column in enumerate(selected)]
        inner = sa.select(*named, rank.label("rank_")).where(self._is_asked_for(owner))
        if isinstance(expand.over.via, Match) and expand.over.via.item_field.is_multi_target:
            inner = inner.where(source.names(expand.over.via.item_field, expand.over.owner))
        inner = self.restricted(inner, query, source)
        found = inner.select_from(source.from_clause()).subquery()
        statement = (
            sa.select(*(found.c[f"v{number}"] for number in range(len(selected))))
            .where(found.c.rank_ <= sa.bindparam("limit_", type_=sa.Integer()))
            .order_by(found.c.v0, found.c.rank_)
        )
        return ItemsStatement(compile_text(statement, self.dialect), level, sort_at)

    def source(self, query: Query) -> QuerySource:
        """Return the FROM of a query with the joins and expands over lookups that it names."""
        source = QuerySource(query.entity, self.registry, self.tables, reach=self.reach)
        for number, join in enumerate(query.joins):
            source.join(join.alias, join.parent, join.entity, join.via, is_outer=join.is_outer)
            self._restrict(source, join.alias, join.condition, f"j{number}_")
        self._join_expands(query, source, "", iter(range(1000)))
        return source

    def restricted(
        self, statement: sa.Select[Any], query: Query, source: QuerySource
    ) -> sa.Select[Any]:
        """Return the statement with the query's condition and link, for what may be read."""
        within = source.own_condition()
        if within is not None:
            statement = statement.where(within)
        if query.condition is not None:
            statement = statement.where(ConditionCompiler(source).compile(query.condition))
        if query.linked_to is not None:
            statement = statement.where(self._linked(query, source))
        return statement

    def sort_value(self, path: FieldPath, source: QuerySource) -> Column:
        """Return what rows are sorted by: of a lookup, the name it shows."""
        if path.field.is_lookup and path.entity in self._queries:
            name = self._queries[path.entity].reference_name(path.field, source.table_of(path))
            if name is not None:
                return self._sorted(name)
        column = source.column(path)
        if path.kind is ValueKind.OPTIONS and self.tables.engine == "sqlite":
            return sa.func.kartoteka_sort_options(column, type_=sa.Text())
        return self._sorted(column) if path.kind is ValueKind.TEXT else column

    def _sorted(self, text: Column) -> Column:
        return sortable(text, self.tables.engine, self.registry.base_language)

    def column_of(
        self, path: FieldPath, source: QuerySource, *, with_label: bool, at: int, key: str = ""
    ) -> tuple[list[Column], ReadColumn]:
        """Return what to select for a path whose first column lands at position ``at``."""
        if path.entity not in self._queries:  # of a link table
            return [source.column(path)], ReadColumn(key or path.key, path.field, at)
        return self._queries[path.entity].columns_for(
            path.field,
            with_label=with_label,
            at=at,
            key=key or path.key,
            table=source.table_of(path),
        )

    def _level(
        self, query: Query, source: QuerySource, selected: list[Column], prefix: str = "e"
    ) -> Level:
        """Add a query's columns, and those of its expands over lookups, to ``selected``."""
        columns = []
        for path in query.columns:
            found, column = self.column_of(
                path, source, with_label=query.with_labels, at=len(selected)
            )
            selected += found
            columns.append(column)
        level = Level(build_reader(columns, self.tables.engine), tuple(columns), -1)
        for number, expand in enumerate(query.expands):
            if isinstance(expand.over, Collection):
                level.collections.append(number)
                continue
            seen = source.seen_from(f"{prefix}{number}")
            inner = self._level(expand.query, seen, selected, f"{prefix}{number}_")
            inner.id_at = len(selected)
            assert seen.identity is not None
            selected.append(seen.identity)
            level.singles[number] = inner
        return level

    def _join_expands(
        self, query: Query, source: QuerySource, parent: str, numbers: Any, prefix: str = "e"
    ) -> None:
        """Join what expands over lookups reach, with their conditions in the order of shapes."""
        for number, expand in enumerate(query.expands):
            if not isinstance(expand.over, LookupStep):
                continue
            alias = f"{prefix}{number}"
            lookup, target = expand.over.field, expand.over.target
            entity = self.registry.entities[target]
            via = Match(entity.field_by_name[entity.primary_id], lookup)
            source.join(alias, parent, target, via, is_outer=True)
            self._restrict(
                source.seen_from(alias), alias, expand.query.condition, f"e{next(numbers)}_"
            )
            self._join_expands(expand.query, source, alias, numbers, f"{alias}_")

    def _restrict(
        self, source: QuerySource, alias: str, condition: TypedCondition | None, prefix: str
    ) -> None:
        """Let a condition take part in a join.

        One that goes over lookups cannot stand beside the join it is about, since what it reaches
        would have to be joined before; it is asked of the ids instead.
        """
        if condition is None:
            return
        if not any(path.steps for path in paths_of(condition)):
            test = ConditionCompiler(source, prefix).compile(condition)
            source.restrict_join(alias, test)
            return
        entity = source.entity_of(alias)
        inner = QuerySource(entity, self.registry, self.tables, outer=source)
        inner.call_root(alias)
        found = ConditionCompiler(inner, prefix).compile(condition)
        assert inner.identity is not None
        ids = sa.select(inner.identity).where(found).select_from(inner.from_clause())
        (joined,) = source.ids_of(alias)
        source.restrict_join(alias, joined.in_(ids.correlate_except(*inner.own_tables())))

    def _owner(self, collection: Collection, source: QuerySource) -> Column:
        """Return the column that holds the id of an item's owner."""
        if isinstance(collection.via, Match):
            return source.root.c[collection.via.item_field.name]
        return source.join_link(collection.via)

    def _is_asked_for(self, owner: Column) -> sa.ColumnElement[bool]:
        if self.tables.engine == "postgresql":
            owners = sa.bindparam(OWNERS, type_=sa.ARRAY(owner.type))
            return owner == sa.func.any(owners)
        values = sa.func.json_each(sa.bindparam(OWNERS, type_=sa.Text())).table_valued("value")
        return owner.in_(sa.select(values.c.value))

    def _linked(self, query: Query, source: QuerySource) -> sa.ColumnElement[bool]:
        """Return the condition for records that a relationship links with one record."""
        assert query.linked_to is not None and source.identity is not None
        relationship = self.registry.relationships[query.linked_to.relationship]
        left, right = link_columns(relationship.left, relationship.right)
        table = self.tables.links[relationship.name]
        own, other = (right, left) if query.entity == relationship.right else (left, right)
        linked = sa.bindparam("linked_", type_=table.c[other].type)
        linked_ids = sa.select(table.c[own]).where(table.c[other] == linked)
        name = relationship.left if query.entity == relationship.right else relationship.right
        beside = self.tables.entities[name].alias()
        within = self.reach.condition(name, beside)
        if within is not None:  # the record at the other end has to be read too
            primary_id = beside.c[self.registry.entities[name].primary_id]
            there: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
                primary_id == linked, within
            )
            linked_ids = linked_ids.where(there.correlate_except(beside).exists())
        return source.identity.in_(linked_ids)

    def _sort_values(self, query: Query, source: QuerySource) -> list[SortValue]:
        """Return the keys of the order, made total by the ids of the records of a row."""
        keys = [
            SortValue(self.sort_value(key.path, source), key.descending)
            for key in query.order
            if not isinstance(key.path, str)
        ]
        if query.distinct:
            return keys
        is_descending = bool(query.order and query.order[-1].descending)
        assert source.identity is not None
        keys.append(SortValue(source.identity, is_descending, is_nullable=False))
        for join in query.joins:
            keys += [SortValue(column, is_descending) for column in source.ids_of(join.alias)]
        return keys

    def _different(self, selected: Sequence[Column]) -> list[SortValue]:
        """Return what makes the order of distinct rows total: each of their columns."""
        is_collated = self.tables.engine == "postgresql"
        return [
            SortValue(
                sa.collate(column, "C")
                if is_collated and isinstance(column.type, sa.String)
                else column,
                descending=False,
            )
            for column in selected
        ]

    def _ordering(self, keys: Sequence[SortValue]) -> list[Column]:
        ordering: list[Column] = []
        for key in keys:
            ordered = key.value.desc() if key.descending else key.value.asc()
            if self.tables.engine == "postgresql" and key.is_nullable:
                ordered = ordered.nulls_last() if key.descending else ordered.nulls_first()
            ordering.append(ordered)
        return ordering


def limited(
    statement: sa.Select[Any], limit: int | None = None, *, with_skip: bool = False
) -> sa.Select[Any]:
    """Return the statement with a limit, which is a parameter unless it is given.

    PostgreSQL plans a statement anew each time it is run when it cannot see the limit.
    """
    most = sa.bindparam("limit_", type_=sa.Integer()) if limit is None else _number(limit)
    skip = sa.bindparam("skip_", type_=sa.Integer()) if with_skip else _number(0)
    return statement.limit(most).offset(skip)  # SQLite wants the offset said too


def _number(value: int) -> sa.ColumnElement[int]:
    return sa.literal_column(str(value), sa.Integer())
