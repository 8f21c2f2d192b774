"""RuleSet: rules compiled once, run in order over a record's values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from operator import attrgetter
from typing import Any

from kartoteka.calculated.stored_formulas import StoredFormulas
from kartoteka.conditions.asker import Asker
from kartoteka.conditions.compile_closure import compile_closure, compile_value
from kartoteka.conditions.typed import Expression, FieldPath
from kartoteka.model.field import Field
from kartoteka.model.field_types import FIELD_TYPES
from kartoteka.model.rule import Rule
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka.rules.outcome import Outcome, Refusal
from kartoteka.rules.typed_rule import TypedAction, TypedRule, target_of, type_rule

_EXACT = Context(prec=60)  # more digits than any number of the language has
_Act = Callable[[Outcome, Asker, bool], None]  # the flag: whether the record is new
_Value = Callable[[Mapping[str, Any], Asker], Any]
_Names = set[str]
# {verb: (what it does to a set of names, which one)}
_CHANGES: Mapping[
    str, tuple[Callable[[_Names, Iterable[str]], None], Callable[[Outcome], _Names]]
] = {
    "hide": (_Names.update, attrgetter("hidden")),
    "show": (_Names.difference_update, attrgetter("hidden")),
    "hide_section": (_Names.update, attrgetter("hidden_sections")),
    "show_section": (_Names.difference_update, attrgetter("hidden_sections")),
    "hide_tab": (_Names.update, attrgetter("hidden_tabs")),
    "show_tab": (_Names.difference_update, attrgetter("hidden_tabs")),
    "lock": (_Names.update, attrgetter("locked")),
    "unlock": (_Names.difference_update, attrgetter("locked")),
}


class RuleSet:
    """The rules of one entity that hold somewhere: on every write, or on one form."""

    def __init__(self, rules: Sequence[Rule], registry: Registry) -> None:
        """Compile ``rules``, of which there are some, in the order in which they run."""
        self.typed = tuple(type_rule(rule, registry) for rule in rules)
        self._compiled = tuple(_rule(rule, registry) for rule in self.typed)
        # All that the rules name, and what they look at or set: a write of none of these leaves
        # them as they are. State and reason change together.
        self.fields = frozenset().union(*(rule.fields for rule in self.typed))
        self.formulas = StoredFormulas(rules[0].entity, registry, _looked_at(self.typed))
        decided_by = frozenset().union(*(rule.looks_at | rule.writes for rule in self.typed))
        states = _states(registry, rules)
        self.decided_by = decided_by if decided_by.isdisjoint(states) else decided_by | states

    def run(self, record: Mapping[str, Any], asker: Asker, *, is_new: bool) -> Outcome:
        """Return what the rules make of a record; each runs once and sees what came before it.

        Stored formulas are worked out for each from what the record holds at its turn.
        """
        outcome = Outcome(dict(record))
        for run in self._compiled:
            outcome.record.update(self.formulas.anew(outcome.record))
            run(outcome, asker, is_new)
        return outcome


def rules_on_write(entity: str, registry: Registry) -> RuleSet | None:
    """Return the rules that hold on every write of an entity's records; None without any."""
    rules = [rule for rule in registry.rules_of.get(entity, ()) if rule.scope == "entity"]
    return RuleSet(rules, registry) if rules else None


def _looked_at(rules: Sequence[TypedRule]) -> frozenset[str]:
    return frozenset().union(*(rule.looks_at for rule in rules))


def _states(registry: Registry, rules: Sequence[Rule]) -> frozenset[str]:
    return frozenset(
        field.name
        for rule in rules[:1]
        for field in registry.entities[rule.entity].fields
        if field.type in ("state", "status")
    )


def _rule(rule: TypedRule, registry: Registry) -> _Act:
    fields = registry.entities[rule.rule.entity].field_by_name
    branches = tuple(
        (compile_closure(branch.condition), _actions(rule.rule.name, branch.then, fields))
        for branch in rule.branches
    )
    otherwise = _actions(rule.rule.name, rule.otherwise, fields)

    def run(outcome: Outcome, asker: Asker, is_new: bool) -> None:
        acts = otherwise
        for holds, then in branches:
            if holds(outcome.record, asker):
                acts = then
                break
        for act in acts:
            act(outcome, asker, is_new)

    return run


def _actions(
    rule: str, actions: Sequence[TypedAction], fields: Mapping[str, Field]
) -> tuple[_Act, ...]:
    return tuple(_action(rule, item, fields) for item in actions)


def _action(rule: str, item: TypedAction, fields: Mapping[str, Field]) -> _Act:
    """Return the function of one action, by its verb."""
    action, names = item.action, item.action.targets
    match action.verb:
        case "set" | "set_default":
            assert item.value is not None
            value = value_function(item.value, fields[action.name])
            return _setting(action.name, value, is_default=action.verb == "set_default")
        case "clear":
            return _clearing(names)
        case "require":
            levels = dict.fromkeys(names, action.level)
            return lambda outcome, asker, is_new: outcome.required.update(levels)
        case "error":
            refusal = Refusal(rule, action.name, action.message, action.field)
            return lambda outcome, asker, is_new: outcome.refusals.append(refusal)
        case "recommend":
            proposal = (rule, action.name)
            return lambda outcome, asker, is_new: outcome.proposed.append(proposal)
        case verb:
            change, names_of = _CHANGES[verb]
            return lambda outcome, asker, is_new: change(names_of(outcome), names)


def _setting(name: str, value: _Value, *, is_default: bool) -> _Act:
    def act(outcome: Outcome, asker: Asker, is_new: bool) -> None:
        if not is_default or (is_new and outcome.record.get(name) is None):
            outcome.put(name, value(outcome.record, asker))

    return act


def _clearing(names: Sequence[str]) -> _Act:
    def act(outcome: Outcome, asker: Asker, is_new: bool) -> None:
        for name in names:
            outcome.put(name, None)

    return act


def value_function(value: Expression, field: Field) -> _Value:
    """Return the function that gives a field its value, as records hold it.

    Numbers are rounded to the field's places, halves away from zero. Whatever else the field
    cannot hold (too long, too large) is left to the validation of the record.
    """
    if field.is_lookup:
        return _reference_function(value)
    compute = compile_value(value)
    storage = FIELD_TYPES[field.type].storage
    if storage not in ("integer", "big_integer", "decimal", "float"):
        return compute
    places = Decimal(1).scaleb(-(field.precision or 0))

    def rounded(record: Mapping[str, Any], asker: Asker) -> Any:
        found = compute(record, asker)
        if found is None:
            return None
        exact = Decimal(str(found)).quantize(places, ROUND_HALF_UP, _EXACT)
        match storage:
            case "decimal":
                return exact
            case "float":
                return float(exact)
            case _:
                return int(exact)

    return rounded


def _reference_function(value: Expression) -> _Value:
    """Return the function of a lookup's value: that of another lookup, or who asks."""
    if isinstance(value, FieldPath):
        name, entity = value.field.name, value.entity

        def copied(record: Mapping[str, Any], asker: Asker) -> Any:
            found = record.get(name)
            return Reference(entity, found) if isinstance(found, str) else found

        return copied
    entity, compute = target_of(value), compile_value(value)

    def asked(record: Mapping[str, Any], asker: Asker) -> Any:
        found = compute(record, asker)
        return Reference(entity, found) if found else None

    return asked
