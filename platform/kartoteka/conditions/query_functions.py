"""``check_query_function``: Dataverse's query functions → typed conditions.

Each takes a field and values. A number or yes/no value may stand in quotes, as clients that make
lists of texts write it. Source: reference web-api, section 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from kartoteka.conditions import field_tests
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.functions import NUMBERS
from kartoteka.conditions.literal_values import describe, read_as, wanted, wrong_kind
from kartoteka.conditions.options import option_numbers
from kartoteka.conditions.periods import PERIODS
from kartoteka.conditions.syntax import Call, Literal, LiteralKind, Operator, Path
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Asked,
    AskedName,
    AskedSetName,
    Compared,
    FieldPath,
    HasOption,
    InAskedSet,
    InHierarchy,
    InPeriod,
    Negated,
    TypedCondition,
    ValueKind,
)
from kartoteka.registry import Registry

USER, TEAM = field_tests.USER_ENTITY, "team"
MOST_UNITS = 2**31 - 1  # days, years …

_WITH_NAMES: Mapping[AskedSetName, tuple[str, ...]] = {
    AskedSetName.MY_TEAMS: (TEAM,),
    AskedSetName.ME_AND_MY_TEAMS: (USER, TEAM),
    AskedSetName.ME_AND_MY_PEOPLE: (USER,),
    AskedSetName.ME_MY_PEOPLE_AND_TEAMS: (USER, TEAM),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One use of a query function: its name and place, its field, and what stands behind that."""

    name: str
    path: FieldPath
    values: tuple[Literal | Call, ...]
    registry: Registry
    offset: int

    @property
    def literals(self) -> tuple[Literal, ...]:
        """Return the values, which must be written out."""
        for value in self.values:
            if not isinstance(value, Literal):
                raise ConditionError(f"{self.name} takes values written out", value.offset)
        return tuple(_unquoted(value, self.path) for value in self.values)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class QueryFunction:
    """One function: how many values it takes (None: one or more) and what it means."""

    count: int | None
    meaning: Callable[[Question], TypedCondition]


def check_query_function(
    node: Call, path: Callable[[Path], FieldPath], registry: Registry
) -> TypedCondition:
    """Return the meaning of a call of one of ``QUERY_FUNCTIONS``.

    Raises:
        ConditionError: Its field or values do not suit it.
    """
    function = QUERY_FUNCTIONS[node.function]
    if not node.arguments or not isinstance(node.arguments[0], Path):
        raise ConditionError(
            f"{node.function} takes a field first", node.offset, f"write {node.function}(field…)"
        )
    values = _values(node)
    if len(values) != function.count and (function.count is not None or not values):
        wanted_count = "one or more" if function.count is None else function.count or "no"
        raise ConditionError(
            f"{node.function} takes a field and {wanted_count} "
            f"value{'' if function.count == 1 else 's'}, {len(values)} given",
            node.offset,
        )
    field = path(node.arguments[0])
    return function.meaning(Question(node.function, field, values, registry, node.offset))


def in_asked_set(path: FieldPath, name: AskedSetName, offset: int) -> TypedCondition:
    """Return ``ownerid in myteams()``.

    Raises:
        ConditionError: The field never names a user or team of the set.
    """
    if not field_tests.names(path, *_WITH_NAMES[name]):
        kinds = " and ".join(f"{entity}s" for entity in ("user", "team")[: len(_WITH_NAMES[name])])
        kinds = "teams" if name is AskedSetName.MY_TEAMS else kinds
        raise ConditionError(
            f'{name}() are {kinds}, "{path.key}" ({path.field.type}) never names one', offset
        )
    return InAskedSet(path, name)


def _values(node: Call) -> tuple[Literal | Call, ...]:
    found: list[Literal | Call] = []
    for value in node.arguments[1:]:
        if not isinstance(value, Literal | Call):
            raise ConditionError(
                f"{node.function} takes values written out", value.offset,
                "texts stand in single quotes" if isinstance(value, Path) else "",
            )  # fmt: skip
        found.append(value)
    return tuple(found)


