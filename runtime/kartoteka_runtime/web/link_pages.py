"""Linking records by an N:N relationship, and taking links away."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import Response

from kartoteka.errors import RecordInvalid, RecordNotFound
from kartoteka.model.relationship import Relationship
from kartoteka.record_values import Reference
from kartoteka_runtime.records.record_access import denied
from kartoteka_runtime.web.chosen_record import chosen_record
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import PostRefused
from kartoteka_runtime.web.form_values import OF, PICK, REF, read_reference
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.record_rights import may_link, record_rights

_OTHER = "other"
_INPUTS = frozenset({TOKEN, _OTHER, _OTHER + REF, _OTHER + OF, _OTHER + PICK})


async def show_link(page: PageRequest) -> Response:
    """Ask which record to link."""
    relationship = _relationship(page)
    await page.records.read(page.entity.name, page.record_id)
    if not may_link(page, relationship, await record_rights(page)):
        raise denied("append", page.entity.name)
    return await _form(page, relationship)


async def add_link(page: PageRequest) -> Response:
    """Link the record that was chosen or named."""
    relationship = _relationship(page)
    post = await page.post()
    post.check_names(_INPUTS)
    texts = {key: post.text(key) for key in (_OTHER, _OTHER + REF, _OTHER + OF)}
    other, found = await chosen_record(page, post, _OTHER, (_other_entity(page, relationship),))
    if other is None:
        code = "violation.ambiguous" if found else "violation.not_found"
        label = page.pages.entity_model(_other_entity(page, relationship)).label
        message = page.text(code, field=label, value=texts[_OTHER][:80])
        return await _form(page, relationship, texts, [message], found)
    left, right = _pair(page, relationship, other.id)
    try:
        await page.records.associate(relationship.name, left, right)
    except RecordInvalid as invalid:
        messages = [page.violation(invalid.entity, found) for found in invalid.violations]
        return await _form(page, relationship, texts, messages)
    return page.redirect(address_of(page.entity_name, page.record_id), "form.saved")


async def remove_link(page: PageRequest) -> Response:
    """Take a link away; both records stay."""
    relationship = _relationship(page)
    post = await page.post()
    post.check_names({TOKEN, _OTHER})
    other = read_reference(f"{_other_entity(page, relationship)}:{post.text(_OTHER)}")
    if other is None:
        raise PostRefused(400, "error.bad_request", "no id")
    left, right = _pair(page, relationship, other.id)
    await page.records.disassociate(relationship.name, left, right)
    return page.redirect(address_of(page.entity_name, page.record_id), "form.saved")


def _relationship(page: PageRequest) -> Relationship:
    name = page.request.path_params["relationship"]
    found = page.registry.relationships.get(name)
    if found is None or page.entity.name not in (found.left, found.right):
        raise RecordNotFound("relationship", name)
    return found


def _other_entity(page: PageRequest, relationship: Relationship) -> str:
    is_left = relationship.left == page.entity_name
    return relationship.right if is_left else relationship.left


def _pair(page: PageRequest, relationship: Relationship, other_id: str) -> tuple[str, str]:
    """Return the ids of the left and the right record; in a self link this one is the left."""
    if relationship.left == page.entity_name:
        return page.record_id, other_id
    return other_id, page.record_id


async def _form(
    page: PageRequest,
    relationship: Relationship,
    texts: dict[str, str] | None = None,
    messages: list[str] | None = None,
    found: Sequence[Reference] = (),
) -> Response:
    entity = page.entity
    record = await page.records.read(entity.name, page.record_id)
    target = page.pages.entity_model(_other_entity(page, relationship))
    template = "fragments/_link.html" if page.is_fragment else "pages/link.html"
    candidates = [(f"{one.entity}:{one.id}", one.name, target.label) for one in found]
    return page.render(
        f"{template}?entity={target.name}",
        status=422 if messages else 200,
        title=page.text("action.add_existing"),
        action=page.request.url.path,
        record_name=str(record.get(entity.primary_field) or ""),
        record_address=address_of(entity.name, page.record_id),
        v={_OTHER: "", _OTHER + REF: "", _OTHER + OF: "", **(texts or {})},
        bad={_OTHER: messages[0]} if messages else {},
        summary=[(_OTHER, text) for text in messages or ()],
        candidates={_OTHER: candidates} if candidates else {},
    )
