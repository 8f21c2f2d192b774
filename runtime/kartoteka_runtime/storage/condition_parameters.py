"""What a condition's SQL is made for and what it is run with: its shape and its parameters.

``shape_of`` and ``parameters_of`` walk a condition as ``compile_condition`` does, from left to
right, so that the n-th value is that of the n-th parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from functools import lru_cache
from typing import Any

import orjson

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.like_pattern import (
    AnyCharacter,
    AnyText,
    OneCharacter,
    PatternPart,
    pattern_parts,
)
from kartoteka.conditions.periods import PERIODS, Bounds, intervals
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Applied,
    Asked,
    AskedName,
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
    Linked,
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
from kartoteka.conditions.values import exact
from kartoteka.conditions.zones import clock_of, zone_named
from kartoteka.model.field import Field
from kartoteka.model.field_types import decimal_scale
from kartoteka.text_folding import fold
from kartoteka_runtime.storage.column_types import codec, encode_instant
from kartoteka_runtime.storage.sought_words import SoughtWords, bundled, escaped, words_parameter
from kartoteka_runtime.storage.sqlite_leaf import evaluated_by_python, leaf_of
from kartoteka_runtime.storage.storable_text import storable

ME = "me_"  # parameters: the id of the user who asks,
MY_BUSINESS_UNIT = "unit_"  # that of the user's business unit,
NOW = "now_"  # the instant of the question,
ZONE = "zone_"  # the name of its time zone,
CLOCK = "clock_"  # and what calendar and clock show there
TODAY = "today_"

NOBODY = "00000000-0000-0000-0000-000000000000"  # a parameter is never null

_SHORT = 20  # values of a list that are a parameter each
_MOST_STORED = 2**63 - 1
_LAST_CHARACTER = "\U0010ffff"
_ALWAYS = {"sqlite": ("", "~"), "postgresql": ("-infinity", "infinity")}


def asker_parameters(asker: Asker, engine: str) -> dict[str, Any]:
    """Return what only a request knows, under the names that conditions give it."""
    said = asker.user_id, asker.business_unit_id, asker.now, asker.time_zone
    return dict(_said_parameters(*said, is_sqlite=engine == "sqlite"))


@lru_cache(256)
def _said_parameters(
    user_id: str, unit_id: str, now: datetime, time_zone: str, *, is_sqlite: bool
) -> Mapping[str, Any]:
    """Return the same for all requests of a user in one second."""
    zone = zone_named(time_zone)
    clock = clock_of(now, zone)
    return {
        ME: user_id or NOBODY,
        MY_BUSINESS_UNIT: unit_id or NOBODY,
        NOW: encode_instant(now) if is_sqlite else now,
        ZONE: zone.key,
        CLOCK: clock.isoformat() if is_sqlite else clock,
        TODAY: clock.date().isoformat() if is_sqlite else clock.date(),
    }


def asked_parameter(asked: Asked) -> str:
    """Return the name of the parameter that holds what only a request knows."""
    match asked.name, asked.kind:
        case AskedName.ME, _:
            return ME
        case AskedName.MY_BUSINESS_UNIT, _:
            return MY_BUSINESS_UNIT
        case AskedName.NOW, ValueKind.DATE:
            return TODAY
        case AskedName.NOW, ValueKind.LOCAL_TIME:
            return CLOCK
    return NOW


def shape_of(node: TypedCondition | Expression | SoughtWords | None) -> Any:
    """Return what two conditions (or expressions) share exactly when one SQL text serves both."""
    match node:
        case None | Fixed():
            return node
        case IsEmpty(path):
            return ("empty", path.key)
        case Compared(path, operator, value):
            return (operator.value, path.key, _asked_name(value))
        case OneOf(path, values) if is_long(node):
            return ("in list", path.key, tuple(filter(None, map(_asked_name, values))))
        case OneOf(path, values):
            return ("in", path.key, tuple(_asked_name(value) for value in values))
        case TextTest(path, function, _):
            return (function.value, path.key)
        case HasOption(path, _):
            return ("has", path.key)
        case Like(path, _):
            return ("like", path.key)
        case InPeriod(path, name, _):
            return ("period", path.key, PERIODS[name].intervals == 1)
        case InAskedSet(path, name):
            return ("set", path.key, name.value)
        case InHierarchy(path, entity, parent, is_under, includes_itself, value):
            way = (is_under, includes_itself, _asked_name(value))
            return ("hierarchy", path.key, entity, parent.name, way)
        case Quantified(collection, variable, term):
            return ("any", _collection_shape(collection), variable, shape_of(term))
        case Negated(term):
            return ("not", shape_of(term))
        case SoughtWords(path, _, is_all):
            return ("words", path.key, is_all)
        case AllOf():
            return ("and", *(shape_of(term) for term in bundled(node)))
        case AnyOf():
            return ("or", *(shape_of(term) for term in bundled(node)))
        case Related(left, operator, right):
            return ("related", operator.value, shape_of(left), shape_of(right))
        case TextRelated(function, subject, sought):
            return ("related", function.value, shape_of(subject), shape_of(sought))
        case FieldPath():
            return node.key
        case Constant(_, kind):
            return ("constant", kind)
        case Asked():
            return ("asked", asked_parameter(node))
        case Applied(function_name, arguments):
            return (function_name, *(shape_of(argument) for argument in arguments))
        case Case(branches, otherwise):
            pairs = tuple((shape_of(test), shape_of(value)) for test, value in branches)
            return ("case", pairs, shape_of(otherwise))


def is_long(node: OneOf) -> bool:
    """Return whether the values of a list are one parameter, so that one text serves every list.

    Those of a short one are a parameter each, and so are those that are lists themselves.
    """
    return len(node.values) > _SHORT and node.path.kind is not ValueKind.OPTIONS


def _asked_name(value: Value) -> str | None:
    return asked_parameter(value) if isinstance(value, Asked) else None


def _collection_shape(collection: Collection) -> Any:
    via = collection.via
    way = (
        (via.relationship.name, via.owner_is_left)
        if isinstance(via, Linked)
        else (via.item_field.name, via.owner_field.name)
    )
    return (collection.key, collection.owner, collection.entity, way)


def parameters_of(
    node: TypedCondition | Expression | None,
    engine: str,
    asker: Asker,
    prefix: str = "c",
    target: Field | None = None,
) -> dict[str, Any]:
    """Return the values of a condition under the names that its SQL gives them.

    Of an expression, ``target`` is the field in whose form its value is asked for.

    Raises:
        BadParameter: A text holds what no database keeps: NUL, or half of a character.
    """
    walk = _Values(engine, asker)
    if target is None:
        values = walk.of(node)
    else:
        assert isinstance(node, Expression)
        values = walk.stored(node, target)
    return {f"{prefix}{number}": value for number, value in enumerate(values)}


class _Values:
    """The values of one request's parameters, in the order of the SQL."""

    def __init__(self, engine: str, asker: Asker) -> None:
        self._engine = engine
        self._asker = asker

    def of(self, node: TypedCondition | Expression | SoughtWords | None) -> Iterator[Any]:
        """Yield the values of everything below a node."""
        match node:
            case Compared(path, operator, value):
                yield from self._encoded(path, operator, (value,))
            case OneOf(path, members) if is_long(node):
                encoded = list(self._encoded(path, Operator.EQ, members))
                yield orjson.dumps(encoded).decode() if self._engine == "sqlite" else encoded
            case OneOf(path, members):
                yield from self._encoded(path, Operator.EQ, members)
            case TextTest(_, function, text):
                yield from _text_test(function, fold(storable(text)))
            case HasOption(_, option):
                yield f"%,{option},%" if self._engine == "sqlite" else option
            case Like(_, pattern):
                is_sqlite = self._engine == "sqlite"
                yield storable(pattern) if is_sqlite else _regular_expression(storable(pattern))
            case InPeriod():
                yield from self._bounds(node)
            case InHierarchy(value=str(record_id)):
                yield record_id
            case Quantified(term=term) | Negated(term):
                yield from self.of(term)
            case SoughtWords():
                yield words_parameter(node, self._engine)
            case AllOf() | AnyOf():
                for part in bundled(node):
                    yield from self.of(part)
            case Related() | TextRelated() | Applied() | Case() | Constant():
                yield from self._expressed(node)

    def stored(self, node: Expression, target: Field) -> Iterator[Any]:
        """Yield the values of an expression that is asked for in the form of a field."""
        return self._left_to_python(node, target) if self._engine == "sqlite" else self.of(node)

    def _left_to_python(
        self, node: TypedCondition | Expression, target: Field | None = None
    ) -> Iterator[Any]:
        leaf = leaf_of(node, target)
        yield leaf.text
        for test in leaf.tests:
            yield from self.of(test)

    def _expressed(self, node: Related | TextRelated | Expression) -> Iterator[Any]:
        if self._engine == "sqlite" and evaluated_by_python(node):
            yield from self._left_to_python(node)
            return
        match node:
            case Related(left, _, right) | TextRelated(_, left, right):
                yield from self.of(left)
                yield from self.of(right)
            case Applied(_, arguments):
                for argument in arguments:
                    yield from self.of(argument)
            case Case(branches, otherwise):
                for test, value in branches:
                    yield from self.of(test)
                    yield from self.of(value)
                yield from self.of(otherwise)
            case Constant(float() as number):
                yield exact(number)
            case Constant(str() as text):
                yield storable(text) or None
            case Constant(value):
                yield value

    def _encoded(
        self, path: FieldPath, operator: Operator, values: tuple[Value, ...]
    ) -> Iterator[Any]:
        for value in values:
            if isinstance(value, Asked):
                continue
            if isinstance(value, Decimal) and self._engine == "sqlite":
                yield _scaled_bound(value, decimal_scale(path.field), operator)
            else:
                yield _encode(path, value, self._engine)

    def _bounds(self, node: InPeriod) -> Iterator[Any]:
        path = node.path
        encode = codec(path.field, self._engine).encode
        found = intervals(node.name, node.arguments, self._asker, path.kind)
        if PERIODS[node.name].intervals == 1:
            yield from _encoded_bounds(found, encode, self._engine)
        else:
            yield _interval_set(found, encode, self._engine)


