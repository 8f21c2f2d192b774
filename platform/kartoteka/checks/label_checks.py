"""Rules about texts: every placeholder names something that exists, and no text names itself."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.labels import PLACEHOLDER
from kartoteka.loading.positioned import Mark, YamlList, YamlMap
from kartoteka.location import Location
from kartoteka.model.label import Label
from kartoteka.names import did_you_mean

_LABEL_KEYS = frozenset({
    "label", "plural_label", "help", "confirm", "true_label", "false_label", "left_label",
    "right_label", "message", "details",
})  # fmt: skip
_ALMOST = re.compile(r"\{\s*(?:entity|entities|field)\b[^{}]*\}?", re.IGNORECASE)
_KINDS = ("entity", "entities", "field")


def check_texts(scope: Scope, kind: str, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with the texts of an object."""
    for text, mark in _texts_in(scope.content(kind, name)):
        yield from _check_text(scope, text, mark, is_message=False)


def check_messages(scope: Scope) -> Iterator[Diagnostic]:
    """Yield what is wrong with messages."""
    for document in scope.tree.labels:
        messages = document.content.get("messages")
        if isinstance(messages, YamlMap):
            for text, mark in _with_braces(messages):
                yield from _check_text(scope, text, mark, is_message=True)


def _texts_in(content: YamlMap) -> list[tuple[str, Mark]]:
    """Return the texts with braces below a map; as a list, because nearly all objects have none."""
    found: list[tuple[str, Mark]] = []

    def look(value: YamlMap | YamlList) -> None:
        if isinstance(value, YamlMap):
            for key, item in value.items():
                if isinstance(item, (YamlMap, YamlList)):
                    if key in _LABEL_KEYS and isinstance(item, YamlMap):
                        found.extend(_with_braces(item))
                    else:
                        look(item)
        else:
            for item in value:
                if isinstance(item, (YamlMap, YamlList)):
                    look(item)

    look(content)
    return found


def _with_braces(texts: YamlMap) -> list[tuple[str, Mark]]:
    return [
        (text, texts.value_marks[key])
        for key, text in texts.items()
        if isinstance(text, str) and "{" in text
    ]


def _check_text(scope: Scope, text: str, mark: Mark, *, is_message: bool) -> Iterator[Diagnostic]:
    yield from _check_almost(text, mark)
    for match in PLACEHOLDER.finditer(text):
        place = mark.inside(match.start())
        if match["parameter"] is not None:
            if not is_message:
                yield Diagnostic(
                    place, "label/unknown-placeholder",
                    f'"{match[0]}" is filled in messages only',
                    "write {entity:…}, {entities:…} or {field:….…}",
                )  # fmt: skip
            continue
        kind, name = match["kind"], match["name"]
        if kind not in _KINDS:
            yield Diagnostic(
                place, "label/unknown-placeholder", f'"{match[0]}" is not a placeholder',
                did_you_mean(kind, _KINDS) or "write {entity:…}, {entities:…} or {field:….…}",
            )  # fmt: skip
        elif kind == "field":
            yield from _check_field(scope, name, place)
        else:
            yield from scope.unknown("entity", name, place, "label/unknown-entity")


def _check_almost(text: str, mark: Mark) -> Iterator[Diagnostic]:
    """Find what was meant as a placeholder but would be shown as it stands."""
    for match in _ALMOST.finditer(text):
        if not PLACEHOLDER.match(match[0]):
            yield Diagnostic(
                mark.inside(match.start()), "label/unknown-placeholder",
                f'"{match[0]}" is not a placeholder',
                "write {entity:…}, {entities:…} or {field:….…}",
            )  # fmt: skip


def _check_field(scope: Scope, name: str, place: Location) -> Iterator[Diagnostic]:
    entity_name, _, field = name.partition(".")
    entity = scope.entity(entity_name)
    if entity is None:
        yield from scope.unknown("entity", entity_name, place, "label/unknown-entity")
    else:
        yield from scope.unknown_field(entity, field, place, "label/unknown-field")


def check_label_circles(scope: Scope) -> Iterator[Diagnostic]:
    """Yield names of types and fields that come back to themselves."""
    uses: dict[str, set[str]] = {}
    for name, entity in scope.registry.entities.items():
        if own := _used_by(entity.label) | _used_by(entity.plural_label):
            uses[f"entity:{name}"] = own
        for field in entity.fields:
            for text in field.label.texts.values():
                if "{" in text:  # nearly no label: asking first makes this 0.03 s, not 0.2 s
                    uses[f"field:{name}.{field.name}"] = _used_by(field.label)
                    break
    for start in uses:
        if not _leads_to(uses, start, start):
            continue
        kind, _, path = start.partition(":")
        entity_name, _, field_name = path.partition(".")
        place = ("fields", field_name, "label") if kind == "field" else ("label",)
        yield Diagnostic(
            scope.where("entity", entity_name, *place), "label/circle",
            f'the label of "{path}" takes its text, over other labels, from itself',
            "write one of them out",
        )  # fmt: skip


def _used_by(label: Label) -> set[str]:
    return {
        f"{'field' if match['kind'] == 'field' else 'entity'}:{match['name']}"
        for text in label.texts.values()
        if "{" in text
        for match in PLACEHOLDER.finditer(text)
        if match["kind"] is not None
    }


def _leads_to(uses: dict[str, set[str]], start: str, goal: str) -> bool:
    waiting, seen = list(uses.get(start, ())), set[str]()
    while waiting:
        name = waiting.pop()
        if name == goal:
            return True
        if name not in seen:
            seen.add(name)
            waiting += uses.get(name, ())
    return False
