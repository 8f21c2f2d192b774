"""Content fields on the way in and out: base64 becomes a stored file, and the other way round."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Collection, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.record_values import Record
from kartoteka_runtime.records.content_fields import NOTE, contents_of, file_of
from kartoteka_runtime.records.guarded_content import FilePlace, size_text
from kartoteka_runtime.records.record_files import RecordFiles
from kartoteka_runtime.storage.stored_files import StoredFiles

if TYPE_CHECKING:
    from kartoteka_runtime.records.acting_records import ActingRecords
    from kartoteka_runtime.records.compiled_model import CompiledEntity

_MOST_GIVEN = 64 * 1024 * 1024  # bytes of files that one answer holds, base64 encoded
_BLOCK = 1024 * 1024


async def with_files(
    files: RecordFiles, records: ActingRecords, entity: Entity, values: Record, record_id: str
) -> Record:
    """Return values with the ids of files instead of contents, which are kept by then.

    Raises:
        RecordInvalid: A content is no base64, or a file that is refused.
        AccessDenied: The principal may not write such a record.
    """
    taken = dict(values)
    for name in sorted(contents_of(entity) & taken.keys()):
        field = file_of(entity.name, name)
        value = taken[name]
        if _is_id(value):
            continue  # the record service says whether it may stand there
        if field != name:
            del taken[name]
        if value is None or value == "":
            taken[field] = None
            continue
        content = _decoded(entity, name, value)
        place = FilePlace(entity.name, record_id, field)
        if record_id:
            before = await records.require_changeable(entity.name, record_id, field)
            if field == name and await _is_its_thumbnail(files, records, before.get(field), value):
                del taken[name]  # sent back as it was read
                continue
        else:
            await files.require_new(records, FilePlace(entity.name, "", name))
        said = str(taken.get("filename") or "file") if entity.name == NOTE else name
        claimed = str(taken.pop("mimetype", None) or "") if entity.name == NOTE else ""
        file = await files.stage(records, place, said, claimed, _blocks(content))
        taken[field] = file.id
    return taken


def contents_among(compiled: CompiledEntity, names: Collection[str] | None) -> frozenset[str]:
    """Return the content fields that are told of a record; images only where they are named."""
    if not compiled.contents:
        return compiled.contents
    return compiled.contents - compiled.files if names is None else compiled.contents & set(names)


async def give_contents(
    files: RecordFiles,
    records: ActingRecords,
    entity: Entity,
    rows: Sequence[MutableMapping[str, Any]],
    names: Collection[str],
) -> None:
    """Let rows hold the contents of the named content fields, in place of what they have there.

    Images are found by the ids that the rows hold under their names, other files by the id of the
    record; both are in rows of records that may be read.

    Raises:
        RecordInvalid: That would be too much for one answer.
    """
    for name in names:
        field = file_of(entity.name, name)
        if field == name:
            ids = [str(row[name]) for row in rows if row.get(name)]
            thumbnails = await files.thumbnails(records, ids)
            for row in rows:
                small = thumbnails.get(str(row.get(name)))
                row[name] = small.content if small else None
        else:
            await _give_whole(files, records, entity, rows, name, field)


async def _give_whole(
    files: RecordFiles,
    records: ActingRecords,
    entity: Entity,
    rows: Sequence[MutableMapping[str, Any]],
    name: str,
    field: str,
) -> None:
    ids = [str(row[entity.primary_id]) for row in rows if row.get(entity.primary_id)]
    async with records.reading() as op:
        if {name, field} & op.columns.limits(entity.name).hidden:
            return
        found = await StoredFiles(op.model.dialect).of_records(
            op.connection, entity.name, field, ids
        )
    if sum(file.size for file in found.values()) > _MOST_GIVEN:
        params = {"name": name, "size": size_text(_MOST_GIVEN)}
        raise RecordInvalid(entity.name, [Violation(name, "upload.too_large", params)])
    for row in rows:
        file = found.get(str(row.get(entity.primary_id)))
        if file is not None:
            content = b"".join([block async for block in files.content(file)])
            row[name] = base64.b64encode(content).decode()


def _is_id(value: Any) -> bool:
    try:
        return isinstance(value, str) and len(value) == 36 and bool(UUID(value))
    except ValueError:
        return False


def _decoded(entity: Entity, name: str, value: Any) -> bytes:
    try:
        if not isinstance(value, str):
            raise ValueError(name)
        return base64.b64decode("".join(value.split()), validate=True)
    except (ValueError, binascii.Error) as error:
        raise RecordInvalid(entity.name, [Violation(name, "violation.not_base64")]) from error


async def _is_its_thumbnail(
    files: RecordFiles, records: ActingRecords, stored: Any, value: str
) -> bool:
    if stored is None:
        return False
    small = (await files.thumbnails(records, [str(stored)])).get(str(stored))
    return small is not None and small.content == value


async def _blocks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _BLOCK):
        yield content[start : start + _BLOCK]
