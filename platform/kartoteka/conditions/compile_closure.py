"""``compile_closure``: a checked condition → a function that tells if it holds for a record."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Protocol

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
from kartoteka.record_values import Record
from kartoteka.text_folding import fold


class AnyPrincipal(Protocol):
    """Who asks, as far as conditions need to know."""

    @property
    def user_id(self) -> str:
        """Return the id that ``me()`` stands for."""


Closure = Callable[[Record, AnyPrincipal], bool]
_Read = Callable[[Record], Any]

_COMPARE: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
}


def compile_closure(condition: TypedCondition) -> Closure:
    """Return a function of a record and who asks.

    Values are looked up by ``FieldPath.key``; a key that the record does not have counts as
    empty, so whoever asks over lookups reads those paths first. Values are those of
    ``kartoteka.record_values``; every record of them has an answer.
    """
    match condition:
        case Fixed(holds):
            return lambda record, principal: holds
        case AllOf(terms):
            return _all_of(tuple(compile_closure(term) for term in terms))
        case AnyOf(terms):
            return _any_of(tuple(compile_closure(term) for term in terms))
        case Negated(term):
            inner = compile_closure(term)
            return lambda record, principal: not inner(record, principal)
        case IsEmpty(path):
            key = path.key
            return lambda record, principal: record.get(key) is None
        case Compared(path, how, value):
            return _compared(path, how, value)
        case OneOf(path, values):
            return _one_of(path, values)
        case TextTest(path, function, text):
            return _text_test(path, function, fold(text))
        case HasOption(path, option):
            key = path.key
            return lambda record, principal: option in (record.get(key) or ())


def _all_of(terms: tuple[Closure, ...]) -> Closure:
    def holds(record: Record, principal: AnyPrincipal) -> bool:
        for term in terms:
            if not term(record, principal):
                return False
        return True

    return holds


def _any_of(terms: tuple[Closure, ...]) -> Closure:
    def holds(record: Record, principal: AnyPrincipal) -> bool:
        for term in terms:
            if term(record, principal):
                return True
        return False

    return holds


def _compared(path: FieldPath, how: Operator, value: Value) -> Closure:
    read = _reader(path)
    compare = _COMPARE[how]
    when_empty = how is Operator.NE
    if isinstance(value, Asked):

        def holds_for_me(record: Record, principal: AnyPrincipal) -> bool:
            found = read(record)
            return when_empty if found is None else compare(found, principal.user_id)

        return holds_for_me
    wanted = _comparable(path, value)

    def holds(record: Record, principal: AnyPrincipal) -> bool:
        found = read(record)
        return when_empty if found is None else compare(found, wanted)

    return holds


def _one_of(path: FieldPath, values: tuple[Value, ...]) -> Closure:
    read = _reader(path)
    wanted = frozenset(_comparable(path, value) for value in values if not isinstance(value, Asked))
    if len(wanted) == len(values):
        return lambda record, principal: read(record) in wanted

    def holds_or_me(record: Record, principal: AnyPrincipal) -> bool:
        found = read(record)
        return found is not None and (found in wanted or found == principal.user_id)

    return holds_or_me


def _text_test(path: FieldPath, function: TextFunction, wanted: str) -> Closure:
    key = path.key
    match function:
        case TextFunction.CONTAINS:
            return lambda record, principal: (
                (found := record.get(key)) is not None and wanted in fold(found)
            )
        case TextFunction.STARTSWITH:
            return lambda record, principal: (
                (found := record.get(key)) is not None and fold(found).startswith(wanted)
            )
        case TextFunction.ENDSWITH:
            return lambda record, principal: (
                (found := record.get(key)) is not None and fold(found).endswith(wanted)
            )


def _comparable(path: FieldPath, value: Value) -> Any:
    return fold(value) if path.kind is ValueKind.TEXT and isinstance(value, str) else value


def _reader(path: FieldPath) -> _Read:
    """Return a function that takes the value out of a record, ready to be compared."""
    key = path.key
    if path.kind is ValueKind.TEXT:
        return lambda record: None if (found := record.get(key)) is None else fold(found)
    if path.field.is_lookup:
        return lambda record: None if (found := record.get(key)) is None else found.id
    return lambda record: record.get(key)
