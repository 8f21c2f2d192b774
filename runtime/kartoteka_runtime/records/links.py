"""N:N links: associate and disassociate, each pair once."""

from __future__ import annotations

from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.errors import RecordInvalid, RecordNotFound, Violation
from kartoteka.model.relationship import Relationship
from kartoteka_runtime.records.access_audit import note_link
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.hook_context import hook_context
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.record_access import allowed, denied
from kartoteka_runtime.records.watch import ASSOCIATE, DISASSOCIATE
from kartoteka_runtime.storage.database import UniqueViolation
from kartoteka_runtime.storage.tables import link_columns


async def associate(op: Operation, name: str, left_id: str, right_id: str) -> None:
    """Link two records.

    Raises:
        RecordNotFound: There is no such relationship or record.
        RecordInvalid: The two are linked already, or a hook refused.
        AccessDenied: One of them needs ``append``, the other ``append_to``.
    """
    relationship = await _prepared(op, name, left_id, right_id)
    params = {"left_": left_id, "right_": right_id}
    exists = op.model.text(("linked", name), partial(_linked, op.model, relationship))
    if await op.connection.fetch_one(exists, params):
        raise RecordInvalid(relationship.left, [Violation(None, "violation.already_linked")])
    await _run_hooks(op, "before_associate", relationship, left_id, right_id)
    insert = op.model.text(("link", name), partial(_link, op.model, relationship))
    try:
        await op.connection.execute(insert, params)
    except UniqueViolation:  # by someone else, a moment ago
        raise RecordInvalid(
            relationship.left, [Violation(None, "violation.already_linked")]
        ) from None
    await note_link(op, relationship, left_id, right_id, "added")
    _watch(op, relationship, left_id, right_id, ASSOCIATE)
    await _run_hooks(op, "after_associate", relationship, left_id, right_id)


async def disassociate(op: Operation, name: str, left_id: str, right_id: str) -> None:
    """Remove the link between two records.

    Raises:
        RecordNotFound: There is no such relationship, record or link.
        RecordInvalid: A hook refused.
    """
    relationship = await _prepared(op, name, left_id, right_id)
    await _run_hooks(op, "before_disassociate", relationship, left_id, right_id)
    sql = op.model.text(("unlink pair", name), partial(_unlink, op.model, relationship))
    if not await op.connection.execute(sql, {"left_": left_id, "right_": right_id}):
        raise RecordNotFound(name, f"{left_id} – {right_id}")
    await note_link(op, relationship, left_id, right_id, "removed")
    _watch(op, relationship, left_id, right_id, DISASSOCIATE)
    await _run_hooks(op, "after_disassociate", relationship, left_id, right_id)


async def _prepared(op: Operation, name: str, left_id: str, right_id: str) -> Relationship:
    relationship = op.model.registry.relationships.get(name)
    if relationship is None:
        raise RecordNotFound(name, "")
    op.written.add(name)
    found = []
    for entity, record_id in ((relationship.left, left_id), (relationship.right, right_id)):
        op.require("read", entity)
        may = await allowed(op, entity, record_id, ("append", "append_to"))
        if may is None:
            raise RecordNotFound(entity, record_id)
        found.append(may)
    left, right = found
    if not ("append" in left and "append_to" in right):
        if "append" not in left and "append" not in right:
            raise denied("append", relationship.left)
        if not ("append" in right and "append_to" in left):
            raise denied("append_to", relationship.right)
    return relationship


def _watch(
    op: Operation, relationship: Relationship, left_id: str, right_id: str, message: str
) -> None:
    if op.watch is not None:
        sides = (relationship.left, left_id), (relationship.right, right_id)
        op.watch.linked(relationship.name, message, *sides)


async def _run_hooks(
    op: Operation, moment: str, relationship: Relationship, left_id: str, right_id: str
) -> None:
    """Run the hooks of both entities; ``values`` says what is linked."""
    values = {"relationship": relationship.name, "left_id": left_id, "right_id": right_id}
    sides = {relationship.left: left_id, relationship.right: right_id}
    for entity, record_id in sides.items():
        for handler in op.entity(entity).handlers.get(moment, ()):
            message = moment.split("_", 1)[1]
            await handler.run(hook_context(op, entity, message, record_id, values, None))


def _pair(model: CompiledModel, relationship: Relationship) -> tuple[sa.Table, Any, Any]:
    table = model.tables.links[relationship.name]
    left, right = link_columns(relationship.left, relationship.right)
    return (
        table,
        (left, sa.bindparam("left_", type_=table.c[left].type)),
        (right, sa.bindparam("right_", type_=table.c[right].type)),
    )


def _linked(model: CompiledModel, relationship: Relationship) -> sa.Select[Any]:
    table, (left, left_id), (right, right_id) = _pair(model, relationship)
    return sa.select(sa.literal_column("1")).where(
        table.c[left] == left_id, table.c[right] == right_id
    )


def _link(model: CompiledModel, relationship: Relationship) -> sa.Insert:
    table, left, right = _pair(model, relationship)
    return sa.insert(table).values(dict((left, right)))


def _unlink(model: CompiledModel, relationship: Relationship) -> sa.Delete:
    table, (left, left_id), (right, right_id) = _pair(model, relationship)
    return sa.delete(table).where(table.c[left] == left_id, table.c[right] == right_id)
