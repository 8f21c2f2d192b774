"""``check_condition``: the tree of ``syntax`` held against the registry → that of ``typed``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from typing import TypeGuard

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.literal_values import read_value, wrong_kind
from kartoteka.conditions.options import option_number
from kartoteka.conditions.paths import resolve_path
from kartoteka.conditions.syntax import (
    And,
    Call,
    Comparison,
    Condition,
    Literal,
    LiteralKind,
    Membership,
    Not,
    Operand,
    Operator,
    Or,
    Path,
)
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Asked,
    AskedName,
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
from kartoteka.names import did_you_mean
from kartoteka.registry import Registry

USER_ENTITY = "systemuser"

_TURNED = {
    Operator.GT: Operator.LT,
    Operator.GE: Operator.LE,
    Operator.LT: Operator.GT,
    Operator.LE: Operator.GE,
}
_SAMENESS = (Operator.EQ, Operator.NE)
_UNORDERED = (ValueKind.YES_NO, ValueKind.ID, ValueKind.OPTIONS)
_FUNCTIONS = ("contains", "startswith", "endswith", "me")


def check_condition(condition: Condition, registry: Registry, entity_name: str) -> TypedCondition:
    """Return the meaning of a condition on records of an entity.

    Raises:
        ConditionError: A name is unknown, or a value does not suit its field. Only the first
            mistake is told.
    """
    return _Check(registry, entity_name).condition(condition)


class _Check:
    """Checks the nodes of one condition, each kind in its own method."""

    def __init__(self, registry: Registry, entity_name: str) -> None:
        self._registry = registry
        self._entity_name = entity_name

    def condition(self, node: Condition) -> TypedCondition:
        match node:
            case And(terms):
                return AllOf(tuple(self.condition(term) for term in terms))
            case Or(terms):
                return AnyOf(tuple(self.condition(term) for term in terms))
            case Not(term):
                return Negated(self.condition(term))
            case Comparison():
                return self._comparison(node)
            case Membership():
                return self._membership(node)
            case Call():
                return self._call(node)
            case Path():
                return self._flag(node)
            case Literal(LiteralKind.BOOLEAN, value):
                return Fixed(value is True)
            case Literal():
                raise ConditionError("a value alone is no condition", node.offset)

    def _comparison(self, node: Comparison) -> TypedCondition:
        left, operator, right = node.left, node.operator, node.right
        if not isinstance(left, Path) and isinstance(right, Path):
            left, operator, right = right, _TURNED.get(operator, operator), left
        if isinstance(left, Call) and _is_boolean(right) and operator in _SAMENESS:
            is_wanted = right.value is (operator is Operator.EQ)
            return self._call(left) if is_wanted else Negated(self._call(left))
        path = self._path(left)
        if _is_null(path, right):
            if operator is Operator.EQ:
                return IsEmpty(path)
            return Negated(IsEmpty(path)) if operator is Operator.NE else Fixed(False)
        if operator in _TURNED and path.kind in _UNORDERED:
            raise ConditionError(
                f'"{path.key}" ({path.field.type}) has no order for "{operator}"',
                node.offset,
                "use eq, ne or in",
            )
        return _at_grain(path, operator, self._value(right, path))

    def _membership(self, node: Membership) -> TypedCondition:
        path = self._path(node.left)
        given = [item for item in node.items if not _is_null(path, item)]
        tests = [_at_grain(path, Operator.EQ, self._value(item, path)) for item in given]
        values = tuple(_distinct(test.value for test in tests if isinstance(test, Compared)))
        found: list[TypedCondition] = [OneOf(path, values)] if values else []
        if len(given) < len(node.items):
            found.append(IsEmpty(path))
        if not found:
            return Fixed(False)
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def _call(self, node: Call) -> TypedCondition:
        if node.function not in _FUNCTIONS:
            hint = did_you_mean(node.function.lower(), _FUNCTIONS)
            raise ConditionError(f'"{node.function}" is not a function', node.offset, hint)
        if node.function == "me":
            raise ConditionError("me() alone is no condition", node.offset, "write ownerid eq me()")
        if len(node.arguments) != 2:
            raise ConditionError(
                f"{node.function} takes a field and a text, {len(node.arguments)} given",
                node.offset,
                f"write {node.function}(name,'text')",
            )
        path = self._path(node.arguments[0])
        wanted = node.arguments[1]
        if path.kind is ValueKind.OPTIONS and node.function == TextFunction.CONTAINS:
            if isinstance(wanted, Literal):
                return HasOption(path, option_number(wanted, path, self._registry))
        elif path.kind is not ValueKind.TEXT:
            raise _no_text(node, path)
        if not isinstance(wanted, Literal) or not isinstance(wanted.value, str):
            raise ConditionError(
                f"{node.function} looks for a text", wanted.offset, "write it in single quotes"
            )
        return TextTest(path, TextFunction(node.function), wanted.value)

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

    def _path(self, node: Condition) -> FieldPath:
        if isinstance(node, Path):
            return resolve_path(node, self._registry, self._entity_name)
        raise ConditionError("one side must be a field", node.offset)

    def _value(self, node: Operand, path: FieldPath) -> Value:
        match node:
            case Literal():
                if node.kind is LiteralKind.NULL:
                    raise wrong_kind(node, path)
                return read_value(node, path, self._registry)
            case Call("me", arguments):
                return self._me(node, path) if not arguments else self._refuse_call(node)
            case Call():
                return self._refuse_call(node)
            case Path():
                raise ConditionError(
                    f'two fields ("{path.key}" and "{node}") cannot be compared',
                    node.offset,
                    "texts stand in single quotes" if not node.steps[1:] else "",
                )

    def _me(self, node: Call, path: FieldPath) -> Asked:
        is_own_id = path.entity == USER_ENTITY and path.field.type == "unique_id"
        if USER_ENTITY in path.field.targets or is_own_id:
            return Asked(AskedName.ME)
        raise ConditionError(
            f'me() is a user, "{path.key}" ({path.field.type}) never names one', node.offset
        )

    def _refuse_call(self, node: Call) -> Value:
        if node.function == "me":
            raise ConditionError("me() takes nothing in its parentheses", node.offset)
        hint = did_you_mean(node.function.lower(), _FUNCTIONS)
        raise ConditionError(f"{node.function}() is not a value", node.offset, hint)


def _is_boolean(node: Operand) -> TypeGuard[Literal]:
    return isinstance(node, Literal) and node.kind is LiteralKind.BOOLEAN


def _is_null(path: FieldPath, node: Operand) -> bool:
    """Return whether a literal means "no value": null, and the empty text for a text field."""
    if not isinstance(node, Literal):
        return False
    return node.kind is LiteralKind.NULL or (path.kind is ValueKind.TEXT and node.value == "")


def _no_text(node: Call, path: FieldPath) -> ConditionError:
    hint = ""
    if path.field.is_lookup and len(path.field.targets) == 1:
        hint = f"name a text of the record it names, as in {path.key}/…"
    return ConditionError(
        f'{node.function} needs a text, "{path.key}" is {path.field.type}', node.offset, hint
    )


def _distinct(values: Iterable[Value]) -> Iterable[Value]:
    return dict.fromkeys(values)


def _at_grain(path: FieldPath, operator: Operator, value: Value) -> TypedCondition:
    """Return a comparison whose value is as coarse as what the field can hold.

    Whole numbers have no fraction and instants no fraction of a second, so ``x gt 5.5`` is
    ``x gt 5``, ``x lt 5.5`` is ``x le 5`` and ``x eq 5.5`` holds never.
    """
    coarse = _coarse(path.kind, value)
    if coarse == value:
        return Compared(path, operator, coarse)
    match operator:
        case Operator.EQ:
            return Fixed(False)
        case Operator.NE:
            return Fixed(True)
        case Operator.GT | Operator.GE:
            return Compared(path, Operator.GT, coarse)
        case Operator.LT | Operator.LE:
            return Compared(path, Operator.LE, coarse)


def _coarse(kind: ValueKind, value: Value) -> Value:
    """Return the greatest value of a kind that is not above ``value``."""
    if kind is ValueKind.WHOLE and isinstance(value, Decimal):
        return int(value.to_integral_value(ROUND_FLOOR))
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    return value
