"""Typed condition → SQL, with every value a parameter so that one text serves a whole shape.

Each leaf is two-valued as ``kartoteka.conditions.typed`` demands: under a negation "unknown" is
turned into false; elsewhere it stays bare, so that an index can answer it. What compares
expressions is SQL of its own on PostgreSQL and a Python function on SQLite, where it is not one
field beside another of the same kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from kartoteka.conditions.periods import PERIODS
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Asked,
    Compared,
    Expression,
    FieldPath,
    Fixed,
    HasOption,
    InAskedSet,
    InHierarchy,
    InPeriod,
    IsEmpty,
    Like,
    Negated,
    OneOf,
    Quantified,
    Related,
    TextFunction,
    TextRelated,
    TextTest,
    TypedCondition,
    Value,
    ValueKind,
)
from kartoteka.conditions.walk import parts_of
from kartoteka.model.field import Field
from kartoteka_runtime.storage.column_types import codec
from kartoteka_runtime.storage.condition_parameters import (
    ME,
    MY_BUSINESS_UNIT,
    NOW,
    ZONE,
    asked_parameter,
    is_long,
)
from kartoteka_runtime.storage.id_sets import asked_ids, hierarchy_ids
from kartoteka_runtime.storage.postgresql_expression import PostgresqlExpressions, compare
from kartoteka_runtime.storage.sought_words import SoughtWords, bundled
from kartoteka_runtime.storage.sqlite_leaf import MOST_CELLS, evaluated_by_python, leaf_of
from kartoteka_runtime.storage.tables import folded

if TYPE_CHECKING:
    from kartoteka_runtime.storage.query_source import QuerySource

Column = sa.ColumnElement[Any]
Test = sa.ColumnElement[bool]
Resolve = Callable[[FieldPath], Column]

_RANGES: Mapping[ValueKind, TypeEngine[Any]] = {
    ValueKind.DATE: postgresql.DATEMULTIRANGE(),
    ValueKind.LOCAL_TIME: postgresql.TSMULTIRANGE(),
    ValueKind.INSTANT: postgresql.TSTZMULTIRANGE(),
}
_LARGE = 200  # parts of a condition
_TERMS_OF_LARGE = 8
_ZERO, _ONE = sa.literal_column("0", sa.Integer()), sa.literal_column("1", sa.Integer())


class ConditionCompiler:
    """Builds the SQL of conditions over one query's tables; numbers parameters as it goes."""

    def __init__(self, source: QuerySource, prefix: str = "c") -> None:
        """``source`` gives the columns of paths; parameters are named ``prefix`` and a number."""
        self.source = source
        self._resolve: Resolve = source.column
        self._engine = source.engine
        self._prefix = prefix
        self._used = 0

    def compile(self, condition: TypedCondition, *, negated: bool = False) -> Test:
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
            case AllOf():
                tests = self._terms(condition, negated=negated)
                return _joined(sa.and_, tests, _most_terms(condition))
            case AnyOf(terms) if not negated and self._is_search(terms):
                return self._found_by(terms)
            case AnyOf():
                tests = self._terms(condition, negated=negated)
                return _joined(sa.or_, tests, _most_terms(condition))
            case Compared(path, Operator.NE, value):
                column, bound = self._operand(path), self._parameter(path, value)
                return sa.or_(self._resolve(path).is_(None), column != bound)
            case Quantified():
                return self._any(condition)
        test = self._leaf(condition)
        return sa.func.coalesce(test, sa.false()) if negated else test

    def _terms(self, condition: AllOf | AnyOf, *, negated: bool) -> list[Test]:
        tests = []
        for term in bundled(condition):
            if isinstance(term, SoughtWords):
                test = self._has_words(term)
                tests.append(sa.func.coalesce(test, sa.false()) if negated else test)
            else:
                tests.append(self.compile(term, negated=negated))
        return tests

    def expression(self, node: Expression, target: Field) -> Column:
        """Return the value of an expression as a column of the field ``target`` holds it."""
        if self._engine == "sqlite":
            return self._by_python("kartoteka_value", node, target)
        return PostgresqlExpressions(self).stored(node, target)

    def next(self, column_type: Any) -> sa.BindParameter[Any]:
        """Return the next parameter."""
        name = f"{self._prefix}{self._used}"
        self._used += 1
        return sa.bindparam(name, type_=column_type)

    def column(self, path: FieldPath) -> Column:
        """Return the column of a path."""
        return self._resolve(path)

    def _leaf(
        self,
        condition: Compared | OneOf | TextTest | HasOption | Like | InPeriod | InAskedSet
        | InHierarchy | Related | TextRelated,
    ) -> Test:  # fmt: skip
        """Return a test that may be unknown where a field is empty."""
        match condition:
            case Compared(path, operator, value):
                bound = self._parameter(path, value)
                test = _sargable(self._operand(path), operator, bound)
                if path.kind is ValueKind.TEXT and operator is Operator.EQ:
                    return self._equal_text(path, bound, test)
                return test
            case OneOf() if is_long(condition):
                return self._in_list(condition)
            case OneOf(path, values):
                column = self._operand(path)
                return column.in_([self._parameter(path, value) for value in values])
            case TextTest(path, function, _):
                return self._text_test(path, function)
            case HasOption(path, _):
                return self._has_option(path)
            case Like(path, _):
                return self._like(path)
            case InPeriod(path, name, _):
                return self._in_period(path, name)
            case InAskedSet(path, name):
                column = self._resolve(path)
                me = sa.bindparam(ME, type_=column.type)
                return column.in_(asked_ids(name, me, self.source))
            case InHierarchy(path=path, value=value):
                column = self._resolve(path)
                bound = self._parameter(path, value)
                return column.in_(hierarchy_ids(condition, bound, self.source))
            case Related() | TextRelated():
                return self._related(condition)

    def _is_search(self, terms: tuple[TypedCondition, ...]) -> bool:
        """Return whether terms ask for one beginning in several fields of the entity itself."""
        return self.source.identity is not None and all(
            isinstance(term, TextTest)
            and term.function is TextFunction.STARTSWITH
            and not term.path.steps
            and not term.path.field.is_on_read
            and term.path.variable == self.source.variable
            for term in terms
        )

    def _found_by(self, terms: tuple[TypedCondition, ...]) -> Test:
        """Return whether a search finds a record, by the ids that it finds field by field.

        Said as one OR, an engine may rather walk the whole order of the list and test each
        record, which takes as long as the table is large.
        """
        assert self.source.identity is not None
        found = []
        for term in terms:
            table = self.source.table_of_entity(self.source.entity).alias()
            inner = copy(self)
            inner._resolve = partial(_column, table)
            found.append(sa.select(table.c[self.source.primary_id]).where(inner.compile(term)))
            self._used = inner._used
        return self.source.identity.in_(sa.union_all(*found))

    def _any(self, condition: Quantified) -> Test:
        items, tie = self.source.inside(condition.collection, condition.variable)
        statement = sa.select(_ONE).where(tie)
        if condition.term is not None:
            inner = copy(self)
            inner.source, inner._resolve = items, items.column
            statement = statement.where(inner.compile(condition.term))
            self._used = inner._used
        statement = statement.select_from(items.from_clause())
        return statement.correlate_except(*items.own_tables()).exists()

    def _in_list(self, condition: OneOf) -> Test:
        """Return whether a field has one of many values, which are one parameter together."""
        path, column = condition.path, self._operand(condition.path)
        if self._engine == "sqlite":
            listed = sa.func.json_each(self.next(sa.Text())).table_valued("value")
            test: Test = column.in_(sa.select(listed.c.value))
        else:
            test = column == sa.func.any(self.next(sa.ARRAY(self._parameter_type(path))))
        asked = [value for value in condition.values if isinstance(value, Asked)]
        if not asked:
            return test
        return sa.or_(test, column.in_([self._parameter(path, value) for value in asked]))

    def _text_test(self, path: FieldPath, function: TextFunction) -> Test:
        column = self._operand(path)
        if function is TextFunction.STARTSWITH:
            return sa.and_(column >= self.next(sa.Text()), column < self.next(sa.Text()))
        if function is TextFunction.ENDSWITH:
            return column.like(self.next(sa.Text()), escape="\\")
        find = sa.func.strpos if self._engine == "postgresql" else sa.func.instr
        return find(column, self.next(sa.Text())) > _ZERO

    def _has_words(self, words: SoughtWords) -> Test:
        if self._engine == "sqlite":
            column, sought = self._resolve(words.path), self.next(sa.Text())
            find = sa.func.kartoteka_has_all if words.is_all else sa.func.kartoteka_has_any
            return find(column, sought, type_=sa.Boolean())
        patterns = self.next(sa.ARRAY(sa.Text()))
        among = sa.func.all(patterns) if words.is_all else sa.func.any(patterns)
        return self._operand(words.path).op("LIKE", return_type=sa.Boolean())(among)

    def _has_option(self, path: FieldPath) -> Test:
        column = self._resolve(path)
        if self._engine == "sqlite":
            return column.like(self.next(sa.Text()))
        return self.next(sa.BigInteger()) == sa.func.any(column)

    def _like(self, path: FieldPath) -> Test:
        if self._engine == "sqlite":
            column, pattern = self._resolve(path), self.next(sa.Text())
            return sa.func.kartoteka_like(column, pattern, type_=sa.Boolean())
        return self._operand(path).regexp_match(self.next(sa.Text()))

    def _in_period(self, path: FieldPath, name: str) -> Test:
        column = self._resolve(path)
        if PERIODS[name].intervals == 1:
            return sa.and_(column >= self.next(column.type), column < self.next(column.type))
        if self._engine == "sqlite":
            return sa.func.kartoteka_lies_in(column, self.next(sa.Text()), type_=sa.Boolean())
        reach: Column = sa.cast(self.next(sa.Text()), _RANGES[path.kind])
        return column.op("<@", return_type=sa.Boolean())(reach)

    def _related(self, condition: Related | TextRelated) -> Test:
        if self._engine == "postgresql":
            return PostgresqlExpressions(self).related(condition)
        if evaluated_by_python(condition):
            return self._by_python("kartoteka_holds", condition)
        match condition:
            case Related(FieldPath() as left, operator, FieldPath() as right):
                return compare(self._operand(left), operator, self._operand(right))
        raise TypeError(condition)

    def _by_python(
        self, name: str, node: Related | TextRelated | Expression, target: Field | None = None
    ) -> Column:
        """Return the call of the function that does for SQLite what it has no SQL for."""
        leaf = leaf_of(node, target)
        asked = [sa.bindparam(key, type_=sa.Text()) for key in (ZONE, NOW, ME, MY_BUSINESS_UNIT)]
        text = self.next(sa.Text())
        cells: list[Column] = [self._resolve(path) for path in leaf.paths]
        cells += [sa.cast(self.compile(test), sa.Integer) for test in leaf.tests]
        if len(cells) > MOST_CELLS:
            cells = [sa.func.kartoteka_packed(*some) for some in _chunks(cells, MOST_CELLS)]
        result = sa.Boolean() if target is None else codec(target, self._engine).sql_type
        return sa.Function(name, text, *asked, *cells, type_=result)

    def _equal_text(self, path: FieldPath, bound: Column, test: Test) -> Test:
        """Return ``test``, which folds every text, behind one that costs a tenth.

        A text of plain letters is equal but for their case; another has more bytes than characters.
        Where an index holds the folded text, ``test`` has to stand by itself.
        """
        column = self._resolve(path)
        if self._engine == "postgresql":
            plain = sa.func.lower(sa.collate(column, "C"), type_=sa.Text()) == bound
            is_other = sa.func.char_length(column) != sa.func.octet_length(column)
        else:
            plain = column == sa.collate(bound, "NOCASE")
            is_other = sa.func.length(column) != sa.func.length(sa.cast(column, sa.BLOB()))
        if _is_indexed(column, self.source.table_of_entity(path.entity)):
            return sa.and_(sa.or_(plain, is_other), test)
        return sa.or_(plain, sa.and_(is_other, test))

    def _operand(self, path: FieldPath) -> Column:
        column = self._resolve(path)
        return folded(column, self._engine) if path.kind is ValueKind.TEXT else column

    def _parameter_type(self, path: FieldPath) -> TypeEngine[Any]:
        """Return the type of what a path is compared with."""
        if path.kind is ValueKind.TEXT:
            return sa.Text()
        if path.kind in (ValueKind.WHOLE, ValueKind.OPTION):
            return sa.BigInteger()  # a number may have no place in the column
        if path.kind is ValueKind.DECIMAL:
            return sa.Numeric() if self._engine == "postgresql" else sa.BigInteger()
        return self._resolve(path).type

    def _parameter(self, path: FieldPath, value: Value) -> sa.BindParameter[Any]:
        column_type = self._parameter_type(path)
        if isinstance(value, Asked):
            return sa.bindparam(asked_parameter(value), type_=column_type)
        return self.next(column_type)


