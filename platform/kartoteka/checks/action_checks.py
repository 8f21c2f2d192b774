"""Rules about one action of a business rule: its keys, what it names, and the values it gives."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlList, YamlMap
from kartoteka.loading.read_rule import actions_in
from kartoteka.location import Location
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.rule import ON_FIELDS, SETTING, VERBS, Action, Rule
from kartoteka.names import did_you_mean
from kartoteka.rules.literal import LiteralRefused, literal_of
from kartoteka.rules.typed_rule import type_formula

_WRITING = SETTING | {"clear"}
_PARTS = {
    "show_section": "section", "hide_section": "section", "show_tab": "tab", "hide_tab": "tab",
}  # fmt: skip
_UNKNOWN_PART = {"section": "rule/unknown-section", "tab": "rule/unknown-tab"}


def check_action(
    scope: Scope, rule: Rule, entity: Entity, action: Action, content: YamlMap
) -> Iterator[Diagnostic]:
    """Yield what is wrong with an action; ``content`` is the map that it was read from."""
    yield from _check_keys(action, content)
    yield from _check_fields(scope, entity, action, content)
    if action.verb in _PARTS:
        yield from _check_parts(scope, rule, action, content)
    if action.verb in SETTING:
        yield from _check_value(scope, entity, action, content)
    if action.verb == "error":
        yield from _check_text(action, content, "message", "says nothing")
    if action.verb == "recommend":
        yield from _check_recommendation(scope, rule, entity, action, content)


def _check_keys(action: Action, content: YamlMap) -> Iterator[Diagnostic]:
    for key in content:
        if key in VERBS and key != action.verb:
            yield Diagnostic(
                content.at_key(key), "rule/two-verbs",
                f"the action says {action.verb} and {key} at once", "make it two actions",
            )  # fmt: skip
        elif key not in VERBS and key not in VERBS[action.verb]:
            known = sorted(VERBS[action.verb])
            yield Diagnostic(
                content.at_key(key), "rule/key-not-for-action",
                f'"{key}" does not apply to {action.verb}',
                f"with it go {', '.join(known)}" if known else "leave it out",
            )  # fmt: skip


def _check_fields(
    scope: Scope, entity: Entity, action: Action, content: YamlMap
) -> Iterator[Diagnostic]:
    named = []
    if action.verb in ON_FIELDS:
        named += _named(content, action.verb)
    if "field" in content:
        named.append((content["field"], content.at("field")))
    for name, place in named:
        field = entity.field_by_name.get(name)
        if field is None:
            yield from scope.unknown_field(entity, name, place, "rule/unknown-field")
        elif action.verb in _WRITING and name not in scope.doubtful_fields(entity.name):
            yield from _check_writable(entity, field, place)


def _check_writable(entity: Entity, field: Field, place: Location) -> Iterator[Diagnostic]:
    problem, hint = "", ""
    if field.type == "state" or field.type == "status":
        problem = f'"{field.name}" follows the states of "{entity.name}"'
        hint = "commands and transitions change it"
    elif field.read_only or field.joined_from or field.base_of or field.type == "autonumber":
        problem = f'only the platform and plugins write "{field.name}"'
        hint = "a field that people may write can be locked on forms instead"
    elif field.type in ("unique_id", "party_list", "multi_choice"):
        problem = f'a rule cannot write "{field.name}", a {field.type} field'
    if problem:
        yield Diagnostic(place, "rule/read-only-field", problem, hint)


def _check_parts(
    scope: Scope, rule: Rule, action: Action, content: YamlMap
) -> Iterator[Diagnostic]:
    """Check that some form on which the rule holds has a section or tab of each name."""
    noun = _PARTS[action.verb]
    forms = [
        form for form in scope.registry.forms.values()
        if form.entity == rule.entity and (rule.scope != "form" or form.name == rule.form)
    ]  # fmt: skip
    tabs = [tab for form in forms for tab in form.tabs]
    known = {section.name for tab in tabs for section in tab.sections}
    if noun == "tab":
        known = {tab.name for tab in tabs}
    if not forms or any(kind in ("form", "") for kind, _ in scope.tree.unreadable):
        return
    for name, place in _named(content, action.verb):
        if name not in known:
            where = f'the form "{rule.form}"' if rule.scope == "form" else "any of its forms"
            yield Diagnostic(
                place, _UNKNOWN_PART[noun], f'"{name}" is not a {noun} of {where}',
                did_you_mean(name, known),
            )  # fmt: skip


def _check_value(
    scope: Scope, entity: Entity, action: Action, content: YamlMap
) -> Iterator[Diagnostic]:
    said = [key for key in ("value", "formula") if key in content]
    if content.damaged.intersection({"value", "formula"}):
        return
    if len(said) != 1:
        yield Diagnostic(
            content.at(action.verb), "rule/no-value",
            f'the action gives "{action.name}" {"two values" if said else "no value"}',
            "give it either value or formula",
        )  # fmt: skip
        return
    field = entity.field_by_name.get(action.name)
    if field is None or field.name in scope.doubtful_fields(entity.name):
        return
    if list(_check_writable(entity, field, action.location)):
        return
    if "value" in content:
        try:
            literal_of(action.value, field)
        except LiteralRefused as refused:
            yield Diagnostic(content.at("value"), "rule/bad-value", refused.message, refused.hint)
        return
    try:
        type_formula(action.formula, field, scope.registry, entity.name)
    except ConditionError as error:
        if scope.mentions_doubtful_field(entity.name, action.formula):
            return
        mark = content.value_marks["formula"]
        yield Diagnostic(mark.inside(error.offset), "rule/bad-formula", error.message, error.hint)


def _check_text(action: Action, content: YamlMap, key: str, problem: str) -> Iterator[Diagnostic]:
    if not action.message and key not in content.damaged:
        noun = "error" if action.verb == "error" else "recommendation"
        yield Diagnostic(
            content.at(action.verb), "rule/no-message",
            f'the {noun} "{action.name}" {problem}', f"add {key}: {{ en: … }}",
        )  # fmt: skip


def _check_recommendation(
    scope: Scope, rule: Rule, entity: Entity, action: Action, content: YamlMap
) -> Iterator[Diagnostic]:
    yield from _check_text(action, content, "label", "proposes nothing")
    if "field" not in content and "field" not in content.damaged:
        yield Diagnostic(
            content.at("recommend"), "rule/no-field",
            f'the recommendation "{action.name}" does not say beside which field it stands',
            "add field:",
        )  # fmt: skip
    if not action.then and "then" not in content.damaged:
        yield Diagnostic(
            content.at("recommend"), "rule/no-value",
            f'accepting the recommendation "{action.name}" does nothing',
            "add then: with what to set or clear",
        )  # fmt: skip
    for inner, item in zip(action.then, actions_in(content, "then"), strict=True):
        yield from check_action(scope, rule, entity, inner, item)


def _named(content: YamlMap, key: str) -> list[tuple[str, Location]]:
    """Return the names under a key, which is one or a list, with their places."""
    found = content[key]
    if isinstance(found, YamlList):
        return [(item, mark.location()) for item, mark in found.marked() if isinstance(item, str)]
    return [(found, content.at(key))]
