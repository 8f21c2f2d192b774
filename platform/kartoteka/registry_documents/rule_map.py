"""Rules, with their branches and actions, as documents have them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kartoteka.model.document_values import action_map
from kartoteka.model.rule import Action, Rule
from kartoteka.registry_documents.sparse_map import (
    Map,
    Said,
    exact_number,
    label_map,
    sparse,
    unless,
)


def rule_map(rule: Rule) -> Map:
    """Return the content of a rule."""
    return {
        "label": label_map(rule.label),
        "help": label_map(rule.help),
        "entity": rule.entity,
        "scope": rule.scope,
        "form": rule.form,
        "order": unless(rule.order, 100),
        "enabled": None if rule.is_enabled else Said(False),
        "branches": [
            sparse({"name": branch.name, "when": branch.when, "then": Said(_actions(branch.then))})
            for branch in rule.branches
        ],
        "otherwise": _actions(rule.otherwise),
    }


def _actions(actions: tuple[Action, ...]) -> list[Map]:
    return [_action(action) for action in actions]


def _action(action: Action) -> Map:
    found = action_map(action)
    value = action.value
    found["value"] = None if value is None else Said(_literal(value))
    found["then"] = [_action(inner) for inner in action.then]
    return sparse(found)


def _literal(value: Any) -> Any:
    return exact_number(value) if isinstance(value, Decimal) else value
