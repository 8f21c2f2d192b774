"""A form: its texts, and the controls of its sections, which are added, removed and moved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka.model.form import Control, Form, Section, Tab
from kartoteka_runtime.web.customize import definition_pages
from kartoteka_runtime.web.customize.customizing import Customizing, customize_address
from kartoteka_runtime.web.customize.definition_inputs import form_groups
from kartoteka_runtime.web.customize.definition_pages import DefinitionPage
from kartoteka_runtime.web.customize.list_edits import DO, WITHIN, list_changes
from kartoteka_runtime.web.form_posts import PostRefused


async def show_form(at: Customizing) -> Response:
    """Show a form's texts and controls."""
    return definition_pages.show(at, _page(at))


async def save_form(at: Customizing) -> Response:
    """Save a form's texts, or add, remove or move a control."""
    post = await at.page.post()
    if not post.has(DO):
        return await definition_pages.save(at, _page(at), post)
    form = _form(at)
    tab, section = _section(form, post.text(WITHIN))
    changes = list_changes(
        at,
        post,
        ("form", form.name),
        ("tabs", tab.name, "sections", section.name, "controls"),
        present=[_name(control) for control in section.controls],
        known=[name for name, _ in _addable(at, form)],
        is_own=form.bundle == at.own_bundle,
        naming={_name(control): _naming(control) for control in section.controls},
    )
    return await definition_pages.carry_out(at, _page(at), changes)


def _page(at: Customizing) -> DefinitionPage:
    entity, form = at.entity, _form(at)
    make = at.inputs_of("form", form.name)
    return DefinitionPage(
        template="pages/customize/definition.html",
        title=at.words.labels.text(form.label, at.page.language) or form.name,
        part="forms",
        address=customize_address(entity.name, "forms", form.name),
        groups=form_groups(make, form),
        origins=make.origins,
        more={
            "name": form.name,
            "kind": "form",
            "back": customize_address(entity.name, "forms"),
            "can_retire": False,
            "lists": list(_sections(at, form)),
        },
    )


def _sections(at: Customizing, form: Form) -> Iterator[dict[str, Any]]:
    text, labels, language = at.page.text, at.words.labels, at.page.language
    addable = _addable(at, form)
    for tab in form.tabs:
        for section in tab.sections:
            names = [
                labels.text(tab.label, language) or tab.name,
                labels.text(section.label, language) or section.name,
            ]
            yield {
                "heading": " / ".join(dict.fromkeys(names)),
                "add": text("customize.add_control"),
                "within": f"{tab.name}/{section.name}",
                "members": [(_name(one), _label(at, form, one)) for one in section.controls],
                "addable": addable,
            }


def _name(control: Control) -> str:
    return control.field or control.subgrid or control.quick_view or control.panel


def _naming(control: Control) -> str:
    """Return the key that names a control."""
    keys = ("field", "subgrid", "quick_view", "panel")
    return next(key for key in keys if getattr(control, key))


def _label(at: Customizing, form: Form, control: Control) -> str:
    labels, language = at.words.labels, at.page.language
    own = labels.text(control.label, language)
    if own:
        return own
    if control.field or control.quick_view:
        return labels.field(form.entity, control.field or control.quick_view, language)
    return labels.entities(control.entity, language) if control.entity else _name(control)


def _addable(at: Customizing, form: Form) -> list[tuple[str, str]]:
    """Return the fields that the form does not show yet."""
    present = {
        control.field
        for tab in form.tabs
        for section in tab.sections
        for control in section.controls
    }
    labels, language = at.words.labels, at.page.language
    found = [
        (item.name, labels.field(form.entity, item.name, language))
        for item in at.registry.entities[form.entity].fields
        if item.name not in present
    ]
    return sorted(found, key=lambda pair: pair[1].casefold())


def _section(form: Form, named: str) -> tuple[Tab, Section]:
    for tab in form.tabs:
        for section in tab.sections:
            if named == f"{tab.name}/{section.name}":
                return tab, section
    raise PostRefused(400, "error.bad_request", f"no such section: {named[:80]}")


def _form(at: Customizing) -> Form:
    form = at.registry.forms.get(str(at.page.request.path_params["name"]))
    if form is None or form.entity != at.entity.name:
        raise RecordNotFound(at.entity.name, "")
    return form
