"""Rules about one control of a form: a field, a subgrid, a quick view or a panel."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlMap
from kartoteka.model.entity import Entity
from kartoteka.model.form import Control, Form, Section
from kartoteka.names import did_you_mean

_KEYS_OF_KIND = {
    "field": {"read_only", "width", "rows"},
    "subgrid": {"entity", "by", "relationship", "view", "width"},
    "quick_view": {"form", "width"},
    "panel": {"width"},
}
_KEYS_OF_OTHERS = {
    kind: sorted(set().union(*_KEYS_OF_KIND.values()) - keys)
    for kind, keys in _KEYS_OF_KIND.items()
}
_DEFAULTS = Control()
_ONLY_ON_MAIN = frozenset({"panel", "quick_view", "subgrid"})


def check_control(
    scope: Scope, form: Form, section: Section, control: Control, content: YamlMap
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a control; the form's entity is known to exist.

    ``content`` is the map that the control was read from.
    """
    kinds = [kind for kind in _KEYS_OF_KIND if getattr(control, kind)]
    if len(kinds) > 1:
        yield Diagnostic(
            control.location, "form/control-kind", f"the control is {' and '.join(kinds)} at once",
            "make it two controls",
        )  # fmt: skip
    if len(kinds) != 1:
        return
    kind = kinds[0]
    yield from _check_keys(control, content, kind)
    if control.width > section.columns:
        yield Diagnostic(
            content.at("width"), "form/too-wide",
            f"the control is {control.width} columns wide, its section has {section.columns}",
        )  # fmt: skip
    if kind in _ONLY_ON_MAIN and form.type != "main":
        yield Diagnostic(
            control.location, "form/control-not-for-type",
            f"a {form.type} form shows fields only, no {kind}",
        )  # fmt: skip
        return
    entity = scope.registry.entities[form.entity]
    match kind:
        case "field":
            yield from _check_field(scope, entity, control, content)
        case "subgrid":
            yield from _check_subgrid(scope, form, control, content)
        case "quick_view":
            yield from _check_quick_view(scope, entity, control, content)
        case "panel":
            yield from _check_panel(scope, control)


def _check_keys(control: Control, content: YamlMap, kind: str) -> Iterator[Diagnostic]:
    for key in _KEYS_OF_OTHERS[kind]:
        if getattr(control, key) != getattr(_DEFAULTS, key):
            yield Diagnostic(
                content.at_key(key), "form/key-not-for-control",
                f'"{key}" does not apply to a {kind}',
                f"it has {', '.join(sorted(_KEYS_OF_KIND[kind] | {'label'}))}",
            )  # fmt: skip


def _check_field(
    scope: Scope, entity: Entity, control: Control, content: YamlMap
) -> Iterator[Diagnostic]:
    field = entity.field_by_name.get(control.field)
    if field is None:
        yield from scope.unknown_field(
            entity, control.field, control.location, "form/unknown-field", subject="control "
        )
    elif control.rows and field.format != "multi_line" and field.type != "party_list":
        if field.name not in scope.doubtful_fields(entity.name):
            yield Diagnostic(
                content.at("rows"), "form/rows",
                f'"{field.name}" is one line; only multi-line texts have rows',
                f"add format: multi_line to {entity.name}.{field.name}",
            )  # fmt: skip


def _check_subgrid(
    scope: Scope, form: Form, control: Control, content: YamlMap
) -> Iterator[Diagnostic]:
    if not control.entity:
        yield Diagnostic(
            control.location, "form/incomplete-subgrid",
            f'the subgrid "{control.subgrid}" does not say which entity it lists',
        )  # fmt: skip
        return
    if bool(control.by) == bool(control.relationship):
        yield Diagnostic(
            control.location, "form/incomplete-subgrid",
            f'the subgrid "{control.subgrid}" needs either by (a lookup of {control.entity}) '
            "or relationship (N:N)",
        )  # fmt: skip
    listed = scope.entity(control.entity)
    if listed is None:
        place = content.at("entity")
        yield from scope.unknown("entity", control.entity, place, "form/unknown-entity")
        return
    if control.by:
        yield from _check_by(scope, form, control, content, listed)
    if control.relationship:
        yield from _check_link(scope, form, control, content)
    if control.view:
        yield from _check_view(scope, control, content, listed)


