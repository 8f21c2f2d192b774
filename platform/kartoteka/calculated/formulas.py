"""Formulas of calculated fields → expressions; what they depend on, and the order of several."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kartoteka.conditions.check_expression import check_expression
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse_expression
from kartoteka.conditions.typed import (
    Applied,
    Asked,
    Case,
    Expression,
    FieldPath,
    InAskedSet,
    InHierarchy,
    InPeriod,
    Quantified,
    TypedCondition,
    ValueKind,
)
from kartoteka.conditions.walk import parts_of, paths_of
from kartoteka.model.field import Field
from kartoteka.registry import Registry

MOST_DEPTH = 5  # formulas over formulas. Source: reference platform, section 1.9

# Functions that count on the calendar and clock of whoever asks, when they are given an instant.
_BY_ZONE = frozenset({
    "year", "month", "day", "hour", "minute", "second", "date", "adddays", "addweeks",
    "addmonths", "addyears", "diffindays", "diffinweeks", "diffinmonths", "diffinyears",
})  # fmt: skip


class FormulaCircle(ConditionError):
    """Formulas look at one another in a circle; ``chain`` names them (``account.score``)."""

    def __init__(self, chain: tuple[str, ...]) -> None:
        """Name the fields, the first one again at the end."""
        self.chain = chain
        super().__init__(f"the formulas go in a circle: {' → '.join(chain)}")


def read_formula(field: Field, registry: Registry, entity: str) -> Expression:
    """Return what a formula of a field of ``entity`` means.

    Raises:
        ConditionError: It cannot be read, or names what there is not.
    """
    tree = parse_expression(field.formula)
    found = check_expression(tree, registry, entity, for_field=field)
    if any(isinstance(part, Quantified) for part in parts_of(found)):
        raise ConditionError(
            "a formula cannot look at the records that belong to this one", 0, "write a rollup"
        )
    if any(isinstance(part, InPeriod) for part in parts_of(found)):
        raise ConditionError(
            "a formula cannot ask for periods", 0, "compare with now(), as in adddays(now(),-7)"
        )
    return found


def formula_of(field: Field, registry: Registry, entity: str) -> Expression:
    """Return the same of a registry that was checked; worked out once."""
    known: dict[tuple[str, str], Expression] = registry.kept.setdefault("formulas", {})
    key = (entity, field.name)
    if key not in known:
        known[key] = read_formula(field, registry, entity)
    return known[key]


def formula_depth(field: Field, registry: Registry, entity: str) -> int:
    """Return how many formulas lie behind one another, the field's own included.

    Raises:
        FormulaCircle: They go in a circle.
        ConditionError: One of them cannot be read.
    """
    return _depth(field, registry, entity, ())


def _depth(field: Field, registry: Registry, entity: str, above: tuple[str, ...]) -> int:
    name = f"{entity}.{field.name}"
    if name in above:
        raise FormulaCircle((*above[above.index(name) :], name))
    chain = (*above, name)
    expression = read_formula(field, registry, entity)
    return 1 + max(
        (
            _depth(path.field, registry, path.entity, chain)
            for path in paths_of(expression)
            if path.field.formula
        ),
        default=0,
    )


def depends_on_asker(node: Expression | TypedCondition) -> bool:
    """Return whether the answer is another one for other people, or at another moment."""
    return any(_asks(part) for part in parts_of(node))


def _asks(part: Any) -> bool:
    match part:
        case Asked() | InPeriod() | InAskedSet() | InHierarchy():
            return True
        case Applied(function, arguments):
            return function in _BY_ZONE and any(
                argument.kind is ValueKind.INSTANT for argument in arguments
            )
        case _:
            return False


def own_inputs(
    node: Expression | TypedCondition, registry: Registry, entity: str
) -> frozenset[str]:
    """Return the fields of a record itself whose stored values decide about ``node``.

    What is calculated on read is followed down to what it is made of; a lookup counts when a path
    goes over it.
    """
    found: set[str] = set()
    for path in paths_of(node):
        if path.steps:
            found.add(path.steps[0].field.name)
        elif path.field.is_on_read:
            found |= own_inputs(read_formula(path.field, registry, entity), registry, entity)
        else:
            found.add(path.field.name)
    return frozenset(found)


def what_keeps_from_storing(
    node: Expression | TypedCondition, registry: Registry, entity: str
) -> str:
    """Return why a value cannot be kept up to date by changes of the record alone; "" when it can.

    Raises:
        ConditionError: A formula behind it cannot be read.
    """
    if depends_on_asker(node):
        return "it depends on who asks, or when"
    for path in paths_of(node):
        if path.steps:
            return f'"{path.key}" belongs to another record'
        if path.field.name == "versionnumber":
            return f'"{path.key}" changes with every write'
        if path.field.is_on_read:
            inner = read_formula(path.field, registry, entity)
            reason = what_keeps_from_storing(inner, registry, entity)
            if reason:
                return f'of "{path.key}": {reason}'
    return ""


@dataclass(frozen=True, slots=True)
class CalculationStep:
    """One formula of a record's own fields; ``inputs`` are the fields that it names itself."""

    field: Field
    expression: Expression
    inputs: frozenset[str]


def calculation_steps(
    registry: Registry, entity: str, only: Collection[str] | None = None
) -> tuple[CalculationStep, ...]:
    """Return the stored formulas of an entity, in the order in which they can be worked out.

    Those that these look at stand among them, also those on read. ``only`` names the fields that
    are wanted, others than stored formulas among them; None: all.
    """
    fields: Mapping[str, Field] = registry.entities[entity].field_by_name
    found: dict[str, CalculationStep] = {}

    def add(field: Field) -> None:
        if field.name in found:
            return
        expression = formula_of(field, registry, entity)
        inputs = frozenset(path.field.name for path in paths_of(expression))
        for name in sorted(inputs):
            if fields[name].formula:
                add(fields[name])
        found[field.name] = CalculationStep(field, expression, inputs)

    for field in fields.values():
        if field.formula and field.stored and (only is None or field.name in only):
            add(field)
    return tuple(found.values())


def option_sources(expression: Expression) -> Iterator[FieldPath]:
    """Yield the choices whose options may be the result of an expression."""
    match expression:
        case FieldPath():
            yield expression
        case Case(branches, otherwise):
            for _, value in branches:
                yield from option_sources(value)
            yield from option_sources(otherwise)
        case Applied("coalesce", arguments):
            for argument in arguments:
                yield from option_sources(argument)
