"""What a form fetches beside its record: subgrids, quick views and the panels of plugins.

Each part has an address of its own. With a script the form fetches it when it comes into view;
without one, it is a link to a page that shows the same.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kartoteka.errors import AccessDenied, RecordNotFound
from kartoteka.model.form import Control
from kartoteka.model.view import View
from kartoteka.plugin_api.contexts import LinkedTo, PanelContext
from kartoteka.record_values import Reference
from kartoteka_runtime.localization.number_shapes import number_writer
from kartoteka_runtime.records.access_teams import MEMBERS_PANEL
from kartoteka_runtime.records.reading import RecordPage
from kartoteka_runtime.web.list_model import with_currency
from kartoteka_runtime.web.list_pages import related_condition, rows_of
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.record_rights import may_link, record_rights
from kartoteka_runtime.web.secured_values import kept_fields, with_locks
from kartoteka_runtime.web.share_pages import show_members

_SHOWN = 10  # records of a subgrid


async def show_part(page: PageRequest) -> Response:
    """Show one part of a form."""
    params = page.request.path_params
    control = _control(page, params["form"], params["kind"], params["name"])
    try:
        match params["kind"]:
            case "subgrid":
                return await _subgrid(page, control)
            case "quick_view":
                return await _quick_view(page, control)
            case _:
                return await _panel(page, control)
    except AccessDenied:
        # Forms show the same parts to everybody; what a part would hold is not for this reader.
        await page.records.read(page.entity_name, page.record_id)
        return _nothing(page, _title(page, control), "form.part_denied")


def find_control(page: PageRequest, form_name: str, kind: str, name: str) -> Control | None:
    """Return a control of a form of the page's entity, or None."""
    form = page.registry.forms.get(form_name)
    if form is None or form.entity != page.entity_name:
        return None
    controls = (c for tab in form.tabs for section in tab.sections for c in section.controls)
    return next((c for c in controls if name and getattr(c, kind) == name), None)


def _control(page: PageRequest, form_name: str, kind: str, name: str) -> Control:
    if kind in ("subgrid", "quick_view", "panel"):
        control = find_control(page, form_name, kind, name)
        if control is not None:
            return control
    raise RecordNotFound(page.entity_name, name)


def subgrid_view(page: PageRequest, control: Control) -> View:
    """Return the view of a subgrid: its own, else what the entity has for related records."""
    if control.view:
        return page.registry.views[control.view]
    for view_type in ("associated", "public", "lookup"):
        view = page.registry.view_of_type(control.entity, view_type)
        if view is not None:
            return view
    raise RecordNotFound("view", control.entity)


async def _subgrid(page: PageRequest, control: Control) -> Response:
    view = subgrid_view(page, control)
    shown = with_currency(view, page.registry)
    if control.relationship:
        linked = LinkedTo(control.relationship, page.record_id)
        found = await page.records.page(control.entity, view=shown, limit=_SHOWN, linked_to=linked)
    else:
        condition = related_condition(control.by, page.record_id)
        found = await page.records.page(
            control.entity, view=shown, limit=_SHOWN, condition=condition
        )
    all_address = address_of(
        control.entity,
        view=view.name,
        by=control.by,
        link=control.relationship,
        of=f"{page.entity_name}:{page.record_id}",
    )
    unlink = ""
    relationship = page.registry.relationships.get(control.relationship)
    if relationship is not None and may_link(page, relationship, await record_rights(page)):
        unlink = address_of(page.entity_name, page.record_id, "unlink", control.relationship)
    label = page.pages.published.labels.text(control.label, page.language)
    return await _rows(page, view, found, label=label, all_address=all_address, unlink=unlink)


async def _rows(
    page: PageRequest,
    view: View,
    found: RecordPage,
    *,
    label: str,
    all_address: str = "",
    unlink: str = "",
    empty: str = "list.empty",
) -> Response:
    template = "fragments/_rows.html" if page.is_fragment else "pages/part.html"
    model = page.pages.list_model(view.name)
    return page.render(
        f"{template}?view={view.name}",
        title=label or model.entity.plural,
        rows=await rows_of(page, view, found.rows),
        total=found.count,
        count=number_writer(page.language, None)(found.count),
        is_capped=found.is_capped,
        all_address=all_address if found.next_after else "",
        unlink=unlink,
        empty=page.text(empty),
        back_address=address_of(page.entity_name, page.record_id),
    )


async def _quick_view(page: PageRequest, control: Control) -> Response:
    record = await page.records.read(page.entity_name, page.record_id)
    reference = record.get(control.quick_view)
    form = _quick_view_form(page, control, reference)
    template = "fragments/_quick_view.html" if page.is_fragment else "pages/quick_view.html"
    common: dict[str, Any] = {
        "title": page.pages.field_label(page.entity_name, control.quick_view),
        "back_address": address_of(page.entity_name, page.record_id),
    }
    if form is None or not isinstance(reference, Reference):
        return page.render(f"{template}?mode=empty", **common)
    try:
        related = await page.records.read(reference.entity, reference.id)
    except RecordNotFound:  # the name is part of this record; the rest is not for this reader
        return _nothing(page, _title(page, control), "form.part_denied")
    values = page.pages.form_values(form, page.zone)
    return page.render(
        f"{template}?form={form}&mode=show",
        reference=reference,
        record_id=reference.id,
        s=with_locks(
            page,
            values.shown(related, await page.money()),
            await kept_fields(page, reference.entity),
        ),
        state=related.get("statecode"),
        **common,
    )


def _quick_view_form(page: PageRequest, control: Control, reference: object) -> str | None:
    """Return the quick view form for what the lookup names; it may name several entities."""
    if not isinstance(reference, Reference):
        return None
    named = page.registry.forms.get(control.form)
    if named is not None and named.entity == reference.entity:
        return named.name
    form = page.registry.form_of_type(reference.entity, "quick_view")
    return form.name if form else None


def _nothing(page: PageRequest, title: str, message: str) -> Response:
    """Return a part that has nothing to show, and why."""
    return page.render(
        "fragments/_nothing.html" if page.is_fragment else "pages/nothing.html",
        title=title,
        empty=page.text(message),
        back_address=address_of(page.entity_name, page.record_id),
    )


def _title(page: PageRequest, control: Control) -> str:
    """Return what a part is called."""
    label = page.pages.published.labels.text(control.label, page.language)
    if label:
        return label
    if control.subgrid:
        return page.pages.entity_model(control.entity).plural
    if control.quick_view:
        return page.pages.field_label(page.entity_name, control.quick_view)
    panel = page.client.parts.records.hooks.panels.get(control.panel)
    return page.text(panel.label) if panel is not None else control.panel


async def _panel(page: PageRequest, control: Control) -> Response:
    panel = page.client.parts.records.hooks.panels.get(control.panel)
    if panel is None:
        raise RecordNotFound("panel", control.panel)
    if panel is MEMBERS_PANEL:
        return await show_members(page)
    record = await page.records.read(page.entity_name, page.record_id)
    context = PanelContext(page.entity_name, record, page.principal, page.records, page.registry)
    wanted = await panel.load(context)
    label = page.text(panel.label)
    if wanted is None:
        return _nothing(page, label, "form.panel_empty")
    view = page.registry.views[wanted.view]
    found = await page.records.page(
        wanted.entity,
        view=with_currency(view, page.registry),
        condition=wanted.filter,
        limit=wanted.limit,
    )
    empty = wanted.empty_message or "form.panel_empty"
    return await _rows(page, view, found, label=label, empty=empty)
