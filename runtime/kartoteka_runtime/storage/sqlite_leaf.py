"""Conditions and expressions that SQLite leaves to Python: as a text, its cells, and back.

The text says everything that the Python function needs, constants included, so that any connection
of any process understands it. What only the database can answer (the conditions of a ``Case``)
goes in as a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any

import orjson

from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    Applied,
    Asked,
    AskedName,
    Case,
    Compared,
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
from kartoteka.model.label import NO_LABEL
from kartoteka_runtime.storage.column_types import DECODE_NAMES, codec
from kartoteka_runtime.storage.storable_text import storable

MOST_CELLS = 100  # arguments of one function; SQLite takes 127
_KEPT = 4096


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is left to Python.

    ``text`` says what to do with the cells, which are those of ``paths`` and then, as 0 or 1,
    whether each of ``tests`` holds.
    """

    text: str
    paths: tuple[FieldPath, ...]
    tests: tuple[TypedCondition, ...]


def evaluated_by_python(node: TypedCondition | Expression) -> bool:
    """Return whether SQLite asks Python for a condition or an expression."""
    match node:
        case Related(FieldPath() as left, _, FieldPath() as right):
            return left.kind is not right.kind or (
                left.kind is ValueKind.DECIMAL
                and decimal_scale(left.field) != decimal_scale(right.field)
            )
    return isinstance(node, Related | TextRelated | Applied | Case | Constant | Asked)


def leaf_of(node: TypedCondition | Expression, target: Field | None = None) -> Leaf:
    """Return a condition or an expression as SQLite hands it on; see ``evaluated_by_python``.

    ``target`` is the field in whose form the value of an expression is given back.

    Raises:
        BadParameter: It holds a text that no database keeps.
    """
    writing = _Writing()
    body = writing.node(node)
    said = [body, [_type_of(path.field, path.kind) for path in writing.paths.values()]]
    if target is not None:
        said.append(_type_of(target, None))
    text = orjson.dumps(said).decode()
    return Leaf(text, tuple(writing.paths.values()), tuple(writing.tests))


@dataclass(slots=True)
class _Writing:
    paths: dict[str, FieldPath] = field(default_factory=dict)
    tests: list[TypedCondition] = field(default_factory=list)

    def node(self, node: TypedCondition | Expression) -> list[Any]:
        match node:
            case FieldPath():
                self.paths.setdefault(node.key, node)
                return ["cell", list(self.paths).index(node.key)]
            case Constant(value, kind):
                return ["constant", kind, None if value is None else _written(value)]
            case Asked(name, kind):
                return ["asked", name, kind]
            case Applied(function, arguments, kind):
                return ["apply", function, kind, *(self.node(item) for item in arguments)]
            case Case(branches, otherwise, kind):
                pairs = [[self._test(test), self.node(value)] for test, value in branches]
                return ["case", kind, pairs, self.node(otherwise)]
            case Related(left, operator, right):
                return ["related", operator, self.node(left), self.node(right)]
            case TextRelated(function_name, subject, sought):
                return ["text", function_name, self.node(subject), self.node(sought)]
        raise TypeError(node)

    def _test(self, test: TypedCondition) -> int:
        self.tests.append(test)
        return len(self.tests) - 1


