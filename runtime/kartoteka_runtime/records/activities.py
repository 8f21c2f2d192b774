"""What all activities have in common: their kind, their end, and their pointer.

The pointer is a row of ``activitypointer`` with the same id, kept in step in the same transaction.
Source: reference platform, section 1.2; reference crm, sections 2.1 and 2.4.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kartoteka_runtime.records import changes
from kartoteka_runtime.records.compiled_model import POINTER, CompiledEntity
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.state_model import REASON, STATE

_TYPE = "activitytypecode"


def write_kind(compiled: CompiledEntity, values: dict[str, Any]) -> None:
    """Write which kind of activity a new record is: the option named like its entity."""
    if compiled.entity.is_activity and _TYPE in compiled.names:
        options = compiled.entity.field_by_name[_TYPE].options
        kinds = {option.name: option.value for option in options}
        values[_TYPE] = kinds.get(compiled.entity.name)


def write_completion(
    op: Operation,
    compiled: CompiledEntity,
    values: dict[str, Any],
    before: Mapping[str, Any],
    *,
    chose_reason: bool,
) -> None:
    """Stamp an activity that becomes completed: its end, all of its percent, and its direction.

    Where reasons tell whether a call was made or received, the direction decides unless somebody
    chose.
    """
    if not compiled.entity.is_activity or STATE not in values:
        return
    state = compiled.entity.state_by_value.get(values[STATE])
    if state is None or state.name != "completed":
        return
    if values.get("actualend") is None and before.get("actualend") is None:
        values["actualend"] = op.now
    if "percentcomplete" in compiled.names:
        values["percentcomplete"] = 100
    reasons = {reason.name: reason.value for reason in state.reasons}
    if not chose_reason and {"made", "received"} <= reasons.keys():
        is_outgoing = values.get("directioncode", before.get("directioncode"))
        values[REASON] = reasons["received" if is_outgoing is False else "made"]


async def write_pointer(
    op: Operation,
    compiled: CompiledEntity,
    record_id: str,
    values: Mapping[str, Any],
    *,
    is_new: bool,
) -> None:
    """Copy what an activity has in common with its pointer."""
    if not compiled.entity.is_activity or POINTER not in op.model.entities:
        return
    pointer = op.model.entities[POINTER]
    common = {name: value for name, value in values.items() if name in pointer.names}
    common.pop(pointer.entity.primary_id, None)
    common.pop(REASON, None)
    if STATE in common:  # the kinds number their reasons each in their own way
        common[REASON] = pointer.entity.state_by_value[common[STATE]].reasons[0].value
    if is_new:
        common[pointer.entity.primary_id] = record_id
        if pointer.formulas:
            pointer.formulas.write(common, None)
        await pointer.queries.insert(op.connection, common)
        if pointer.rollup_changes:
            await pointer.rollup_changes.created(op, [common])
    elif common:
        needed = pointer.formulas.needed | pointer.rollup_changes.needed
        before = await _pointer(op, pointer, record_id, needed) if needed else {}
        if pointer.formulas:
            pointer.formulas.write(common, before)
        await changes.note_moved(op, pointer, record_id, common, before)
        await pointer.queries.update(op.connection, record_id, common)
        if pointer.rollup_changes:
            await pointer.rollup_changes.updated(op, record_id, common, before)


async def delete_pointer(
    op: Operation, compiled: CompiledEntity, record_id: str, activity: Mapping[str, Any]
) -> None:
    """Delete the pointer of an activity, which has the same owner and unit."""
    if compiled.entity.is_activity and POINTER in op.model.entities:
        pointer = op.model.entities[POINTER]
        rollups = pointer.rollup_changes
        needed = rollups.needed | {pointer.entity.primary_id}
        before = await _pointer(op, pointer, record_id, needed) if rollups else {}
        await changes.note_gone(op, pointer, record_id, activity)
        await pointer.queries.delete(op.connection, record_id)
        if before:
            await rollups.deleted(op, before)


async def _pointer(
    op: Operation, pointer: CompiledEntity, record_id: str, needed: Collection[str]
) -> Mapping[str, Any]:
    names = tuple(sorted(needed))
    return await pointer.queries.read(op.connection, record_id, names=names, for_update=True) or {}
