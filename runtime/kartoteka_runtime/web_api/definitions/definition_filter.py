"""The filter of definitions: the condition grammar over plain values, evaluated one by one.

Beside what conditions know, enum values are written with their type
(``Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned'``) or as plain text. Texts compare without
regard to case. Source: reference web-api, section 12.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse
from kartoteka.conditions.syntax import (
    THE_RECORD,
    And,
    Arithmetic,
    Call,
    Cases,
    Comparison,
    Condition,
    Literal,
    Membership,
    Negative,
    Not,
    Operator,
    Or,
    Path,
    Quantifier,
    Quantity,
)
from kartoteka.names import did_you_mean
from kartoteka.query.option_text import Piece
from kartoteka_runtime.web_api.definitions.definition import (
    Collection,
    Definition,
    LabelText,
    LabelWriter,
)

_ENUM_OR_TEXT = re.compile(r"'(?:[^']|'')*'|(?P<type>Microsoft\.Dynamics\.CRM\.\w+)(?=')")
_COMPARE: Mapping[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}
_TEXTS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_LISTS = {"In": True, "NotIn": False}
_NOTHING = object()

Names = frozenset[str]


def read_condition(piece: Piece) -> Condition:
    """Return the tree of a filter.

    Raises:
        QueryError: It does not parse, or holds something that says nothing about definitions.
    """
    blanked = _ENUM_OR_TEXT.sub(
        lambda match: match[0] if match["type"] is None else " " * len(match[0]), piece.text
    )
    try:
        condition = parse(blanked)
        _refuse_others(condition)
    except ConditionError as error:
        raise piece.error(error.message, error.hint, at=error.offset) from None
    return condition


def refuse_unknown(condition: Condition, names: Names, piece: Piece) -> None:
    """Refuse a filter by properties that are not among ``names``; none: nothing is known.

    Raises:
        QueryError: It has one.
    """
    for path in _paths(condition, frozenset()):
        if names and path.steps[0] not in names:
            hint = did_you_mean(path.steps[0], names)
            text = f'there is no property "{path.steps[0][:60]}"'
            raise piece.error(text, hint, at=path.offset)


@dataclass(frozen=True, slots=True)
class Evaluator:
    """Tells which definitions a filter lets through, for the readers of one language."""

    writer: LabelWriter

    def holds(
        self, condition: Condition, item: Any, variables: Mapping[str, Any] | None = None
    ) -> bool:
        """Return whether a filter holds for a definition; ``variables`` are those around it."""
        known = variables or {}
        match condition:
            case And(terms=terms):
                return all(self.holds(term, item, known) for term in terms)
            case Or(terms=terms):
                return any(self.holds(term, item, known) for term in terms)
            case Not(term=term):
                return not self.holds(term, item, known)
            case Comparison(left=left, operator=sign, right=right):
                values = self._value(left, item, known), self._value(right, item, known)
                return _compared(*values, sign)
            case Membership(left=left, items=items):
                value = self._value(left, item, known)
                return any(_same(value, self._value(one, item, known)) for one in items)
            case Call(function=name, arguments=(first, *rest)) if name in _LISTS:
                value = self._value(first, item, known)
                found = any(_same(value, self._value(one, item, known)) for one in rest)
                return found is _LISTS[name]
            case Call(function=name, arguments=(first, second)):
                whole, part = self._value(first, item, known), self._value(second, item, known)
                is_text = isinstance(whole, str) and isinstance(part, str)
                return is_text and _TEXTS[name](whole, part)
            case Quantifier():
                return self._quantified(condition, item, known)
        return self._value(condition, item, known) is True

    def value_at(self, item: Any, steps: Iterable[str]) -> Any:
        """Return what lies at a path of properties; None where it ends early."""
        found = item
        for step in steps:
            found = _step(found, step)
            if isinstance(found, LabelText):
                found = self.writer.written(found)
        return found

    def _value(self, operand: Condition, item: Any, variables: Mapping[str, Any]) -> Any:
        match operand:
            case Literal(value=value):
                return comparable(value)
            case Path(steps=(first, *rest)) if first in variables:
                return comparable(self.value_at(variables[first], rest))
            case Path(steps=(first, *rest)) if first == THE_RECORD:
                return comparable(self.value_at(item, rest))
            case Path(steps=steps):
                return comparable(self.value_at(item, steps))
        return self.holds(operand, item, variables)

    def _quantified(self, one: Quantifier, item: Any, variables: Mapping[str, Any]) -> bool:
        first, *rest = one.collection.steps
        if first in variables:
            found = self.value_at(variables[first], rest)
        else:
            found = self.value_at(item, one.collection.steps)
        items = found.items if isinstance(found, Collection) else found
        items = items if isinstance(items, list | tuple) else ()
        if one.term is None:
            return bool(items)
        told = (self.holds(one.term, item, {**variables, one.variable: each}) for each in items)
        return any(told) if one.quantity is Quantity.ANY else all(told)


def comparable(value: Any) -> Any:
    """Return a value in the form in which values are compared: texts in one case."""
    match value:
        case str():
            return value.casefold()
        case UUID():
            return str(value)
        case datetime() | date():
            return value.isoformat().replace("+00:00", "z").casefold()
        case dict():  # of a managed property what it is set to
            return comparable(value.get("Value"))
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
    return value


def _step(found: Any, step: str) -> Any:
    match found:
        case Definition(properties=properties, related=related):
            value = properties.get(step, _NOTHING)
            if value is not _NOTHING:
                return value
            return related[step]() if step in related else None
        case dict():
            return found.get(step)
    return None


def _compared(left: Any, right: Any, sign: Operator) -> bool:
    if sign is Operator.EQ:
        return _same(left, right)
    if sign is Operator.NE:
        return not _same(left, right)
    alike = (isinstance(left, str) and isinstance(right, str)) or (
        _is_number(left) and _is_number(right)
    )
    return alike and _COMPARE[sign](left, right)


def _same(left: Any, right: Any) -> bool:
    """Return whether two values are equal; a number is no yes or no."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refuse_others(condition: Condition) -> None:
    """Refuse what the grammar has for records alone."""
    for node in _nodes(condition):
        match node:
            case Call(function=name, arguments=arguments):
                known = len(arguments) == 2 if name in _TEXTS else name in _LISTS and arguments
                if not known:
                    hint = did_you_mean(name, (*_TEXTS, *_LISTS))
                    text = f'"{name[:60]}" cannot be asked of definitions'
                    raise ConditionError(text, node.offset, hint)
            case Arithmetic() | Negative() | Cases():
                raise ConditionError("definitions are not calculated with", node.offset)


def _nodes(condition: Condition) -> Iterator[Condition]:
    yield condition
    for node in _below(condition):
        yield from _nodes(node)


def _paths(condition: Condition, variables: Names) -> Iterator[Path]:
    """Yield the paths that begin at the definition itself."""
    match condition:
        case Path(steps=(first, *_)):
            if first not in variables and first != THE_RECORD:
                yield condition
        case Quantifier(collection=collection, variable=variable, term=term):
            yield from _paths(collection, variables)
            if term is not None:
                yield from _paths(term, variables | {variable})
        case _:
            for node in _below(condition):
                yield from _paths(node, variables)


def _below(condition: Condition) -> tuple[Condition, ...]:
    match condition:
        case And(terms=terms) | Or(terms=terms):
            return terms
        case Not(term=term):
            return (term,)
        case Comparison(left=left, right=right):
            return left, right
        case Membership(left=left, items=items):
            return left, *items
        case Call(arguments=arguments):
            return arguments
        case Quantifier(term=term) if term is not None:
            return (term,)
    return ()
