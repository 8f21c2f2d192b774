"""``check_condition``: the tree of ``syntax`` held against the registry → that of ``typed``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

from kartoteka.conditions import field_tests
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.expressions import ASKED, Expressions
from kartoteka.conditions.functions import FUNCTIONS
from kartoteka.conditions.paths import NO_VARIABLES, resolve_collection, resolve_path
from kartoteka.conditions.query_functions import (
    QUERY_FUNCTIONS,
    check_query_function,
    in_asked_set,
)
from kartoteka.conditions.syntax import (
    And,
    Arithmetic,
    Call,
    Cases,
    Comparison,
    Condition,
    Literal,
    LiteralKind,
    Membership,
    Negative,
    Not,
    Operand,
    Operator,
    Or,
    Path,
    Quantifier,
    Quantity,
)
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    AskedSetName,
    Compared,
    Constant,
    Expression,
    FieldPath,
    Fixed,
    Negated,
    Quantified,
    Related,
    TextFunction,
    TextRelated,
    TypedCondition,
    ValueKind,
)
from kartoteka.names import did_you_mean
from kartoteka.registry import Registry

MOST_COLLECTIONS = 20  # that one condition asks
MOST_COLLECTION_LEVELS = 5  # one inside the other

_TURNED = {
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
}
_SAMENESS = (Operator.EQ, Operator.NE)
_TEXT_TESTS = frozenset({*TextFunction, "like"})
_SETS = {name.value: name for name in AskedSetName}
_ALL_FUNCTIONS = (*_TEXT_TESTS, *ASKED, *_SETS, *FUNCTIONS, "case", *QUERY_FUNCTIONS)


def check_condition(
    condition: Condition,
    registry: Registry,
    entity_name: str,
    *,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> TypedCondition:
    """Return the meaning of a condition on records of an entity.

    Args:
        condition: What ``parser.parse`` made.
        registry: Where its names are looked up.
        entity_name: What kind of record it is about.
        variables: ``{alias: entity}`` of what paths may begin with, such as joins of a query.

    Raises:
        ConditionError: A name is unknown, or a value does not suit its field. Only the first
            mistake is told.
    """
    return Check(registry, entity_name, variables).condition(condition)


class Check:
    """Checks the nodes of one condition or expression, each kind in its own method."""

    def __init__(
        self, registry: Registry, entity_name: str, variables: Mapping[str, str] = NO_VARIABLES
    ) -> None:
        """Keep what names are looked up in."""
        self._registry = registry
        self._entity_name = entity_name
        self._variables = variables
        self._levels = 0
        self._collections = 0
        self.expressions = Expressions(registry, self._path, self.condition)

    def condition(self, node: Condition) -> TypedCondition:
        """Return the meaning of a condition.

        Raises:
            ConditionError: It does not fit the entity.
        """
        match node:
            case Comparison():
                return self._comparison(node)
            case And(terms):
                return AllOf(tuple([self.condition(term) for term in terms]))
            case Or(terms):
                return AnyOf(tuple([self.condition(term) for term in terms]))
            case Not(term):
                return Negated(self.condition(term))
            case Membership():
                return self._membership(node)
            case Call():
                return self._call(node)
            case Path():
                return self._flag(node)
            case Quantifier():
                return self._quantifier(node)
            case Literal(LiteralKind.BOOLEAN, value):
                return Fixed(value is True)
            case Arithmetic() | Negative() | Cases():
                return self._value_alone(node)
            case Literal():
                raise ConditionError("a value alone is no condition", node.offset)

    def _comparison(self, node: Comparison) -> TypedCondition:
        left, operator, right = node.left, node.operator, node.right
        if not isinstance(left, Path):
            if isinstance(right, Path) and _is_plain(left):
                left, operator, right = right, _TURNED.get(operator, operator), left
            elif _is_boolean(right) and operator in _SAMENESS and self._is_test(left):
                found = self.condition(left)
                is_wanted = right.value is (operator is Operator.EQ)
                return found if is_wanted else Negated(found)
        if isinstance(left, Path):
            if isinstance(right, Literal):
                path = self._path(left)
                return field_tests.compare(
                    path, operator, right, self._registry, offset=node.offset
                )
            if isinstance(right, Call) and right.function in ASKED:
                return field_tests.compare_asked(
                    self._path(left),
                    operator,
                    self.expressions.asked(right).name,
                    offset=node.offset,
                    value_offset=right.offset,
                )
        return self._related(left, operator, right, node.offset)

    def _related(
        self, left: Operand, operator: Operator, right: Operand, offset: int
    ) -> TypedCondition:
        for side in (left, right):
            if isinstance(side, Call) and side.function in _SETS:
                raise ConditionError(
                    f"{side.function}() are several", side.offset, f"write in {side.function}()"
                )
        try:
            (first, second), kind = self.expressions.together((left, right))
        except ConditionError as error:
            raise _unquoted(right, error) from None
        if operator in _TURNED and kind in field_tests.UNORDERED:
            raise ConditionError(f'{kind} has no order for "{operator}"', offset, "use eq or ne")
        empty = [isinstance(side, Constant) and side.value is None for side in (first, second)]
        if all(empty):
            return Fixed(operator is Operator.EQ)
        if any(empty) and operator in _TURNED:
            return Fixed(False)
        return Related(first, operator, second)

    def _membership(self, node: Membership) -> TypedCondition:
        found: list[TypedCondition] = []
        plain: list[Literal] = []
        asked: list[Call] = []
        for item in node.items:
            if isinstance(item, Literal):
                plain.append(item)
            elif isinstance(item, Call) and item.function in ASKED:
                asked.append(item)
            elif isinstance(item, Call) and item.function in _SETS:
                found.append(self._in_set(node.left, item))
            else:
                found.append(self._related(node.left, Operator.EQ, item, node.offset))
        if isinstance(node.left, Path):
            if plain or asked:
                found.insert(0, self._one_of(self._path(node.left), plain, asked))
        else:
            values: list[Operand] = [*plain, *asked]
            found += [self._related(node.left, Operator.EQ, v, node.offset) for v in values]
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def _one_of(self, path: FieldPath, plain: list[Literal], asked: list[Call]) -> TypedCondition:
        values = [
            field_tests.asked_value(path, self.expressions.asked(item).name, item.offset)
            for item in asked
        ]
        return field_tests.one_of(path, plain, self._registry, values)

    def _in_set(self, left: Operand, item: Call) -> TypedCondition:
        if item.arguments:
            raise ConditionError(f"{item.function}() takes nothing in its parentheses", item.offset)
        if not isinstance(left, Path):
            raise ConditionError(f"{item.function}() is asked of a field", left.offset)
        return in_asked_set(self._path(left), _SETS[item.function], item.offset)

    def _call(self, node: Call) -> TypedCondition:
        name = node.function
        if name in _TEXT_TESTS:
            return self._text_test(node)
        if name in QUERY_FUNCTIONS:
            return check_query_function(node, self._path, self._registry)
        if name in ASKED:
            raise ConditionError(
                f"{name}() alone is no condition", node.offset, _EXAMPLES.get(name, "")
            )
        if name in _SETS:
            raise ConditionError(
                f"{name}() alone is no condition", node.offset, f"write ownerid in {name}()"
            )
        if name in FUNCTIONS:
            return self._value_alone(node)
        raise ConditionError(f'"{name}" is not a function', node.offset, _nearest_function(name))

    def _text_test(self, node: Call) -> TypedCondition:
        name = node.function
        if len(node.arguments) != 2:
            raise ConditionError(
                f"{name} takes a field and a text, {len(node.arguments)} given",
                node.offset,
                f"write {name}(name,'text')",
            )
        subject, sought = node.arguments
        if isinstance(subject, Path) and isinstance(sought, Literal):
            path = self._path(subject)
            if name == "like":
                return field_tests.like(name, path, sought, offset=node.offset)
            return field_tests.text_test(name, path, sought, self._registry, offset=node.offset)
        if name == "like":
            raise ConditionError(
                "like takes a field and a text in single quotes",
                (sought if isinstance(subject, Path) else subject).offset,
            )
        if isinstance(sought, Literal) and sought.value == "":
            whole = self.expressions.value(subject)
            return Related(whole, Operator.NE, Constant(None, ValueKind.TEXT))
        return TextRelated(TextFunction(name), self._text(subject, name), self._text(sought, name))

    def _text(self, node: Condition, name: str) -> Expression:
        if isinstance(node, Literal) and not isinstance(node.value, str):
            raise ConditionError(
                f"{name} looks for a text", node.offset, "write it in single quotes"
            )
        value = self.expressions.value(node)
        if value.kind is not ValueKind.TEXT:
            raise ConditionError(f"{name} needs a text, this is {value.kind}", node.offset)
        return value

    def _flag(self, node: Path) -> TypedCondition:
        """Return the test of a yes/no field that stands alone."""
        path = self._path(node)
        if path.kind is not ValueKind.YES_NO:
            raise ConditionError(
                f'"{path.key}" ({path.field.type}) alone is no condition',
                node.offset,
                "compare it with a value",
            )
        return Compared(path, Operator.EQ, True)

    def _value_alone(self, node: Operand) -> TypedCondition:
        value = self.expressions.value(node)
        if value.kind is not ValueKind.YES_NO:
            raise ConditionError(
                "a value alone is no condition", node.offset, "compare it with another"
            )
        return Related(value, Operator.EQ, Constant(True, ValueKind.YES_NO))

    def _quantifier(self, node: Quantifier) -> TypedCondition:
        collection = resolve_collection(
            node.collection, self._registry, self._entity_name, self._variables
        )
        self._collections += 1
        if self._collections > MOST_COLLECTIONS:
            raise ConditionError(f"more than {MOST_COLLECTIONS} collections", node.offset)
        if node.term is None:
            return Quantified(collection, "", None)
        if node.variable in self._variables:
            raise ConditionError(f'"{node.variable}" is taken', node.offset, "use another variable")
        if self._levels == MOST_COLLECTION_LEVELS:
            raise ConditionError(
                f"more than {MOST_COLLECTION_LEVELS} collections inside one another", node.offset
            )
        outside = self._variables
        self._levels += 1
        self._variables = {**outside, node.variable: collection.entity}
        term = self.condition(node.term)
        self._variables = outside
        self._levels -= 1
        if node.quantity is Quantity.ANY:
            return Quantified(collection, node.variable, term)
        return Negated(Quantified(collection, node.variable, Negated(term)))

    def _is_test(self, node: Operand) -> bool:
        """Return whether a node is true or false by itself, not by what it is compared with."""
        match node:
            case Call(function):
                return function not in FUNCTIONS and function not in ASKED
            case Quantifier():
                return True
            case _:
                return False

    def _path(self, node: Path) -> FieldPath:
        return resolve_path(node, self._registry, self._entity_name, self._variables)


_EXAMPLES = {
    "me": "write ownerid eq me()",
    "mybusinessunit": "write owningbusinessunit eq mybusinessunit()",
    "now": "write createdon lt now()",
}


def _is_boolean(node: Operand) -> TypeGuard[Literal]:
    return isinstance(node, Literal) and node.kind is LiteralKind.BOOLEAN


def _is_plain(node: Operand) -> bool:
    """Return whether a value is what a field is quickly compared with."""
    return isinstance(node, Literal) or (isinstance(node, Call) and node.function in ASKED)


def _nearest_function(name: str) -> str:
    return did_you_mean(name, _ALL_FUNCTIONS) or did_you_mean(name.lower(), _ALL_FUNCTIONS)


def _unquoted(right: Operand, error: ConditionError) -> ConditionError:
    """Return the error about an unknown word, which may be a text without its quotes."""
    is_word = isinstance(right, Path) and len(right.steps) == 1 and error.offset == right.offset
    if is_word and not error.hint and "is not a field" in error.message:
        return ConditionError(error.message, error.offset, "texts stand in single quotes")
    return error
