"""Groups and figures of a query → one SELECT, and how its rows are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.typed import FieldPath, ValueKind
from kartoteka.model.field_types import decimal_scale
from kartoteka.query.query import Aggregate, AggregateFunction, Group, Query
from kartoteka_runtime.storage.compile_query import QueryCompiler, limited
from kartoteka_runtime.storage.date_parts import date_part, fiscal_parameters
from kartoteka_runtime.storage.exact_totals import DIGITS
from kartoteka_runtime.storage.query_source import QuerySource
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.row_readers import build_reader
from kartoteka_runtime.storage.tables import folded

Column = sa.ColumnElement[Any]
Read = Callable[[Sequence[Any]], Any]

_WHOLE = 2**63  # JSON writers take no whole number beyond it, decimals they do
_AVERAGE_PLACES = Decimal(1).scaleb(-10)  # Source: kartoteka.conditions.functions


@dataclass(frozen=True, slots=True)
class AggregateStatement:
    """The SQL of a query's groups; ``readers`` give each alias its value from a row."""

    sql: str
    readers: tuple[tuple[str, Read], ...]

    def read(self, row: Sequence[Any]) -> dict[str, Any]:
        """Return a row as a record, keyed by alias."""
        return {alias: read(row) for alias, read in self.readers}

    def parameters(self, asker: Asker) -> dict[str, Any]:
        """Return what the statement asks for beside its conditions' parameters."""
        return fiscal_parameters(asker)


def compile_aggregate(query: Query, compiler: QueryCompiler) -> AggregateStatement:
    """Return the statement of a query with groups or aggregates.

    Texts that differ by case or accents are one group, which shows the first of them. Groups are
    ordered as the query says by their aliases, then by the groups from left to right.
    """
    source = compiler.source(query)
    selected: list[Column] = []
    readers: list[tuple[str, Read]] = []
    grouped: list[Column] = []
    order_of: dict[str, Column] = {}
    for group in query.groups:
        order_of[group.alias] = _add_group(
            group, compiler, source, selected, readers, grouped, with_label=query.with_labels
        )
    for figure in query.aggregates:
        value, sorted_by, read = _figure(figure, source, len(selected), compiler)
        selected.append(value)
        readers.append((figure.alias, read))
        order_of[figure.alias] = sorted_by
    named = [column.label(f"g{number}") for number, column in enumerate(selected)]
    statement = compiler.restricted(sa.select(*named), query, source)
    statement = statement.select_from(source.from_clause()).group_by(*grouped)
    statement = statement.order_by(*_ordering(query, order_of, source.engine))
    statement = limited(statement, with_skip=query.skip > 0)
    return AggregateStatement(compile_text(statement, compiler.dialect), tuple(readers))


def _add_group(
    group: Group,
    compiler: QueryCompiler,
    source: QuerySource,
    selected: list[Column],
    readers: list[tuple[str, Read]],
    grouped: list[Column],
    *,
    with_label: bool,
) -> Column:
    """Add what a group selects and how it is read; return what it is sorted by."""
    path, at = group.path, len(selected)
    if group.part is not None:
        value = date_part(group.part, source.column(path), path.kind, source.engine)
        selected.append(value)
        grouped.append(value)
        readers.append((group.alias, lambda row: row[at]))
        return value
    if path.kind is ValueKind.TEXT:
        column = source.column(path)
        sorted_by = folded(column, source.engine)
        selected.append(sa.func.min(column))
        grouped.append(sorted_by)
        readers.append((group.alias, lambda row: row[at]))
        return sorted_by
    found, read_column = compiler.column_of(
        path, source, with_label=with_label, at=at, key=group.alias
    )
    stored = found[:2] if path.field.is_multi_target else found[:1]
    grouped += stored
    selected += found
    read = build_reader([read_column], source.engine)
    readers.append((group.alias, lambda row: read(row)[group.alias]))
    return found[0]


