"""Rules about texts: every placeholder names something that exists, and no text names itself."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.labels import PLACEHOLDER
from kartoteka.loading.positioned import Mark, YamlList, YamlMap
from kartoteka.location import Location
from kartoteka.names import did_you_mean

_LABEL_KEYS = frozenset({
    "label", "plural_label", "help", "confirm", "true_label", "false_label", "left_label",
    "right_label",
})  # fmt: skip
_KINDS = ("entity", "entities", "field")


def check_labels(scope: Scope) -> Iterator[Diagnostic]:
    """Yield what is wrong with the texts of all objects and with messages."""
    for kind, objects in scope.tree.objects.items():
        for name, content in objects.items():
            if kind == "entity":
                yield from _check_type_names(name, content)
            for label, key in _labels_in(content):
                for text, mark in _texts(label):
                    if "{" in text:
                        yield from _check_text(scope, text, mark, is_message=False)
                        yield from _check_circle(scope, kind, key, text, mark)
    for document in scope.tree.labels:
        messages = document.content.get("messages")
        for text, mark in _texts(messages) if isinstance(messages, YamlMap) else ():
            if "{" in text:
                yield from _check_text(scope, text, mark, is_message=True)


def _labels_in(value: object) -> Iterator[tuple[YamlMap, str]]:
    if isinstance(value, YamlMap):
        for key, item in value.items():
            if key in _LABEL_KEYS and isinstance(item, YamlMap):
                yield item, key
            elif isinstance(item, (YamlMap, YamlList)):
                yield from _labels_in(item)
    elif isinstance(value, YamlList):
        for item in value:
            yield from _labels_in(item)


def _texts(label: YamlMap) -> Iterator[tuple[str, Mark]]:
    for key, text in label.items():
        if isinstance(text, str):
            yield text, label.value_marks[key]


def _check_text(scope: Scope, text: str, mark: Mark, *, is_message: bool) -> Iterator[Diagnostic]:
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


def _check_field(scope: Scope, name: str, place: Location) -> Iterator[Diagnostic]:
    entity_name, _, field = name.partition(".")
    entity = scope.entity(entity_name)
    if entity is None:
        yield from scope.unknown("entity", entity_name, place, "label/unknown-entity")
    else:
        yield from scope.unknown_field(entity, field, place, "label/unknown-field")


def _check_type_names(name: str, content: YamlMap) -> Iterator[Diagnostic]:
    """What others take a type's name from cannot itself take it from others."""
    for key in ("label", "plural_label"):
        label = content.get(key)
        for text, mark in _texts(label) if isinstance(label, YamlMap) else ():
            if PLACEHOLDER.search(text):
                yield Diagnostic(
                    mark.location(), "label/circle",
                    f'the name of the type "{name}" must be plain text, without placeholders',
                )  # fmt: skip


def _check_circle(
    scope: Scope, kind: str, key: str, text: str, mark: Mark
) -> Iterator[Diagnostic]:
    """A field's label may name a field whose own label names none."""
    if kind not in ("entity", "field_group") or key != "label":
        return
    for match in PLACEHOLDER.finditer(text):
        if match["kind"] != "field":
            continue
        entity_name, _, field_name = match["name"].partition(".")
        entity = scope.entity(entity_name)
        field = entity.field_by_name.get(field_name) if entity else None
        if field and any("{field:" in other for other in field.label.texts.values()):
            yield Diagnostic(
                mark.inside(match.start()), "label/circle",
                f'the label of "{match["name"]}" takes its text from another field itself',
                "name the field from which both come",
            )  # fmt: skip
