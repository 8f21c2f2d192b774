"""WHERE and ON → conditions that mean what SQL means by them.

SQL knows a third answer, "unknown", for what is compared with an empty column, and keeps the rows
for which a condition is true. Conditions here are true or false, so ``NOT`` is carried down to the
comparisons, and those that an empty column would meet ask that it is not empty.
"""

from __future__ import annotations

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.syntax import (
    And,
    Call,
    Comparison,
    Condition,
    Literal,
    LiteralKind,
    Membership,
    Not,
    Operator,
    Or,
    Path,
)
from kartoteka.conditions.typed import AllOf, TypedCondition, ValueKind
from kartoteka.query.operand_text import literal_of, number_of
from kartoteka.query.sql_sources import SqlSources
from kartoteka.query.sql_syntax import (
    Between,
    Column,
    Compare,
    In,
    IsNull,
    Like,
    Negation,
    Several,
    Term,
    Value,
)
from kartoteka.registry import Registry

MOST_CONDITIONS = 500
_OPERATORS = {
    "=": Operator.EQ,
    "<>": Operator.NE,
    "<": Operator.LT,
    "<=": Operator.LE,
    ">": Operator.GT,
    ">=": Operator.GE,
}
_OPPOSITE = {
    Operator.EQ: Operator.NE,
    Operator.NE: Operator.EQ,
    Operator.LT: Operator.GE,
    Operator.GE: Operator.LT,
    Operator.GT: Operator.LE,
    Operator.LE: Operator.GT,
}
_NUMBERED = (
    ValueKind.WHOLE,
    ValueKind.DECIMAL,
    ValueKind.FLOAT,
    ValueKind.OPTION,
    ValueKind.OPTIONS,
)
_TURNED = {
    Operator.LT: Operator.GT,
    Operator.GT: Operator.LT,
    Operator.LE: Operator.GE,
    Operator.GE: Operator.LE,
}


class ConditionReader:
    """Reads the conditions of one statement."""

    def __init__(self, sources: SqlSources, registry: Registry) -> None:
        """Read conditions over ``sources``."""
        self._sources = sources
        self._registry = registry
        self._count = 0

    def read(self, term: Term) -> TypedCondition:
        """Return what a condition means.

        Raises:
            QueryError: A column is not there, or a value does not suit it.
        """
        condition = self._term(term, negated=False)
        try:
            return check_condition(
                condition,
                self._registry,
                self._sources.root.entity.name,
                variables=self._sources.variables(),
            )
        except ConditionError as error:
            raise self._sources.error(error.offset, error.message, error.hint) from None

    def every(self, terms: tuple[Term, ...]) -> TypedCondition | None:
        """Return the condition that several terms hold; None for none."""
        found = [self.read(term) for term in terms]
        if not found:
            return None
        return found[0] if len(found) == 1 else AllOf(tuple(found))

    def _term(self, term: Term, *, negated: bool) -> Condition:
        self._count += 1
        if self._count > MOST_CONDITIONS:
            raise self._sources.error(term.offset, f"more than {MOST_CONDITIONS} conditions")
        match term:
            case Negation(inner):
                return self._term(inner, negated=not negated)
            case Several(terms, is_or):
                parts = tuple(self._term(part, negated=negated) for part in terms)
                return Or(parts, term.offset) if is_or is not negated else And(parts, term.offset)
            case Compare():
                return self._compared(term, negated)
            case In():
                return self._one_of(term, negated)
            case Between():
                return self._between(term, negated)
            case Like():
                path = self._path(term.column)
                pattern = Literal(LiteralKind.TEXT, term.pattern.value, term.pattern.offset)
                found = Call("like", (path, pattern), term.offset)
                return self._filled(Not(found, term.offset), path) if negated else found
            case IsNull():
                operator = Operator.NE if negated else Operator.EQ
                return Comparison(
                    self._path(term.column), operator, _null(term.offset), term.offset
                )

    def _compared(self, term: Compare, negated: bool) -> Condition:
        operator = _OPERATORS[term.operator]
        if negated:
            operator = _OPPOSITE[operator]
        left, right = term.left, term.right
        if isinstance(left, Value):
            left, right, operator = right, left, _TURNED.get(operator, operator)
        if isinstance(left, Value):
            raise self._sources.error(left.offset, "two values are compared", "compare a column")
        path = self._path(left)
        if isinstance(right, Value):
            if right.value is None:
                raise self._sources.error(
                    right.offset, "nothing equals NULL", "write IS NULL or IS NOT NULL"
                )
            found = Comparison(path, operator, self._literal(left, right), term.offset)
            return self._filled(found, path) if operator is Operator.NE else found
        other = self._path(right)
        found = Comparison(path, operator, other, term.offset)
        if operator in _TURNED:
            return found
        return self._filled(found, path, other)

    def _one_of(self, term: In, negated: bool) -> Condition:
        path = self._path(term.column)
        values = [value for value in term.values if value.value is not None]
        has_null = len(values) < len(term.values)
        if not values or (negated and has_null):
            return Literal(LiteralKind.BOOLEAN, False, term.offset)
        items = tuple(self._literal(term.column, value) for value in values)
        found = Membership(path, items, term.offset)
        return self._filled(Not(found, term.offset), path) if negated else found

    def _between(self, term: Between, negated: bool) -> Condition:
        path = self._path(term.column)
        for value in (term.low, term.high):
            if value.value is None:
                raise self._sources.error(value.offset, "nothing lies between NULL and another")
        operators = (Operator.LT, Operator.GT) if negated else (Operator.GE, Operator.LE)
        terms = tuple(
            Comparison(path, operator, self._literal(term.column, value), value.offset)
            for operator, value in zip(operators, (term.low, term.high), strict=True)
        )
        return Or(terms, term.offset) if negated else And(terms, term.offset)

    def _filled(self, condition: Condition, *paths: Path) -> Condition:
        """Return the condition for columns that are not empty."""
        filled = (Comparison(path, Operator.NE, _null(path.offset), path.offset) for path in paths)
        return And((condition, *filled), paths[0].offset)

    def _path(self, column: Column) -> Path:
        path = self._sources.path(column)
        names = (path.variable, path.field.name) if path.variable else (path.field.name,)
        return Path(names, column.offset)

    def _literal(self, column: Column, value: Value) -> Literal:
        text = value.value or ""
        found = number_of(text) if value.is_number else None
        if found is None or self._sources.path(column).kind not in _NUMBERED:
            found = literal_of(text, self._sources.path(column).kind)
        return Literal(found.kind, found.value, value.offset)


def _null(offset: int) -> Literal:
    return Literal(LiteralKind.NULL, None, offset)
