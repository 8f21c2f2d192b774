"""Queries: runs queries, counts and aggregates; each shape is compiled once and kept."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy.engine import Dialect

from kartoteka.access.reach import Asked, Reaches
from kartoteka.conditions.asker import Asker
from kartoteka.conditions.typed import Collection, InPeriod
from kartoteka.conditions.walk import parts_of
from kartoteka.query.query import MOST_ITEMS_EXPANDED, Expand, Query
from kartoteka.registry import Registry
from kartoteka_runtime.storage.by_identity import ByIdentity
from kartoteka_runtime.storage.compile_aggregate import AggregateStatement, compile_aggregate
from kartoteka_runtime.storage.compile_query import (
    OWNERS,
    ItemsStatement,
    Level,
    PageStatement,
    QueryCompiler,
)
from kartoteka_runtime.storage.condition_parameters import asker_parameters, parameters_of
from kartoteka_runtime.storage.database import Connection, Row
from kartoteka_runtime.storage.json_rows import JsonShape, RowText
from kartoteka_runtime.storage.kept import Kept
from kartoteka_runtime.storage.keyset import Segment, segments
from kartoteka_runtime.storage.query_shape import (
    aggregate_shape,
    conditions_of,
    over_shape,
    page_shape,
)
from kartoteka_runtime.storage.record_queries import EntityQueries
from kartoteka_runtime.storage.tables import Tables

_SHAPES = 1024
_SMALL_PAGE = 26  # records; more are usual in fifties, and one to know whether there are more
_ENCODERS = 64  # ways to write the rows of one statement that are kept
Statement = TypeVar("Statement")
Record = dict[str, Any]


class _Shapes(Generic[Statement]):
    """Statements by the shapes of questions and of reaches; the oldest is forgotten first.

    What reaches a statement looks at follows from the question alone, so that it is known from the
    first time that the question was asked.
    """

    def __init__(self, compiler: Callable[[Reaches | None], QueryCompiler]) -> None:
        self._compiler = compiler
        self._asked: dict[Hashable, Asked] = {}
        self._kept: Kept[Statement] = Kept(_SHAPES)

    def get(
        self,
        shape: Hashable,
        reaches: Reaches | None,
        build: Callable[[QueryCompiler], Statement],
    ) -> tuple[Statement, dict[str, Any]]:
        """Return the statement of a shape, built when it is new, and its sets of ids."""
        if reaches is None:
            return self._kept((shape, None), lambda: build(self._compiler(None))), {}
        asked = self._asked.get(shape)
        if asked is None:
            compiler = self._compiler(reaches)
            build(compiler)
            if len(self._asked) >= _SHAPES:
                del self._asked[next(iter(self._asked))]
            asked = self._asked[shape] = compiler.reach.asked
        key = (shape, reaches.key(asked))
        statement = self._kept(key, lambda: build(self._compiler(reaches)))
        return statement, reaches.parameters(asked)


class _PageShape:
    """A ``page_shape``; only ever the same as itself, which makes it a cheap key."""


@dataclass(frozen=True, slots=True)
class _KnownQuery:
    """What is known of a query that was asked before.

    ``values`` are the parameters of its conditions; None when they depend on who asks, or when.
    """

    shape: _PageShape
    values: Mapping[str, Any] | None


class Queries:
    """Runs queries against one registry's tables."""

    def __init__(
        self,
        registry: Registry,
        tables: Tables,
        dialect: Dialect,
        queries: Mapping[str, EntityQueries],
    ) -> None:
        """Share the entities' statements; keep the compiled shapes."""
        compiler = partial(QueryCompiler, registry, tables, dialect, queries)
        self._engine = tables.engine
        self._known: ByIdentity[_KnownQuery] = ByIdentity()
        self._shapes: Kept[_PageShape] = Kept(_SHAPES)
        self._pages: _Shapes[PageStatement] = _Shapes(compiler)
        self._counts: _Shapes[str] = _Shapes(compiler)
        self._items: _Shapes[ItemsStatement] = _Shapes(compiler)
        self._aggregates: _Shapes[AggregateStatement] = _Shapes(compiler)

    async def page(
        self, connection: Connection, query: Query, asker: Asker
    ) -> tuple[list[Record], tuple[Any, ...], bool]:
        """Return a page's records, where the next page begins, and whether there is one.

        Records are keyed by path, expanded ones lie in them. One record more than asked for is
        read, to know whether there is a next page. Each expanded collection takes one statement
        more, however many records have it.
        """
        rows, statement, has_more = await self._rows(connection, query, asker)
        records = await self._records(connection, statement.level, rows, query, asker)
        return records, _following(rows, statement, has_more), has_more

    async def page_text(
        self,
        connection: Connection,
        query: Query,
        asker: Asker,
        writer: RowText,
        given: Any,
        *,
        goes_on: bool = True,
    ) -> tuple[bytes, int, tuple[Any, ...], bool]:
        """Return a page of plain records as the text of a JSON array, and how many there are.

        ``given`` is what the writer's function gets beside the rows. The query expands nothing, and
        is not ``distinct``. Unless it ``goes_on``, nothing is found out about a next page.
        """
        shape = writer.shape
        if shape is not None and shape.is_wide:
            rows, statement, has_more = await self._rows(
                connection, query, asker, shape, goes_on=goes_on
            )
            assert statement.encode is not None
            text = statement.encode(rows)
        else:
            rows, statement, has_more = await self._rows(connection, query, asker, goes_on=goes_on)
            encode = statement.encoders.get(writer)
            if encode is None:
                if len(statement.encoders) >= _ENCODERS:
                    statement.encoders.clear()
                encode = writer.encoder(statement.level.columns, self._engine)
                statement.encoders[writer] = encode
            text = encode(rows, given)
        return text, len(rows), _following(rows, statement, has_more), has_more

    async def _rows(
        self,
        connection: Connection,
        query: Query,
        asker: Asker,
        json: JsonShape | None = None,
        *,
        goes_on: bool = True,
    ) -> tuple[list[Row], PageStatement, bool]:
        """Return the rows of a page, their statement, and whether there are more.

        One row more than asked for tells whether there are.
        """
        asked = self._known_query(query)
        params = self._parameters(query, asker, asked.values)
        known = tuple(value is not None for value in query.after)
        most = query.limit + 1 if goes_on else query.limit
        rows: list[Row] = []
        statement = None
        for segment in self._segments(query):
            limit = self._said_limit(most - len(rows))
            statement, ids = self._pages.get(
                (asked.shape, segment, known, json, goes_on, limit),
                asker.reaches,
                partial(_page, query, segment, known, json, goes_on=goes_on, limit=limit),
            )
            params |= ids
            params["limit_"] = most - len(rows)
            rows += await connection.fetch_all(statement.sql, params)
            if len(rows) >= most:
                break
        assert statement is not None
        return rows[: query.limit], statement, len(rows) > query.limit

    async def plan(self, connection: Connection, query: Query, asker: Asker) -> list[str]:
        """Return how the database goes about the first page of a query, a line each."""
        found = []
        for segment in self._segments(query):
            statement, ids = self._pages.get(
                (self._known_query(query).shape, segment, (), None, True, None),
                asker.reaches,
                partial(_page, query, segment, (), None, goes_on=True, limit=None),
            )
            params = self._parameters(query, asker) | ids | {"limit_": query.limit + 1}
            is_sqlite = self._engine == "sqlite"
            begin = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN (ANALYZE, BUFFERS)"
            rows = await connection.fetch_all(f"{begin} {statement.sql}", params)
            found += [str(row[-1] if is_sqlite else row[0]) for row in rows]
        return found

    async def count(self, connection: Connection, query: Query, asker: Asker, cap: int) -> int:
        """Return how many records a query finds in all, counting no further than ``cap``."""
        bare = query if query.distinct else replace(query, columns=(), expands=())
        bare = replace(bare, order=(), after=(), skip=0, groups=(), aggregates=())
        limit = self._said_limit(cap)
        sql, ids = self._counts.get(
            (page_shape(bare), limit), asker.reaches, lambda compiler: compiler.count(bare, limit)
        )
        params = self._parameters(bare, asker) | ids
        params["limit_"] = cap
        row = await connection.fetch_one(sql, params)
        return int(row[0]) if row else 0

    async def aggregate(
        self, connection: Connection, query: Query, asker: Asker
    ) -> tuple[list[Record], bool]:
        """Return one record a group, keyed by alias, and whether there are more than the limit."""
        statement, ids = self._aggregates.get(
            aggregate_shape(query), asker.reaches, partial(compile_aggregate, query)
        )
        params = self._parameters(query, asker) | ids
        params["limit_"] = query.limit + 1
        params |= statement.parameters(asker)
        rows = await connection.fetch_all(statement.sql, params)
        found = [statement.read(row) for row in rows[: query.limit]]
        return found, len(rows) > query.limit

    def _known_query(self, query: Query) -> _KnownQuery:
        """Return what is known of a query, without looking into one that was asked before."""
        parts = (query.columns, query.condition, query.order, query.joins, query.expands)
        return self._known.get(
            parts,
            partial(self._looked_into, query),
            query.entity,
            query.linked_to and query.linked_to.relationship,
            (query.with_labels, query.distinct, query.skip > 0),
        )

    def _looked_into(self, query: Query) -> _KnownQuery:
        shape = self._shapes(page_shape(query), _PageShape)
        values = None if _depends_on_asker(query) else self._values(query, Asker())
        return _KnownQuery(shape, values)

    def _parameters(
        self, query: Query, asker: Asker, values: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return what a statement is run with; ``values`` are those of its conditions if known."""
        params = asker_parameters(asker, self._engine)
        params |= self._values(query, asker) if values is None else values
        for number, value in enumerate(query.after):
            params[f"a{number}"] = value
        if query.linked_to is not None:
            params["linked_"] = query.linked_to.record_id
        if query.skip:
            params["skip_"] = query.skip
        return params

    def _values(self, query: Query, asker: Asker) -> dict[str, Any]:
        """Return the parameters that the conditions of a query hold."""
        values: dict[str, Any] = {}
        for prefix, condition in conditions_of(query):
            values |= parameters_of(condition, self._engine, asker, prefix)
        return values

    def _said_limit(self, most: int) -> int | None:
        """Return a limit that stands in the statement itself; None where it is a parameter.

        PostgreSQL plans again each time what it cannot see the limit of; other limits than usual
        ones would fill what is kept of statements.
        """
        is_usual = most <= _SMALL_PAGE or most % 50 <= 1
        return most if self._engine == "postgresql" and is_usual else None

    def _segments(self, query: Query) -> tuple[Segment, ...]:
        order = query.order
        return segments(
            query.after, descending=bool(order) and order[0].descending, has_order=bool(order)
        )

    async def _records(
        self,
        connection: Connection,
        level: Level,
        rows: Sequence[Row],
        query: Query,
        asker: Asker,
    ) -> list[Record]:
        """Return rows as records, with those that lookups and collections expand inside them."""
        read = level.reader
        records = [read(row) for row in rows]
        if not level.is_plain:
            pairs = list(zip(rows, records, strict=True))
            await self._fill(connection, level, pairs, query, asker)
        return records

    async def _fill(
        self,
        connection: Connection,
        level: Level,
        pairs: list[tuple[Row, Record]],
        query: Query,
        asker: Asker,
    ) -> None:
        for number, single in level.singles.items():
            expand = query.expands[number]
            inner = []
            for row, record in pairs:
                found = None if row[single.id_at] is None else single.reader(row)
                record[expand.key] = found
                if found is not None:
                    inner.append((row, found))
            if not single.is_plain:
                await self._fill(connection, single, inner, expand.query, asker)
        for number in level.collections:
            expand = query.expands[number]
            owners: dict[str, list[Record]] = {}
            for row, record in pairs:
                record[expand.key] = []
                owners.setdefault(row[level.id_at], []).append(record)
            if owners:
                await self._expand(connection, expand, owners, asker)

    async def _expand(
        self,
        connection: Connection,
        expand: Expand,
        owners: Mapping[str, list[Record]],
        asker: Asker,
    ) -> None:
        """Read a collection's items for every owner at once, and put them into the owners."""
        assert isinstance(expand.over, Collection)
        shape = (over_shape(expand.over), page_shape(expand.query))
        statement, found = self._items.get(
            shape, asker.reaches, lambda compiler: compiler.items(expand)
        )
        params = self._parameters(expand.query, asker) | found
        ids = list(owners)
        params[OWNERS] = ids if self._engine == "postgresql" else orjson.dumps(ids).decode()
        most = min(expand.query.limit, MOST_ITEMS_EXPANDED)
        params["limit_"] = most + 1 if expand.goes_on else most
        rows = await connection.fetch_all(statement.sql, params)
        items = await self._records(connection, statement.level, rows, expand.query, asker)
        last: Row = ()
        for row, item in zip(rows, items, strict=True):
            for owner in owners[row[0]]:
                if len(owner[expand.key]) < most:
                    owner[expand.key].append(item)
                else:
                    owner[expand.cut_key] = tuple(last[at] for at in statement.sort_at)
            last = row


def _page(
    query: Query,
    segment: Segment,
    known: tuple[bool, ...],
    json: JsonShape | None,
    compiler: QueryCompiler,
    *,
    goes_on: bool,
    limit: int | None,
) -> PageStatement:
    return compiler.page(query, segment, known, json, goes_on=goes_on, limit=limit)


def _depends_on_asker(query: Query) -> bool:
    """Return whether the values of a query's conditions depend on who asks, or when."""
    return any(
        isinstance(part, InPeriod)
        for _, condition in conditions_of(query)
        for part in parts_of(condition)
    )


def _following(rows: Sequence[Row], statement: PageStatement, has_more: bool) -> tuple[Any, ...]:
    """Return the sort values of a page's last record, after which the next one begins."""
    if not has_more or not rows:
        return ()
    return tuple(rows[-1][position] for position in statement.sort_at)
