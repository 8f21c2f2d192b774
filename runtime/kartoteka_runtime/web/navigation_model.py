"""NavigationModel: the menu in one language, and which of its entries a page belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kartoteka.model.navigation import Entry
from kartoteka_runtime.web.entity_model import DEFAULT_ICON, Words, entity_model


@dataclass(frozen=True, slots=True)
class EntryModel:
    """One entry; ``key`` is ``area.entry``."""

    key: str
    label: str
    icon: str
    color: str
    address: str
    entity: str


@dataclass(frozen=True, slots=True)
class GroupModel:
    """A titled group of entries."""

    label: str
    entries: tuple[EntryModel, ...]

    @property
    def entities(self) -> tuple[str, ...]:
        """Return the entities that it shows: who may read none of them does not see it."""
        return tuple(dict.fromkeys(entry.entity for entry in self.entries))


@dataclass(frozen=True, slots=True)
class AreaModel:
    """An area; ``address`` goes to its first readable entry and makes it the current one."""

    name: str
    label: str
    icon: str
    address: str
    groups: tuple[GroupModel, ...]

    @property
    def entities(self) -> tuple[str, ...]:
        """Return the entities that it shows: who may read none of them does not see it."""
        return tuple(dict.fromkeys(name for group in self.groups for name in group.entities))


@dataclass(frozen=True)
class NavigationModel:
    """Every area, and ``{entity: {area: key of its entry}}`` to mark where one is."""

    areas: tuple[AreaModel, ...]
    places: Mapping[str, Mapping[str, str]]

    def place(self, entity: str, area: str, may_read: Callable[[str], bool]) -> tuple[str, str]:
        """Return the area and the entry to mark for a page of ``entity``.

        The area that the person is in wins when it has the entity; an entity that no area has
        leaves the person where they are, or where there is something that they may read.
        """
        found = self.places.get(entity, {})
        if area in found:
            return area, found[area]
        for other, key in found.items():
            return other, key
        readable = [one.name for one in self.areas if any(map(may_read, one.entities))]
        return area if area in readable else readable[0] if readable else "", ""


def build_navigation(words: Words) -> NavigationModel:
    """Return the menu in the language of ``words``."""
    areas = []
    places: dict[str, dict[str, str]] = {}
    for area in sorted(words.registry.areas.values(), key=lambda a: (a.order, a.name)):
        groups = []
        for group in area.groups:
            entries = tuple(_entry(area.name, entry, words) for entry in group.entries)
            groups.append(GroupModel(words.labels.text(group.label, words.language), entries))
            for entry, made in zip(group.entries, entries, strict=True):
                places.setdefault(entry.entity, {}).setdefault(area.name, made.key)
        areas.append(
            AreaModel(
                name=area.name,
                label=words.labels.text(area.label, words.language) or area.name,
                icon=area.icon or DEFAULT_ICON,
                address=f"/area/{area.name}",
                groups=tuple(found for found in groups if found.entries),
            )
        )
    return NavigationModel(tuple(area for area in areas if area.groups), places)


def _entry(area: str, entry: Entry, words: Words) -> EntryModel:
    entity = entity_model(entry.entity, words)
    address = f"/e/{entry.entity}"
    return EntryModel(
        key=f"{area}.{entry.name}",
        label=words.labels.text(entry.label, words.language) or entity.plural,
        icon=entity.icon,
        color=entity.color,
        address=f"{address}?view={entry.view}" if entry.view else address,
        entity=entry.entity,
    )
