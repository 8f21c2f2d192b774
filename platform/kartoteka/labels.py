"""LabelResolver: the one place where a label becomes text; and what texts are missing.

Placeholders: ``{entity:account}`` is the type's label, ``{entities:account}`` its plural,
``{field:account.name}`` a field's label, all in the reader's language, so that a rename reaches
every text; ``{value}`` is a parameter that the caller fills in. Anything else stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kartoteka.location import Location
from kartoteka.model.choice import Option
from kartoteka.model.entity import Entity
from kartoteka.model.label import Label
from kartoteka.model.rule import SPEAKING
from kartoteka.registry import Registry

PLACEHOLDER = re.compile(
    r"\{(?:(?P<kind>[a-z]+):(?P<name>[A-Za-z0-9_.]*)|(?P<parameter>[a-z][a-z0-9_]*))\}"
)
_MAX_NESTING = 8  # the check refuses circles; this only ends those of a registry not checked

_Parts = tuple[str, ...]  # text, parameter, text, parameter, …, text


class LabelResolver:
    """Turns labels and message keys into texts; remembers every text it has taken apart."""

    def __init__(self, registry: Registry) -> None:
        """Resolve against one registry, which cannot change under it."""
        self._registry = registry
        self._parts: dict[tuple[str, str], _Parts] = {}

    def text(self, label: Label, language: str, **params: object) -> str:
        """Return a label in a language, else in the base language, else ""."""
        return self._filled(self._chosen(label, language), language, params)

    def message(self, key: str, language: str, /, **params: object) -> str:
        """Return a message by its key; an unknown key is returned as it is."""
        label = self._registry.messages.get(key)
        text = self._chosen(label, language) if label is not None else ""
        return self._filled(text, language, params) if text else key

    def entity(self, name: str, language: str) -> str:
        """Return what one record of an entity is called; its logical name when nothing is said."""
        return self._entity(name, language, 0)

    def entities(self, name: str, language: str) -> str:
        """Return what several records of an entity are called."""
        return self._entities(name, language, 0)

    def field(self, entity: str, field: str, language: str) -> str:
        """Return a field's label; its logical name when nothing is said."""
        return self._field(entity, field, language, 0)

    def _chosen(self, label: Label, language: str) -> str:
        texts = label.texts
        text = texts.get(language)
        if text is None and "-" in language:
            text = texts.get(language.partition("-")[0])
        return text if text is not None else texts.get(self._registry.base_language, "")

    def _filled(self, text: str, language: str, params: dict[str, object]) -> str:
        if "{" not in text:
            return text
        parts = self._parts.get((language, text))
        if parts is None:
            parts = self._parts[language, text] = self._taken_apart(text, language, 0)
        if len(parts) == 1:
            return parts[0]
        filled = list(parts)
        for index in range(1, len(parts), 2):
            name = parts[index]
            filled[index] = str(params[name]) if name in params else f"{{{name}}}"
        return "".join(filled)

    def _taken_apart(self, text: str, language: str, depth: int) -> _Parts:
        parts = [""]
        end = 0
        for match in PLACEHOLDER.finditer(text):
            parts[-1] += text[end : match.start()]
            end = match.end()
            if match["parameter"] is not None:
                parts += [match["parameter"], ""]
            else:
                named = self._named(match["kind"], match["name"], language, depth)
                parts[-1] += match[0] if named is None else named
        parts[-1] += text[end:]
        return tuple(parts)

    def _named(self, kind: str, name: str, language: str, depth: int) -> str | None:
        match kind:
            case "entity":
                return self._entity(name, language, depth + 1)
            case "entities":
                return self._entities(name, language, depth + 1)
            case "field":
                entity, _, field = name.partition(".")
                return self._field(entity, field, language, depth + 1)
            case _:
                return None

    def _entity(self, name: str, language: str, depth: int) -> str:
        entity = self._registry.entities.get(name)
        return (self._nested(entity.label, language, depth) if entity else "") or name

    def _entities(self, name: str, language: str, depth: int) -> str:
        entity = self._registry.entities.get(name)
        plural = self._nested(entity.plural_label, language, depth) if entity else ""
        return plural or self._entity(name, language, depth)

    def _field(self, entity: str, field: str, language: str, depth: int) -> str:
        definition = self._registry.entities.get(entity)
        found = definition.field_by_name.get(field) if definition else None
        return (self._nested(found.label, language, depth) if found else "") or field

    def _nested(self, label: Label, language: str, depth: int) -> str:
        text = self._chosen(label, language)
        if "{" not in text or depth > _MAX_NESTING:
            return text
        parts = self._taken_apart(text, language, depth)
        return "".join(
            part if index % 2 == 0 else f"{{{part}}}" for index, part in enumerate(parts)
        )


