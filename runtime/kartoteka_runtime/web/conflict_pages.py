"""When two people changed the same record: both versions side by side, nothing typed is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka.model.form import Form
from kartoteka.record_values import Reference
from kartoteka_runtime.localization.format_value import instant_writer
from kartoteka_runtime.web.entity_model import OptionModel
from kartoteka_runtime.web.form_input import FormInput
from kartoteka_runtime.web.form_model import ControlModel
from kartoteka_runtime.web.form_values import is_same, keys_of
from kartoteka_runtime.web.page_request import PageRequest, address_of


@dataclass(frozen=True, slots=True)
class Difference:
    """One field of which there are several versions, each as text.

    ``inputs`` are what was typed, to be sent again; ``is_contested`` when both people changed it.
    """

    name: str
    label: str
    before: str
    mine: str
    theirs: str
    is_contested: bool
    inputs: tuple[tuple[str, str], ...]


async def show_conflict(page: PageRequest, form: Form, typed: FormInput) -> Response:
    """Show, for each field that was typed, what it was, what is stored now, and what was typed."""
    try:
        record = await page.records.read(page.entity_name, page.record_id)
    except RecordNotFound:
        return await show_deleted(page, form, typed)
    values = page.pages.form_values(form.name, page.zone)
    stored = values.inputs(record)
    now = values.originals(stored)
    shown = values.shown(record, await page.money())
    mine: list[Difference] = []
    others: list[tuple[str, str]] = []
    for control in values.edited:
        name = control.name
        is_theirs = name in typed.original and not is_same(control, now[name], typed.original[name])
        if name in typed.values:
            mine.append(_difference(control, typed, shown, is_theirs))
        elif is_theirs:
            others.append((control.label, _plain(shown[name])))
    return page.render(
        "pages/conflict.html",
        status=409,
        title=page.text("page.conflict", name=str(record.get(page.entity.primary_field) or "")),
        record_id=page.record_id,
        record_address=address_of(page.entity_name, page.record_id),
        form_address=address_of(page.entity_name, page.record_id, form=page.query.get("form", "")),
        version=record.get("versionnumber") or 0,
        original=orjson.dumps({found.name: now[found.name] for found in mine}).decode(),
        differences=mine,
        others=others,
        changed_by=record.get("modifiedby"),
        changed_on=_time(page, record),
    )


async def show_deleted(page: PageRequest, form: Form, typed: FormInput) -> Response:
    """Show what was typed for a record that is no more, so that it can be copied or kept."""
    values = page.pages.form_values(form.name, page.zone)
    rows = [
        (values.by_name[name].label, _typed_text(values.by_name[name], typed))
        for name in typed.values
    ]
    return page.render(
        "pages/deleted.html",
        status=409,
        title=page.text("error.not_found"),
        explanation=page.text("conflict.deleted"),
        rows=rows,
        list_address=address_of(page.entity_name),
    )


def _difference(
    control: ControlModel, typed: FormInput, shown: Mapping[str, Any], is_contested: bool
) -> Difference:
    name = control.name
    return Difference(
        name=name,
        label=control.label,
        before=_text_of(control, typed.original.get(name, "")),
        mine=_typed_text(control, typed),
        theirs=_plain(shown[name]),
        is_contested=is_contested,
        inputs=tuple((key, typed.texts.get(key, "")) for key in keys_of(control)),
    )


def _typed_text(control: ControlModel, typed: FormInput) -> str:
    return _text_of(control, typed.texts.get(control.name, ""))


def _text_of(control: ControlModel, text: str) -> str:
    """Return what an input held as people read it: labels for options, a name for a reference."""
    if control.options:
        labels = {option.value: option.label for option in control.options}
        return ", ".join(labels.get(part, part) for part in text.split(",")) if text else ""
    if control.widget == "lookup":
        return text.partition("|")[2] or text
    if control.widget == "parties":
        return ", ".join(line.partition("|")[2] or line for line in text.split("\n") if line)
    return text.replace("T", " ") if control.widget == "date_time" else text


def _plain(value: Any) -> str:
    """Return a shown value as text."""
    match value:
        case OptionModel(label=label):
            return label
        case list():
            return ", ".join(_plain(item) for item in value)
        case Reference():
            return value.name or value.id
        case tuple():
            return ", ".join(
                party.reference.name if party.reference else party.address for party in value
            )
    return str(value)


def _time(page: PageRequest, record: Mapping[str, Any]) -> str:
    changed = record.get("modifiedon")
    return instant_writer(page.language, page.zone)(changed) if changed else ""
