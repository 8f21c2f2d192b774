"""``read_sql``: one SELECT → the query that it means, and how its rows are told.

The text never reaches a database: it becomes the same query as FetchXML and OData make, and only
what these can say can be said. Source: reference web-api, section 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kartoteka.conditions.typed import FieldPath, TypedCondition, ValueKind
from kartoteka.names import did_you_mean
from kartoteka.query.aggregates import refusal_of
from kartoteka.query.link_entities import with_link_entities
from kartoteka.query.query import (
    Aggregate,
    AggregateFunction,
    Group,
    Join,
    OrderKey,
    Query,
)
from kartoteka.query.shown import Shown, ShownRecord
from kartoteka.query.sql_conditions import ConditionReader
from kartoteka.query.sql_parser import parse_sql
from kartoteka.query.sql_sources import SqlSource, SqlSources, read_sources
from kartoteka.query.sql_syntax import Column, Figure, Item, Select, SortItem
from kartoteka.registry import Registry

_FUNCTIONS: Mapping[str, AggregateFunction] = {
    "COUNT": AggregateFunction.COUNT,
    "SUM": AggregateFunction.SUM,
    "AVG": AggregateFunction.AVG,
    "MIN": AggregateFunction.MIN,
    "MAX": AggregateFunction.MAX,
}


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """A SELECT as a query.

    ``most`` is how many rows it has at most, None without a limit; ``skip`` are left out before.
    """

    query: Query
    shown: ShownRecord
    most: int | None = None
    skip: int = 0


def read_sql(text: str, registry: Registry) -> SqlQuery:
    """Return what a SELECT asks for.

    Raises:
        QueryError: It cannot be read, or does not fit the registry; it says where.
    """
    select = parse_sql(text)
    registry = with_link_entities(registry)
    sources = read_sources(text, select, registry)
    conditions = ConditionReader(sources, registry)
    reader = _Reader(text, select, sources)
    reader.read()
    joins = [_join(source, conditions) for source in sources.found[1:]]
    where: TypedCondition | None = None
    if select.where is not None:
        where = conditions.read(select.where)
    query = Query(
        sources.root.entity.name,
        tuple(reader.paths.values()),
        where,
        tuple(reader.order),
        joins=tuple(joins),
        groups=tuple(reader.groups.values()),
        aggregates=tuple(reader.aggregates.values()),
        distinct=select.is_distinct and not reader.is_aggregate,
    )
    shown = ShownRecord(sources.root.entity.name, tuple(reader.shown))
    most = select.top if select.top is not None else select.fetch
    return SqlQuery(query, shown, most, select.offset)


def _join(source: SqlSource, conditions: ConditionReader) -> Join:
    assert source.via is not None and source.joined is not None
    return Join(
        source.variable,
        source.entity.name,
        source.via,
        source.parent,
        source.joined.is_outer,
        conditions.every(source.rest),
    )


@dataclass(slots=True)
class _Reader:
    """Gathers what the rows tell, what they are grouped by and the order."""

    text: str
    select: Select
    sources: SqlSources
    paths: dict[str, FieldPath] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)  # by the key of their path
    aggregates: dict[tuple[str, str, bool], Aggregate] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    order: list[OrderKey] = field(default_factory=list)

    @property
    def is_aggregate(self) -> bool:
        """Return whether rows are groups."""
        return bool(self.select.groups) or any(
            isinstance(item.what, Figure) for item in self.select.items
        )

    def read(self) -> None:
        for column in self.select.groups:
            path = self.sources.path(column)
            if path.kind is ValueKind.OPTIONS:
                message = f'"{column.name}" holds several options and makes no groups'
                raise self.sources.error(column.offset, message)
            self.groups.setdefault(path.key, Group(f"g{len(self.groups)}", path))
        for item in self.select.items:
            self._show(item)
        for key in self.select.order:
            self._sort(key)

    def _show(self, item: Item) -> None:
        what = item.what
        name = item.alias or (what.name if isinstance(what, Column) else what.text)
        if any(value.name == name for value in self.shown):
            hint = "give one of them another name with AS"
            raise self.sources.error(what.offset, f'two columns are called "{name}"', hint)
        if isinstance(what, Figure):
            figure = self._figure(what)
            is_count = figure.path is None or figure.function is AggregateFunction.COUNT
            item_field = None if is_count or figure.path is None else figure.path.field
            self.shown.append(Shown(figure.alias, name, item_field))
            return
        path = self.sources.path(what)
        if self.is_aggregate:
            self.shown.append(Shown(self._group(path, what).alias, name, path.field))
            return
        self.paths.setdefault(path.key, path)
        self.shown.append(Shown(path.key, name, path.field))

    def _group(self, path: FieldPath, column: Column) -> Group:
        if path.key not in self.groups:
            message = f'"{column.name}" is neither a group nor summed up'
            raise self.sources.error(column.offset, message, "add it to GROUP BY")
        return self.groups[path.key]

    def _figure(self, figure: Figure) -> Aggregate:
        function = _FUNCTIONS[figure.function]
        path = None if figure.column is None else self.sources.path(figure.column)
        if path is not None and (refusal := refusal_of(function, path)):
            raise self.sources.error(figure.offset, refusal)
        key = (figure.function, "" if path is None else path.key, figure.is_distinct)
        alias = f"f{len(self.aggregates)}"
        made = Aggregate(alias, function, path, figure.is_distinct)
        return self.aggregates.setdefault(key, made)

    def _sort(self, key: SortItem) -> None:
        path = self._sorted_by(key)
        known = [self._name_of(other.path) for other in self.order]
        if self._name_of(path) not in known:
            self.order.append(OrderKey(path, key.descending))

    def _sorted_by(self, key: SortItem) -> FieldPath | str:
        what: Column | Figure | int = key.what
        if isinstance(what, Column) and not what.source:
            named = [item for item in self.select.items if item.alias == what.name]
            what = named[0].what if named else what
        elif isinstance(what, int):
            if not 1 <= what <= len(self.select.items):
                raise self.sources.error(key.offset, f"there is no column {what}")
            what = self.select.items[what - 1].what
        if isinstance(what, Figure):
            if not self.is_aggregate:
                raise self.sources.error(key.offset, "nothing is summed up here")
            return self._figure(what).alias
        path = self.sources.path(what)
        if self.is_aggregate:
            return self._group(path, what).alias
        if self.select.is_distinct and path.key not in self.paths:
            message = f'a distinct query is sorted by "{what.name}", which it does not tell'
            raise self.sources.error(key.offset, message, did_you_mean(what.name, self.paths))
        return path

    def _name_of(self, path: FieldPath | str) -> str:
        return path if isinstance(path, str) else path.key