@dataclass(frozen=True, slots=True)
class MissingLabel:
    """A text that a language lacks.

    ``path`` is that of ``Registry.sources`` without the language
    (``entity/account/fields/name/label``). Required are all texts that people meet in the client;
    the others fall back to the base language where somebody looks for them.
    """

    path: str
    language: str
    is_required: bool
    location: Location


@dataclass(frozen=True, slots=True)
class _Text:
    path: str
    label: Label
    location: Location
    is_required: bool = True
    may_be_absent: bool = False  # having no text in any language is a choice


def missing_labels(registry: Registry, languages: Sequence[str]) -> tuple[MissingLabel, ...]:
    """Return what lacks a text in one of the languages, required ones first.

    A text that consists of placeholders only (``{entities:account}``) needs no translation.
    """
    found = [
        MissingLabel(text.path, language, text.is_required, text.location)
        for text in _texts(registry)
        for language in languages
        if language not in text.label.texts
        and not (text.may_be_absent and not text.label)
        and not _translates_itself(text.label, registry.base_language)
    ]
    return tuple(sorted(found, key=lambda m: (not m.is_required, m.language, m.path)))


def _translates_itself(label: Label, base_language: str) -> bool:
    text = label.texts.get(base_language, "")
    rest = PLACEHOLDER.sub("", text)
    return text != "" and not any(character.isalpha() for character in rest)


def _texts(registry: Registry) -> Iterator[_Text]:
    shown = _shown_fields(registry)
    for entity in registry.entities.values():
        yield from _entity_texts(entity, shown)
    for choice in registry.choices.values():
        path = f"choice/{choice.name}"
        yield _Text(f"{path}/label", choice.label, choice.location, is_required=False)
        yield from _option_texts(path, choice.options, choice.location)
    for relationship in registry.relationships.values():
        path, place = f"relationship/{relationship.name}", relationship.location
        yield _Text(f"{path}/left_label", relationship.left_label, place, False, True)
        yield _Text(f"{path}/right_label", relationship.right_label, place, False, True)
    yield from _form_texts(registry)
    yield from _rule_texts(registry)
    for view in registry.views.values():
        yield _Text(f"view/{view.name}/label", view.label, view.location)
        for column in view.columns:
            path = f"view/{view.name}/columns/{column.field}/label"
            yield _Text(path, column.label, column.location, may_be_absent=True)
    for role in registry.roles.values():
        yield _Text(f"role/{role.name}/label", role.label, role.location)
        yield _Text(f"role/{role.name}/help", role.help, role.location, False, True)
    for profile in registry.column_profiles.values():
        at = f"column_profile/{profile.name}"
        yield _Text(f"{at}/label", profile.label, profile.location)
        yield _Text(f"{at}/help", profile.help, profile.location, False, True)
    for area in registry.areas.values():
        path = f"navigation/{area.name}"
        yield _Text(f"{path}/label", area.label, area.location)
        for group in area.groups:
            inner = f"{path}/groups/{group.name}"
            yield _Text(f"{inner}/label", group.label, group.location, may_be_absent=True)
            for entry in group.entries:
                own = f"{inner}/entries/{entry.name}/label"
                yield _Text(own, entry.label, entry.location, may_be_absent=True)
    for key, label in registry.messages.items():
        places = registry.sources.get(f"messages/{key}/{registry.base_language}", ())
        yield _Text(
            f"messages/{key}", label, places[-1].location if places else Location("messages")
        )
    for bundle in registry.bundles:
        path = f"bundle/{bundle.name}/label"
        yield _Text(path, bundle.label, bundle.location, False, True)