def _column(table: sa.FromClause, path: FieldPath) -> Column:
    return table.c[path.field.name]


def _is_indexed(column: Column, table: sa.Table) -> bool:
    """Return whether an index holds the column as conditions compare it."""
    return any(
        getattr(part, "name", "") == column.name
        for index in table.indexes
        for expression in index.expressions
        if not isinstance(expression, str)
        for part in sa.sql.visitors.iterate(expression)
    )


def _most_terms(condition: TypedCondition) -> int:
    """Return how many terms of one AND or OR stand beside one another.

    SQLite takes expressions of at most 1000 levels, and counts each term of an AND or OR as one.
    """
    is_large = any(True for _ in islice(parts_of(condition), _LARGE, None))
    return _TERMS_OF_LARGE if is_large else _LARGE


def _joined(join: Callable[..., Test], terms: Sequence[Test], most: int) -> Test:
    """Return terms joined by AND or OR, so many of them at once.

    SQLAlchemy would take groups of the same operator apart again; ``coalesce`` keeps them.
    """
    if len(terms) <= most:
        return join(*terms)
    groups = [sa.func.coalesce(join(*some), sa.false()) for some in _chunks(terms, most)]
    return _joined(join, groups, most)


def _chunks(items: Sequence[Column], size: int) -> Iterator[Sequence[Column]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _sargable(left: Column, operator: Operator, right: Column) -> Test:
    """Return how a column and a value compare that is never empty."""
    return left == right if operator is Operator.EQ else compare(left, operator, right)
