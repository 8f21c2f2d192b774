"""Files in blocks: the actions that bring them, read them and remove them.

Source: reference web-api, section 15; decisions/0057.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from kartoteka.errors import RecordNotFound
from kartoteka.plugin_api.operations import ApiOperation, ApiValue, RecordValues
from kartoteka.record_values import Record, Reference
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.content_fields import NOTE, NOTE_BODY, NOTE_FILE
from kartoteka_runtime.records.file_uploads import PIECE_BYTES, FileUploads, Keep
from kartoteka_runtime.records.guarded_content import FilePlace
from kartoteka_runtime.records.record_files import RecordFiles, field_of
from kartoteka_runtime.storage.stored_files import StoredFile, StoredFiles
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.operations.invocation import Invocation, OwnOperation
from kartoteka_runtime.web_api.record_address import BAD_PAYLOAD
from kartoteka_runtime.web_api.upload_refusals import upload_refusals

_MOST_BODY_BYTES = PIECE_BYTES * 4 // 3 + 64 * 1024  # a block in base64, and what is around it
_LONGEST_ID = 128  # characters of a block's name
_OF_FILE = ("filename", "mimetype", NOTE_BODY)  # what a note says of its file, by itself

_TOKEN = ApiValue("FileContinuationToken")
_SIZE = ApiValue("FileSizeInBytes", "big_integer")
_NAME = ApiValue("FileName")
_BLOCKS = ApiValue("BlockList", is_list=True)
_TARGET = ApiValue("Target", "reference")
_NOTE_RECORD = ApiValue("Target", "record", entities=(NOTE,))
_NOTE_REFERENCE = ApiValue("Target", "reference", entities=(NOTE,))
_COLUMN = ApiValue("FileAttributeName")


def block_operations(files: RecordFiles) -> tuple[OwnOperation, ...]:
    """Return the actions over the files of records."""
    blocks = _BlockOperations(files)
    return (
        _action(
            "InitializeFileBlocksUpload", blocks.begin, _TARGET, _COLUMN, _NAME, gives=(_TOKEN,)
        ),
        _action(
            "InitializeAnnotationBlocksUpload", blocks.begin_note, _NOTE_RECORD, gives=(_TOKEN,)
        ),
        OwnOperation(
            ApiOperation(
                "UploadBlock", parameters=(ApiValue("BlockId"), ApiValue("BlockData"), _TOKEN)
            ),
            blocks.take,
            in_transaction=False,
            most_bytes=_MOST_BODY_BYTES,
            reads_parameters=False,
        ),
        _action(
            "CommitFileBlocksUpload", blocks.commit,
            ApiValue("FileName", is_optional=True), ApiValue("MimeType", is_optional=True),
            _BLOCKS, _TOKEN, gives=(ApiValue("FileId", "unique_id"), _SIZE),
        ),
        _action(
            "CommitAnnotationBlocksUpload", blocks.commit_note, _NOTE_RECORD, _BLOCKS, _TOKEN,
            gives=(ApiValue("AnnotationId", "unique_id"), _SIZE),
        ),
        _action(
            "InitializeFileBlocksDownload", blocks.open, _TARGET, _COLUMN,
            gives=(_TOKEN, _SIZE, _NAME, ApiValue("IsChunkingSupported", "yes_no")),
        ),
        _action(
            "InitializeAnnotationBlocksDownload", blocks.open_note, _NOTE_REFERENCE,
            gives=(_TOKEN, _SIZE, _NAME),
        ),
        _action(
            "DownloadBlock", blocks.read,
            ApiValue("Offset", "big_integer"), ApiValue("BlockLength", "big_integer"), _TOKEN,
            gives=(ApiValue("Data"),),
        ),
        _action("DeleteFile", blocks.delete, ApiValue("FileId", "unique_id")),
    )  # fmt: skip


def _action(
    name: str, run: Any, *parameters: ApiValue, gives: tuple[ApiValue, ...] = ()
) -> OwnOperation:
    return OwnOperation(
        ApiOperation(name, parameters=parameters, result=gives), run, in_transaction=False
    )


class _BlockOperations:
    """What the actions do."""

    def __init__(self, files: RecordFiles) -> None:
        self._files = files
        self._uploads = FileUploads(files)

    async def begin(self, invocation: Invocation) -> Mapping[str, Any]:
        """Begin the upload of a file for a field of a record."""
        said = invocation.parameters
        place = _place(invocation, said["Target"])
        with upload_refusals():
            token = await self._uploads.begin(invocation.records, place, said["FileName"], "")
        return {"FileContinuationToken": token}

    async def begin_note(self, invocation: Invocation) -> Mapping[str, Any]:
        """Begin the upload of the file of a note, which may be one that is still to be created."""
        target = _note(invocation)
        name = str(target.values.get("filename") or "")
        if not name:
            raise _refused(invocation, "Target, filename: this is needed.")
        claimed = str(target.values.get("mimetype") or "")
        place = FilePlace(NOTE, target.record_id, NOTE_FILE)
        if not await _is_there(invocation.records, target):
            place = FilePlace(NOTE, "", NOTE_FILE)
        with upload_refusals():
            token = await self._uploads.begin(invocation.records, place, name, claimed)
        return {"FileContinuationToken": token}

    async def take(self, invocation: Invocation) -> None:
        """Keep a block."""
        said = invocation.parameters
        for name in ("BlockId", "BlockData", "FileContinuationToken"):
            if not isinstance(said.get(name), str):
                raise _refused(invocation, f"{name}: a text is needed.")
        block_id = said["BlockId"]
        if not 0 < len(block_id) <= _LONGEST_ID:
            raise _refused(invocation, f"BlockId: 1 to {_LONGEST_ID} characters are needed.")
        try:
            content = base64.b64decode(said["BlockData"], validate=True)
        except (ValueError, binascii.Error):
            raise _refused(invocation, "BlockData: this is no base64.") from None
        with upload_refusals():
            await self._uploads.take_block(
                invocation.records, said["FileContinuationToken"], block_id, content
            )

    async def commit(self, invocation: Invocation) -> Mapping[str, Any]:
        """Put the blocks together; the record names the file then."""
        said = invocation.parameters
        name, claimed_type = said["FileName"] or "", said["MimeType"] or ""
        file = await self._committed(invocation, name, claimed_type)
        return {"FileId": file.id, "FileSizeInBytes": file.size}

    async def commit_note(self, invocation: Invocation) -> Mapping[str, Any]:
        """Put the blocks together; the note is created or changed with its file then."""
        target = _note(invocation)
        values = {name: value for name, value in target.values.items() if name not in _OF_FILE}

        async def keep(records: ActingRecords, file: StoredFile) -> None:
            await _write_note(records, target.record_id, values, file)

        file = await self._committed(
            invocation, str(target.values.get("filename") or ""),
            str(target.values.get("mimetype") or ""),
            place=FilePlace(NOTE, target.record_id, NOTE_FILE), keep=keep,
        )  # fmt: skip
        return {"AnnotationId": target.record_id, "FileSizeInBytes": file.size}

    async def _committed(
        self,
        invocation: Invocation,
        name: str,
        claimed_type: str,
        *,
        place: FilePlace | None = None,
        keep: Keep | None = None,
    ) -> StoredFile:
        said = invocation.parameters
        with upload_refusals():
            return await self._uploads.commit(
                invocation.records, said["FileContinuationToken"], said["BlockList"],
                name=name, claimed_type=claimed_type, place=place, keep=keep,
            )  # fmt: skip

    async def open(self, invocation: Invocation) -> Mapping[str, Any]:
        """Begin a download of what a field of a record holds."""
        opened = await self._opened(invocation, _place(invocation, invocation.parameters["Target"]))
        return {**opened, "IsChunkingSupported": True}

    async def open_note(self, invocation: Invocation) -> Mapping[str, Any]:
        """Begin a download of the file of a note."""
        note: Reference = invocation.parameters["Target"]
        return await self._opened(invocation, FilePlace(NOTE, note.id, NOTE_FILE))

    async def _opened(self, invocation: Invocation, place: FilePlace) -> dict[str, Any]:
        file = await self._files.find(invocation.records, place)
        if file is None:
            raise CallRefused(404, f'"{place.field}" of this record holds no file.')
        return {
            "FileContinuationToken": _download_token(place, file),
            "FileSizeInBytes": file.size,
            "FileName": file.name,
        }

    async def read(self, invocation: Invocation) -> Mapping[str, Any]:
        """Read a block; whether the record may be read is asked each time."""
        said = invocation.parameters
        start, length = said["Offset"], said["BlockLength"]
        if not 0 <= length <= PIECE_BYTES:
            raise _refused(invocation, f"BlockLength: 0 to {PIECE_BYTES} bytes are read at once.")
        place, file_id = _read_token(said["FileContinuationToken"])
        file = await self._files.find(invocation.records, place)
        if file is None or file.id != file_id:
            raise CallRefused(404, "This file is there no more; begin the download again.")
        if not 0 <= start <= file.size:
            raise _refused(invocation, f"Offset: the file has {file.size} bytes.")
        length, data = min(length, file.size - start), b""
        if length:
            data = b"".join([block async for block in self._files.content(file, start, length)])
        return {"Data": base64.b64encode(data).decode()}

    async def delete(self, invocation: Invocation) -> None:
        """Empty the field that holds a file; it is told by its id."""
        file_id: str = invocation.parameters["FileId"]
        async with invocation.records.transaction() as records:
            op = records.operation
            found = await StoredFiles(op.model.dialect).read(op.connection, [file_id])
            file = found.get(file_id)
            if file is None or not file.record_id:
                raise _no_file(file_id)
            place = FilePlace(file.entity, file.record_id, file.field)
            try:
                held = await self._files.find(records, place)
            except RecordNotFound:
                held = None
            if held is None or held.id != file_id:
                raise _no_file(file_id)
            await records.update(place.entity, place.record_id, {place.field: None})


def _place(invocation: Invocation, target: Reference) -> FilePlace:
    """Return the field that an action names; one without a file is refused."""
    name = invocation.parameters["FileAttributeName"]
    place = FilePlace(target.entity, target.id, name)
    try:
        field_of(invocation.records, place)
    except RecordNotFound:
        message = f'FileAttributeName: "{shorten(name)}" is no file or image of "{target.entity}".'
        raise _refused(invocation, message) from None
    return place


def _note(invocation: Invocation) -> RecordValues:
    target: RecordValues = invocation.parameters["Target"]
    if not target.record_id:
        raise _refused(
            invocation, "Target, annotationid: this is needed; choose one for a new note."
        )
    return target


async def _is_there(records: ActingRecords, target: RecordValues) -> bool:
    try:
        await records.read_fields(NOTE, target.record_id)
    except RecordNotFound:
        return False
    return True


async def _write_note(
    records: ActingRecords, note_id: str, values: Record, file: StoredFile
) -> None:
    written = {**values, NOTE_FILE: file.id}
    if file.record_id:
        await records.update(NOTE, note_id, written)
    else:
        await records.create(NOTE, {**written, "annotationid": note_id})


def _download_token(place: FilePlace, file: StoredFile) -> str:
    """Return what names a file to its reader; it opens nothing by itself."""
    words = json.dumps([place.entity, place.record_id, place.field, file.id])
    return base64.urlsafe_b64encode(words.encode()).decode()


def _read_token(token: str) -> tuple[FilePlace, str]:
    try:
        words = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        words = None
    if not isinstance(words, list) or len(words) != 4 or not all(isinstance(w, str) for w in words):
        raise CallRefused(404, "There is no download of this token.")
    entity, record_id, field, file_id = words
    return FilePlace(entity, record_id, field), file_id


def _no_file(file_id: str) -> CallRefused:
    return CallRefused(404, f"There is no file {shorten(file_id)}.")


def _refused(invocation: Invocation, message: str) -> CallRefused:
    return CallRefused(400, f"{invocation.operation.name}, {message}", code=BAD_PAYLOAD)
