"""Rules about one control of a form: a field, a subgrid, a quick view or a panel."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.model.entity import Entity
from kartoteka.model.form import Control, Form, Section
from kartoteka.names import did_you_mean

_KEYS_OF_KIND = {
    "field": {"read_only", "width", "rows"},
    "subgrid": {"entity", "by", "relationship", "view", "width"},
    "quick_view": {"form", "width"},
    "panel": {"width"},
}
_ONLY_ON_MAIN = frozenset({"panel", "quick_view", "subgrid"})


def check_control(
    scope: Scope, form: Form, section: Section, control: Control
) -> Iterator[Diagnostic]:
    """Yield what is wrong with a control; the form's entity is known to exist."""
    kinds = [kind for kind in _KEYS_OF_KIND if getattr(control, kind)]
    if len(kinds) != 1:
        yield _not_one_kind(control, kinds)
        return
    kind = kinds[0]
    yield from _check_keys(control, kind)
    if control.width > section.columns:
        yield Diagnostic(
            control.location, "form/too-wide",
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
            yield from _check_field(scope, entity, control)
        case "subgrid":
            yield from _check_subgrid(scope, form, control)
        case "quick_view":
            yield from _check_quick_view(scope, entity, control)
        case "panel":
            yield from _check_panel(scope, control)


def _not_one_kind(control: Control, kinds: list[str]) -> Diagnostic:
    if kinds:
        return Diagnostic(
            control.location, "form/control-kind",
            f"the control is {' and '.join(kinds)} at once", "make it two controls",
        )  # fmt: skip
    return Diagnostic(
        control.location, "form/control-kind", "the control does not say what it shows",
        "give it one of field, subgrid, quick_view, panel",
    )  # fmt: skip


def _check_keys(control: Control, kind: str) -> Iterator[Diagnostic]:
    defaults = Control()
    every = set().union(*_KEYS_OF_KIND.values())
    for key in sorted(every - _KEYS_OF_KIND[kind]):
        if getattr(control, key) != getattr(defaults, key):
            yield Diagnostic(
                control.location, "form/key-not-for-control",
                f'"{key}" does not apply to a {kind}',
                f"it has {', '.join(sorted(_KEYS_OF_KIND[kind] | {'label'}))}",
            )  # fmt: skip


def _check_field(scope: Scope, entity: Entity, control: Control) -> Iterator[Diagnostic]:
    field = entity.field_by_name.get(control.field)
    if field is None:
        yield Diagnostic(
            control.location, "form/unknown-field",
            f'control "{control.field}" is not a field of "{entity.name}"',
            did_you_mean(control.field, entity.field_by_name),
        )  # fmt: skip
    elif control.rows and field.format != "multi_line" and field.type != "party_list":
        if field.name not in scope.doubtful_fields(entity.name):
            yield Diagnostic(
                control.location, "form/rows",
                f'"{field.name}" is one line; only multi-line texts have rows',
                f"add format: multi_line to {entity.name}.{field.name}",
            )  # fmt: skip


def _check_subgrid(scope: Scope, form: Form, control: Control) -> Iterator[Diagnostic]:
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
        yield from scope.unknown(
            "entity", control.entity, control.location, "form/unknown-entity"
        )
        return
    if control.by:
        yield from _check_by(scope, form, control, listed)
    if control.relationship:
        yield from _check_link(scope, form, control)
    if control.view:
        yield from check_view_of(scope, control, listed)


def _check_by(
    scope: Scope, form: Form, control: Control, listed: Entity
) -> Iterator[Diagnostic]:
    field = listed.field_by_name.get(control.by)
    if field is None:
        yield from scope.unknown_field(
            listed, control.by, control.location, "form/unknown-field"
        )
    elif form.entity not in field.targets:
        if field.name in scope.doubtful_fields(listed.name):
            return
        lookups = [f.name for f in listed.fields if form.entity in f.targets]
        yield Diagnostic(
            control.location, "form/subgrid-not-related",
            f'"{control.by}" of "{listed.name}" does not name records of "{form.entity}"',
            f"lookups that do: {', '.join(lookups[:8])}" if lookups else "",
        )  # fmt: skip


def _check_link(scope: Scope, form: Form, control: Control) -> Iterator[Diagnostic]:
    relationship = scope.registry.relationships.get(control.relationship)
    if relationship is None:
        yield from scope.unknown(
            "relationship", control.relationship, control.location, "form/unknown-relationship"
        )
    elif {relationship.left, relationship.right} != {form.entity, control.entity}:
        yield Diagnostic(
            control.location, "form/subgrid-not-related",
            f'the relationship "{relationship.name}" links {relationship.left} with '
            f"{relationship.right}, not {form.entity} with {control.entity}",
        )  # fmt: skip


def check_view_of(scope: Scope, control: Control, listed: Entity) -> Iterator[Diagnostic]:
    """Yield a diagnostic when a control's view does not exist or lists another entity."""
    view = scope.registry.views.get(control.view)
    if view is None:
        yield from scope.unknown("view", control.view, control.location, "form/unknown-view")
    elif view.entity != listed.name:
        yield Diagnostic(
            control.location, "form/view-of-other-entity",
            f'the view "{view.name}" lists {view.entity}, not {listed.name}',
        )  # fmt: skip


def _check_quick_view(scope: Scope, entity: Entity, control: Control) -> Iterator[Diagnostic]:
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
                f'a quick view shows the record of a lookup; "{field.name}" is a {field.type} field',
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
        yield from scope.unknown("form", control.form, control.location, "form/unknown-form")
    elif form.type != "quick_view":
        yield Diagnostic(
            control.location, "form/not-a-quick-view",
            f'"{form.name}" is a {form.type} form; a quick view needs a quick_view form',
        )  # fmt: skip
    elif form.entity not in field.targets and field.name not in scope.doubtful_fields(entity.name):
        yield Diagnostic(
            control.location, "form/not-a-quick-view",
            f'"{form.name}" shows {form.entity}, which "{field.name}" does not name',
        )  # fmt: skip


def _check_panel(scope: Scope, control: Control) -> Iterator[Diagnostic]:
    if scope.panels is not None and control.panel not in scope.panels:
        yield Diagnostic(
            control.location, "form/unknown-panel",
            f'no plugin provides the panel "{control.panel}"',
            did_you_mean(control.panel, scope.panels),
        )  # fmt: skip
