"""A record's page: showing it, and saving what was changed there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from kartoteka.errors import RecordConflict, RecordInvalid, RecordNotFound, Violation
from kartoteka.model.form import Form
from kartoteka_runtime.web.action_pages import run_action
from kartoteka_runtime.web.conflict_pages import show_conflict, show_deleted
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.earlier_forms import (
    KEEP,
    PUBLICATION,
    CarriedOver,
    carry_over,
    follow_entity,
)
from kartoteka_runtime.web.form_choice import main_form
from kartoteka_runtime.web.form_input import (
    ORIGINAL,
    FormInput,
    complete_violations,
    keep_stored,
    read_form_input,
)
from kartoteka_runtime.web.form_model import ACTIVITIES
from kartoteka_runtime.web.form_posts import Post, PostRefused
from kartoteka_runtime.web.form_values import FormValues
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.record_form import render_record
from kartoteka_runtime.web.responses import see_other
from kartoteka_runtime.web.ruled_form import follow_rules

VERSION, TAB, THEN = "_version", "_tab", "_then"
ROLLUP = "rollup/"  # and the field that is to be worked out once the rest is saved
_KIND_OF_ACTIVITY = "activitytypecode"


async def show_record(page: PageRequest) -> Response:
    """Show a record in its form; an activity opens as what it is."""
    entity = page.entity
    record = await page.records.read(entity.name, page.record_id)
    if entity.name == ACTIVITIES:
        kind = _kind_of_activity(page, record)
        if kind:
            return see_other(address_of(kind, page.record_id))
    return await render_record(page, main_form(page, entity.name), record)


async def save_record(page: PageRequest) -> Response:
    """Save what was changed, then stay, close, or go on with a command."""
    gone = await follow_entity(page)
    if gone is not None:
        return gone
    entity = page.entity
    form = main_form(page, entity.name)
    values = page.pages.form_values(form.name, page.zone)
    try:
        carried = await carry_over(page, await page.post(), values, is_new=False)
    except RecordNotFound:
        carried = CarriedOver(await page.post())
    post = carried.post
    _check_names(post, values)
    version = post.number(VERSION)
    records = page.records
    typed = await read_form_input(post, values, records, is_new=False)
    typed.version = version
    keep_stored(typed, _kept(post, values))
    rules = page.pages.form_rules(form.name)
    if rules is not None:
        try:
            stored = await records.read(entity.name, page.record_id)
        except RecordNotFound:
            return await show_deleted(page, form, typed)
        follow_rules(page, rules, typed, stored, is_new=False)
    if typed.violations or carried.violations:
        violations = complete_violations(typed, page.validator)
        return await _show_again(page, form, typed, [*carried.violations, *violations])
    try:
        if typed.values:
            await records.update(entity.name, page.record_id, typed.values, version=version)
    except RecordInvalid as invalid:
        return await _show_again(page, form, typed, invalid.violations)
    except RecordConflict:
        return await show_conflict(page, form, typed)
    except RecordNotFound:
        return await show_deleted(page, form, typed)
    return await _go_on(page, post, has_changed=bool(typed.values))


async def _show_again(
    page: PageRequest, form: Form, typed: FormInput, violations: Sequence[Violation]
) -> Response:
    """Show the form as it was typed, with what is wrong."""
    try:
        record = await page.records.read(page.entity_name, page.record_id)
    except RecordNotFound:
        return await show_deleted(page, form, typed)
    return await render_record(page, form, record, typed=typed, violations=violations)


async def _go_on(page: PageRequest, post: Post, *, has_changed: bool) -> Response:
    then = post.text(THEN)
    notice = "form.saved" if has_changed or not then else ""
    if then == "close":
        return page.redirect(address_of(page.entity_name), notice)
    if then == "new":
        return page.redirect(address_of(page.entity_name, "new"), notice)
    if then.startswith(ROLLUP):
        return await _work_out(page, then.removeprefix(ROLLUP), tab=post.text(TAB))
    if then:
        action = page.pages.action(page.entity_name, then)
        if action is None:
            raise PostRefused(400, "error.bad_request", f"no such action: {then[:80]}")
        if action.is_direct:
            return await run_action(page, action, {})
        return page.redirect(address_of(page.entity_name, page.record_id, then), notice)
    form = page.query.get("form", "")
    known = form if form in page.registry.forms else ""  # a publish may have taken it away
    address = address_of(page.entity_name, page.record_id, form=known, tab=post.text(TAB))
    return page.redirect(address, notice)


async def _work_out(page: PageRequest, field: str, *, tab: str) -> Response:
    """Work out a rollup now, and show the record with it."""
    item = page.entity.field_by_name.get(field)
    if item is None or item.rollup is None:
        raise PostRefused(400, "error.bad_request", f"no such rollup: {field[:80]}")
    label = page.words.labels.text(item.label, page.language) or field
    form = page.query.get("form", "")
    known = form if form in page.registry.forms else ""
    address = address_of(page.entity_name, page.record_id, form=known, tab=tab)
    try:
        await page.records.calculate_rollup(page.entity_name, page.record_id, field)
    except RecordInvalid as invalid:
        refused = invalid.violations[0]
        return page.redirect(address, refused.code, {"field": label, **refused.params})
    return page.redirect(address, "rollup.recalculated", {"field": label})


def _check_names(post: Post, values: FormValues) -> None:
    known = values.keys | {TOKEN, PUBLICATION, VERSION, ORIGINAL, TAB, THEN}
    known |= {KEEP + control.name for control in values.edited}
    post.check_names(known, repeated=values.several)


def _kept(post: Post, values: FormValues) -> set[str]:
    """Return the fields for which the conflict page was told to keep what is stored."""
    return {control.name for control in values.edited if post.text(KEEP + control.name) == "theirs"}


def _kind_of_activity(page: PageRequest, record: Mapping[str, Any]) -> str:
    """Return the entity that an activity is, or nothing when it is not known."""
    item = page.entity.field_by_name.get(_KIND_OF_ACTIVITY)
    if item is None:
        return ""
    names = {option.value: option.name for option in item.options}
    kind = names.get(record.get(_KIND_OF_ACTIVITY, -1), "")
    return kind if kind in page.registry.entities else ""
