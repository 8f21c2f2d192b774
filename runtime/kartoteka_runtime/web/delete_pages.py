"""Deleting a record: never without being asked."""

from __future__ import annotations

from starlette.responses import Response

from kartoteka.errors import RecordInvalid
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.record_rights import require_right


async def confirm_delete(page: PageRequest) -> Response:
    """Ask whether the record shall be deleted."""
    await page.records.read(page.entity.name, page.record_id)
    await require_right(page, "delete")
    return await _form(page)


async def delete_record(page: PageRequest) -> Response:
    """Delete the record, or say what stands against it."""
    post = await page.post()
    post.check_names({TOKEN})
    entity = page.entity
    record = await page.records.read(entity.name, page.record_id)
    try:
        await page.records.delete(entity.name, page.record_id)
    except RecordInvalid as invalid:
        return await _form(
            page, [page.violation(entity.name, found) for found in invalid.violations]
        )
    name = str(record.get(entity.primary_field) or "")
    return page.redirect(address_of(entity.name), "form.deleted", {"name": name})


async def _form(page: PageRequest, refusals: list[str] | None = None) -> Response:
    entity = page.entity
    record = await page.records.read(entity.name, page.record_id)
    name = str(record.get(entity.primary_field) or page.text("list.no_name"))
    template = "fragments/_delete.html" if page.is_fragment else "pages/delete.html"
    return page.render(
        f"{template}?entity={entity.name}",
        status=422 if refusals else 200,
        title=page.text("page.delete_record", name=name),
        record_id=page.record_id,
        record_name=name,
        refusals=refusals or (),
    )
