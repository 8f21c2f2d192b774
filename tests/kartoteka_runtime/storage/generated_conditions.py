"""Strategies of typed conditions and expressions: every node, every function, about probes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from hypothesis import strategies as st
from probes import CONSTANTS, Owned, Probes  # type: ignore[import-not-found]

from kartoteka.conditions.functions import DAYS, FUNCTIONS, NUMBERS, TIMES
from kartoteka.conditions.periods import PERIODS
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Applied,
    Asked,
    AskedName,
    AskedSetName,
    Case,
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
    ValueKind,
)

Draw = Callable[..., Any]

_SAMENESS = (Operator.EQ, Operator.NE)
_UNORDERED = {ValueKind.YES_NO, ValueKind.ID, ValueKind.OPTIONS}
_PATTERNS = (
    "%", "a%", "%a", "%a%", "_", "__", "%o%z%", "[a-l]%", "[^a-l]%", "%[%]", "5[_]0", "[", "a[",
    "[]%", "[^]b", "%s%s%s%", "[ź-a]%", "ß%", "%_a", "\\", "[[]a]", "%%%", "[\\]%", "a.b", "(%",
)  # fmt: skip
EXPRESSED = [
    *(kind for kind in ValueKind if kind is not ValueKind.OPTIONS),
    ValueKind.DECIMAL, ValueKind.WHOLE, ValueKind.TEXT, ValueKind.INSTANT,
]  # fmt: skip
_DEEP = 3


@dataclass(frozen=True, slots=True, repr=False)
class Scope:
    """Where a condition stands: the fields and collections that it can name."""

    probes: Probes
    paths: tuple[FieldPath, ...]
    collections: tuple[Owned, ...]
    depth: int = 0  # of quantifiers

    def inside(self, owned: Owned) -> tuple[str, Scope]:
        """Return a new variable, and the scope where it stands for an item."""
        variable = f"x{self.depth}"
        own = tuple(replace(path, variable=variable) for path in owned.paths)
        collections = tuple(
            replace(item, collection=replace(item.collection, variable=variable))
            for item in owned.collections
        )
        inner = Scope(self.probes, own + self.paths, collections, self.depth + 1)
        return variable, inner

    def of(self, *kinds: ValueKind) -> list[FieldPath]:
        """Return the fields of some kinds."""
        return [path for path in self.paths if path.kind in kinds]


def scope_of(probes: Probes) -> Scope:
    """Return where a condition about probes begins."""
    return Scope(probes, probes.paths, probes.collections)


@st.composite
def conditions(draw: Draw, scope: Scope, depth: int = _DEEP) -> TypedCondition:
    """Draw a condition of any kind."""
    inner = conditions(scope, depth - 1)
    if depth > 0 and draw(st.integers(0, 2)) == 0:
        match draw(st.sampled_from(["not", "and", "or", "any", "all"])):
            case "not":
                return Negated(draw(inner))
            case "and":
                return AllOf(tuple(draw(st.lists(inner, min_size=2, max_size=3))))
            case "or":
                return AnyOf(tuple(draw(st.lists(inner, min_size=2, max_size=3))))
            case word if scope.collections:
                found = draw(_quantified(scope, depth - 1))
                return Negated(found) if word == "all" else found
    leaf: TypedCondition = draw(draw(st.sampled_from(_LEAVES))(scope, depth))
    return leaf


@st.composite
def _quantified(draw: Draw, scope: Scope, depth: int) -> TypedCondition:
    owned = draw(st.sampled_from(scope.collections))
    variable, inner = scope.inside(owned)
    term = draw(st.one_of(st.none(), conditions(inner, depth), conditions(inner, depth)))
    return Quantified(owned.collection, variable, term)


def _constants(kind: ValueKind, scope: Scope) -> st.SearchStrategy[Any]:
    found = CONSTANTS[kind]
    return st.sampled_from([*found, *scope.probes.ids] if kind is ValueKind.ID else found)


def _asked(kind: ValueKind) -> list[Asked]:
    match kind:
        case ValueKind.ID:
            return [Asked(AskedName.ME), Asked(AskedName.MY_BUSINESS_UNIT)]
        case ValueKind.INSTANT:
            return [Asked(AskedName.NOW, kind)]
    return []


def _operators(kind: ValueKind) -> st.SearchStrategy[Operator]:
    return st.sampled_from(_SAMENESS if kind in _UNORDERED else tuple(Operator))


# Tests of a field


@st.composite
def _compared(draw: Draw, scope: Scope, _: int) -> TypedCondition:
    path = draw(st.sampled_from(scope.paths))
    values = [_constants(path.kind, scope)]
    if asked := _asked(path.kind):
        values.append(st.sampled_from(asked))
    return Compared(path, draw(_operators(path.kind)), draw(st.one_of(values)))


@st.composite
def _one_of(draw: Draw, scope: Scope, _: int) -> TypedCondition:
    path = draw(st.sampled_from(scope.paths))
    values = [_constants(path.kind, scope)]
    if asked := _asked(path.kind):
        values.append(st.sampled_from(asked))
    return OneOf(path, tuple(draw(st.lists(st.one_of(values), min_size=1, max_size=4))))


@st.composite
def _of_text(draw: Draw, scope: Scope, _: int) -> TypedCondition:
    path = draw(st.sampled_from(scope.of(ValueKind.TEXT)))
    if draw(st.booleans()):
        patterns = st.one_of(
            st.sampled_from(_PATTERNS), st.text("aolz%_[]^-ß5", min_size=1, max_size=8)
        )
        return Like(path, draw(patterns))
    text = draw(st.one_of(_constants(ValueKind.TEXT, scope), st.just("")))
    return TextTest(path, draw(st.sampled_from(TextFunction)), text)


@st.composite
def _of_options(draw: Draw, scope: Scope, _: int) -> TypedCondition:
    return HasOption(
        draw(st.sampled_from(scope.of(ValueKind.OPTIONS))), draw(st.sampled_from([1, 2, 12]))
    )


@st.composite
def _is_empty(draw: Draw, scope: Scope, _: int) -> TypedCondition:
    return IsEmpty(draw(st.sampled_from(scope.paths)))


@st.composite
def _in_period(draw: Draw, scope: Scope, _: int, name: str = "") -> TypedCondition:
    period = PERIODS[name or draw(st.sampled_from(sorted(PERIODS)))]
    numbers = st.one_of(st.integers(1, 5), st.sampled_from([30, 300, 2028, 2031, 10**6]))
    arguments: list[int | date] = []
    for kind in period.takes:
        if kind is ValueKind.DATE:
            arguments.append(draw(_constants(kind, scope)))
        else:
            arguments.append(draw(numbers))
    if len(arguments) == 2:
        arguments[1] = draw(st.sampled_from([2030, 2031, 2032, 9999, 10**6]))
    path = draw(st.sampled_from(scope.of(*period.kinds)))
    return InPeriod(path, period.name, tuple(arguments))


@st.composite
def _in_asked_set(draw: Draw, scope: Scope, _: int) -> TypedCondition:
    path = draw(st.sampled_from([path for path in scope.paths if path.field.name == "ownerid"]))
    return InAskedSet(path, draw(st.sampled_from(AskedSetName)))


@st.composite
def _in_hierarchy(draw: Draw, scope: Scope, _: int) -> TypedCondition:
    named = [path for path in scope.paths if path.field.name in ("parent", "probe", "probeid")]
    parent = scope.probes.registry.entities["probe"].field_by_name["parent"]
    return InHierarchy(
        draw(st.sampled_from(named)),
        "probe",
        parent,
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.one_of(_constants(ValueKind.ID, scope), st.just(Asked(AskedName.ME)))),
    )


@st.composite
def _related(draw: Draw, scope: Scope, depth: int) -> TypedCondition:
    kind = draw(st.sampled_from(EXPRESSED))
    other = draw(st.sampled_from(sorted(NUMBERS))) if kind in NUMBERS else kind
    left = draw(expressions(scope, kind, depth))
    right = draw(expressions(scope, other, depth))
    return Related(left, draw(_operators(kind)), right)


@st.composite
def _text_related(draw: Draw, scope: Scope, depth: int) -> TypedCondition:
    texts = expressions(scope, ValueKind.TEXT, depth)
    return TextRelated(draw(st.sampled_from(TextFunction)), draw(texts), draw(texts))


_LEAVES: Sequence[Any] = (
    _compared, _compared, _one_of, _of_text, _of_options, _is_empty, _in_period, _in_asked_set,
    _in_hierarchy, _related, _related, _related, _related, _text_related,
    lambda scope, depth: st.booleans().map(Fixed),
)  # fmt: skip


# Expressions


@st.composite
def expressions(draw: Draw, scope: Scope, kind: ValueKind, depth: int = _DEEP) -> Any:
    """Draw an expression of a kind."""
    how = draw(st.integers(0, 9))
    if depth > 0 and how >= 5:
        if how == 9:
            return draw(_case(scope, kind, depth - 1))
        return draw(_applied(scope, kind, depth - 1))
    if how == 0 and (asked := _asked(kind)):
        return draw(st.sampled_from(asked))
    if how >= 3 and (paths := scope.of(kind)):
        return draw(st.sampled_from(paths))
    return Constant(draw(st.one_of(_constants(kind, scope), st.none())), kind)


@st.composite
def _case(draw: Draw, scope: Scope, kind: ValueKind, depth: int) -> Expression:
    kinds = _kinds_within(kind)
    branches = draw(
        st.lists(
            st.tuples(conditions(scope, min(depth, 1)), _of_kinds(scope, kinds, depth)),
            min_size=1,
            max_size=2,
        )
    )
    return Case(tuple(branches), draw(_of_kinds(scope, kinds, depth)), kind)


def _kinds_within(kind: ValueKind) -> list[ValueKind]:
    """Return the kinds whose values together are of a kind: any numbers make decimals."""
    return sorted(NUMBERS) if kind is ValueKind.DECIMAL else [kind]


def _of_kinds(scope: Scope, kinds: Sequence[ValueKind], depth: int) -> st.SearchStrategy[Any]:
    return st.sampled_from(kinds).flatmap(lambda kind: expressions(scope, kind, depth))


@st.composite
def _applied(draw: Draw, scope: Scope, kind: ValueKind, depth: int) -> Any:
    name = draw(st.sampled_from([name for name in FUNCTIONS if kind in kinds_given(name)]))
    return draw(_application(scope, name, kind, depth))


@st.composite
def _application(draw: Draw, scope: Scope, name: str, kind: ValueKind, depth: int) -> Expression:
    kinds = draw(_argument_kinds(name, kind))
    return Applied(name, tuple(draw(_argument(scope, one, depth)) for one in kinds), kind)


def applications(scope: Scope, name: str) -> st.SearchStrategy[Expression]:
    """Draw uses of a function."""
    return st.sampled_from(kinds_given(name)).flatmap(
        lambda kind: _application(scope, name, kind, 1)
    )


def periods(scope: Scope, name: str) -> st.SearchStrategy[TypedCondition]:
    """Draw uses of a period."""
    return _in_period(scope, 0, name)


def kinds_given(name: str) -> list[ValueKind]:
    """Return the kinds of value that a function can give."""
    function = FUNCTIONS[name]
    return [function.gives] if function.gives else sorted(function.takes[0])


def _argument(scope: Scope, kind: ValueKind, depth: int) -> st.SearchStrategy[Expression]:
    if kind is ValueKind.WHOLE:
        small = st.integers(-3, 12).map(lambda number: Constant(number, ValueKind.WHOLE))
        return st.one_of(small, expressions(scope, kind, depth))
    return expressions(scope, kind, depth)


@st.composite
def _argument_kinds(draw: Draw, name: str, kind: ValueKind) -> list[ValueKind]:
    function = FUNCTIONS[name]
    count = draw(st.integers(function.least, len(function.takes) + function.repeats))
    takes = [function.takes[min(place, len(function.takes) - 1)] for place in range(count)]
    if name == "coalesce" or (function.gives is None and takes[0] == NUMBERS):
        return _together(draw, kind, count)
    if name.startswith("diffin"):
        same = draw(st.sampled_from(sorted(takes[0])))
        return [same, same]
    if function.gives is None and takes[0] in (DAYS, TIMES):
        return [kind, ValueKind.WHOLE]
    return [draw(st.sampled_from(sorted(one))) for one in takes]


def _together(draw: Draw, kind: ValueKind, count: int) -> list[ValueKind]:
    """Return kinds whose common one is ``kind``."""
    if kind is not ValueKind.DECIMAL:
        return [kind] * count
    kinds = [draw(st.sampled_from(sorted(NUMBERS))) for _ in range(count)]
    return kinds if len(set(kinds)) > 1 else [ValueKind.DECIMAL] * count
