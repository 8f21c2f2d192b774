"""FileEndpoint: file and image properties of records: uploads, whole or in pieces, and downloads.

Source: reference web-api, section 15.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from urllib.parse import quote, unquote

from starlette.responses import Response, StreamingResponse

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka_runtime.records.file_uploads import PIECE_BYTES, FileUploads, Piece
from kartoteka_runtime.records.guarded_content import FilePlace
from kartoteka_runtime.records.record_files import RecordFiles, disposition
from kartoteka_runtime.storage.stored_files import StoredFile, Thumbnail
from kartoteka_runtime.upload_bodies import allow_upload
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.addresses import link_to
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused, MethodNotTaken
from kartoteka_runtime.web_api.preconditions import preconditions
from kartoteka_runtime.web_api.request_body import BAD_PAYLOAD, read_object
from kartoteka_runtime.web_api.serialize import to_json
from kartoteka_runtime.web_api.upload_refusals import upload_refusals

MOST_AT_ONCE = 128 * 1024 * 1024  # bytes of a file in one request
_ODATA = {"OData-Version": "4.0"}
_JSON = "application/json; odata.metadata=minimal"
_NAME, _SIZE, _MODE, _CHUNK = (
    "x-ms-file-name", "x-ms-file-size", "x-ms-transfer-mode", "x-ms-chunk-size",
)  # fmt: skip
_TOKEN = "sessiontoken"  # noqa: S105 - the name of an option
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-(-?[0-9]{1,15})/([0-9]{1,15})")
_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_PLAIN = re.compile(r"[A-Za-z0-9._ ()-]+")
# What a browser makes of a file that it is given: a download, never a page of this origin.
_ATTACHED = {"Content-Security-Policy": "default-src 'none'; sandbox; frame-ancestors 'none'"}


class FileEndpoint:
    """Answers requests for one file or image of a record."""

    def __init__(self, files: RecordFiles) -> None:
        """Read and write ``files``."""
        self._files = files
        self._uploads = FileUploads(files)

    async def answer(
        self, call: ApiCall, entity: Entity, record_id: str, item: Field, is_raw: bool
    ) -> Response:
        """Answer one request; ``is_raw`` is what stands at ``$value``.

        Raises:
            RecordNotFound: There is no such record.
            MethodNotTaken: The property does not take the method.
            CallRefused: A header or the body is wrong.
        """
        place = FilePlace(entity.name, record_id, item.name)
        match call.method:
            case "GET" | "HEAD":
                return await self._read(call, entity, place, item, is_raw=is_raw)
            case "PATCH" | "PUT":
                return await self._write(call, entity, place, item)
            case "DELETE":
                version = preconditions(call, entity).version
                await call.records.update(
                    entity.name, record_id, {item.name: None}, version=version
                )
                return Response(status_code=204, headers=_ODATA)
        raise MethodNotTaken("GET, PATCH, PUT, DELETE")

    async def _write(
        self, call: ApiCall, entity: Entity, place: FilePlace, item: Field
    ) -> Response:
        with upload_refusals():
            token = call.request.query_params.get(_TOKEN)
            if token is not None:
                return await self._take_piece(call, place, token)
            taken = preconditions(call, entity)
            if taken.is_absent and await self._files.find(call.records, place) is not None:
                raise CallRefused(412, f'"{item.name}" holds a file already.')
            if call.header(_MODE).lower() == "chunked":
                return await self._begin(call, entity, place, taken.version)
            if item.type == "image" and call.header("content-type").startswith("application/json"):
                return await self._write_base64(call, entity, place, taken.version)
            name = _file_name(call)
            if not name and item.type == "file":
                raise CallRefused(400, f"The header {_NAME} says what the file is called.")
            await self._receive(call, place, name, taken.version)
        return Response(status_code=204, headers=_ODATA)

    async def _receive(
        self, call: ApiCall, place: FilePlace, name: str, version: int | None
    ) -> None:
        await self._files.require_changeable(call.records, place, version=version)
        rules = await self._files.rules(call.records, place)
        most = min(rules.most_bytes, MOST_AT_ONCE)
        length = call.header("content-length")
        if length.isdecimal() and int(length[:18]) > MOST_AT_ONCE:
            raise CallRefused(413, f"One request takes {MOST_AT_ONCE} bytes; send it in pieces.")
        allow_upload(call.request.scope, most + 1024)  # what is more, is told as too large
        await self._files.write(
            call.records, place, name, call.header("content-type"), call.request.stream(),
            version=version,
        )  # fmt: skip

    async def _write_base64(
        self, call: ApiCall, entity: Entity, place: FilePlace, version: int | None
    ) -> Response:
        body = await read_object(call, entity.name)
        if "value" not in body:
            raise CallRefused(400, 'The body is {"value": "base64 …"}.', code=BAD_PAYLOAD)
        await call.records.update(
            entity.name, place.record_id, {place.field: body["value"]}, version=version
        )
        return Response(status_code=204, headers=_ODATA)

    async def _begin(
        self, call: ApiCall, entity: Entity, place: FilePlace, version: int | None
    ) -> Response:
        name = _file_name(call)
        if not name:
            raise CallRefused(400, f"{_NAME} says what the file is called.")
        token = await self._uploads.begin(
            call.records, place, name, call.header("content-type"), version=version
        )
        address = f"{_address(call, entity, place)}?{_TOKEN}={token}"
        headers = {**_ODATA, "Location": address, _CHUNK: str(PIECE_BYTES)}
        return Response(
            b"", 200, {**headers, "Access-Control-Expose-Headers": f"{_CHUNK}, Location"}
        )

    async def _take_piece(self, call: ApiCall, place: FilePlace, token: str) -> Response:
        said = call.header("content-range")
        found = _CONTENT_RANGE.fullmatch(said.strip())
        if found is None:
            raise CallRefused(400, f"Content-Range is {shorten(said)!r}; bytes 0-9/100 is meant.")
        start, end, total = int(found[1]), int(found[2]) + 1, int(found[3])
        if not start <= end <= total:
            raise CallRefused(400, f"Content-Range is {shorten(said)!r}, which is no range.")
        is_done = await self._uploads.take(
            call.records, place, token, Piece(start, end, total), call.request.stream()
        )
        return Response(status_code=204 if is_done else 206, headers=_ODATA)

    async def _read(
        self, call: ApiCall, entity: Entity, place: FilePlace, item: Field, *, is_raw: bool
    ) -> Response:
        file = await self._files.find(call.records, place)
        if file is None:
            return Response(status_code=204, headers=_ODATA)
        is_full = call.request.query_params.get("size", "").lower() == "full"
        small = None
        if item.type == "image" and not is_full:
            small = (await self._files.thumbnails(call.records, [file.id])).get(file.id)
        size = len(base64.b64decode(small.content)) if small is not None else file.size
        start, end = _range(call, size, is_raw=is_raw)
        headers = {
            **_ODATA, **_ATTACHED, "Content-Disposition": disposition(file.name),
            _NAME: _header_name(file.name), _SIZE: str(size), "Accept-Ranges": "bytes",
            "Access-Control-Expose-Headers": f"{_NAME}, {_SIZE}, Content-Disposition, Location",
        }  # fmt: skip
        status = 206 if call.header("range") else 200
        if status == 206 and end > start:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        content = self._content(file, small, start, end)
        if is_raw:
            headers["Content-Length"] = str(end - start)
            if call.method == "HEAD":
                return Response(b"", status, headers, media_type="application/octet-stream")
            return StreamingResponse(
                await _begun(content), status, headers, media_type="application/octet-stream"
            )
        slice_ = b"".join([block async for block in content])
        context = f"{call.root}$metadata#{entity.set_name}({place.record_id})/{item.name}"
        headers["Location"] = _address(call, entity, place) + ("?size=full" if is_full else "")
        body = {"@odata.context": context, "value": base64.b64encode(slice_).decode()}
        return Response(to_json(body), status, headers, media_type=_JSON)

    def _content(
        self, file: StoredFile, small: Thumbnail | None, start: int, end: int
    ) -> AsyncIterator[bytes]:
        if small is None:
            return self._files.content(file, start, end - start)
        return _whole(base64.b64decode(small.content)[start:end])


async def _begun(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return an iterator whose first block is read: what cannot be read is told by a status."""
    first = await anext(content, b"")

    async def rest() -> AsyncIterator[bytes]:
        yield first
        async for block in content:
            yield block

    return rest()


