"""N:N links of a merged record: the one that goes on takes them over, each once.

A link is removed and made as anybody does it, with its hooks, its messages and its privileges.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.model.relationship import Relationship
from kartoteka_runtime.records import links
from kartoteka_runtime.records.cascades import needs
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.merged_children import MOST_MOVED, Merge
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.storage.tables import link_columns


async def move_links(op: Operation, merge: Merge) -> None:
    """Link the target with everything that the subordinate is linked with.

    Raises:
        RecordInvalid: There is too much of it, or a hook refuses.
        AccessDenied: The principal may not link one of them.
    """
    for relationship in op.model.registry.relationships.values():
        for side, is_left in ((relationship.left, True), (relationship.right, False)):
            if side == merge.entity:
                await _move(op, merge, relationship, is_left=is_left)


async def _move(op: Operation, merge: Merge, relationship: Relationship, *, is_left: bool) -> None:
    name, other = relationship.name, relationship.right if is_left else relationship.left
    sql = op.model.text(
        ("merged links", name, is_left), partial(_others, op.model, relationship, is_left)
    )
    params = {"gone": merge.subordinate.id, "target": merge.target.id, "most": MOST_MOVED + 1}
    for row in await op.connection.fetch_all(sql, params):
        await asyncio.sleep(0)  # whoever only reads need not wait for all of them
        merge.count()
        other_id, is_linked = str(row[0]), bool(row[1])
        with needs(op, "append", other, other_id):
            await links.disassociate(op, name, *_pair(merge.subordinate.id, other_id, is_left))
            is_own = other == merge.entity and other_id in (merge.target.id, merge.subordinate.id)
            if not is_linked and not is_own:
                await links.associate(op, name, *_pair(merge.target.id, other_id, is_left))


def _pair(record_id: str, other_id: str, is_left: bool) -> tuple[str, str]:
    return (record_id, other_id) if is_left else (other_id, record_id)


def _others(model: CompiledModel, relationship: Relationship, is_left: bool) -> sa.Select[Any]:
    """Return a statement for the other ends, one more than may be, and whether they are known."""
    table = model.tables.links[relationship.name]
    left, right = link_columns(relationship.left, relationship.right)
    own, other = (left, right) if is_left else (right, left)
    again = table.alias("again")
    known: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
        again.c[own] == sa.bindparam("target", type_=table.c[own].type),
        again.c[other] == table.c[other],
    )
    return (
        sa.select(table.c[other], sa.exists(known))
        .where(table.c[own] == sa.bindparam("gone", type_=table.c[own].type))
        .order_by(table.c[other])
        .limit(sa.bindparam("most", type_=sa.Integer()))
        .offset(sa.literal_column("0"))  # SQLite wants the offset said too
        .with_for_update(of=table)  # so that nobody else removes one meanwhile
    )