def _unquoted(literal: Literal, path: FieldPath) -> Literal:
    """Return ``'5'`` as the number and ``'true'`` as the yes/no value that a field needs."""
    text = literal.value
    if not isinstance(text, str):
        return literal
    if path.kind in NUMBERS:
        try:
            number = Decimal(text)
        except InvalidOperation:
            return literal
        fits = number.is_finite() and len(text) <= 40 and abs(number.adjusted()) <= 40
        return replace(literal, kind=LiteralKind.NUMBER, value=number) if fits else literal
    if path.kind is ValueKind.YES_NO and text in _YES_NO:
        return replace(literal, kind=LiteralKind.BOOLEAN, value=_YES_NO[text])
    return literal


_YES_NO = {"true": True, "false": False, "1": True, "0": False}


def _in(question: Question) -> TypedCondition:
    return field_tests.one_of(question.path, question.literals, question.registry)


def _between(question: Question) -> TypedCondition:
    operators = (Operator.GE, Operator.LE)
    return AllOf(
        tuple(
            field_tests.compare(
                question.path, operator, literal, question.registry, offset=question.offset
            )
            for operator, literal in zip(operators, question.literals, strict=True)
        )
    )


def _contain_values(question: Question) -> TypedCondition:
    path = question.path
    if path.kind is not ValueKind.OPTIONS:
        raise ConditionError(
            f'{question.name} needs a multi-choice, "{path.key}" is {path.field.type}',
            question.offset,
        )
    numbers = dict.fromkeys(
        number
        for literal in question.literals
        for number in option_numbers(literal, path, question.registry)
    )
    tests = tuple(HasOption(path, number) for number in numbers)
    return tests[0] if len(tests) == 1 else AnyOf(tests)


def _text_test(function: str) -> Callable[[Question], TypedCondition]:
    def meaning(question: Question) -> TypedCondition:
        (sought,) = question.values
        if not isinstance(sought, Literal):
            raise ConditionError(
                f"{question.name} looks for a text", sought.offset, "write it in single quotes"
            )
        path = question.path
        return field_tests.text_test(
            function, path, sought, question.registry, offset=question.offset
        )

    return meaning


def _like(question: Question) -> TypedCondition:
    (pattern,) = question.values
    if not isinstance(pattern, Literal):
        raise ConditionError(
            f"{question.name} looks for a text", pattern.offset, "write it in single quotes"
        )
    return field_tests.like(question.name, question.path, pattern, offset=question.offset)


def _equal_asked(asked: AskedName) -> Callable[[Question], TypedCondition]:
    def meaning(question: Question) -> TypedCondition:
        value = field_tests.asked_value(question.path, asked, question.offset)
        return Compared(question.path, Operator.EQ, value)

    return meaning


def _in_set(name: AskedSetName) -> Callable[[Question], TypedCondition]:
    return lambda question: in_asked_set(question.path, name, question.offset)


def _in_hierarchy(*, is_under: bool, includes_itself: bool) -> Callable[[Question], TypedCondition]:
    def meaning(question: Question) -> TypedCondition:
        path, registry = question.path, question.registry
        of = (path.entity,) if path.field.type == "unique_id" else path.field.targets
        parents = [
            (name, field)
            for name in of
            for field in registry.entities[name].fields
            if field.hierarchical
        ]
        if len(parents) != 1:
            raise ConditionError(
                f'"{path.key}" ({path.field.type}) names records that have no hierarchy',
                question.offset,
                "the entity needs a lookup to itself with hierarchical: true",
            )
        (entity, parent), (value,) = parents[0], question.values
        identity = _identity(value, replace(path, field=path.field), entity)
        return InHierarchy(path, entity, parent, is_under, includes_itself, identity)

    return meaning


def _identity(value: Literal | Call, path: FieldPath, entity: str) -> str | Asked:
    if isinstance(value, Call):
        if value.function == AskedName.ME and not value.arguments and entity == USER:
            return Asked(AskedName.ME)
        if value.function == AskedName.MY_BUSINESS_UNIT and not value.arguments:
            return field_tests.asked_value(path, AskedName.MY_BUSINESS_UNIT, value.offset)
        raise ConditionError(f"{value.function}() is no record of {entity}", value.offset)
    found = read_as(value, ValueKind.ID)
    if not isinstance(found, str):
        raise wrong_kind(value, path)
    return found


