"""Fills a form: with a stored record, with what was typed, and with what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson
from starlette.responses import Response

from kartoteka.access.grants import is_kept
from kartoteka.errors import Violation
from kartoteka.model.field import IMAGE_TIMESTAMP
from kartoteka.model.form import Form
from kartoteka.record_values import Reference
from kartoteka_runtime.localization.money_writers import MoneyWriters
from kartoteka_runtime.web.entity_model import OptionModel
from kartoteka_runtime.web.form_input import FormInput
from kartoteka_runtime.web.form_values import FormValues
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.record_rights import record_rights
from kartoteka_runtime.web.ruled_form import shown_with_rules
from kartoteka_runtime.web.secured_values import (
    KeptFields,
    kept_fields,
    with_locks,
    without_masked,
)

STATE, REASON, OWNER = "statecode", "statuscode", "ownerid"
NOTHING_TYPED = FormInput()


async def render_record(
    page: PageRequest,
    form: Form,
    record: Mapping[str, Any],
    *,
    typed: FormInput = NOTHING_TYPED,
    violations: Sequence[Violation] = (),
) -> Response:
    """Return the page of a stored record; with violations, the form as it was typed."""
    entity = page.entity
    rights = await record_rights(page)
    state = entity.state_by_value.get(record.get(STATE, -1))
    is_closed = state is not None and state.read_only
    is_read_only = is_closed or "write" not in rights or is_kept(entity)
    mode = "show" if is_read_only else "correct" if violations else "edit"
    values = page.pages.form_values(form.name, page.zone)
    money = await page.money()
    rules = page.pages.form_rules(form.name)
    kept = _with_owner(await kept_fields(page, entity.name), may_assign="assign" in rights)
    known = without_masked(record) if kept.names else record
    ruled, told = shown_with_rules(page, rules, known, typed, is_new=False, is_fresh=not violations)
    inputs = {} if is_read_only else values.inputs(ruled)
    original = {} if is_read_only else _without(values.originals(values.inputs(known)), kept)
    name = str(record.get(entity.primary_field) or "")
    return page.render(
        f"pages/record.html?form={form.name}&mode={mode}",
        status=422 if violations else 200,
        title=name or page.text("list.no_name"),
        record_id=page.record_id,
        # What was typed was typed over the version shown then, not over what is stored now.
        version=typed.version or record.get("versionnumber") or 0,
        state=record.get(STATE),
        reason=str(record.get(REASON) or ""),
        state_chip=_state_chip(page, form, record),
        rights=rights,
        why_read_only=_why_read_only(page, record, is_closed=is_closed) if is_read_only else "",
        v={**inputs, **typed.texts},
        **_shown(page, values, record, money, kept, beside=not is_read_only),
        currency=money.symbol(record),
        original=orjson.dumps({**original, **typed.original}).decode(),
        tab=page.query.get("tab", ""),
        picture=_picture(page, record),
        **told,
        **_violation_values(page, form, typed, violations),
    )


async def render_new(
    page: PageRequest,
    form: Form,
    record: Mapping[str, Any],
    *,
    typed: FormInput = NOTHING_TYPED,
    violations: Sequence[Violation] = (),
) -> Response:
    """Return the page that creates a record; ``record`` holds defaults and presets."""
    values = page.pages.form_values(form.name, page.zone)
    money = await page.money()
    rules = page.pages.form_rules(form.name)
    kept = _with_owner(
        await kept_fields(page, page.entity_name, is_new=True),
        may_assign=page.allows("assign", page.entity_name),
    )
    ruled, told = shown_with_rules(page, rules, record, typed, is_new=True, is_fresh=not violations)
    inputs = values.inputs(ruled)
    is_quick = form.type == "quick_create" and page.is_fragment
    template = "fragments/_quick_create.html" if is_quick else "pages/new.html"
    mode = "new_correct" if violations else "new"
    entity = page.pages.entity_model(page.entity_name)
    return page.render(
        f"{template}?form={form.name}&mode={mode}",
        status=422 if violations else 200,
        title=page.text("page.new_record", entity=entity.label),
        record_id="",
        version=0,
        state=record.get(STATE),
        reason=str(record.get(REASON) or ""),
        v={**inputs, **typed.texts},
        **_shown(page, values, ruled, money, kept, beside=True),
        currency=money.symbol(record),
        original=orjson.dumps(
            {**_without(values.originals(inputs), kept), **typed.original}
        ).decode(),
        tab=page.query.get("tab", ""),
        action=_own_address(page),
        chooser=page.query.get("for", ""),
        **told,
        **_violation_values(page, form, typed, violations),
    )


def _shown(
    page: PageRequest,
    values: FormValues,
    record: Mapping[str, Any],
    money: MoneyWriters,
    kept: KeptFields,
    *,
    beside: bool,
) -> dict[str, Any]:
    """Return what a form shows without inputs, and what it keeps from its reader."""
    show = values.shown_beside if beside and not kept.names else values.shown
    shown = show(record, money)
    if kept.hidden:
        shown = with_locks(page, shown, kept)
    return {
        "s": shown,
        "kept": kept.names,
        "unmaskable": kept.unmaskable,
        "unmasked": "&unmasked=true" if page.is_unmasked else "",
    }


def _with_owner(kept: KeptFields, *, may_assign: bool) -> KeptFields:
    """Return the fields without an input: the owner is one for whoever may not assign."""
    return kept if may_assign else replace(kept, names=kept.names | {OWNER})


def _why_read_only(page: PageRequest, record: Mapping[str, Any], *, is_closed: bool) -> str:
    """Return why a form has no inputs."""
    if is_closed:
        return page.text("form.read_only_record")
    if is_kept(page.entity):
        return page.text("access_why.kept_by_platform")
    if not page.allows("write", page.entity_name):
        entity = page.pages.entity_model(page.entity_name)
        return page.text("form.read_only_kind", entities=entity.plural)
    owner = record.get(OWNER)
    if isinstance(owner, Reference) and owner.name:
        return page.text("form.read_only_owner", owner=owner.name)
    return page.text("form.read_only_reach")


def _without(texts: dict[str, str], kept: KeptFields) -> dict[str, str]:
    """Return the originals of those inputs that are there."""
    return {name: text for name, text in texts.items() if name not in kept.names}


def _state_chip(page: PageRequest, form: Form, record: Mapping[str, Any]) -> OptionModel | None:
    """Return the reason to show beside the title; the state where the header has the reason."""
    field, kind = (STATE, "state") if REASON in form.header else (REASON, "status")
    return page.pages.options(form.entity, kind).get(record.get(field, -1))


def _picture(page: PageRequest, record: Mapping[str, Any]) -> str:
    """Return the address of the picture that stands for a record; "" when it has none."""
    name = page.entity.picture
    if not name or record.get(name) is None:
        return ""
    stamp = str(record.get(f"{name}{IMAGE_TIMESTAMP}") or "")
    return address_of(page.entity_name, page.record_id, "file", name, size="small", version=stamp)


def _own_address(page: PageRequest) -> str:
    url = page.request.url
    return f"{url.path}?{url.query}" if url.query else url.path


def _violation_values(
    page: PageRequest, form: Form, typed: FormInput, violations: Sequence[Violation]
) -> dict[str, Any]:
    """Return what a form says of violations: by field, and all of them with the field's input."""
    if not violations:
        return {"bad": {}, "summary": (), "candidates": {}}
    model = page.pages.form_model(form.name)
    on_form = {control.name for control in model.edited}
    texts = [(found.field or "", page.violation(form.entity, found)) for found in violations]
    return {
        "bad": {name: text for name, text in texts if name in on_form},
        "summary": [(name if name in on_form else "", text) for name, text in texts],
        "candidates": {
            name: [(f"{one.entity}:{one.id}", one.name, _kind(page, one.entity)) for one in found]
            for name, found in typed.candidates.items()
            if found
        },
    }


def _kind(page: PageRequest, entity: str) -> str:
    return page.pages.entity_model(entity).label