def _entity_texts(entity: Entity, shown: set[tuple[str, str]]) -> Iterator[_Text]:
    path = f"entity/{entity.name}"
    yield _Text(f"{path}/label", entity.label, entity.location)
    yield _Text(f"{path}/plural_label", entity.plural_label, entity.location)
    yield _Text(f"{path}/help", entity.help, entity.location, False, True)
    for field in entity.fields:
        inner = f"{path}/fields/{field.name}"
        is_shown = (entity.name, field.name) in shown
        yield _Text(f"{inner}/label", field.label, field.location, is_shown)
        yield _Text(f"{inner}/help", field.help, field.location, is_shown, True)
        if field.type in ("choice", "multi_choice") and not field.choice:
            yield from _option_texts(inner, field.options, field.location)
        elif field.type == "yes_no":
            for option in field.options:
                own = f"{inner}/{option.name}_label"
                yield _Text(own, option.label, field.location, is_shown)
    for key in entity.keys:
        yield _Text(f"{path}/keys/{key.name}/label", key.label, key.location, is_required=False)
    for state in entity.states:
        inner = f"{path}/states/{state.name}"
        yield _Text(f"{inner}/label", state.label, state.location)
        for reason in state.reasons:
            yield _Text(f"{inner}/reasons/{reason.name}/label", reason.label, state.location)
    for command in entity.commands:
        inner = f"{path}/commands/{command.name}"
        yield _Text(f"{inner}/label", command.label, command.location)
        yield _Text(f"{inner}/help", command.help, command.location, may_be_absent=True)
        yield _Text(f"{inner}/confirm", command.confirm, command.location, may_be_absent=True)
        for parameter in command.parameters:
            own = f"{inner}/parameters/{parameter.name}"
            yield _Text(f"{own}/label", parameter.label, parameter.location)
            yield _Text(f"{own}/help", parameter.help, parameter.location, may_be_absent=True)
            if not parameter.choice and parameter.type in ("choice", "multi_choice"):
                yield from _option_texts(own, parameter.options, parameter.location)


def _option_texts(path: str, options: tuple[Option, ...], location: Location) -> Iterator[_Text]:
    for option in options:
        yield _Text(f"{path}/options/{option.name}/label", option.label, location)


def _form_texts(registry: Registry) -> Iterator[_Text]:
    for form in registry.forms.values():
        path = f"form/{form.name}"
        yield _Text(f"{path}/label", form.label, form.location)
        for tab in form.tabs:
            inner = f"{path}/tabs/{tab.name}"
            yield _Text(f"{inner}/label", tab.label, tab.location, may_be_absent=True)
            for section in tab.sections:
                own = f"{inner}/sections/{section.name}"
                yield _Text(f"{own}/label", section.label, section.location, may_be_absent=True)
                for control in section.controls:
                    name = control.field or control.subgrid or control.quick_view or control.panel
                    place = f"{own}/controls/{name}/label"
                    yield _Text(place, control.label, control.location, may_be_absent=True)


def _rule_texts(registry: Registry) -> Iterator[_Text]:
    """Yield what people meet of rules: messages and proposals; the rest is for customizers."""
    for rule in registry.rules.values():
        path = f"rule/{rule.name}"
        yield _Text(f"{path}/label", rule.label, rule.location, is_required=False)
        yield _Text(f"{path}/help", rule.help, rule.location, False, True)
        for action in rule.actions:
            if action.verb in SPEAKING:
                own = f"{path}/{action.verb}/{action.name}"
                yield _Text(f"{own}/message", action.message, action.location)
                place = f"{own}/details"
                yield _Text(place, action.details, action.location, may_be_absent=True)


def _shown_fields(registry: Registry) -> set[tuple[str, str]]:
    """Return ``(entity, field)`` of every field that a form or a view shows."""
    shown: set[tuple[str, str]] = set()
    for form in registry.forms.values():
        shown |= {(form.entity, name) for name in form.header}
        for tab in form.tabs:
            for section in tab.sections:
                for control in section.controls:
                    shown.add((form.entity, control.field or control.quick_view))
    for view in registry.views.values():
        for column in view.columns:
            entity = view.entity
            for step in column.field.split("/"):
                shown.add((entity, step))
                definition = registry.entities.get(entity)
                field = definition.field_by_name.get(step) if definition else None
                if field is None or len(field.targets) != 1:
                    break
                entity = field.targets[0]
    return shown