def _figure(
    figure: Aggregate, source: QuerySource, at: int, compiler: QueryCompiler
) -> tuple[Column, Column, Read]:
    """Return what a figure selects, what it is sorted by, and how it is read."""
    path = figure.path
    if path is None:
        return sa.func.count(), sa.func.count(), lambda row: row[at]
    column = source.column(path)
    if figure.function is AggregateFunction.COUNT:
        counted = folded(column, source.engine) if path.kind is ValueKind.TEXT else column
        count = sa.func.count(counted.distinct() if figure.distinct else counted)
        return count, count, lambda row: row[at]
    if figure.function in (AggregateFunction.MIN, AggregateFunction.MAX):
        function = sa.func.min if figure.function is AggregateFunction.MIN else sa.func.max
        _, read_column = compiler.column_of(path, source, with_label=False, at=at, key="value")
        read = build_reader([read_column], source.engine)
        end = function(column, type_=column.type)
        return end, end, lambda row: read(row)["value"]
    if path.kind is ValueKind.FLOAT and source.engine == "postgresql":
        column = sa.cast(sa.cast(column, sa.Text), sa.Numeric)  # directly it loses digits
    operand = column.distinct() if figure.distinct else column
    ordered = _sorted_by(figure, path, operand, source.engine)
    return _total(operand, source.engine), ordered, _total_reader(figure, path, at, source.engine)


def _sorted_by(figure: Aggregate, path: FieldPath, operand: Any, engine: str) -> Column:
    """Return a sum or average as a number that sorts."""
    is_average = figure.function is AggregateFunction.AVG
    if engine == "sqlite" and path.kind is ValueKind.FLOAT:
        function = sa.func.kartoteka_average if is_average else sa.func.kartoteka_sum
        return function(operand)
    if is_average:
        return sa.func.avg(operand)
    return sa.func.total(operand) if engine == "sqlite" else sa.func.sum(operand)


def _total(operand: Any, engine: str) -> Column:
    """Return the exact sum and the count of values as one text; empty without values.

    The databases' own sums overflow (SQLite), of floats they depend on the order of the records,
    and averages have as many digits as they like.
    """
    if engine == "sqlite":
        return sa.func.kartoteka_total(operand, type_=sa.Text())
    count = sa.func.count(operand)
    blank = sa.literal_column("' '", sa.Text())
    both = sa.cast(sa.func.sum(operand), sa.Text).concat(blank).concat(sa.cast(count, sa.Text))
    return sa.case((count > sa.literal_column("0"), both))


def _total_reader(figure: Aggregate, path: FieldPath, at: int, engine: str) -> Read:
    is_scaled = engine == "sqlite" and path.kind is ValueKind.DECIMAL
    exponent = -decimal_scale(path.field) if is_scaled else 0
    is_average = figure.function is AggregateFunction.AVG
    is_float = path.kind is ValueKind.FLOAT
    is_whole = path.kind not in (ValueKind.DECIMAL, ValueKind.FLOAT)

    def read(row: Sequence[Any]) -> Any:
        if row[at] is None:
            return None
        total, count = row[at].split(" ")
        value = Decimal(total).scaleb(exponent)
        if is_float:
            return float(DIGITS.divide(value, int(count)) if is_average else value)
        if is_average:
            return _average(value, int(count))
        return int(value) if is_whole and abs(value) < _WHOLE else value

    return read


def _average(total: Decimal, count: int) -> Decimal:
    average = DIGITS.divide(total, count)
    return plain(average.quantize(_AVERAGE_PLACES, ROUND_HALF_UP, DIGITS))


def plain(value: Decimal) -> Decimal:
    """Return a number without the zeros at the end of its decimal places."""
    short = value.normalize(DIGITS)
    is_long = short.as_tuple().exponent > 0  # type: ignore[operator]
    return short.quantize(Decimal(1), context=DIGITS) if is_long else short


def _ordering(
    query: Query, order_of: Mapping[str, Column], engine: str
) -> list[sa.ColumnElement[Any]]:
    """Return the order of groups: as asked for, then by the groups from left to right."""
    wanted = {key.path: key.descending for key in query.order if isinstance(key.path, str)}
    for group in query.groups:
        wanted.setdefault(group.alias, False)
    ordering: list[Column] = []
    for alias, descending in wanted.items():
        value = order_of[alias]
        ordered = value.desc() if descending else value.asc()
        if engine == "postgresql":
            ordered = ordered.nulls_last() if descending else ordered.nulls_first()
        ordering.append(ordered)
    return ordering