def _in_period(question: Question) -> TypedCondition:
    path, period = question.path, PERIODS[question.name]
    if path.kind not in period.kinds:
        what = "a date and time" if path.kind is ValueKind.DATE else "a date"
        raise ConditionError(
            f'{question.name} needs {what}, "{path.key}" is {path.field.type}', question.offset
        )
    arguments = [
        _period_argument(question.name, kind, value)
        for kind, value in zip(period.takes, question.values, strict=True)
    ]
    return InPeriod(path, question.name, tuple(arguments))


def _period_argument(name: str, kind: ValueKind, value: Literal | Call) -> int | date:
    given = value.value if isinstance(value, Literal) else None
    if isinstance(given, str):
        given = _read_argument(given, kind)
    if kind is ValueKind.DATE and isinstance(given, date):
        return given.date() if isinstance(given, datetime) else given
    if kind is ValueKind.WHOLE and isinstance(given, Decimal):
        if given == given.to_integral_value() and 0 <= given <= MOST_UNITS:
            return int(given)
        raise ConditionError(f"{name} takes a whole number from 0 to {MOST_UNITS}", value.offset)
    shown = describe(value) if isinstance(value, Literal) else f"{value.function}()"
    hint = "a whole number" if kind is ValueKind.WHOLE else wanted(kind)
    raise ConditionError(f"{name} does not take {shown}", value.offset, f"write {hint}")


def _read_argument(text: str, kind: ValueKind) -> date | Decimal | None:
    try:
        if kind is ValueKind.DATE:
            return date.fromisoformat(text[:10])
        return Decimal(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None
    except ValueError:
        return None


def _not(meaning: Callable[[Question], TypedCondition]) -> Callable[[Question], TypedCondition]:
    return lambda question: Negated(meaning(question))


def _table() -> Mapping[str, QueryFunction]:
    contains, begins, ends = map(_text_test, ("contains", "startswith", "endswith"))
    user, unit = _equal_asked(AskedName.ME), _equal_asked(AskedName.MY_BUSINESS_UNIT)
    under = _in_hierarchy(is_under=True, includes_itself=False)
    rows: Sequence[tuple[str, int | None, Callable[[Question], TypedCondition]]] = (
        ("In", None, _in),
        ("NotIn", None, _not(_in)),
        ("Between", 2, _between),
        ("NotBetween", 2, _not(_between)),
        ("ContainValues", None, _contain_values),
        ("DoesNotContainValues", None, _not(_contain_values)),
        ("Contains", 1, contains),
        ("DoesNotContain", 1, _not(contains)),
        ("BeginsWith", 1, begins),
        ("DoesNotBeginWith", 1, _not(begins)),
        ("EndsWith", 1, ends),
        ("DoesNotEndWith", 1, _not(ends)),
        ("Like", 1, _like),
        ("NotLike", 1, _not(_like)),
        ("EqualUserId", 0, user),
        ("NotEqualUserId", 0, _not(user)),
        ("EqualBusinessId", 0, unit),
        ("NotEqualBusinessId", 0, _not(unit)),
        ("EqualUserTeams", 0, _in_set(AskedSetName.MY_TEAMS)),
        ("EqualUserOrUserTeams", 0, _in_set(AskedSetName.ME_AND_MY_TEAMS)),
        ("EqualUserOrUserHierarchy", 0, _in_set(AskedSetName.ME_AND_MY_PEOPLE)),
        ("EqualUserOrUserHierarchyAndTeams", 0, _in_set(AskedSetName.ME_MY_PEOPLE_AND_TEAMS)),
        ("Above", 1, _in_hierarchy(is_under=False, includes_itself=False)),
        ("AboveOrEqual", 1, _in_hierarchy(is_under=False, includes_itself=True)),
        ("Under", 1, under),
        ("UnderOrEqual", 1, _in_hierarchy(is_under=True, includes_itself=True)),
        ("NotUnder", 1, _not(under)),
        ("NotOn", 1, lambda question: Negated(_in_period(replace(question, name="On")))),
        *((name, len(period.takes), _in_period) for name, period in PERIODS.items()),
    )
    return MappingProxyType({name: QueryFunction(count, check) for name, count, check in rows})


QUERY_FUNCTIONS: Mapping[str, QueryFunction] = _table()
