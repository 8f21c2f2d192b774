"""Rules about forms: every control shows something that exists, where it can be shown."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.control_checks import check_control
from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.model.form import Form

MAX_HEADER_FIELDS = 4


def check_forms(scope: Scope) -> Iterator[Diagnostic]:
    """Yield what is wrong with forms."""
    for form in scope.registry.forms.values():
        place = scope.where("form", form.name, "entity")
        yield from scope.unknown("entity", form.entity, place, "form/unknown-entity")
        yield from _check_roles(scope, form)
        yield from _check_sections(form)
        if form.type == "quick_create":
            yield from _check_quick_create(scope, form)
        if form.entity in scope.registry.entities:
            yield from _check_header(scope, form)
            for tab in form.tabs:
                for section in tab.sections:
                    for control in section.controls:
                        yield from check_control(scope, form, section, control)


def _check_roles(scope: Scope, form: Form) -> Iterator[Diagnostic]:
    for name in form.roles:
        place = scope.where("form", form.name, "roles", name)
        yield from scope.unknown("role", name, place, "form/unknown-role")
    if form.roles and form.type != "main":
        yield Diagnostic(
            scope.where("form", form.name, "roles"), "form/roles-not-for-type",
            f"only main forms are for certain roles; this is a {form.type} form",
        )  # fmt: skip


def _check_sections(form: Form) -> Iterator[Diagnostic]:
    seen: dict[str, str] = {}
    for tab in form.tabs:
        for section in tab.sections:
            other = seen.setdefault(section.name, tab.name)
            if other != tab.name:
                yield Diagnostic(
                    section.location, "form/duplicate-section",
                    f'the tab "{other}" already has a section "{section.name}"',
                    "names of sections are unique in the form",
                )  # fmt: skip
    if not any(section.controls for tab in form.tabs for section in tab.sections):
        yield Diagnostic(form.location, "form/empty", f'the form "{form.name}" shows nothing')


def _check_header(scope: Scope, form: Form) -> Iterator[Diagnostic]:
    entity = scope.registry.entities[form.entity]
    if form.header and form.type != "main":
        yield Diagnostic(
            scope.where("form", form.name, "header"), "form/header-not-for-type",
            f"only main forms have a header; this is a {form.type} form",
        )  # fmt: skip
    if len(form.header) > MAX_HEADER_FIELDS:
        yield Diagnostic(
            scope.where("form", form.name, "header"), "form/header-too-long",
            f"the header has {len(form.header)} fields; at most {MAX_HEADER_FIELDS} fit",
        )  # fmt: skip
    for name in form.header:
        place = scope.where("form", form.name, "header", name)
        yield from scope.unknown_field(entity, name, place, "form/unknown-field")


def _check_quick_create(scope: Scope, form: Form) -> Iterator[Diagnostic]:
    sections = [section for tab in form.tabs for section in tab.sections]
    if len(form.tabs) > 1 or len(sections) > 1:
        extra = form.tabs[1].location if len(form.tabs) > 1 else sections[1].location
        yield Diagnostic(
            extra, "form/quick-create-parts",
            "a quick create form has one tab with one section", "keep what one must fill in",
        )  # fmt: skip
    entity = scope.entity(form.entity)
    if entity is not None and "quick_create" not in entity.features:
        yield Diagnostic(
            scope.where("form", form.name, "type"), "form/no-quick-create",
            f'"{entity.name}" is not created quickly: it lacks the feature',
            f"add quick_create to the features of {entity.name}",
        )  # fmt: skip
