"""Rules about forms: every control shows something that exists, where it can be shown."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.control_checks import check_control
from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlList, YamlMap
from kartoteka.loading.read_label import maps_in
from kartoteka.model.form import Control, Form, Section

MAX_HEADER_FIELDS = 4


def check_form(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with a form."""
    form = scope.registry.forms.get(name)
    if form is None:
        return  # it does not say of which entity
    yield from _check_content(scope, form)
    place = scope.where("form", form.name, "entity")
    yield from scope.unknown("entity", form.entity, place, "form/unknown-entity")
    yield from _check_roles(scope, form)
    yield from _check_sections(form)
    if form.type == "quick_create":
        yield from _check_quick_create(scope, form)
    if form.entity in scope.registry.entities:
        yield from _check_header(scope, form)
        for section, control, content in _controls(scope, form):
            yield from check_control(scope, form, section, control, content)


def _controls(scope: Scope, form: Form) -> Iterator[tuple[Section, Control, YamlMap]]:
    """Yield each control with its section and the map it was read from."""
    tabs = [item for item in maps_in(scope.content("form", form.name), "tabs") if "name" in item]
    for tab, tab_content in zip(form.tabs, tabs, strict=True):
        sections = [item for item in maps_in(tab_content, "sections") if "name" in item]
        for section, section_content in zip(tab.sections, sections, strict=True):
            contents = maps_in(section_content, "controls")
            for control, content in zip(section.controls, contents, strict=True):
                yield section, control, content


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


def _check_content(scope: Scope, form: Form) -> Iterator[Diagnostic]:
    shows_something = any(section.controls for tab in form.tabs for section in tab.sections)
    if not shows_something and not _is_damaged(scope.content("form", form.name)):
        yield Diagnostic(form.location, "form/empty", f'the form "{form.name}" shows nothing')


def _is_damaged(content: YamlMap) -> bool:
    tabs = maps_in(content, "tabs")
    sections = [section for tab in tabs for section in maps_in(tab, "sections")]
    lists = [
        content.get("tabs"),
        *(tab.get("sections") for tab in tabs),
        *(section.get("controls") for section in sections),
    ]
    return any(not isinstance(found, YamlList) or found.is_damaged for found in lists)


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
    for extra in form.tabs[1:]:
        yield Diagnostic(
            extra.location, "form/quick-create-tabs",
            "a quick create form has one tab", "keep what one must fill in",
        )  # fmt: skip
    entity = scope.entity(form.entity)
    if entity is not None and "quick_create" not in entity.features:
        yield Diagnostic(
            scope.where("form", form.name, "type"), "form/no-quick-create",
            f'"{entity.name}" is not created quickly: it lacks the feature',
            f"add quick_create to the features of {entity.name}",
        )  # fmt: skip
