"""Creating a record: on a page, or in a dialog beside what one is doing."""

from __future__ import annotations

import json
from collections.abc import Sequence

from starlette.responses import Response

from kartoteka.errors import RecordInvalid, Violation
from kartoteka_runtime.records.record_access import denied
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.earlier_forms import PUBLICATION, carry_over, follow_entity
from kartoteka_runtime.web.form_choice import new_form
from kartoteka_runtime.web.form_input import ORIGINAL, complete_violations, read_form_input
from kartoteka_runtime.web.initial_values import default_values, preset_values
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.record_form import render_new
from kartoteka_runtime.web.record_pages import TAB, THEN, VERSION
from kartoteka_runtime.web.responses import html_response
from kartoteka_runtime.web.ruled_form import follow_rules
from kartoteka_runtime.web.sign_in_form import local_address


async def show_new(page: PageRequest) -> Response:
    """Show an empty form, with defaults and presets filled in."""
    entity = page.entity
    if not page.allows("create", entity.name):
        raise denied("create", entity.name)
    values = {**default_values(entity, page), **await preset_values(page)}
    return await render_new(page, new_form(page, entity.name), values)


async def create_record(page: PageRequest) -> Response:
    """Create the record that was typed, then show it, or what comes next."""
    gone = await follow_entity(page)
    if gone is not None:
        return gone
    entity = page.entity
    form = new_form(page, entity.name)
    values = page.pages.form_values(form.name, page.zone)
    carried = await carry_over(page, await page.post(), values, is_new=True)
    post = carried.post
    known = values.keys | {TOKEN, PUBLICATION, VERSION, ORIGINAL, TAB, THEN}
    post.check_names(known, repeated=values.several)
    presets = await preset_values(page)
    typed = await read_form_input(post, values, page.records, is_new=True)
    start = {**default_values(entity, page), **presets}
    rules = page.pages.form_rules(form.name)
    if rules is not None:
        follow_rules(page, rules, typed, start, is_new=True)
    on_form = values.by_name
    given = {name: value for name, value in presets.items() if name not in on_form}
    violations: Sequence[Violation] = ()
    if typed.violations or carried.violations:
        violations = [*carried.violations, *complete_violations(typed, page.validator)]
    else:
        try:
            record_id = await page.records.create(entity.name, {**given, **typed.values})
        except RecordInvalid as invalid:
            violations = invalid.violations
    if violations:
        return await render_new(page, form, start, typed=typed, violations=violations)
    then = post.text(THEN)
    if page.query.get("for"):
        return await _hand_over(page, record_id)
    if then == "new":
        return page.redirect(_own_address(page), "form.saved")
    if then == "close":
        back = local_address(page.query.get("back", ""))
        return page.redirect(back if back != "/" else address_of(entity.name), "form.saved")
    return page.redirect(address_of(entity.name, record_id), "form.saved")


async def _hand_over(page: PageRequest, record_id: str) -> Response:
    """Tell the lookup that asked for a new record which one it is."""
    entity = page.entity
    record = await page.records.read(entity.name, record_id)
    name = str(record.get(entity.primary_field) or record_id)
    response = html_response("")
    detail = {"field": page.query["for"], "ref": f"{entity.name}:{record_id}", "name": name}
    response.headers["HX-Trigger"] = json.dumps({"k:created": detail})
    return response


def _own_address(page: PageRequest) -> str:
    url = page.request.url
    return f"{url.path}?{url.query}" if url.query else url.path
