"""``compile_closure``, ``compile_value``: a checked condition → a function for one record.

The whole condition becomes one Python expression, so that a record is asked without a call per
node. Its source holds names made here alone: what comes from metadata or from a request (keys,
texts, numbers) is handed over as constants.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from kartoteka.conditions import record_tests
from kartoteka.conditions.asker import Asker
from kartoteka.conditions.like_pattern import like_expression
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Applied,
    Asked,
    AskedName,
    AskedSetName,
    Case,
    Collection,
    Compared,
    Constant,
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
from kartoteka.conditions.values import PYTHON, ZONED, exact
from kartoteka.record_values import Record
from kartoteka.text_folding import fold

Closure = Callable[[Record, Asker], bool]
ValueClosure = Callable[[Record, Asker], Any]

_SIGNS = {
    Operator.EQ: "==",
    Operator.NE: "!=",
    Operator.GT: ">",
    Operator.GE: ">=",
    Operator.LT: "<",
    Operator.LE: "<=",
}
_NUMBERS = frozenset({ValueKind.WHOLE, ValueKind.DECIMAL, ValueKind.FLOAT})
_TEXT_TESTS = {
    TextFunction.CONTAINS: "{sought} in {text}",
    TextFunction.STARTSWITH: "{text}.startswith({sought})",
    TextFunction.ENDSWITH: "{text}.endswith({sought})",
}
_ASKED_SETS = {
    AskedSetName.MY_TEAMS: "{id} in a.team_ids",
    AskedSetName.ME_AND_MY_TEAMS: "({id} == a.user_id or {id} in a.team_ids)",
    AskedSetName.ME_AND_MY_PEOPLE: "({id} == a.user_id or {id} in a.people_ids)",
    AskedSetName.ME_MY_PEOPLE_AND_TEAMS: "({id} == a.user_id or {id} in a.people_ids"
    " or {id} in a.team_ids or {id} in a.people_team_ids)",
}
_MOST_NESTED = 15  # what lies deeper becomes a function of its own: Python's parser has a limit


def compile_closure(condition: TypedCondition) -> Closure:
    """Return a function of a record and who asks; it takes a while, so keep the function.

    Values are looked up by ``FieldPath.key``, the items of collections by ``Collection.key`` (a
    list of records, whose keys have no variable); a key that the record does not have counts as
    empty, so whoever asks over lookups and collections reads those first. Values are those of
    ``kartoteka.record_values``; every record of them has an answer.
    """
    source = _Source()
    closure: Closure = source.function(source.condition(condition))
    return closure


def compile_value(expression: Expression) -> ValueClosure:
    """Return a function of a record and who asks that gives a value of the expression's kind.

    The value of a lookup is the id of its record.
    """
    source = _Source()
    value = source.expression(expression)
    match expression.kind:
        case ValueKind.FLOAT:
            value = f"as_float({value})"
        case ValueKind.DECIMAL:
            value = f"as_decimal({value})"
    return source.function(value)


def _as_decimal(value: int | Decimal | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def _as_float(value: int | Decimal | None) -> float | None:
    return None if value is None else float(value)


def _exact(value: Any) -> Any:
    return None if value is None else exact(value)


def _folded(text: str | None) -> str | None:
    return None if text is None else fold(text)


class _Source:
    """Writes the source of one closure.

    Of its names, ``r`` is the record, ``a`` who asks, ``i0`` the item of a quantifier, ``v0`` a
    value in between and ``k0`` a constant.
    """

    def __init__(self) -> None:
        self._names: dict[str, Any] = {
            "fold": fold,
            "folded": _folded,
            "exact": _exact,
            "as_decimal": _as_decimal,
            "as_float": _as_float,
            "zone": record_tests.zone,
            "asked_now": record_tests.asked_now,
            "in_hierarchy": record_tests.in_hierarchy,
            "text_related": record_tests.text_related,
        }
        self._functions: list[str] = []
        self._items: dict[str, str] = {}  # {variable of a quantifier: its name in the source}
        self._used = 0
        self._depth = 0

    def function(self, result: str) -> Callable[..., Any]:
        """Return the function that gives a result."""
        self._functions.append(f"def closure(r, a):\n return {result}\n")
        source = compile("".join(self._functions), "<condition>", "exec")
        exec(source, self._names)  # noqa: S102 - of a checked tree alone
        closure: Callable[..., Any] = self._names["closure"]
        return closure

    def condition(self, node: TypedCondition) -> str:
        """Return an expression that is True or False."""
        self._depth += 1
        source = self._condition(node)
        if self._depth % _MOST_NESTED == 0:
            source = self._outlined(f" return {source}\n")
        self._depth -= 1
        return source

    def expression(self, node: Expression) -> str:
        """Return an expression for a value: numbers whole or decimal, lookups as ids."""
        self._depth += 1
        source = self._expression(node)
        if self._depth % _MOST_NESTED == 0:
            source = self._outlined(f" return {source}\n")
        self._depth -= 1
        return source

    def _condition(self, node: TypedCondition) -> str:
        match node:
            case Fixed(holds):
                return "True" if holds else "False"
            case AllOf(terms):
                return f"({' and '.join(self.condition(term) for term in terms)})"
            case AnyOf(terms):
                return f"({' or '.join(self.condition(term) for term in terms)})"
            case Negated(term):
                return f"(not {self.condition(term)})"
            case IsEmpty(path):
                return self._is_empty(path)
            case Compared(path, operator, value):
                return self._compared(path, operator, value)
            case OneOf(path, values):
                return self._one_of(path, values)
            case TextTest(path, function, text):
                test = _TEXT_TESTS[function]
                sought = self._constant(fold(text))
                return self._when_filled(path, lambda found: test.format(text=found, sought=sought))
            case HasOption(path, option):
                return f"({self._constant(option)} in ({self._read(path)} or ()))"
            case Like(path, pattern):
                fits = self._constant(like_expression(pattern).fullmatch)
                return self._when_filled(path, lambda found: f"{fits}({found}) is not None")
            case InPeriod(path, name, arguments):
                lies_in = self._constant(record_tests.LiesIn(name, arguments, path.kind))
                return self._when_filled(path, lambda found: f"{lies_in}({found}, a)")
            case InAskedSet(path, name):
                test = _ASKED_SETS[name]
                return self._when_filled(path, lambda found: test.format(id=found))
            case InHierarchy():
                return self._in_hierarchy(node)
            case Related(left, operator, right):
                return self._related(left, operator, right)
            case TextRelated(function, subject, sought_text):
                function_name = self._constant(function)
                subject_text, sought = self.expression(subject), self.expression(sought_text)
                return f"text_related({function_name}, {subject_text}, {sought})"
            case Quantified(collection, variable, term):
                return self._quantified(collection, variable, term)

    def _expression(self, node: Expression) -> str:
        match node:
            case FieldPath():
                return self._field(node)
            case Constant(value):
                return "None" if value in (None, "") else self._constant(_exact_of(value))
            case Asked():
                return f"({self._asked(node)} or None)"
            case Applied(function, arguments, kind):
                is_exact = function == "div" and kind is not ValueKind.WHOLE
                name = self._constant(PYTHON["divby" if is_exact else function])
                given = [self.expression(argument) for argument in arguments]
                return f"{name}({', '.join(['zone(a)'] * (function in ZONED) + given)})"
            case Case(branches, otherwise):
                lines = [
                    f" if {self.condition(term)}: return {self.expression(value)}\n"
                    for term, value in branches
                ]
                return self._outlined(f"{''.join(lines)} return {self.expression(otherwise)}\n")

    # names

    def _constant(self, value: Any) -> str:
        name = self._new("k")
        self._names[name] = value
        return name

    def _new(self, letter: str) -> str:
        self._used += 1
        return f"{letter}{self._used}"

    def _outlined(self, body: str) -> str:
        name = self._new("f")
        given = ", ".join(["r", "a", *self._items.values()])
        self._functions.append(f"def {name}({given}):\n{body}")
        return f"{name}({given})"

    def _asked(self, asked: Asked) -> str:
        match asked.name:
            case AskedName.ME:
                return "a.user_id"
            case AskedName.MY_BUSINESS_UNIT:
                return "a.business_unit_id"
            case AskedName.NOW if asked.kind is ValueKind.INSTANT:
                return "a.now"
            case AskedName.NOW:
                return f"asked_now(a, {self._constant(asked.kind)})"

    # fields

    def _read(self, owner: FieldPath | Collection) -> str:
        """Return where the value of a path, or the items of a collection, are read."""
        key, variable = owner.key, owner.variable
        if variable in self._items:
            item = self._items[variable]
            return f"{item}.get({self._constant(key.removeprefix(variable + '.'))})"
        return f"r.get({self._constant(key)})"

    def _field(self, path: FieldPath) -> str:
        read = self._read(path)
        if path.field.is_lookup:
            found = self._new("v")
            return f"({found}.id if ({found} := {read}) is not None else None)"
        if path.kind is ValueKind.FLOAT:
            return f"exact({read})"
        return f"({read} or None)" if path.kind is ValueKind.TEXT else read

    def _is_empty(self, path: FieldPath) -> str:
        if path.kind in (ValueKind.TEXT, ValueKind.OPTIONS):
            return f"(not {self._read(path)})"
        return f"({self._read(path)} is None)"

    def _when_filled(
        self, path: FieldPath, test: Callable[[str], str], *, when_empty: bool = False
    ) -> str:
        """Return a test of the value of a field, texts folded and lookups as ids."""
        found, read = self._new("v"), self._read(path)
        if path.kind is ValueKind.TEXT:
            return f"({test(f'fold({found})')} if ({found} := {read}) else {when_empty})"
        value = f"{found}.id" if path.field.is_lookup else found
        return f"({test(value)} if ({found} := {read}) is not None else {when_empty})"

    def _compared(self, path: FieldPath, operator: Operator, value: Value) -> str:
        sign, wanted = _SIGNS[operator], self._wanted(path, value)
        return self._when_filled(
            path, lambda found: f"{found} {sign} {wanted}", when_empty=operator is Operator.NE
        )

    def _one_of(self, path: FieldPath, values: tuple[Value, ...]) -> str:
        asked = [self._asked(value) for value in values if isinstance(value, Asked)]
        fixed = self._constant(
            frozenset(_comparable(path, value) for value in values if not isinstance(value, Asked))
        )
        return self._when_filled(
            path,
            lambda found: " or ".join(
                [f"{found} in {fixed}", *(f"{found} == {name}" for name in asked)]
            ),
        )

    def _wanted(self, path: FieldPath, value: Value) -> str:
        if isinstance(value, Asked):
            return self._asked(value)
        return self._constant(_comparable(path, value))

    def _in_hierarchy(self, node: InHierarchy) -> str:
        value = self._wanted(node.path, node.value)
        how = self._constant((node.entity, node.is_under, node.includes_itself))
        return self._when_filled(
            node.path, lambda found: f"in_hierarchy({found}, {value}, a, *{how})"
        )

    # expressions and collections

    def _related(self, left: Expression, operator: Operator, right: Expression) -> str:
        first, second = self._operand(left), self._operand(right)
        if operator in (Operator.EQ, Operator.NE):
            return f"({first} {_SIGNS[operator]} {second})"
        here, there = self._new("v"), self._new("v")
        return (
            f"(({here} := {first}) is not None and ({there} := {second}) is not None"
            f" and {here} {_SIGNS[operator]} {there})"
        )

    def _operand(self, node: Expression) -> str:
        source = self.expression(node)
        return f"folded({source})" if node.kind is ValueKind.TEXT else source

    def _quantified(
        self, collection: Collection, variable: str, term: TypedCondition | None
    ) -> str:
        items = self._read(collection)
        if term is None:
            return f"(True if {items} else False)"
        item = self._new("i")
        self._items[variable] = item
        test = self.condition(term)
        del self._items[variable]
        return f"any({test} for {item} in {items} or ())"


def _exact_of(value: Any) -> Any:
    return exact(value) if isinstance(value, float) else value


def _comparable(path: FieldPath, value: Value) -> Any:
    return fold(value) if path.kind is ValueKind.TEXT and isinstance(value, str) else value
