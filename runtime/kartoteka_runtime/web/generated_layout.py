"""Forms, views and menu entries for entities whose bundle brings none.

A new type is on screen as soon as it is published. A bundle that brings layout of its own replaces
this; nothing is written down anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kartoteka.model.entity import Entity, State
from kartoteka.model.field import Field
from kartoteka.model.field_types import FIELD_TYPES, widget_of
from kartoteka.model.form import Control, Form, Section, Tab
from kartoteka.model.label import Label
from kartoteka.model.navigation import Area, Entry, Group
from kartoteka.model.view import SortKey, View, ViewColumn
from kartoteka.registry import Registry

_MOST_COLUMNS = 6
_LAST = 10_000  # order of a generated area
_NOT_IN_LISTS = frozenset({"multi_line", "parties", "id", "multi_choice", "file"})


def with_generated_layout(registry: Registry, app_label: str) -> Registry:
    """Return the registry, with a main form, views and a menu entry for each entity without."""
    forms, views = dict(registry.forms), dict(registry.views)
    for entity in registry.entities.values():
        if registry.form_of_type(entity.name, "main") is None:
            form = _main_form(entity, registry)
            forms.setdefault(form.name, form)
        if not registry.views_of[entity.name]:
            views.update((view.name, view) for view in _views(entity, registry))
    areas = dict(registry.areas)
    areas.update((area.name, area) for area in _areas(registry, app_label))
    return replace(registry, forms=forms, views=views, areas=areas)


def _own_fields(entity: Entity) -> Iterator[Field]:
    """Yield the fields that the entity's own file names, without what the platform adds."""
    for item in entity.fields:
        if item.name in entity.marks:
            continue
        if item.bundle == entity.bundle and item.name != entity.primary_id and not item.base_of:
            yield item


def _main_form(entity: Entity, registry: Registry) -> Form:
    own = tuple(_own_fields(entity))
    names = [item.name for item in own]
    if any(item.type == "money" for item in own) and "transactioncurrencyid" not in names:
        names.append("transactioncurrencyid")
    general = registry.messages.get("form.general", Label())
    section = Section("general", controls=tuple(Control(field=name) for name in names))
    wanted = ("ownerid", "statuscode")
    return Form(
        name=f"{entity.name}_main",
        entity=entity.name,
        type="main",
        label=entity.label,
        header=tuple(name for name in wanted if name in entity.field_by_name),
        tabs=(Tab("general", general, sections=(section,)),),
        bundle=entity.bundle,
    )


def _views(entity: Entity, registry: Registry) -> Iterator[View]:
    """Yield a list of the records of each state; of all records, when there are no states."""
    if not entity.states:
        yield _view(entity, registry, f"all_{entity.set_name}", "view.all", "", True)
        return
    closed = [state for state in entity.states if state.read_only]
    opened = [state for state in entity.states if not state.read_only]
    yield _view(
        entity, registry, f"active_{entity.set_name}", "view.active", _in_states(opened), True
    )
    if closed:
        yield _view(
            entity,
            registry,
            f"inactive_{entity.set_name}",
            "view.inactive",
            _in_states(closed),
            False,
        )


def _in_states(states: list[State]) -> str:
    return " or ".join(f"statecode eq {state.value}" for state in states)


def _view(
    entity: Entity, registry: Registry, name: str, message: str, condition: str, is_default: bool
) -> View:
    pattern = registry.messages.get(message, Label({"en": "{entities}"}))
    texts = {
        language: text.replace("{entities}", f"{{entities:{entity.name}}}")
        for language, text in pattern.texts.items()
    }
    names = [entity.primary_field]
    for item in _own_fields(entity):
        if item.name not in names and widget_of(item) not in _NOT_IN_LISTS:
            names.append(item.name)
    columns = names[: _MOST_COLUMNS - 1]
    if "createdon" in entity.field_by_name:
        columns.append("createdon")
    primary = entity.field_by_name.get(entity.primary_field)
    is_sorted = primary is not None and FIELD_TYPES[primary.type].can_be_sorted
    return View(
        name=name,
        entity=entity.name,
        type="public",
        label=Label(texts),
        columns=tuple(ViewColumn(column) for column in columns),
        filter=condition,
        order=(SortKey(entity.primary_field),) if is_sorted else (),
        is_default=is_default,
        bundle=entity.bundle,
    )


def _areas(registry: Registry, app_label: str) -> Iterator[Area]:
    """Yield an area for each bundle that has entities but no menu at all."""
    with_menu = {area.bundle for area in registry.areas.values()}
    placed = {
        entry.entity
        for area in registry.areas.values()
        for group in area.groups
        for entry in group.entries
    }
    for number, bundle in enumerate(registry.bundles):
        entries = tuple(
            Entry(entity.name, entity.name)
            for entity in registry.entities.values()
            if entity.bundle == bundle.name
            and entity.name not in placed
            and not entity.parent_field
        )
        if entries and bundle.name not in with_menu:
            label = bundle.label or Label({registry.base_language: app_label})
            group = Group("records", entries=entries)
            yield Area(bundle.name, label, order=_LAST + number, groups=(group,))
