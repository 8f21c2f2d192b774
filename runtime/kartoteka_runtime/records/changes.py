"""Changes: what was written or went away since a moment, for clients that keep copies.

A record that changed has a higher version; one that is gone is kept in mind here, with who could
read it, because a deletion is told to nobody else. Source: reference web-api, section 9;
decisions/0043.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kartoteka.access.reach import Everything, ParentReach, Reach, RecordReach, unit_field_of
from kartoteka.access.rights import RIGHTS, SHARE_MASK
from kartoteka.model.entity import Entity
from kartoteka.record_values import Reference
from kartoteka_runtime.records.compiled_model import CompiledEntity
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.storage.change_horizon import latest_version, safe_version
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.gone_records import GoneRecord
from kartoteka_runtime.storage.record_queries import VERSION

FEATURE = "change_tracking"
TOKEN_DAYS = 90  # how long clients may take to ask again
GONE_KEPT_DAYS = TOKEN_DAYS + 2  # a token may be older than its latest change
_AT_ONCE = 500
_OWNER = "ownerid"


@dataclass(frozen=True, slots=True)
class _Holder:
    """What decides who may read a record: its entity, owner, unit and whom it is shared with."""

    entity: str
    owner_id: str = ""
    unit_id: str = ""
    sharees: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class GonePage:
    """Records that are gone as ``(version, id)``, and whether there are more."""

    found: tuple[tuple[int, str], ...]
    has_more: bool


def tracks_changes(entity: Entity) -> bool:
    """Return whether changes of an entity's records are kept in mind."""
    return FEATURE in entity.features and VERSION in entity.field_by_name


async def note_gone(
    op: Operation, compiled: CompiledEntity, record_id: str, before: Mapping[str, Any]
) -> None:
    """Keep in mind that a record is deleted, as it was ``before``; its parents are still there."""
    if tracks_changes(compiled.entity):
        await _keep(op, compiled.entity.name, record_id, await _holder(op, compiled, before))


async def note_moved(
    op: Operation,
    compiled: CompiledEntity,
    record_id: str,
    values: Mapping[str, Any],
    before: Mapping[str, Any],
) -> None:
    """Keep in mind who could read a record that gets another owner or parent; not written yet."""
    entity = compiled.entity
    if not tracks_changes(entity) or not {_OWNER, entity.parent_field} & values.keys():
        return
    names = {_OWNER, entity.parent_field, unit_field_of(entity), SHARE_MASK} & compiled.names
    if not names <= before.keys():
        before = await compiled.queries.read(
            op.connection, record_id, names=tuple(sorted(names))
        ) or {}  # fmt: skip
    await _keep(op, entity.name, record_id, await _holder(op, compiled, before))


async def horizon(op: Operation) -> int:
    """Return a version up to which every change can be seen already."""
    tables = op.model.tables
    return await safe_version(op.connection, tables.engine, tables.version_name)


async def is_reached(op: Operation, version: int) -> bool:
    """Return whether a version was ever given; else it comes from another database."""
    tables = op.model.tables
    return version <= await latest_version(op.connection, tables.engine, tables.version_name)


async def gone_since(op: Operation, name: str, version: int, most: int) -> GonePage:
    """Return records that the principal could read and that are gone since a version, in order.

    Gone are records that were deleted, and those that got another owner or parent and may not be
    read any more.

    Raises:
        AccessDenied: The principal may not read such records.
    """
    op.require("read", name)
    compiled = op.entity(name)
    reach = None if op.reaches is None else op.reaches.reach(name, "read")
    found: list[tuple[int, str]] = []
    while len(found) <= most:
        rows = await op.model.gone.after(op.connection, compiled.queries.table, version, _AT_ONCE)
        for row in rows:
            version = row.version
            if op.reaches is not None and not _covers(reach, row):
                continue
            if row.is_there and await _is_readable(op, compiled, row.record_id):
                continue
            found.append((row.version, row.record_id))
        if len(rows) < _AT_ONCE:
            break
    return GonePage(tuple(found[:most]), len(found) > most)


def _covers(reach: Reach | None, row: GoneRecord) -> bool:
    """Return whether a reach covered a record while it was there."""
    match reach:
        case Everything():
            return True
        case RecordReach():
            return reach.covers_new(row.owner_id, row.unit_id) or bool(
                reach.sharee_ids & row.sharees
            )
        case ParentReach(targets=targets):
            return any(
                _covers(target, row)
                for name, target in targets.items()
                if name == row.holder or isinstance(target, ParentReach)
            )
    return False


async def _is_readable(op: Operation, compiled: CompiledEntity, record_id: str) -> bool:
    return await compiled.queries.allowed(op.connection, record_id, (), op.reaches) is not None


async def _keep(op: Operation, name: str, record_id: str, holder: _Holder) -> None:
    await op.model.gone.add(
        op.connection, name, record_id, holder=holder.entity, owner_id=holder.owner_id,
        unit_id=holder.unit_id, sharees=holder.sharees, gone_on=encode_instant(op.now),
    )  # fmt: skip


async def _holder(op: Operation, compiled: CompiledEntity, record: Mapping[str, Any]) -> _Holder:
    """Return what decides over a record: its own owner, or that of the parent above it."""
    entity = compiled.entity
    while entity.parent_field:
        parent = record.get(entity.parent_field)
        if not isinstance(parent, Reference):
            return _Holder(entity.name)
        compiled = op.entity(parent.entity)
        entity = compiled.entity
        wanted = {entity.primary_id, entity.parent_field, _OWNER, unit_field_of(entity), SHARE_MASK}
        names = tuple(sorted(wanted & compiled.names))
        record = await compiled.queries.read(op.connection, parent.id, names=names) or {}
        record = {**record, entity.primary_id: parent.id}
    sharees: frozenset[str] = frozenset()
    record_id = str(record.get(entity.primary_id) or "")
    if record.get(SHARE_MASK) and record_id:
        shares = await op.model.shares.of_record(op.connection, entity.name, record_id)
        sharees = frozenset(
            item.principal_id for item in shares if item.rights & RIGHTS["read"]
        )  # fmt: skip
    return _Holder(
        entity.name, _id(record.get(_OWNER)), _id(record.get(unit_field_of(entity))), sharees
    )


def _id(value: object) -> str:
    return value.id if isinstance(value, Reference) else ""