def _check_by(
    scope: Scope, form: Form, control: Control, content: YamlMap, listed: Entity
) -> Iterator[Diagnostic]:
    field = listed.field_by_name.get(control.by)
    if field is None:
        yield from scope.unknown_field(listed, control.by, content.at("by"), "form/unknown-field")
    elif form.entity not in field.targets:
        if field.name in scope.doubtful_fields(listed.name):
            return
        lookups = [f.name for f in listed.fields if form.entity in f.targets]
        yield Diagnostic(
            content.at("by"), "form/subgrid-not-related",
            f'"{control.by}" of "{listed.name}" does not name records of "{form.entity}"',
            f"lookups that do: {', '.join(lookups[:8])}" if lookups else "",
        )  # fmt: skip


def _check_link(
    scope: Scope, form: Form, control: Control, content: YamlMap
) -> Iterator[Diagnostic]:
    place = content.at("relationship")
    relationship = scope.registry.relationships.get(control.relationship)
    if relationship is None:
        yield from scope.unknown(
            "relationship", control.relationship, place, "form/unknown-relationship"
        )
    elif {relationship.left, relationship.right} != {form.entity, control.entity}:
        yield Diagnostic(
            place, "form/subgrid-not-related",
            f'the relationship "{relationship.name}" links {relationship.left} with '
            f"{relationship.right}, not {form.entity} with {control.entity}",
        )  # fmt: skip


def _check_view(
    scope: Scope, control: Control, content: YamlMap, listed: Entity
) -> Iterator[Diagnostic]:
    view = scope.registry.views.get(control.view)
    if view is None:
        yield from scope.unknown("view", control.view, content.at("view"), "form/unknown-view")
    elif view.entity != listed.name:
        yield Diagnostic(
            content.at("view"), "form/view-of-other-entity",
            f'the view "{view.name}" lists {view.entity}, not {listed.name}',
        )  # fmt: skip


def _check_quick_view(
    scope: Scope, entity: Entity, control: Control, content: YamlMap
) -> Iterator[Diagnostic]:
    field = entity.field_by_name.get(control.quick_view)
    if field is None:
        yield from scope.unknown_field(
            entity, control.quick_view, control.location, "form/unknown-field"
        )
        return
    if not field.is_lookup:
        if field.name not in scope.doubtful_fields(entity.name):
            yield Diagnostic(
                control.location, "form/quick-view-not-lookup",
                "a quick view shows the record of a lookup; "
                f'"{field.name}" is a {field.type} field',
            )  # fmt: skip
        return
    if not control.form:
        yield Diagnostic(
            control.location, "form/no-quick-view-form",
            f'the quick view "{field.name}" does not say with which form', "add form:",
        )  # fmt: skip
        return
    form = scope.registry.forms.get(control.form)
    if form is None:
        yield from scope.unknown("form", control.form, content.at("form"), "form/unknown-form")
    elif form.type != "quick_view":
        yield Diagnostic(
            content.at("form"), "form/not-a-quick-view",
            f'"{form.name}" is a {form.type} form; a quick view needs a quick_view form',
        )  # fmt: skip
    elif form.entity not in field.targets and field.name not in scope.doubtful_fields(entity.name):
        yield Diagnostic(
            content.at("form"), "form/not-a-quick-view",
            f'"{form.name}" shows {form.entity}, which "{field.name}" does not name',
        )  # fmt: skip


def _check_panel(scope: Scope, control: Control) -> Iterator[Diagnostic]:
    if scope.panels is not None and control.panel not in scope.panels:
        yield Diagnostic(
            control.location, "form/unknown-panel",
            f'no plugin provides the panel "{control.panel}"',
            did_you_mean(control.panel, scope.panels),
        )  # fmt: skip
