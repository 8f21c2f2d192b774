"""Rules about navigation: every entry goes somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.location import Location
from kartoteka.model.navigation import Area, Entry, Group


def check_area(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with an area of the menu."""
    area = scope.registry.areas[name]
    seen: dict[str, str] = {}
    for group in area.groups:
        for entry in group.entries:
            other = seen.setdefault(entry.name, group.name)
            if other != group.name:
                yield Diagnostic(
                    entry.location, "navigation/duplicate-entry",
                    f'the group "{other}" already has an entry "{entry.name}"',
                )  # fmt: skip
            yield from _check_entry(scope, area, group, entry)


def _check_entry(scope: Scope, area: Area, group: Group, entry: Entry) -> Iterator[Diagnostic]:
    def at(key: str) -> Location:
        path = ("groups", group.name, "entries", entry.name, key)
        return scope.where("navigation", area.name, *path)

    if entry.entity not in scope.registry.entities:
        yield from scope.unknown("entity", entry.entity, at("entity"), "navigation/unknown-entity")
    if not entry.view:
        return
    view = scope.registry.views.get(entry.view)
    if view is None:
        yield from scope.unknown("view", entry.view, at("view"), "navigation/unknown-view")
    elif view.entity != entry.entity:
        yield Diagnostic(
            at("view"), "navigation/view-of-other-entity",
            f'the view "{view.name}" lists {view.entity}, not {entry.entity}',
        )  # fmt: skip