def _written(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else storable(str(value))


_READ: dict[ValueKind, Callable[[str], Any]] = {
    ValueKind.TEXT: str,
    ValueKind.ID: str,
    ValueKind.WHOLE: int,
    ValueKind.OPTION: int,
    ValueKind.DECIMAL: Decimal,
    ValueKind.FLOAT: float,
    ValueKind.YES_NO: "True".__eq__,
    ValueKind.DATE: date.fromisoformat,
    ValueKind.INSTANT: datetime.fromisoformat,
    ValueKind.LOCAL_TIME: datetime.fromisoformat,
}


def _type_of(item: Field, kind: ValueKind | None) -> list[Any]:
    """Return what decides how a field's cells are read: type, behavior, decimal places, kind."""
    if item.is_lookup:
        return ["unique_id", "", None, kind]
    scale = decimal_scale(item) if storage_of(item) == "decimal" else None
    return [item.type, item.behavior, scale, kind]


@dataclass(frozen=True, slots=True)
class Cells:
    """How the cells of a leaf become a record, and what is asked of it.

    ``keys`` and ``decoders`` say where each cell goes and how it is read (None: as it is).
    """

    node: TypedCondition | Expression
    keys: tuple[str, ...]
    decoders: tuple[Callable[[Any], Any] | None, ...]
    target: Field | None

    def record(self, cells: tuple[Any, ...]) -> dict[str, Any]:
        """Return the record that the cells of a row make, or the texts that many are packed in."""
        if len(self.keys) > MOST_CELLS:
            cells = tuple(chain.from_iterable(orjson.loads(packed) for packed in cells))
        return {
            key: decode(cell) if decode is not None and cell is not None else cell
            for key, decode, cell in zip(self.keys, self.decoders, cells, strict=True)
        }


def packed(*cells: Any) -> str:
    """Return cells as one text."""
    return orjson.dumps(cells).decode()


@lru_cache(_KEPT)
def cells_of(text: str) -> Cells:
    """Return what the text of a leaf says."""
    body, types, *target = orjson.loads(text)
    fields = [_stub(number, said) for number, said in enumerate(types)]
    reading = _Reading(
        [(item, ValueKind(said[3])) for item, said in zip(fields, types, strict=True)]
    )
    node = reading.node(body)
    tests = [_test_field(number) for number in range(reading.tests)]
    every = (*fields, *tests)
    return Cells(
        node,
        tuple(item.name for item in every),
        tuple(_decoder(codec(item, "sqlite").decode_source) for item in every),
        _stub(-1, target[0]) if target else None,
    )


def _stub(number: int, said: list[Any]) -> Field:
    field_type, behavior, scale, _ = said
    return Field(f"c{number}", field_type, NO_LABEL, behavior=behavior, precision=scale)


def _test_field(number: int) -> Field:
    return Field(f"t{number}", "yes_no", NO_LABEL)


@lru_cache
def _decoder(source: str) -> Callable[[Any], Any] | None:
    if source == "{}":
        return None
    code = f"lambda cell: {source.format('cell')}"
    decode: Callable[[Any], Any] = eval(code, dict(DECODE_NAMES))  # noqa: S307 - column_types' own
    return decode


@dataclass(slots=True)
class _Reading:
    cells: list[tuple[Field, ValueKind]]
    tests: int = 0

    def node(self, said: list[Any]) -> Any:
        match said:
            case ["cell", number]:
                item, kind = self.cells[number]
                return FieldPath((), "", item, kind)
            case ["constant", kind, value]:
                return Constant(
                    None if value is None else _READ[ValueKind(kind)](value), ValueKind(kind)
                )
            case ["asked", name, kind]:
                return Asked(AskedName(name), ValueKind(kind))
            case ["apply", function, kind, *arguments]:
                return Applied(
                    function, tuple(self.node(item) for item in arguments), ValueKind(kind)
                )
            case ["case", kind, pairs, otherwise]:
                branches = tuple((self._test(test), self.node(value)) for test, value in pairs)
                return Case(branches, self.node(otherwise), ValueKind(kind))
            case ["related", operator, left, right]:
                return Related(self.node(left), Operator(operator), self.node(right))
            case ["text", function, subject, sought]:
                return TextRelated(TextFunction(function), self.node(subject), self.node(sought))
        raise ValueError(said)

    def _test(self, number: int) -> TypedCondition:
        self.tests = max(self.tests, number + 1)
        path = FieldPath((), "", _test_field(number), ValueKind.YES_NO)
        return Compared(path, Operator.EQ, True)
