"""Files of records inside the pipeline: which may stand in a field, and which nobody names now.

A field holds the id of a file whose bytes were all there before (``record_files``). What a record
no longer names is marked in the record's own transaction; a job removes it once that is committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kartoteka.errors import RecordInvalid, RecordNotFound, Violation
from kartoteka.model.field import FILE_NAME, IMAGE_ID, IMAGE_TIMESTAMP, IMAGE_URL
from kartoteka_runtime.records.compiled_model import CompiledEntity
from kartoteka_runtime.records.content_fields import NOTE, NOTE_FILE
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.record_access import require_all
from kartoteka_runtime.security.upload_checks import UploadRefused, check_file_name
from kartoteka_runtime.storage.database import BadParameter
from kartoteka_runtime.storage.stored_files import COMPLETE, StoredFile, StoredFiles

REMOVE_JOB = "kartoteka.remove_files"
_NOTE_NAME = "filename"


async def complete(
    op: Operation, compiled: CompiledEntity, record_id: str, values: dict[str, Any]
) -> list[Violation]:
    """Check the files that a write names, and write what the record tells of them.

    Returns:
        A violation for each field that was given something else than a file brought for it.
    """
    given = [item for item in compiled.entity.file_fields if item.name in values]
    ids = [values[item.name] for item in given if values[item.name] is not None]
    files = await StoredFiles(op.model.dialect).read(op.connection, ids) if ids else {}
    violations = []
    for item in given:
        file_id = values[item.name]
        file = files.get(file_id) if file_id is not None else None
        if file_id is not None and (file is None or not _is_for(op, file, record_id)):
            violations.append(Violation(item.name, "violation.file_elsewhere"))
        elif file is not None and (file.entity, file.field) != (compiled.entity.name, item.name):
            violations.append(Violation(item.name, "violation.file_elsewhere"))
        elif item.type == "file":
            values[f"{item.name}{FILE_NAME}"] = file.name if file else None
        else:
            _tell_of_image(compiled.entity.name, item.name, record_id, file, values)
        if (compiled.entity.name, item.name) == (NOTE, NOTE_FILE):
            _tell_of_attachment(compiled, file, values)
    return violations


def _is_for(op: Operation, file: StoredFile, record_id: str) -> bool:
    return (
        file.state == COMPLETE
        and file.record_id in ("", record_id)
        and (op.is_system or file.user_id == op.principal.user_id)
    )


def _tell_of_image(
    entity: str, name: str, record_id: str, file: StoredFile | None, values: dict[str, Any]
) -> None:
    stamp = int(datetime.now(UTC).timestamp() * 1000)
    values[f"{name}{IMAGE_ID}"] = file.id if file else None
    values[f"{name}{IMAGE_TIMESTAMP}"] = stamp if file else None
    values[f"{name}{IMAGE_URL}"] = (
        f"/Image/download.aspx?Entity={entity}&Attribute={name}&Id={record_id}&Timestamp={stamp}"
        if file
        else None
    )


def _tell_of_attachment(
    compiled: CompiledEntity, file: StoredFile | None, values: dict[str, Any]
) -> None:
    """Write what a note says of its file."""
    told = {
        _NOTE_NAME: file.name if file else None,
        "mimetype": file.media_type if file else None,
        "filesize": file.size if file else None,
        "isdocument": file is not None,
    }
    values.update((name, value) for name, value in told.items() if name in compiled.names)


def rename_attachment(compiled: CompiledEntity, values: dict[str, Any]) -> list[Violation]:
    """Let the file of a note be called what the note now says."""
    name = values.get(_NOTE_NAME)
    if compiled.entity.name != NOTE or NOTE_FILE in values or not isinstance(name, str):
        return []
    try:
        values[_NOTE_NAME] = values[f"{NOTE_FILE}{FILE_NAME}"] = check_file_name(name)
    except UploadRefused as refused:
        return [Violation(_NOTE_NAME, refused.code, refused.params)]
    return []


async def keep(
    op: Operation,
    compiled: CompiledEntity,
    record_id: str,
    values: Mapping[str, Any],
    before: Mapping[str, Any] | None,
) -> None:
    """Note that the record names the files of a write, and no longer those it named before.

    Raises:
        RecordInvalid: Another record took a file at the same moment.
    """
    files = StoredFiles(op.model.dialect)
    for item in compiled.entity.file_fields:
        file_id = values.get(item.name)
        if file_id is not None and not await files.keep(op.connection, file_id, record_id):
            name = compiled.entity.name
            raise RecordInvalid(name, [Violation(item.name, "violation.file_elsewhere")])
    if before is not None:
        names = (item.name for item in compiled.entity.file_fields if item.name in values)
        await _retire(op, (before.get(name) for name in names))


async def released(op: Operation, compiled: CompiledEntity, before: Mapping[str, Any]) -> None:
    """Note that the files of a deleted record are nobody's."""
    await _retire(op, (before.get(item.name) for item in compiled.entity.file_fields))


async def _retire(op: Operation, ids: Iterable[Any]) -> None:
    old = [str(file_id) for file_id in ids if file_id is not None]
    if not old:
        return
    await StoredFiles(op.model.dialect).retire(op.connection, old)
    records = op.records_for(replace(op, origin=None))  # it begins no further write
    await records.enqueue(REMOVE_JOB, {}, key=REMOVE_JOB)


async def require_changeable(
    op: Operation, name: str, record_id: str, field: str
) -> Mapping[str, Any]:
    """Return what an update would look at first, when the principal may change a field.

    The update itself decides again; this is asked before somebody sends gigabytes.

    Raises:
        RecordNotFound: There is no such record, or it may not be read.
        AccessDenied: It may not be changed.
        RecordInvalid: The field or the record is read-only, or the column is secured.
    """
    compiled = op.entity(name)
    op.require("read", name)
    try:
        found = await compiled.queries.read_allowed(
            op.connection, record_id, ("write",),
            names=compiled.read_before_update({field: None}), asker=op.asker,
        )  # fmt: skip
    except BadParameter:
        found = None
    if found is None:
        raise RecordNotFound(name, record_id)
    before, may = found
    require_all(name, ("write",), may)
    violations = op.columns.refused_changes(name, (field,))
    if field in compiled.read_only_field and not op.is_free:
        violations = [Violation(field, "violation.read_only")]
    if not op.is_free and compiled.states.is_read_only(before):
        violations = [Violation(None, "violation.record_read_only")]
    if violations:
        raise RecordInvalid(name, violations)
    return before
