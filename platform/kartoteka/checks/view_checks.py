"""Rules about views: columns, order, search fields and the filter."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse
from kartoteka.conditions.paths import resolve_path
from kartoteka.conditions.syntax import Path
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlList, YamlMap
from kartoteka.location import Location
from kartoteka.model.entity import Entity
from kartoteka.model.field_types import FIELD_TYPES
from kartoteka.model.view import View


def check_view(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with a view."""
    view = scope.registry.views.get(name)
    if view is None:
        return  # it does not say of which entity
    entity = scope.entity(view.entity)
    if entity is None:
        place = scope.where("view", view.name, "entity")
        yield from scope.unknown("entity", view.entity, place, "view/unknown-entity")
        return
    yield from _check_columns(scope, entity, view)
    yield from _check_order(scope, entity, view)
    yield from _check_find(scope, entity, view)
    yield from _check_filter(scope, view)


def check_default_views(scope: Scope) -> Iterator[Diagnostic]:
    """Yield views that are default beside another of their entity and type."""
    defaults: dict[tuple[str, str], str] = {}
    for view in scope.registry.views.values():
        if not view.is_default:
            continue
        other = defaults.setdefault((view.entity, view.type), view.name)
        if other != view.name:
            yield Diagnostic(
                scope.where("view", view.name, "default"), "view/two-defaults",
                f'"{other}" is already the default {view.type} view of "{view.entity}"',
            )  # fmt: skip


def _check_columns(scope: Scope, entity: Entity, view: View) -> Iterator[Diagnostic]:
    content = scope.content("view", view.name)
    if not view.columns and "columns" in content and not content["columns"]:
        yield Diagnostic(
            content.at("columns"), "view/no-columns", f'the view "{view.name}" shows no column'
        )
    for column in view.columns:
        yield from _check_path(scope, entity, column.field, column.location)


def _check_path(
    scope: Scope, entity: Entity, text: str, location: Location
) -> Iterator[Diagnostic]:
    """Check a field, or a field over lookups."""
    steps = tuple(text.split("/"))
    if len(steps) == 1:
        yield from scope.unknown_field(entity, text, location, "view/unknown-field")
        return
    try:
        resolve_path(Path(steps, 0), scope.registry, entity.name)
    except ConditionError as error:
        if _may_lead_to_the_unreadable(scope) or scope.mentions_doubtful_field(entity.name, text):
            return
        yield Diagnostic(location, "view/unknown-field", error.message, error.hint)


def _check_order(scope: Scope, entity: Entity, view: View) -> Iterator[Diagnostic]:
    seen: set[str] = set()
    content = scope.content("view", view.name)
    for key, place in zip(view.order, _places(content, "order"), strict=True):
        field = entity.field_by_name.get(key.field)
        if field is None:
            yield from scope.unknown_field(entity, key.field, place, "view/unknown-field")
        elif not FIELD_TYPES[field.type].can_be_sorted:
            yield Diagnostic(
                place, "view/not-sortable",
                f'a view cannot be ordered by "{field.name}", a {field.type} field',
            )  # fmt: skip
        elif key.field in seen:
            yield Diagnostic(place, "view/repeated-order", f'"{key.field}" is there already')
        seen.add(key.field)


def _check_find(scope: Scope, entity: Entity, view: View) -> Iterator[Diagnostic]:
    content = scope.content("view", view.name)
    if view.type == "quick_find":
        if not view.find and "find" not in content.damaged:
            yield Diagnostic(
                scope.where("view", view.name, "type"), "view/no-find-fields",
                f'the quick find view "{view.name}" does not say where it searches',
                "add find: and a list of fields",
            )  # fmt: skip
    elif view.find:
        yield Diagnostic(
            content.at_key("find"), "view/find-not-for-type",
            f"only quick_find views have find; this is a {view.type} view",
        )  # fmt: skip
    for name, place in zip(view.find, _places(content, "find"), strict=True):
        field = entity.field_by_name.get(name)
        if field is None:
            yield from scope.unknown_field(entity, name, place, "view/unknown-field")
        elif not FIELD_TYPES[field.type].can_be_found:
            if name in scope.doubtful_fields(entity.name):
                continue
            yield Diagnostic(
                place, "view/not-findable",
                f'quick find cannot search in "{name}", a {field.type} field',
                "it searches texts, whole numbers and lookups",
            )  # fmt: skip
        elif field.is_on_read:
            yield Diagnostic(
                place, "field/calculated-on-read",
                f'"{name}" is calculated on read, so quick find cannot search in it',
                "add stored: true to it",
            )  # fmt: skip


def _check_filter(scope: Scope, view: View) -> Iterator[Diagnostic]:
    if not view.filter:
        return
    if _may_lead_to_the_unreadable(scope) and "/" in view.filter:
        return
    try:
        check_condition(parse(view.filter), scope.registry, view.entity)
    except ConditionError as error:
        if scope.mentions_doubtful_field(view.entity, view.filter):
            return
        mark = scope.content("view", view.name).value_marks["filter"]
        yield Diagnostic(mark.inside(error.offset), "view/bad-filter", error.message, error.hint)


def _places(content: YamlMap, key: str) -> list[Location]:
    items = content.get(key) or YamlList()
    return [mark.location() for item, mark in items.marked() if isinstance(item, str)]


def _may_lead_to_the_unreadable(scope: Scope) -> bool:
    return any(kind in ("entity", "") for kind, _ in scope.tree.unreadable)
