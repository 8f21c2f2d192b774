"""A rule's map → Rule."""

from __future__ import annotations

from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in, read_former_names, read_label, read_names
from kartoteka.model.label import NO_LABEL, Label
from kartoteka.model.rule import VERBS, Action, Branch, Rule


def read_rule(name: str, content: YamlMap, *, bundle: str) -> Rule | None:
    """Return the rule that a map describes, or None when it does not say of which entity."""
    if "entity" not in content:
        return None
    return Rule(
        name=name,
        entity=content["entity"],
        label=read_label(content),
        help=read_label(content, "help"),
        scope=content.get("scope", "entity"),
        form=content.get("form", ""),
        order=content.get("order", 100),
        is_enabled=content.get("enabled", True),
        branches=tuple(
            Branch(
                name=item["name"],
                when=item.get("when", ""),
                then=read_actions(item, "then"),
                location=item.at("name"),
            )
            for item in maps_in(content, "branches")
            if "name" in item
        ),
        otherwise=read_actions(content, "otherwise"),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )


def read_actions(content: YamlMap, key: str) -> tuple[Action, ...]:
    """Return the actions of a list; one that does not say what it does is left out."""
    return tuple(_action(item) for item in actions_in(content, key))


def actions_in(content: YamlMap, key: str) -> list[YamlMap]:
    """Return the maps of a list that say what they do."""
    return [item for item in maps_in(content, key) if any(verb in item for verb in VERBS)]


def verb_of(content: YamlMap) -> str:
    """Return the first key of a map that says what an action does."""
    return next(verb for verb in VERBS if verb in content)


def _action(content: YamlMap) -> Action:
    verb = verb_of(content)
    targets = content[verb]
    return Action(
        verb=verb,
        targets=(targets,) if isinstance(targets, str) else read_names(content, verb),
        value=content.get("value"),
        formula=content.get("formula", ""),
        level=content.get("level", "always"),
        message=_message(content, verb),
        details=read_label(content, "details"),
        field=content.get("field", ""),
        then=read_actions(content, "then"),
        location=content.at(verb),
    )


def _message(content: YamlMap, verb: str) -> Label:
    match verb:
        case "error":
            return read_label(content, "message")
        case "recommend":
            return read_label(content)
        case _:
            return NO_LABEL
