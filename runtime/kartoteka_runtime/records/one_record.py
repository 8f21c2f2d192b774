"""Reading one record: its stored fields as the principal may see them, or as JSON."""

from __future__ import annotations

from typing import Any, cast

from kartoteka.errors import RecordNotFound
from kartoteka_runtime.records import access_audit
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.parties import read_parties
from kartoteka_runtime.security.column_access import ONE_RECORD, without_masked_numbers
from kartoteka_runtime.storage.database import BadParameter
from kartoteka_runtime.storage.json_rows import JsonShape, record_json
from kartoteka_runtime.storage.record_queries import VERSION


async def read(op: Operation, entity: str, record_id: str) -> dict[str, Any]:
    """Return every field of one record, lookups with names and parties included.

    Raises:
        RecordNotFound: There is no such record.
    """
    record = await read_fields(op, entity, record_id, with_labels=True)
    compiled = op.entity(entity)
    if compiled.parties:
        record.update(await read_parties(op, compiled, record_id))
    return record


async def read_fields(
    op: Operation, entity: str, record_id: str, *, with_labels: bool = False
) -> dict[str, Any]:
    """Return the stored fields of one record, lookups without names unless asked for.

    Raises:
        RecordNotFound: There is no such record; an id of another shape names none.
    """
    compiled = op.entity(entity)
    op.require("read", entity)
    try:
        record = await compiled.queries.read(
            op.connection, record_id, with_labels=with_labels, asker=op.asker
        )
    except BadParameter:
        record = None
    if record is None:
        raise RecordNotFound(entity, record_id)
    return _visible(op, record, entity)


async def read_json(
    op: Operation, entity: str, record_id: str, shape: JsonShape
) -> tuple[bytes, int | None]:
    """Return one record as a JSON object of stored fields, and its version (None: it has none).

    Raises:
        RecordNotFound: There is no such record.
    """
    compiled = op.entity(entity)
    op.require("read", entity)
    if op.columns.limits(entity):
        record = await read_fields(op, entity, record_id)
        without_masked_numbers((record,))
        return record_json(shape, record), cast("int | None", record.get(VERSION))
    try:
        found = await compiled.queries.read_json(op.connection, record_id, shape, op.reaches)
    except BadParameter:
        found = None
    if found is None:
        raise RecordNotFound(entity, record_id)
    return found


def _visible(op: Operation, record: dict[str, Any], entity: str) -> dict[str, Any]:
    """Return a record as the principal may see it; unmasked reads are noted for auditors."""
    columns = op.columns
    if columns.is_free:
        return record
    if not op.is_unmasked:
        return columns.record(entity, record)
    record_id = str(record[op.entity(entity).entity.primary_id])
    access_audit.note_unmasked(op, entity, record_id, columns.unmasked(entity, ONE_RECORD))
    return columns.record(entity, record, ONE_RECORD)
