"""``rules_json``: rules as the browser runs them, in one language.

| key | is |
|---|---|
| ``name`` | the rule's |
| ``always`` | whether the server sets its values too, whatever was typed there |
| ``looks_at`` | the fields whose change lets it set values |
| ``branches`` | ``[[condition, [action, …]], …]``, the first that holds counts |
| ``otherwise`` | ``[action, …]`` |

An action is ``[verb, …]``: ``set`` and ``set_default`` with a field and an expression, ``require``
with fields and a level, ``error`` with key, field and text, ``recommend`` with key, field and
actions, all others with their fields, sections or tabs. Conditions and expressions are those of
``kartoteka.conditions.to_json``; keys are ``rule.name``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kartoteka.conditions.to_json import expression_to_json, to_json
from kartoteka.model.label import Label
from kartoteka.rules.typed_rule import TypedAction, TypedRule

Text = Callable[[Label], str]


def rules_json(rules: Iterable[TypedRule], text: Text) -> list[dict[str, Any]]:
    """Return the rules in the order given; ``text`` puts labels into a language."""
    return [
        {
            "name": rule.rule.name,
            "always": rule.rule.scope == "entity",
            "looks_at": sorted(rule.looks_at),
            "branches": [
                [to_json(branch.condition), _actions(rule, branch.then, text)]
                for branch in rule.branches
            ],
            "otherwise": _actions(rule, rule.otherwise, text),
        }
        for rule in rules
    ]


def key_of(rule: str, name: str) -> str:
    """Return what an error or recommendation is called among those of all rules."""
    return f"{rule}.{name}"


def _actions(rule: TypedRule, actions: Iterable[TypedAction], text: Text) -> list[list[Any]]:
    return [_action(rule, item, text) for item in actions]


def _action(rule: TypedRule, item: TypedAction, text: Text) -> list[Any]:
    action = item.action
    match action.verb:
        case "set" | "set_default":
            assert item.value is not None
            return [action.verb, action.name, expression_to_json(item.value)]
        case "require":
            return ["require", list(action.targets), action.level]
        case "error":
            key = key_of(rule.rule.name, action.name)
            return ["error", key, action.field, text(action.message)]
        case "recommend":
            key = key_of(rule.rule.name, action.name)
            return ["recommend", key, action.field, _actions(rule, item.then, text)]
        case verb:
            return [verb, list(action.targets)]
