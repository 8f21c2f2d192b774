"""What a new record starts with: the metadata's defaults, and what its address presets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from kartoteka.errors import RecordNotFound
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.record_values import Reference
from kartoteka_runtime.localization.parse_value import value_reader
from kartoteka_runtime.web.form_posts import PostRefused
from kartoteka_runtime.web.form_values import read_reference
from kartoteka_runtime.web.page_request import PageRequest

# Parts of an address that are no presets.
RESERVED = frozenset({"form", "quick", "tab", "for", "back"})
_OWNER = "ownerid"


def default_values(entity: Entity, page: PageRequest) -> dict[str, Any]:
    """Return the defaults of a new record as record values; the reader owns it."""
    values: dict[str, Any] = {}
    for item in entity.fields:
        if item.default is not None:
            values[item.name] = default_value(item)
    owner = entity.field_by_name.get(_OWNER)
    if owner is not None and "systemuser" in owner.targets:
        principal = page.principal
        values[_OWNER] = Reference("systemuser", principal.user_id, principal.name)
    if entity.states:
        state = entity.states[0]
        values["statecode"], values["statuscode"] = state.value, state.reasons[0].value
    return values


def default_value(item: Field) -> Any:
    """Return a field's default as a record value."""
    default = item.default
    if item.is_choice and isinstance(default, str):
        return next((option.value for option in item.options if option.name == default), None)
    match item.type:
        case "money" | "decimal":
            return Decimal(str(default))
        case "date" if isinstance(default, str):
            return date.fromisoformat(default)
    return default


async def preset_values(page: PageRequest) -> dict[str, Any]:
    """Return what the address presets: ``?parentcustomerid=account:<id>&firstname=Ana``.

    Names that are no fields which people may write are passed over.

    Raises:
        PostRefused: A lookup is preset to what it cannot name.
    """
    values: dict[str, Any] = {}
    fields = page.entity.field_by_name
    for name, text in page.query.items():
        item = fields.get(name)
        if item is None or name in RESERVED or item.read_only or not text:
            continue
        if item.is_lookup:
            values[name] = await _named_record(page, item, text)
        elif item.type != "party_list":
            values[name] = value_reader(item, page.language, page.zone)(text)
    return values


async def _named_record(page: PageRequest, item: Field, text: str) -> Reference:
    """Return the record that a preset names, with its name."""
    reference = read_reference(text)
    if reference is None or reference.entity not in item.targets:
        raise PostRefused(400, "error.bad_request", f"preset of {item.name}")
    try:
        record = await page.records.read(reference.entity, reference.id)
    except RecordNotFound:
        raise PostRefused(400, "error.bad_request", f"preset of {item.name}") from None
    primary = page.entity_called(reference.entity).primary_field
    return Reference(reference.entity, reference.id, str(record.get(primary) or ""))
