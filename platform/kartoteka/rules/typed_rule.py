"""TypedRule: a rule whose conditions and formulas are checked trees.

Rules look at fields of the record itself and at who asks when. That is what the browser has as
well, so that a rule comes to the same there as on the server, with nothing to be fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kartoteka.calculated.formulas import calculation_steps
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.check_expression import check_expression
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse, parse_expression
from kartoteka.conditions.typed import (
    Asked,
    AskedName,
    Expression,
    FieldPath,
    InAskedSet,
    InHierarchy,
    InPeriod,
    Quantified,
    TypedCondition,
)
from kartoteka.conditions.walk import parts_of, paths_of
from kartoteka.model.field import Field
from kartoteka.model.rule import SETTING, Action, Rule
from kartoteka.registry import Registry
from kartoteka.rules.literal import literal_of

_ENTITY_ASKED = {AskedName.ME: "systemuser", AskedName.MY_BUSINESS_UNIT: "businessunit"}


@dataclass(frozen=True, slots=True)
class TypedAction:
    """An action; ``value`` is what set and set_default give the field."""

    action: Action
    value: Expression | None = None
    then: tuple[TypedAction, ...] = ()

    @property
    def looks_at(self) -> Iterator[str]:
        """Yield the fields that its formulas look at."""
        if self.value is not None:
            yield from (path.field.name for path in paths_of(self.value))
        for inner in self.then:
            yield from inner.looks_at


@dataclass(frozen=True, slots=True)
class TypedBranch:
    """A branch with its checked condition."""

    condition: TypedCondition
    then: tuple[TypedAction, ...]


@dataclass(frozen=True, slots=True)
class TypedRule:
    """A rule, ready to be compiled.

    ``looks_at`` are the fields that decide about it: those of its conditions and formulas, and what
    the stored formulas among these are made of. ``writes`` are those that it may set, ``fields``
    all that it names.
    """

    rule: Rule
    branches: tuple[TypedBranch, ...]
    otherwise: tuple[TypedAction, ...]
    looks_at: frozenset[str]
    writes: frozenset[str]
    fields: frozenset[str]

    @property
    def nodes(self) -> Iterator[TypedCondition | Expression]:
        """Yield every condition and formula."""
        for branch in self.branches:
            yield branch.condition
            yield from _formulas(branch.then)
        yield from _formulas(self.otherwise)


def type_rule(rule: Rule, registry: Registry) -> TypedRule:
    """Return a rule of a checked registry, typed."""

    def typed(actions: tuple[Action, ...]) -> tuple[TypedAction, ...]:
        return tuple(
            TypedAction(action, _value(action, rule.entity, registry), typed(action.then))
            for action in actions
        )

    branches = tuple(
        TypedBranch(type_condition(branch.when, registry, rule.entity), typed(branch.then))
        for branch in rule.branches
    )
    otherwise = typed(rule.otherwise)
    actions = [*(action for branch in branches for action in branch.then), *otherwise]
    read = {
        *(path.field.name for branch in branches for path in paths_of(branch.condition)),
        *(name for action in actions for name in action.looks_at),
    }
    writes = {
        name
        for action in rule.actions
        if action.verb in SETTING or action.verb == "clear"
        for name in action.targets
    }
    named = {name for action in rule.actions for name in action.fields}
    behind = {
        name for step in calculation_steps(registry, rule.entity, read) for name in step.inputs
    }
    return TypedRule(
        rule, branches, otherwise,
        frozenset(read | behind), frozenset(writes), frozenset(read | named),
    )  # fmt: skip


def type_condition(text: str, registry: Registry, entity: str) -> TypedCondition:
    """Return the checked condition of a rule.

    Raises:
        ConditionError: It is none, or looks beyond the record.
    """
    condition = check_condition(parse(text), registry, entity)
    _refuse_beyond_record(condition, text)
    return condition


def type_formula(text: str, field: Field, registry: Registry, entity: str) -> Expression:
    """Return the checked formula that gives a field its value; of a yes/no field a condition.

    Raises:
        ConditionError: It is none, looks beyond the record, or gives what the field cannot hold.
    """
    value = check_expression(parse_expression(text), registry, entity, for_field=field)
    _refuse_beyond_record(value, text)
    if field.is_lookup:
        _check_targets(value, field)
    return value


def target_of(value: Expression) -> str:
    """Return the entity of the record that ``me()`` and the like name; "" for other values."""
    return _ENTITY_ASKED.get(value.name, "") if isinstance(value, Asked) else ""


def _formulas(actions: tuple[TypedAction, ...]) -> Iterator[Expression]:
    for action in actions:
        if action.value is not None:
            yield action.value
        yield from _formulas(action.then)


def _value(action: Action, entity: str, registry: Registry) -> Expression | None:
    if action.verb not in SETTING:
        return None
    field = registry.entities[entity].field_by_name[action.name]
    if action.formula:
        return type_formula(action.formula, field, registry, entity)
    return literal_of(action.value, field)


def _refuse_beyond_record(node: TypedCondition | Expression, text: str) -> None:
    for part in parts_of(node):
        match part:
            case FieldPath(steps=steps, field=field) if steps:
                path = part.key
                raise ConditionError(
                    f'"{path}" is a field of another record',
                    max(text.find(steps[0].key), 0),
                    "a rule looks at fields of its own record only",
                )
            case FieldPath(field=field) if field.is_on_read:
                raise ConditionError(
                    f'"{field.name}" is worked out when somebody reads it, not when a rule runs',
                    max(text.find(field.name), 0),
                    f"write out its formula: {field.formula}",
                )
            case Quantified(collection=collection):
                raise ConditionError(
                    f'"{collection.name}" are other records',
                    max(text.find(collection.name), 0),
                    "a rule looks at fields of its own record only",
                )
            case InPeriod(name=name) if "Fiscal" in name:
                raise ConditionError(
                    f"{name} needs the organization's calendar, which a rule does not know",
                    max(text.find(name), 0),
                    "write months or dates",
                )
            case InHierarchy() | InAskedSet():
                path = part.path.field.name
                raise ConditionError(
                    f'what lies around the record that "{path}" names is not known to a rule',
                    max(text.find(path), 0),
                    "a rule can compare it with me() and mybusinessunit()",
                )


def _check_targets(value: Expression, field: Field) -> None:
    """Refuse a lookup that would name a record of an entity that is not among its targets."""
    match value:
        case FieldPath(field=other):
            wrong = [name for name in other.targets if name not in field.targets]
            if not other.targets:
                wrong = [value.entity] if value.entity not in field.targets else []
        case Asked():
            wrong = [name for name in (target_of(value),) if name not in field.targets]
        case _:
            raise ConditionError(
                f'"{field.name}" names a record, which a formula cannot make',
                0,
                "write another lookup, me() or mybusinessunit()",
            )
    if wrong:
        raise ConditionError(
            f'"{field.name}" cannot name {" or ".join(wrong)}',
            0,
            f"it names {', '.join(field.targets)}",
        )