def _encoded_bounds(
    found: tuple[Bounds, ...], encode: Callable[[Any], Any] | None, engine: str
) -> list[Any]:
    return [
        none if bound is None else encode(bound) if encode else bound
        for bounds in found
        for bound, none in zip(bounds, _ALWAYS[engine], strict=True)
    ]


@lru_cache(maxsize=64)
def _interval_set(
    found: tuple[Bounds, ...], encode: Callable[[Any], Any] | None, engine: str
) -> str:
    """Return several intervals as one parameter; kept, since a fiscal period has hundreds."""
    bounds = _encoded_bounds(found, encode, engine)
    if engine == "sqlite":
        return " ".join(bounds)
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return "{" + ",".join(f'["{first}","{end}")' for first, end in pairs) + "}"


def _encode(path: FieldPath, value: Any, engine: str) -> Any:
    if path.kind is ValueKind.TEXT:
        return fold(storable(str(value)))
    if path.kind is ValueKind.ID:
        return value
    encoder = codec(path.field, engine).encode
    return encoder(value) if encoder else value


def _scaled_bound(value: Decimal, scale: int, operator: Operator) -> float | int:
    """Return what a column of scaled whole numbers is compared with in place of a decimal.

    One with more places lies between two whole numbers: the comparison with the one of them says
    the same. SQLite compares a float with a whole number exactly.
    """
    exact = value.scaleb(scale)
    if abs(exact) >= _MOST_STORED:
        return float(exact)
    below = int(exact.to_integral_value(ROUND_FLOOR))
    if below == exact:
        return below
    match operator:
        case Operator.GT | Operator.LE:
            return below
        case Operator.GE | Operator.LT:
            return below + 1
    return 0.5  # equal to none


def _text_test(function: TextFunction, text: str) -> Iterator[str]:
    match function:
        case TextFunction.STARTSWITH:
            yield text
            yield text + _LAST_CHARACTER
        case TextFunction.ENDSWITH:
            yield "%" + escaped(text)
        case TextFunction.CONTAINS:
            yield text


def _regular_expression(pattern: str) -> str:
    """Return a pattern as a regular expression of PostgreSQL for the whole of a folded text."""
    return f"^{''.join(_expression_of(part) for part in pattern_parts(pattern))}$"


def _expression_of(part: PatternPart) -> str:
    match part:
        case AnyText():
            return ".*"
        case AnyCharacter():
            return "."
        case OneCharacter((), is_outside):
            return "." if is_outside else "(?!.*)"
        case OneCharacter(ranges, is_outside):
            inside = "".join(f"{_code(first)}-{_code(last)}" for first, last in ranges)
            return f"[{'^' if is_outside else ''}{inside}]"
        case str():
            return part if part.isalnum() else _code(part)
    raise TypeError(part)


def _code(character: str) -> str:
    return f"\\U{ord(character):08x}"
