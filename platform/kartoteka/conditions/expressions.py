"""``Expressions``: values of ``syntax`` → those of ``typed``, each with its kind.

A literal alone does not tell what it is: ``'retail'`` is a text, or an option beside a choice. So
values that stand beside one another (both sides of a comparison, the branches of a ``case``, the
arguments of ``coalesce``) are looked at together, the ones whose kind is certain first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.functions import (
    DAYS,
    FUNCTIONS,
    MOST_NUMBER,
    MOST_PLACES,
    NUMBERS,
    TIMES,
    Function,
)
from kartoteka.conditions.literal_values import describe, read_as, read_value, wanted
from kartoteka.conditions.syntax import (
    Arithmetic,
    Call,
    Cases,
    Condition,
    Literal,
    LiteralKind,
    Negative,
    Path,
)
from kartoteka.conditions.typed import (
    Applied,
    Asked,
    AskedName,
    Case,
    Constant,
    Expression,
    FieldPath,
    TypedCondition,
    Value,
    ValueKind,
)
from kartoteka.model.field_types import NUMBER_LIMITS
from kartoteka.registry import Registry

ASKED = {name.value: name for name in AskedName}
_KIND_ASKED = {AskedName.NOW: ValueKind.INSTANT}
_TOGETHER = ("coalesce", "diffindays", "diffinweeks", "diffinmonths", "diffinyears",
             "diffinhours", "diffinminutes")  # fmt: skip
_LOWEST, _HIGHEST = NUMBER_LIMITS["big_integer"]
_NOTHING = Constant(None, ValueKind.TEXT)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a literal stands beside: the kind it must have, and the field that names its options."""

    kind: ValueKind
    path: FieldPath | None = None