async def _whole(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _address(call: ApiCall, entity: Entity, place: FilePlace) -> str:
    return f"{link_to(call.root, entity, place.record_id)}/{place.field}"


def _file_name(call: ApiCall) -> str:
    """Return what a file is called: by a header, whose letters may be escaped, or an option."""
    said = call.header(_NAME)
    if said:
        try:
            return unquote(said.encode("latin-1").decode())
        except (UnicodeDecodeError, UnicodeEncodeError):
            return unquote(said)
    return call.request.query_params.get(_NAME, "")


def _header_name(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else quote(name, safe="")


def _range(call: ApiCall, size: int, *, is_raw: bool) -> tuple[int, int]:
    """Return the bytes that are asked for; JSON holds one piece of them at most.

    Raises:
        CallRefused: The file ends before them.
    """
    said = call.header("range").strip()
    most = size if is_raw else PIECE_BYTES
    if not said:
        return 0, min(size, most)
    whole = {"Content-Range": f"bytes */{size}"}
    found = _RANGE.fullmatch(said)
    if found is None or not (found[1] or found[2]):
        reason = "one range of bytes is meant"
        raise CallRefused(416, f"Range is {shorten(said)!r}; {reason}.", headers=whole)
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start = int(found[1])
        end = min(int(found[2]) + 1, size) if found[2] else size
    is_after = start == size and (not is_raw or size == 0)  # some clients ask once more at the end
    if (start >= size and not is_after) or (end < start and not is_after):
        reason = f"the file has {size} bytes"
        raise CallRefused(416, f"Range is {shorten(said)!r}; {reason}.", headers=whole)
    return start, max(start, min(end, start + most))
