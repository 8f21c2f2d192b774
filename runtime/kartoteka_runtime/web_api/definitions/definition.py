"""Definition: one definition as the Web API tells it; plain values, labels in every language.

What a definition holds does not depend on who reads it, so it is built once a publication. Labels
become objects only when an answer is written, for the language of the reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kartoteka.labels import LabelResolver
from kartoteka.model.label import Label
from kartoteka.registry import Registry
from kartoteka_runtime.known_ids import known_id
from kartoteka_runtime.localization.codes import language_code

NAMESPACE = "Microsoft.Dynamics.CRM."


@dataclass(frozen=True, slots=True)
class LabelText:
    """A label as a value of a definition; ``key`` tells it from every other."""

    key: str
    label: Label


@dataclass(frozen=True)
class Definition:
    """One definition.

    Attributes:
        type: Its type without the namespace: ``StringAttributeMetadata``.
        bases: The types that this one extends, the nearest first.
        properties: ``{name: plain value}``; ``MetadataId`` is among them.
        related: What may be expanded: a definition, a collection, or None for nothing there.
        inline: Those of ``related`` that a whole definition shows without being asked.
    """

    type: str
    bases: tuple[str, ...]
    properties: Mapping[str, Any]
    related: Mapping[str, Callable[[], Related]] = field(default_factory=dict)
    inline: tuple[str, ...] = ()

    def is_a(self, name: str) -> bool:
        """Return whether it is of a type."""
        return name == self.type or name in self.bases


@dataclass(frozen=True)
class Collection:
    """Definitions that are found by their id, or by properties that are ``keys``.

    ``context`` is what the answer's ``@odata.context`` names; ``base`` the type that every item is
    of.
    """

    context: str
    base: str
    items: tuple[Definition, ...]
    keys: tuple[str, ...] = ("LogicalName", "SchemaName")

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the properties that all items have; none when there are no items."""
        return _shared(item.properties for item in self.items)

    @cached_property
    def related_names(self) -> frozenset[str]:
        """Return what can be expanded of all items."""
        return _shared(item.related for item in self.items)

    @cached_property
    def by_id(self) -> Mapping[str, Definition]:
        """Return ``{MetadataId: definition}``."""
        return {item.properties["MetadataId"]: item for item in self.items}

    @cached_property
    def by_key(self) -> Mapping[tuple[str, str], Definition]:
        """Return ``{(property, value in lower case): definition}``."""
        return {
            (key, str(item.properties[key]).lower()): item
            for item in self.items
            for key in self.keys
            if key in item.properties
        }

    def of_type(self, name: str) -> Collection:
        """Return those of a type, which then all have what that type has."""
        items = tuple(item for item in self.items if item.is_a(name))
        return Collection(f"{self.context}/{NAMESPACE}{name}", name, items, self.keys)


Related = Definition | Collection | None


class LabelWriter:
    """Writes labels for the readers of one language."""

    def __init__(self, registry: Registry, labels: LabelResolver, language: str) -> None:
        """Write for readers of ``language``."""
        self._languages = registry.languages
        self._base_language = registry.base_language
        self._labels = labels
        self._language = language
        self._codes: frozenset[int] | None = None

    def only(self, codes: frozenset[int]) -> LabelWriter:
        """Return a writer for the same readers that tells texts in some languages alone."""
        other = copy(self)
        other._codes = codes
        return other

    def written(self, text: LabelText) -> dict[str, Any]:
        """Return a label with its texts in every language that has one."""
        label = text.label
        texts = [
            self._text(text, language)
            for language in self._languages
            if language in label.texts
            and (self._codes is None or language_code(language) in self._codes)
        ]
        own = self._text(text, self._language) if label else None
        return {"LocalizedLabels": texts, "UserLocalizedLabel": own}

    def plain(self, value: Any) -> Any:
        """Return a value of a definition as JSON has it."""
        match value:
            case LabelText():
                return self.written(value)
            case dict():
                return {name: self.plain(item) for name, item in value.items()}
            case tuple() | list():
                return [self.plain(item) for item in value]
            case _:
                return value

    def _text(self, text: LabelText, language: str) -> dict[str, Any]:
        said = language if language in text.label.texts else self._base_language
        return {
            "Label": self._labels.text(text.label, language),
            "LanguageCode": language_code(said),
            "IsManaged": False,
            "MetadataId": known_id("metadata/label", f"{text.key}/{said}"),
            "HasChanged": None,
        }


def managed(value: Any, name: str, *, can_be_changed: bool = True) -> dict[str, Any]:
    """Return a managed property: a value, and whether customizers may change it."""
    return {
        "Value": value,
        "CanBeChanged": can_be_changed,
        "ManagedPropertyLogicalName": name,
    }


def _shared(sets: Iterable[Iterable[str]]) -> frozenset[str]:
    """Return what is in every set; nothing when there is no set."""
    found = [frozenset(names) for names in sets]
    return frozenset.intersection(*found) if found else frozenset()
