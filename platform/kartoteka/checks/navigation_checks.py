"""Rules about navigation: every entry goes somewhere."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.model.navigation import Area, Entry, Group


def check_navigation(scope: Scope) -> Iterator[Diagnostic]:
    """Yield what is wrong with areas of the menu."""
    for area in scope.registry.areas.values():
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
    path = ("groups", group.name, "entries", entry.name)
    yield from scope.unknown(
        "entity", entry.entity, scope.where("navigation", area.name, *path, "entity"),
        "navigation/unknown-entity",
    )  # fmt: skip
    if not entry.view:
        return
    place = scope.where("navigation", area.name, *path, "view")
    view = scope.registry.views.get(entry.view)
    if view is None:
        yield from scope.unknown("view", entry.view, place, "navigation/unknown-view")
    elif view.entity != entry.entity:
        yield Diagnostic(
            place, "navigation/view-of-other-entity",
            f'the view "{view.name}" lists {view.entity}, not {entry.entity}',
        )  # fmt: skip
