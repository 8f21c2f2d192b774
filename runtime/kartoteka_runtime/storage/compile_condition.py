"""Typed condition → SQL, with every value a parameter so that one text serves a whole shape.

Each leaf is two-valued as ``kartoteka.conditions.typed`` demands: under a negation it also says
that the field is not empty; elsewhere it stays bare, so that an index can answer it.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Asked,
    Compared,
    FieldPath,
    Fixed,
    HasOption,
    IsEmpty,
    Negated,
    OneOf,
    TextFunction,
    TextTest,
    TypedCondition,
    Value,
    ValueKind,
)
from kartoteka.model.field_types import decimal_scale
from kartoteka.text_folding import fold
from kartoteka_runtime.storage.column_types import codec
from kartoteka_runtime.storage.query_source import QuerySource
from kartoteka_runtime.storage.tables import folded

ME = "me_"  # the parameter that holds the id of the user who asks
_LAST_CHARACTER = "\U0010ffff"

Resolve = Callable[[FieldPath], "sa.ColumnElement[Any]"]


def shape_of(condition: TypedCondition | None) -> Any:
    """Return what two conditions share exactly when one SQL text serves both."""
    match condition:
        case None | Fixed():
            return condition
        case IsEmpty(path):
            return ("empty", path.key)
        case Compared(path, operator, value):
            return (operator.value, path.key, isinstance(value, Asked))
        case OneOf(path, values):
            return ("in", path.key, tuple(isinstance(value, Asked) for value in values))
        case TextTest(path, function, _):
            return (function.value, path.key)
        case HasOption(path, _):
            return ("has", path.key)
        case Negated(term):
            return ("not", shape_of(term))
        case AllOf(terms):
            return ("and", *(shape_of(term) for term in terms))
        case AnyOf(terms):
            return ("or", *(shape_of(term) for term in terms))


def asker_parameters(asker: Asker, engine: str) -> dict[str, Any]:
    """Return what only the request knows, under the names that conditions give it."""
    return {ME: asker.user_id or None}


def parameters_of(
    condition: TypedCondition | None, engine: str, asker: Asker, prefix: str = "c"
) -> dict[str, Any]:
    """Return the values of a condition under the names that ``ConditionCompiler`` gives them."""
    values: list[Any] = []
    _collect(condition, engine, values)
    return {f"{prefix}{number}": value for number, value in enumerate(values)}


def _collect(condition: TypedCondition | None, engine: str, values: list[Any]) -> None:
    match condition:
        case Compared(path, _, value):
            if not isinstance(value, Asked):
                values.append(_encode(path, value, engine))
        case OneOf(path, members):
            values += [
                _encode(path, item, engine) for item in members if not isinstance(item, Asked)
            ]
        case TextTest(_, TextFunction.STARTSWITH, text):
            values += [fold(text), fold(text) + _LAST_CHARACTER]
        case TextTest(_, TextFunction.ENDSWITH, text):
            values.append("%" + _escape_like(fold(text)))
        case TextTest(_, _, text):
            values.append(fold(text))
        case HasOption(_, option):
            values.append(f"%,{option},%" if engine == "sqlite" else option)
        case Negated(term):
            _collect(term, engine, values)
        case AllOf(terms) | AnyOf(terms):
            for term in terms:
                _collect(term, engine, values)


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _encode(path: FieldPath, value: Value, engine: str) -> Any:
    if path.kind is ValueKind.TEXT:
        return fold(str(value))
    if path.kind is ValueKind.DECIMAL and engine == "sqlite":
        return _scaled_bound(value, decimal_scale(path.field))
    if path.kind is ValueKind.ID:
        return value
    encoder = codec(path.field, engine).encode
    return encoder(value) if encoder else value


def _scaled_bound(value: Any, scale: int) -> float | int:
    """Return a decimal in the scale of its column; one with more places lies between two values."""
    exact = value.scaleb(scale)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def _column(table: sa.FromClause, path: FieldPath) -> sa.ColumnElement[Any]:
    return table.c[path.field.name]


def _is_search(terms: tuple[TypedCondition, ...]) -> bool:
    """Return whether terms ask for one beginning in several fields of the entity itself."""
    return all(
        isinstance(term, TextTest)
        and term.function is TextFunction.STARTSWITH
        and not term.path.steps
        for term in terms
    )


class ConditionCompiler:
    """Builds the SQL of conditions over one query's tables; numbers parameters as it goes."""

    def __init__(self, source: QuerySource, prefix: str = "c") -> None:
        """``source`` gives the columns of paths; parameters are named ``prefix`` and a number."""
        self._source = source
        self._resolve: Resolve = source.column
        self._identity = source.identity
        self._engine = source.engine
        self._prefix = prefix
        self._used = 0

    def compile(
        self, condition: TypedCondition, *, negated: bool = False
    ) -> sa.ColumnElement[bool]:
        """Return the condition as SQL; ``negated`` when a NOT stands around it."""
        match condition:
            case Fixed(holds):
                return sa.true() if holds else sa.false()
            case IsEmpty(path):
                return self._resolve(path).is_(None)
            case Negated(IsEmpty(path)):
                return self._resolve(path).is_not(None)
            case Negated(term):
                return sa.not_(self.compile(term, negated=True))
            case AllOf(terms):
                return sa.and_(*(self.compile(term, negated=negated) for term in terms))
            case AnyOf(terms) if not negated and _is_search(terms) and self._identity is not None:
                return self._identity.in_(self._matches(self._identity, terms))
            case AnyOf(terms):
                return sa.or_(*(self.compile(term, negated=negated) for term in terms))
            case Compared(path, operator, value):
                return self._compared(path, operator, value, negated)
            case OneOf(path, values):
                column = self._operand(path)
                test = column.in_([self._parameter(path, value) for value in values])
                return self._guarded(path, test, negated)
            case TextTest(path, function, _):
                return self._guarded(path, self._text_test(path, function), negated)
            case HasOption(path, _):
                return self._guarded(path, self._has_option(path), negated)

    def _matches(
        self, identity: sa.ColumnElement[Any], terms: tuple[TypedCondition, ...]
    ) -> sa.CompoundSelect[Any]:
        """Return the ids that a search finds, field by field.

        Said as one OR, an engine may rather walk the whole order of the list and test each
        record, which takes as long as the table is large.
        """
        found = []
        for term in terms:
            table = self._source.table_of_entity(self._source.entity).alias()
            inner = copy(self)
            inner._resolve = partial(_column, table)
            found.append(sa.select(table.c[self._source.primary_id]).where(inner.compile(term)))
            self._used = inner._used
        return sa.union_all(*found)

    def _compared(
        self, path: FieldPath, operator: Operator, value: Value, negated: bool
    ) -> sa.ColumnElement[bool]:
        column = self._operand(path)
        bound = self._parameter(path, value)
        match operator:
            case Operator.NE:
                return sa.or_(self._resolve(path).is_(None), column != bound)
            case Operator.EQ:
                test = column == bound
            case Operator.GT:
                test = column > bound
            case Operator.GE:
                test = column >= bound
            case Operator.LT:
                test = column < bound
            case Operator.LE:
                test = column <= bound
        return self._guarded(path, test, negated)

    def _guarded(
        self, path: FieldPath, test: sa.ColumnElement[bool], negated: bool
    ) -> sa.ColumnElement[bool]:
        return sa.and_(self._resolve(path).is_not(None), test) if negated else test

    def _text_test(self, path: FieldPath, function: TextFunction) -> sa.ColumnElement[bool]:
        column = self._operand(path)
        if function is TextFunction.STARTSWITH:
            return sa.and_(column >= self._next(sa.Text()), column < self._next(sa.Text()))
        if function is TextFunction.ENDSWITH:
            return column.like(self._next(sa.Text()), escape="\\")
        find = sa.func.strpos if self._engine == "postgresql" else sa.func.instr
        return find(column, self._next(sa.Text())) > sa.literal_column("0")

    def _has_option(self, path: FieldPath) -> sa.ColumnElement[bool]:
        column = self._resolve(path)
        if self._engine == "sqlite":
            return column.like(self._next(sa.Text()))
        return self._next(sa.Integer()) == sa.func.any(column)

    def _operand(self, path: FieldPath) -> sa.ColumnElement[Any]:
        column = self._resolve(path)
        return folded(column, self._engine) if path.kind is ValueKind.TEXT else column

    def _parameter(self, path: FieldPath, value: Value) -> sa.BindParameter[Any]:
        column_type = self._resolve(path).type
        if path.kind is ValueKind.TEXT:
            column_type = sa.Text()
        elif path.kind is ValueKind.DECIMAL:
            column_type = sa.Numeric() if self._engine == "postgresql" else sa.BigInteger()
        if isinstance(value, Asked):
            return sa.bindparam(ME, type_=column_type)
        return self._next(column_type)

    def _next(self, column_type: Any) -> sa.BindParameter[Any]:
        name = f"{self._prefix}{self._used}"
        self._used += 1
        return sa.bindparam(name, type_=column_type)
