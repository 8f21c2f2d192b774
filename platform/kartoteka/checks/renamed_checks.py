"""Rules about former names: what was renamed is gone under its old name, and went to one place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.read_label import maps_in
from kartoteka.location import Location
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field


class _Renamed(Protocol):
    @property
    def renamed_from(self) -> tuple[str, ...]: ...

    @property
    def location(self) -> Location: ...


def check_former_names(scope: Scope) -> Iterator[Diagnostic]:
    """Yield former names that are still in use, or that two things claim."""
    registry = scope.registry
    kinds: tuple[tuple[str, Mapping[str, _Renamed]], ...] = (
        ("choice", registry.choices),
        ("column_profile", registry.column_profiles),
        ("entity", registry.entities),
        ("form", registry.forms),
        ("navigation", registry.areas),
        ("relationship", registry.relationships),
        ("role", registry.roles),
        ("rule", registry.rules),
        ("view", registry.views),
    )
    for kind, objects in kinds:
        named = [(name, item) for name, item in objects.items() if item.renamed_from]
        yield from _check(scope, named, objects, (kind,), kind)
    for entity in registry.entities.values():
        fields = [(field.name, field) for field in entity.fields if field.renamed_from]
        if fields:
            path = ("entity", entity.name, "fields")
            yield from _check(scope, fields, _fields_that_are(scope, entity), path, "field")


def _fields_that_are(scope: Scope, entity: Entity) -> dict[str, Field]:
    """Return the fields of an entity without those that an extension only wanted to change."""
    items = maps_in(scope.content("entity", entity.name), "fields")
    real = {item.get("name") for item in items if "type" in item}
    return {name: field for name, field in entity.field_by_name.items() if name in real}


def _check(
    scope: Scope,
    named: Iterable[tuple[str, _Renamed]],
    present: Mapping[str, _Renamed],
    path: tuple[str, ...],
    noun: str,
) -> Iterator[Diagnostic]:
    claimed: dict[str, str] = {}
    for name, item in named:
        for former in item.renamed_from:
            place = scope.where(*(*path, name, "renamed_from", former))
            if former == name:
                yield Diagnostic(
                    place, "renamed/still-there",
                    f'the {noun} "{name}" is said to have been renamed from itself',
                    "renamed_from is its former name",
                )  # fmt: skip
            elif former in present:
                yield _still_there(scope, noun, (former, present[former]), (name, item), place)
            elif claimed.setdefault(former, name) != name:
                yield Diagnostic(
                    place, "renamed/twice",
                    f'"{claimed[former]}" and "{name}" were both renamed from {noun} "{former}"',
                    "keep renamed_from where its data is to go",
                )  # fmt: skip


def _still_there(
    scope: Scope,
    noun: str,
    former: tuple[str, _Renamed],
    renamed: tuple[str, _Renamed],
    place: Location,
) -> Diagnostic:
    """Return what to do when both names are taken: the upper bundle's file is the one to mend."""
    layer_of = scope.tree.layer_of
    told = f'both {noun} "{former[0]}" and "{renamed[0]}", which was renamed from it, exist'
    below, above = (layer_of.get(item.location.file, 0) for item in (renamed[1], former[1]))
    if above > below:
        return Diagnostic(
            former[1].location, "renamed/still-there", told,
            f'call this one something else, or remove it and extend "{renamed[0]}"',
        )  # fmt: skip
    return Diagnostic(
        place, "renamed/still-there", told,
        f'remove "{former[0]}" if it lives on as "{renamed[0]}"; otherwise leave out renamed_from',
    )  # fmt: skip