class Expressions:
    """Types values; names and conditions inside of them are left to whoever checks the whole."""

    def __init__(
        self,
        registry: Registry,
        path: Callable[[Path], FieldPath],
        condition: Callable[[Condition], TypedCondition],
    ) -> None:
        """Keep how paths are resolved and conditions checked."""
        self._registry = registry
        self._path = path
        self._condition = condition

    def value(self, node: Condition, beside: Beside | None = None) -> Expression:
        """Return a value; a condition is one of yes or no."""
        match node:
            case Literal():
                return self._literal(node, beside)
            case Path():
                path = self._path(node)
                if path.kind is ValueKind.OPTIONS:
                    raise ConditionError(
                        f'"{path.key}" (multi_choice) is no value to reckon with',
                        node.offset,
                        "compare it with options, or write contains(…,'option')",
                    )
                return path
            case Arithmetic(left, operator, right):
                return self._applied(operator, (left, right), node.offset)
            case Negative(term):
                return self._applied("neg", (term,), node.offset)
            case Cases():
                return self._cases(node, beside)
            case Call(function, arguments) if function in FUNCTIONS:
                return self._applied(function, arguments, node.offset, beside)
            case Call(function) if function in ASKED:
                return self.asked(node)
            case _:
                yes, no = (Constant(answer, ValueKind.YES_NO) for answer in (True, False))
                return Case(((self._condition(node), yes),), no, ValueKind.YES_NO)

    def asked(self, node: Call) -> Asked:
        """Return the meaning of ``me()`` and its like."""
        if node.arguments:
            raise ConditionError(f"{node.function}() takes nothing in its parentheses", node.offset)
        name = ASKED[node.function]
        return Asked(name, _KIND_ASKED.get(name, ValueKind.ID))

    def together(
        self, nodes: Sequence[Condition], beside: Beside | None = None
    ) -> tuple[tuple[Expression, ...], ValueKind]:
        """Return values that must compare with one another, and the kind common to all.

        ``beside`` is what they stand beside, if anything.
        """
        found: list[Expression | None] = [
            None if _is_open(node) else self.value(node) for node in nodes
        ]
        certain = [(value, node) for value, node in zip(found, nodes, strict=True) if value]
        for value, node in certain[1:]:
            _must_compare(certain[0], (value, node))
        if certain:
            source = next((option for value, _ in certain if (option := options_of(value))), None)
            beside = Beside(_common([value.kind for value, _ in certain]), source)
        elif beside is None:
            beside = _natural(nodes)
        values = tuple(
            self.value(node, beside) if value is None else value
            for value, node in zip(found, nodes, strict=True)
        )
        kinds = [v.kind for v in values if not (isinstance(v, Constant) and v.value is None)]
        kind = _common(kinds) if kinds else beside.kind if beside else ValueKind.TEXT
        first = (values[0], nodes[0])
        for pair in zip(values[1:], nodes[1:], strict=True):
            _must_compare(first, pair)
        return values, kind

    def _cases(self, node: Cases, beside: Beside | None) -> Expression:
        conditions = [self._condition(condition) for condition, _ in node.branches]
        last, _ = node.branches[-1]
        for condition, _ in node.branches[:-1]:
            if _is_true(condition):
                raise ConditionError("no branch behind true is ever reached", condition.offset)
        nodes = [value for _, value in node.branches]
        values, kind = self.together(nodes, beside)
        branches = list(zip(conditions, values, strict=True))
        otherwise: Expression = Constant(None, kind)
        if _is_true(last):
            _, otherwise = branches.pop()
        return Case(tuple(branches), otherwise, kind) if branches else otherwise

    def _applied(
        self,
        name: str,
        nodes: tuple[Condition, ...],
        offset: int,
        beside: Beside | None = None,
    ) -> Applied:
        function = FUNCTIONS[name]
        most = None if function.repeats else len(function.takes)
        if len(nodes) < function.least or (most is not None and len(nodes) > most):
            raise ConditionError(f"{name} takes {_how_many(function)}, {len(nodes)} given", offset)
        if name in _TOGETHER:
            arguments, kind = self.together(nodes, beside if name == "coalesce" else None)
            for argument, node in zip(arguments, nodes, strict=True):
                _must_suit(function, argument, function.takes[0], node)
        else:
            arguments = tuple(
                self._argument(function, place, node) for place, node in enumerate(nodes)
            )
            kinds = [argument.kind for argument in arguments]
            kind = _common(kinds) if kinds[0] in NUMBERS else kinds[0]
        return Applied(name, arguments, function.gives or kind)

    def _argument(self, function: Function, place: int, node: Condition) -> Expression:
        kinds = function.takes[min(place, len(function.takes) - 1)]
        found: Expression
        if isinstance(node, Literal):
            found = self._natural_literal(node, kinds)
        else:
            found = self.value(node)
        _must_suit(function, found, kinds, node)
        return found

    def _natural_literal(self, literal: Literal, kinds: frozenset[ValueKind]) -> Constant:
        """Return a literal as one of several kinds, that which it looks like if it can be."""
        if literal.kind is LiteralKind.NULL:
            return Constant(None, next(kind for kind in ValueKind if kind in kinds))
        natural = _natural([literal])
        if natural is not None and natural.kind not in kinds and kinds <= DAYS:
            in_zone = isinstance(literal.value, str) and literal.value.endswith(("Z", "+00:00"))
            tried = (ValueKind.INSTANT,) if in_zone else (ValueKind.DATE, ValueKind.LOCAL_TIME)
            for kind in tried:
                if kind in kinds and read_as(literal, kind) is not None:
                    natural = Beside(kind)
                    break
        return self._literal(literal, natural)

    def _literal(self, literal: Literal, beside: Beside | None) -> Constant:
        beside = beside or _natural([literal])
        if literal.kind is LiteralKind.NULL or literal.value == "":
            kind = ValueKind.TEXT if beside is None else beside.kind
            if literal.kind is LiteralKind.NULL or kind is ValueKind.TEXT:
                return Constant(None, kind)
        if beside is None:
            raise ConditionError(f"{describe(literal)} has no kind here", literal.offset)
        value: Value | None
        if beside.path is not None and beside.kind is ValueKind.OPTION:
            value = read_value(literal, beside.path, self._registry)
        elif beside.kind in NUMBERS:
            return _number(literal, beside.kind)
        elif beside.kind is ValueKind.OPTION and isinstance(literal.value, Decimal):
            value = int(literal.value)
        else:
            value = read_as(literal, beside.kind)
        if value is None or isinstance(value, (tuple, Asked)):
            raise ConditionError(
                f"{describe(literal)} is not of the kind that stands beside it",
                literal.offset,
                f"write {wanted(beside.kind)}",
            )
        if isinstance(value, datetime):
            value = value.replace(microsecond=0)
        return Constant(value, beside.kind)


def options_of(value: Expression) -> FieldPath | None:
    """Return the field whose options a value has."""
    match value:
        case FieldPath(kind=ValueKind.OPTION):
            return value
        case Applied("coalesce", arguments, ValueKind.OPTION):
            inside: tuple[Expression, ...] = arguments
        case Case(branches, otherwise, ValueKind.OPTION):
            inside = (*(value for _, value in branches), otherwise)
        case _:
            return None
    return next((found for item in inside if (found := options_of(item))), None)


