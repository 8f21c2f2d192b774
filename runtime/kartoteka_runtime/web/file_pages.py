"""Files and pictures of a record: shown small, downloaded, brought, and removed."""

from __future__ import annotations

import base64
import logging
from collections.abc import AsyncIterator
from urllib.parse import unquote

from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse, Response, StreamingResponse

from kartoteka.errors import RecordConflict, RecordInvalid, RecordNotFound
from kartoteka_runtime.file_store.file_store import StoreUnavailable
from kartoteka_runtime.records.guarded_content import FilePlace
from kartoteka_runtime.records.record_files import RecordFiles, disposition, field_of
from kartoteka_runtime.storage.record_queries import VERSION
from kartoteka_runtime.storage.stored_files import StoredFile
from kartoteka_runtime.upload_bodies import allow_upload
from kartoteka_runtime.web.error_pages import error_page
from kartoteka_runtime.web.form_posts import PostRefused
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.responses import SECURITY_HEADERS

_log = logging.getLogger(__name__)
_SANDBOX = {
    **SECURITY_HEADERS,
    "Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_MULTIPART_OVERHEAD = 64 * 1024  # bytes about a file that a form sends


async def send_file(page: PageRequest) -> Response:
    """Send a file as an attachment, or the thumbnail of an image to be shown."""
    place, files = _place(page), page.client.parts.files
    try:
        file = await files.find(page.records, place)
        if file is None:
            raise RecordNotFound(place.entity, place.record_id)
        if page.query.get("size") == "small" and field_of(page.records, place).type == "image":
            return await _thumbnail(page, files, file)
        content = files.content(file)
        first = await anext(content, b"")
    except StoreUnavailable as error:
        return _unavailable(page, error)
    headers = {
        **_SANDBOX, "Content-Disposition": disposition(file.name),
        "Content-Length": str(file.size),
    }  # fmt: skip
    return StreamingResponse(_all(first, content), 200, headers, media_type=file.media_type)


async def receive_file(page: PageRequest) -> Response:
    """Let the field hold the file that a form or a script sends."""
    place, files = _place(page), page.client.parts.files
    request = page.request
    upload = page.upload
    try:
        await files.require_changeable(page.records, place)
        rules = await files.rules(page.records, place)
        allow_upload(request.scope, rules.most_bytes + _MULTIPART_OVERHEAD)
        if upload is not None:
            name, kind, content = upload.name, upload.media_type, upload.content
        else:
            name = unquote(request.headers.get("x-file-name", ""))
            kind, content = request.headers.get("content-type", ""), request.stream()
        if not name:
            return _refused(page, page.text("upload.no_file"), "upload.no_file")
        await files.write(page.records, place, name, kind, content, version=_version(page))
    except ClientDisconnect:
        raise PostRefused(400, "error.bad_request", "client went away") from None
    except RecordInvalid as invalid:
        found = invalid.violations[0]
        label = page.pages.field_label(page.entity_name, place.field)
        params = {"field": label, **found.params}
        return _refused(page, page.violation(page.entity_name, found), found.code, params)
    except RecordConflict:
        return _refused(page, page.text("error.conflict"), "error.conflict", status=409)
    except StoreUnavailable as error:
        return _unavailable(page, error)
    return await _done(page, place, "file.done")


async def remove_file(page: PageRequest) -> Response:
    """Let the field hold nothing."""
    place = _place(page)
    try:
        await page.records.update(
            place.entity, place.record_id, {place.field: None}, version=_version(page)
        )
    except RecordInvalid as invalid:
        found = invalid.violations[0]
        return _refused(
            page, page.violation(page.entity_name, found), found.code, dict(found.params)
        )
    except RecordConflict:
        return _refused(page, page.text("error.conflict"), "error.conflict", status=409)
    return await _done(page, place, "file.removed")


async def send_picture(page: PageRequest) -> Response:
    """Send an image by the address that the Web API tells of it. Source: Dataverse's own."""
    query = page.query
    entity = page.registry.entities.get(query.get("Entity", ""))
    if entity is None:
        raise RecordNotFound("", "")
    place = FilePlace(entity.name, query.get("Id", "")[:40], query.get("Attribute", ""))
    field_of(page.records, place)
    files = page.client.parts.files
    try:
        file = await files.find(page.records, place)
        if file is None:
            raise RecordNotFound(place.entity, place.record_id)
        return await _thumbnail(page, files, file)
    except StoreUnavailable as error:
        return _unavailable(page, error)


def _place(page: PageRequest) -> FilePlace:
    place = FilePlace(page.entity.name, page.record_id, page.request.path_params["field"])
    field_of(page.records, place)
    return place


def _version(page: PageRequest) -> int | None:
    """Return the version of the record that the sender's page shows."""
    said = page.request.headers.get("x-version", "")
    return int(said) if said.isascii() and said.isdecimal() and 0 < len(said) < 20 else None


async def _thumbnail(page: PageRequest, files: RecordFiles, file: StoredFile) -> Response:
    small = (await files.thumbnails(page.records, [file.id])).get(file.id)
    if small is None:
        raise RecordNotFound(file.entity, file.id)
    headers = {**_SANDBOX, "Content-Disposition": "inline"}
    return Response(base64.b64decode(small.content), 200, headers, media_type=small.media_type)


async def _done(page: PageRequest, place: FilePlace, notice: str) -> Response:
    if not _wants_json(page):
        form = page.query.get("form", "")
        known = form if form in page.registry.forms else ""
        return page.redirect(address_of(page.entity_name, page.record_id, form=known), notice)
    record = await page.records.read_fields(place.entity, place.record_id)
    file = await page.client.parts.files.find(page.records, place)
    answer = {"version": record.get(VERSION) or 0, "name": file.name if file else ""}
    return JSONResponse(answer, headers=dict(_SANDBOX))


def _refused(
    page: PageRequest,
    text: str,
    code: str,
    params: dict[str, object] | None = None,
    *,
    status: int = 422,
) -> Response:
    """Tell why a file is not kept: a script at once, anybody else on the record's page."""
    if _wants_json(page):
        return JSONResponse({"error": text}, status, headers=dict(_SANDBOX))
    return page.redirect(address_of(page.entity_name, page.record_id), code, params)


def _unavailable(page: PageRequest, error: StoreUnavailable) -> Response:
    _log.warning("file not served: %s (%s)", error, page.request.url.path)
    if _wants_json(page):
        return JSONResponse({"error": page.text("error.unavailable")}, 503, dict(_SANDBOX))
    return error_page(page, 503, "error.unavailable")


def _wants_json(page: PageRequest) -> bool:
    return page.request.headers.get("accept", "").startswith("application/json")


async def _all(first: bytes, content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for block in content:
        yield block
