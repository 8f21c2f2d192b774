"""Rules about business rules: what they name exists, and what they say can be."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.action_checks import check_action
from kartoteka.checks.scope import Scope
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in
from kartoteka.loading.read_rule import actions_in, verb_of
from kartoteka.model.entity import Entity
from kartoteka.model.rule import SPEAKING, Action, Branch, Rule
from kartoteka.rules.typed_rule import type_condition


def check_rule(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with a business rule."""
    rule = scope.registry.rules.get(name)
    if rule is None:
        return  # it does not say of which entity
    entity = scope.entity(rule.entity)
    if entity is None:
        place = scope.where("rule", rule.name, "entity")
        yield from scope.unknown("entity", rule.entity, place, "rule/unknown-entity")
        return
    yield from _check_form(scope, rule)
    content = scope.content("rule", rule.name)
    branches = [item for item in maps_in(content, "branches") if "name" in item]
    for branch, item in zip(rule.branches, branches, strict=True):
        yield from _check_when(scope, entity, branch, item)
        yield from _check_list(scope, rule, entity, item, "then", branch.then)
    yield from _check_list(scope, rule, entity, content, "otherwise", rule.otherwise)
    yield from _check_names(rule)
    if not any(rule.actions) and not content.damaged and not any(b.damaged for b in branches):
        yield Diagnostic(rule.location, "rule/empty", f'the rule "{rule.name}" does nothing')


def _check_form(scope: Scope, rule: Rule) -> Iterator[Diagnostic]:
    content = scope.content("rule", rule.name)
    if "scope" in content.damaged or "form" in content.damaged:
        return
    if rule.scope != "form":
        if rule.form:
            yield Diagnostic(
                content.at_key("form"), "rule/form-not-for-scope",
                f"a rule of scope {rule.scope} holds on every form",
                "write scope: form, or leave the form out",
            )  # fmt: skip
        return
    if not rule.form:
        yield Diagnostic(
            content.at("scope"), "rule/no-form",
            f'the rule "{rule.name}" does not say on which form it holds', "add form:",
        )  # fmt: skip
        return
    form = scope.registry.forms.get(rule.form)
    place = content.at("form")
    if form is None:
        yield from scope.unknown("form", rule.form, place, "rule/unknown-form")
    elif form.entity != rule.entity:
        yield Diagnostic(
            place, "rule/form-of-other-entity",
            f'the form "{form.name}" shows {form.entity}, not {rule.entity}',
        )  # fmt: skip
    elif form.type == "quick_view":
        yield Diagnostic(
            place, "rule/form-of-other-entity",
            f'the form "{form.name}" is a quick view, in which nothing is edited',
        )  # fmt: skip


def _check_when(
    scope: Scope, entity: Entity, branch: Branch, content: YamlMap
) -> Iterator[Diagnostic]:
    if "when" not in content:
        return
    try:
        type_condition(branch.when, scope.registry, entity.name)
    except ConditionError as error:
        if scope.mentions_doubtful_field(entity.name, branch.when):
            return
        mark = content.value_marks["when"]
        yield Diagnostic(mark.inside(error.offset), "rule/bad-condition", error.message, error.hint)


def _check_list(
    scope: Scope,
    rule: Rule,
    entity: Entity,
    content: YamlMap,
    key: str,
    actions: tuple[Action, ...],
) -> Iterator[Diagnostic]:
    """Check the actions of one list, and what they undo of one another."""
    known = actions_in(content, key)
    for item in maps_in(content, key):
        if item not in known and not item.damaged:
            yield Diagnostic(
                item.mark.location(), "rule/no-verb", "the action does not say what it does",
                "give it one of set, clear, require, show, hide, lock, error, recommend …",
            )  # fmt: skip
    done: dict[tuple[str, str], str] = {}
    for action, item in zip(actions, known, strict=True):
        yield from check_action(scope, rule, entity, action, item)
        yield from _check_against(done, action, item)


_OPPOSITES = {
    "clear": ("value", "clear"), "hide": ("seen", "hide"), "hide_section": ("section", "hide"),
    "hide_tab": ("tab", "hide"), "lock": ("locked", "lock"), "require": ("required", ""),
    "set": ("value", "set"), "show": ("seen", "show"), "show_section": ("section", "show"),
    "show_tab": ("tab", "show"), "unlock": ("locked", "unlock"),
}  # fmt: skip


def _check_against(
    done: dict[tuple[str, str], str], action: Action, content: YamlMap
) -> Iterator[Diagnostic]:
    """Tell when one list of actions does something to a field and then the opposite."""
    if action.verb not in _OPPOSITES:
        return
    about = _OPPOSITES[action.verb][0]
    for name in action.targets:
        other = done.setdefault((about, name), action.verb)
        if other != action.verb:
            yield Diagnostic(
                content.at(verb_of(content)), "rule/contradiction",
                f'{other} and {action.verb} are both said of "{name}" here',
                "keep one of them; the other is never seen",
            )  # fmt: skip


def _check_names(rule: Rule) -> Iterator[Diagnostic]:
    seen: set[tuple[str, str]] = set()
    for action in rule.actions:
        if action.verb not in SPEAKING:
            continue
        if (action.verb, action.name) in seen:
            noun = "error" if action.verb == "error" else "recommendation"
            yield Diagnostic(
                action.location, "rule/duplicate-message",
                f'the rule has another {noun} "{action.name}"',
                "labels files tell them apart by name",
            )  # fmt: skip
        seen.add((action.verb, action.name))