def describe_value(value: Expression, node: Condition) -> str:
    """Return how a message names a value."""
    match value, node:
        case _, Literal():
            return describe(node)
        case FieldPath(), _:
            return f'"{value.key}" ({value.field.type})'
        case Asked(name), _:
            return f"{name}()"
        case Applied(function), _:
            return f"{function} ({value.kind})"
        case _:
            return f"case ({value.kind})"


def _is_true(node: Condition) -> bool:
    return isinstance(node, Literal) and node.value is True


def _is_open(node: Condition) -> bool:
    """Return whether a value says nothing certain about its kind, only literals being in it."""
    match node:
        case Literal():
            return True
        case Cases(branches):
            return all(_is_open(value) for _, value in branches)
        case Call("coalesce", arguments):
            return all(_is_open(argument) for argument in arguments)
        case _:
            return False


def _natural(nodes: Sequence[Condition]) -> Beside | None:
    """Return the kind that literals look like, None when all of them are null."""
    for node in nodes:
        match node:
            case Literal():
                kind = _kind_of(node.value)
            case Cases(branches):
                found = _natural([value for _, value in branches])
                kind = found.kind if found else None
            case Call(arguments=arguments):
                found = _natural(arguments)
                kind = found.kind if found else None
            case _:
                kind = None
        if kind is not None:
            return Beside(kind)
    return None


def _kind_of(value: object) -> ValueKind | None:
    match value:
        case bool():
            return ValueKind.YES_NO
        case Decimal():
            return ValueKind.DECIMAL
        case str():
            return ValueKind.TEXT
        case UUID():
            return ValueKind.ID
        case datetime():
            return ValueKind.LOCAL_TIME if value.tzinfo is None else ValueKind.INSTANT
        case date():
            return ValueKind.DATE
        case _:
            return None


def _number(literal: Literal, kind: ValueKind) -> Constant:
    value = literal.value
    if not isinstance(value, Decimal):
        raise ConditionError(
            f"{describe(literal)} is not a number", literal.offset, "write it without quotes"
        )
    value = value.normalize()
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > MOST_PLACES:
        raise ConditionError(
            f"this number has more than {MOST_PLACES} decimal places", literal.offset
        )
    if abs(value) >= MOST_NUMBER:
        raise ConditionError("this number is out of range", literal.offset)
    if exponent >= 0 and _LOWEST <= value <= _HIGHEST:
        return Constant(int(value), ValueKind.WHOLE)
    return Constant(value, ValueKind.DECIMAL)


def _common(kinds: Sequence[ValueKind]) -> ValueKind:
    """Return the kind of what may be any of several values that compare with one another."""
    first = kinds[0]
    return first if all(kind is first for kind in kinds) else ValueKind.DECIMAL


def _must_compare(
    first: tuple[Expression, Condition], second: tuple[Expression, Condition]
) -> None:
    left, right = first[0].kind, second[0].kind
    if left is right or (left in NUMBERS and right in NUMBERS):
        return
    hint = "write date(…) of the other" if ValueKind.DATE in (left, right) and {
        left, right
    } <= DAYS else ""  # fmt: skip
    raise ConditionError(
        f"{describe_value(*first)} and {describe_value(*second)} are of different kinds",
        second[1].offset,
        hint,
    )


def _must_suit(
    function: Function, value: Expression, kinds: frozenset[ValueKind], node: Condition
) -> None:
    if value.kind in kinds:
        return
    is_date = function.name in ("add", "sub") and value.kind in DAYS
    raise ConditionError(
        f"{function.name} takes {_kinds(kinds)}, {describe_value(value, node)} is none",
        node.offset,
        f"{function.name} is for numbers; for dates there are adddays and diffindays"
        if is_date
        else "",
    )


def _kinds(kinds: frozenset[ValueKind]) -> str:
    if kinds == NUMBERS:
        return "a number"
    if kinds == DAYS:
        return "a date or time"
    if kinds == TIMES:
        return "a time of day"
    if len(kinds) > 3:
        return "a value"
    return {"whole": "a whole number", "text": "a text"}.get(next(iter(kinds)), "a value")


def _how_many(function: Function) -> str:
    least, most = function.least, len(function.takes)
    if function.repeats:
        return f"{least} or more values"
    return f"{most} value{'s' * (most > 1)}" if least == most else f"{least} or {most} values"
