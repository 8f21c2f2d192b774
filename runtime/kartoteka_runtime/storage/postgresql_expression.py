"""Expressions in the SQL of PostgreSQL, equal to ``kartoteka.conditions.values``.

Numbers are ``numeric``, floats by way of their text (the shortest that reads back). The functions
beside those of the database itself are in ``postgresql_functions``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from kartoteka.conditions.functions import TRIMMED
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    Applied,
    Asked,
    AskedName,
    Case,
    Constant,
    Expression,
    FieldPath,
    Related,
    TextFunction,
    TextRelated,
    TypedCondition,
    ValueKind,
)
from kartoteka.model.field import Field
from kartoteka.model.field_types import decimal_scale, storage_of
from kartoteka_runtime.storage.condition_parameters import NOBODY, ZONE, asked_parameter
from kartoteka_runtime.storage.tables import folded

Column = sa.ColumnElement[Any]
Test = sa.ColumnElement[bool]

_INSTANT = postgresql.TIMESTAMP(timezone=True)
_CLOCK = postgresql.TIMESTAMP(timezone=False)
_TYPES: Mapping[ValueKind, TypeEngine[Any]] = {
    ValueKind.TEXT: sa.Text(),
    ValueKind.WHOLE: sa.Numeric(),
    ValueKind.DECIMAL: sa.Numeric(),
    ValueKind.FLOAT: sa.Numeric(),
    ValueKind.OPTION: sa.Numeric(),
    ValueKind.YES_NO: sa.Boolean(),
    ValueKind.DATE: sa.Date(),
    ValueKind.INSTANT: _INSTANT,
    ValueKind.LOCAL_TIME: _CLOCK,
    ValueKind.ID: sa.Uuid(),
}
_NUMBERS = frozenset(kind for kind, found in _TYPES.items() if isinstance(found, sa.Numeric))
_MOST_ARGUMENTS = 100  # of one function
_SECONDS = {"minutes": 60, "hours": 3600, "days": 86400, "weeks": 7 * 86400}
_MONTHS = {"months": 1, "years": 12}


class Compiler(Protocol):
    """What expressions are compiled with."""

    def compile(self, condition: TypedCondition, *, negated: bool = False) -> Test:
        """Return a condition as SQL."""

    def column(self, path: FieldPath) -> Column:
        """Return the column of a path."""

    def next(self, column_type: Any) -> sa.BindParameter[Any]:
        """Return the next parameter."""


def compare(left: Column, operator: Operator, right: Column) -> Test:
    """Return how two values compare; of two empty ones, ``eq`` holds and ``ne`` does not."""
    match operator:
        case Operator.EQ:
            return left.is_not_distinct_from(right)
        case Operator.NE:
            return left.is_distinct_from(right)
        case Operator.GT:
            return left > right
        case Operator.GE:
            return left >= right
        case Operator.LT:
            return left < right
        case Operator.LE:
            return left <= right


class PostgresqlExpressions:
    """Builds the SQL of expressions; constants are parameters, numbered from left to right."""

    def __init__(self, compiler: Compiler) -> None:
        """Share the numbering and the columns of the condition around them."""
        self._compiler = compiler

    def related(self, condition: Related | TextRelated) -> Test:
        """Return whether two expressions compare as a condition says."""
        match condition:
            case Related(FieldPath(kind=kind) as left, operator, FieldPath() as right) if (
                kind is right.kind and kind is not ValueKind.TEXT
            ):
                return compare(self._compiler.column(left), operator, self._compiler.column(right))
            case Related(first, operator, second):
                return compare(self._comparable(first), operator, self._comparable(second))
            case TextRelated(function, subject, sought):
                return _found(function, self._comparable(subject), self._comparable(sought))

    def stored(self, node: Expression, target: Field) -> Column:
        """Return the value of an expression as the column of a field would hold it."""
        value = self.value(node)
        match storage_of(target):
            case "integer":
                return sa.func.kartoteka_integer(value, type_=sa.Integer())
            case "big_integer":
                return sa.func.kartoteka_big_integer(value, type_=sa.BigInteger())
            case "decimal":
                scale = decimal_scale(target)
                return sa.func.kartoteka_decimal(value, _number(scale), type_=sa.Numeric(38, scale))
            case "float":
                return sa.cast(value, sa.Double())
        return value

    def value(self, node: Expression) -> Column:
        """Return the value of an expression, of the type that its kind has here."""
        match node:
            case FieldPath(kind=kind):
                column = self._compiler.column(node)
                if kind is ValueKind.FLOAT:
                    column = sa.cast(column, sa.Text())
                return sa.cast(column, sa.Numeric()) if kind in _NUMBERS else column
            case Constant(kind=kind):
                return sa.cast(self._compiler.next(_TYPES[kind]), _TYPES[kind])
            case Asked(name, kind):
                bound = sa.cast(
                    sa.bindparam(asked_parameter(node), type_=_TYPES[kind]), _TYPES[kind]
                )
                if name is AskedName.NOW:
                    return bound
                nobody = sa.cast(sa.literal_column(f"'{NOBODY}'"), sa.Uuid())
                return sa.func.nullif(bound, nobody, type_=sa.Uuid())
            case Applied():
                return self._applied(node)
            case Case(branches, otherwise, kind):
                pairs = [
                    (self._compiler.compile(test), self.value(value)) for test, value in branches
                ]
                return sa.case(*pairs, else_=self.value(otherwise))

    def _comparable(self, node: Expression) -> Column:
        value = self.value(node)
        return folded(value, "postgresql") if node.kind is ValueKind.TEXT else value

    def _applied(self, node: Applied) -> Column:
        given = [self.value(argument) for argument in node.arguments]
        kinds = [argument.kind for argument in node.arguments]
        result = _TYPES[node.kind]
        if node.function in _PLAIN:
            return _typed(_PLAIN[node.function](*given), result)
        if node.function == "div":
            whole = node.kind is ValueKind.WHOLE
            return _typed((_whole_quotient if whole else _quotient)(*given), result)
        return _typed(_of_dates(node.function, given, kinds), result)


def _typed(value: Column, kind: TypeEngine[Any]) -> Column:
    return sa.type_coerce(value, kind)


def _number(value: int) -> Column:
    return sa.literal_column(str(value), sa.Integer())


def _text(value: str) -> Column:
    return sa.literal_column(f"'{value}'", sa.Text())


def _rounded(value: Column) -> Column:
    return sa.func.kartoteka_number(value, type_=sa.Numeric())


def _quotient(left: Column, right: Column) -> Column:
    return sa.func.kartoteka_quotient(left, right)


def _whole_quotient(left: Column, right: Column) -> Column:
    return _rounded(sa.func.div(left, sa.func.nullif(right, _number(0))))


def _remainder(left: Column, right: Column) -> Column:
    return _rounded(sa.func.mod(left, sa.func.nullif(right, _number(0))))


def _round(value: Column, places: Column | None = None) -> Column:
    return sa.func.kartoteka_round(value, _number(0) if places is None else places)


def _substring(text: Column, start: Column, most: Column | None = None) -> Column:
    return sa.func.kartoteka_substring(text, start, _number(2**30) if most is None else most)


def _index(text: Column, sought: Column) -> Column:
    place = sa.func.strpos(folded(text, "postgresql"), folded(sought, "postgresql"))
    return sa.cast(place, sa.Numeric()) - _number(1)


def _trim(text: Column) -> Column:
    return _filled(sa.func.btrim(text, _text(TRIMMED)))


def _filled(text: Column) -> Column:
    return sa.func.nullif(text, _text(""))


def _concatenated(*texts: Column) -> Column:
    if len(texts) <= _MOST_ARGUMENTS:
        return sa.func.concat(*texts)
    return sa.func.concat(
        sa.func.concat(*texts[:_MOST_ARGUMENTS]), _concatenated(*texts[_MOST_ARGUMENTS:])
    )


_PLAIN: Mapping[str, Callable[..., Column]] = {
    "add": lambda left, right: _rounded(left + right),
    "sub": lambda left, right: _rounded(left - right),
    "mul": lambda left, right: _rounded(left * right),
    "divby": _quotient,
    "mod": _remainder,
    "neg": lambda value: _rounded(-value),
    "round": _round,
    "floor": lambda value: _rounded(sa.func.floor(value)),
    "ceiling": lambda value: _rounded(sa.func.ceil(value)),
    "length": lambda text: sa.cast(sa.func.char_length(text), sa.Numeric()),
    "indexof": _index,
    "substring": _substring,
    "tolower": lambda text: sa.func.kartoteka_lower(text),
    "toupper": lambda text: sa.func.kartoteka_upper(text),
    "trim": _trim,
    "concat": lambda *texts: _filled(_concatenated(*texts)),
    "coalesce": sa.func.coalesce,
}


def _found(function: TextFunction, text: Column, sought: Column) -> Test:
    match function:
        case TextFunction.CONTAINS:
            return sa.func.strpos(text, sought) > _number(0)
        case TextFunction.STARTSWITH:
            return sa.func.starts_with(text, sought, type_=sa.Boolean())
        case TextFunction.ENDSWITH:
            return sa.func.right(text, sa.func.char_length(sought)) == sought


def _clock(value: Column, kind: ValueKind) -> Column:
    """Return a date or time as calendar and clock show it, dates at midnight."""
    match kind:
        case ValueKind.INSTANT:
            return sa.func.kartoteka_clock(value, _zone(), type_=_CLOCK)
        case ValueKind.DATE:
            return sa.cast(value, _CLOCK)
    return value


def _like(clock: Column, kind: ValueKind) -> Column:
    """Return a clock time as a value of another kind."""
    match kind:
        case ValueKind.INSTANT:
            return sa.func.kartoteka_instant(clock, _zone(), type_=_INSTANT)
        case ValueKind.DATE:
            return sa.cast(clock, sa.Date())
    return clock


def _zone() -> Column:
    return sa.bindparam(ZONE, type_=sa.Text())


def _utc(value: Column) -> Column:
    return sa.func.timezone(_text("UTC"), value)


def _of_dates(function: str, given: list[Column], kinds: list[ValueKind]) -> Column:
    clocks = [
        _clock(value, kind) if kind in _DAYS else value
        for value, kind in zip(given, kinds, strict=True)
    ]
    if function == "date":
        return sa.cast(clocks[0], sa.Date())
    if function.startswith("add"):
        return _moved(function.removeprefix("add"), given[0], clocks[0], kinds[0], given[1])
    if function.startswith("diffin"):
        unit = function.removeprefix("diffin")
        if unit in _MONTHS:
            return sa.func.kartoteka_months_between(*clocks, _number(_MONTHS[unit]))
        if unit in ("minutes", "hours") and set(kinds) == {ValueKind.INSTANT}:
            clocks = [_utc(value) for value in given]
        start, end = (_epoch(clock) for clock in clocks)
        return sa.func.div(end - start, _number(_SECONDS[unit]))
    part = sa.func.floor(sa.extract(function, clocks[0]))
    return sa.cast(part, sa.Numeric())


def _moved(unit: str, value: Column, clock: Column, kind: ValueKind, count: Column) -> Column:
    if unit in _MONTHS:
        return _like(sa.func.kartoteka_months_later(clock, count * _number(_MONTHS[unit])), kind)
    seconds = count * _number(_SECONDS[unit])
    if unit in ("minutes", "hours") and kind is ValueKind.INSTANT:
        return _utc(sa.func.kartoteka_later(_utc(value), seconds))
    return _like(sa.func.kartoteka_later(clock, seconds), kind)


def _epoch(clock: Column) -> Column:
    return sa.cast(sa.extract("epoch", clock), sa.Numeric())


_DAYS = frozenset({ValueKind.DATE, ValueKind.INSTANT, ValueKind.LOCAL_TIME})
