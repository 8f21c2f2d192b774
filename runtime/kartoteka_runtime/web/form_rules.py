"""FormRules: the business rules of one form, for its template, its posts and the browser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.to_json import asker_to_json, expression_to_json
from kartoteka.conditions.typed import kind_of
from kartoteka.model.form import Form
from kartoteka.model.rule import Action, Rule
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka.rules.outcome import Outcome
from kartoteka.rules.rule_json import key_of, rules_json
from kartoteka.rules.rule_set import RuleSet
from kartoteka_runtime.localization.number_shapes import number_shape
from kartoteka_runtime.web.entity_model import Words
from kartoteka_runtime.web.form_model import FormModel

_WITH_RULES = frozenset({"main", "quick_create"})


@dataclass(frozen=True, slots=True)
class Proposal:
    """A recommendation as a form shows it, beside a field."""

    key: str
    field: str
    label: str
    details: str


class FormRules:
    """The rules that hold on one form; made once a publication and language.

    ``hidden``, ``locked`` and ``required`` name the fields of which rules may say so, ``sections``
    and ``tabs`` those that they may hide: all else of the form is never asked about.
    """

    def __init__(self, rules: Iterable[Rule], form: FormModel, words: Words) -> None:
        """Compile ``rules``; what they name is on the form."""
        registry = words.registry
        self._fields = registry.entities[form.entity.name].field_by_name
        self._set = RuleSet(tuple(rules), registry)
        actions = [action for item in self._set.typed for action in item.rule.actions]
        self.hidden = _targets(actions, "hide")
        self.locked = _targets(actions, "lock")
        self.required = _targets(actions, "require")
        self.sections = _targets(actions, "hide_section")
        self.tabs = _targets(actions, "hide_tab")
        self.has_errors = any(action.verb == "error" for action in actions)
        self.proposals = tuple(
            Proposal(
                key_of(item.rule.name, action.name),
                action.field,
                words.labels.text(action.message, words.language),
                words.labels.text(action.details, words.language),
            )
            for item in self._set.typed
            for action in item.rule.actions
            if action.verb == "recommend"
        )
        self._edited = {control.name for control in form.edited}
        self._needed = self._set.fields | self._set.formulas.needed
        self.json = self._script(form, words)

    @property
    def fields(self) -> frozenset[str]:
        """Return every field that the rules name."""
        return self._set.fields

    def outcome(self, record: Mapping[str, Any], asker: Asker, *, is_new: bool) -> Outcome:
        """Return what the rules make of a record."""
        return self._set.run(record, asker, is_new=is_new)

    def request_json(
        self,
        record: Mapping[str, Any],
        asker: Asker,
        *,
        user_name: str,
        is_new: bool,
        is_fresh: bool,
    ) -> str:
        """Return what the browser needs beside the rules: who asks, and values without inputs."""
        nodes = [node for rule in self._set.typed for node in rule.nodes]
        beside = {name: _json_value(record.get(name)) for name in self._needed - self._edited}
        known = [record.get(name) for name in beside]
        asked = {
            "asker": asker_to_json(asker, nodes),
            "values": beside,
            "references": {
                asker.user_id: {"ref": f"systemuser:{asker.user_id}", "name": user_name},
                asker.business_unit_id: {
                    "ref": f"businessunit:{asker.business_unit_id}",
                    "name": asker.business_unit_id,
                },
                **{
                    value.id: {"ref": f"{value.entity}:{value.id}", "name": value.name or value.id}
                    for value in known
                    if isinstance(value, Reference)
                },
            },
            "new": is_new,
            "fresh": is_fresh,
        }
        return orjson.dumps(asked).decode()

    def _script(self, form: FormModel, words: Words) -> str:
        """Return the rules and how the inputs of their fields are read, as JSON."""
        shape = number_shape(words.language)
        widgets = {control.name: control.widget for control in form.edited}
        inputs = {
            name: {
                "widget": widgets[name],
                "kind": kind.value,
                "places": self._fields[name].precision or 0,
                "targets": list(self._fields[name].targets),
            }
            for name in sorted(self._needed & self._edited)
            if (kind := kind_of(self._fields[name])) is not None
        }
        script = {
            "rules": rules_json(
                self._set.typed, lambda label: words.labels.text(label, words.language)
            ),
            "formulas": [
                [name, expression_to_json(expression)]
                for name, expression in self._set.formulas.expressions
            ],
            "inputs": inputs,
            "decimal": shape.decimal,
            "group": shape.group,
        }
        return orjson.dumps(script).decode()


def build_form_rules(form: Form, model: FormModel, words: Words) -> FormRules | None:
    """Return the rules that hold on a form; None when there is none.

    A rule takes part when everything that it names is on the form. Source: reference platform,
    section 3.4.
    """
    if form.type not in _WITH_RULES:
        return None
    on_form = {control.name for control in model.fields}
    rules = [
        rule for rule in words.registry.rules_of.get(form.entity, ())
        if rule.scope != "form" or rule.form == form.name
    ]  # fmt: skip
    rules = [rule for rule in rules if named_fields(rule, words.registry) <= on_form]
    return FormRules(rules, model, words) if rules else None


def named_fields(rule: Rule, registry: Registry) -> frozenset[str]:
    """Return every field that a rule names."""
    return RuleSet((rule,), registry).fields


def _targets(actions: Iterable[Action], verb: str) -> frozenset[str]:
    return frozenset(name for action in actions if action.verb == verb for name in action.targets)


def _json_value(value: Any) -> Any:
    """Return a record's value as the browser's conditions read it."""
    match value:
        case Reference():
            return value.id
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
        case _:
            return value
