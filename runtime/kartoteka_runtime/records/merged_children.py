"""What names a merged record by a lookup names the one that goes on, as ``on_merge`` says.

Every child is changed by the usual update, as whoever merges: its hooks, its shares and its version
follow, and without the privilege on one of them nothing is done. Children are looked up, and
locked, some at a time: what somebody else deletes or moves at that moment is none any more.
Source: reference platform, section 2.2; decisions/0052 and 0056.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.model.merging import rule_on_merge
from kartoteka.record_values import Record, Reference
from kartoteka_runtime.records import pipeline
from kartoteka_runtime.records.cascades import needs
from kartoteka_runtime.records.compiled_model import POINTER, CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.parties import OF_OTHER_FIELDS, PARTY
from kartoteka_runtime.records.state_model import STATE
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX

MOST_MOVED = 10_000  # records and links of one merge
_AT_ONCE = 500
_FIRST = "00000000-0000-0000-0000-000000000000"
_ACTIVE = 0
Row = tuple[Any, ...]


@dataclass(slots=True)
class Merge:
    """Two records of ``entity`` under way to one; ``before`` is the subordinate as it was."""

    entity: str
    target: Reference
    subordinate: Reference
    before: Record
    moved: int = 0

    def count(self) -> None:
        """Count one more record or link that moves.

        Raises:
            RecordInvalid: There are more than one merge takes.
        """
        self.moved += 1
        if self.moved > MOST_MOVED:
            violation = Violation(None, "violation.merge_too_many", {"max": MOST_MOVED})
            raise RecordInvalid(self.entity, [violation])


async def move_children(op: Operation, merge: Merge) -> None:
    """Let the children of the subordinate that the relationships pick name the target.

    Raises:
        RecordInvalid: There are too many, or one refuses.
        AccessDenied: The principal may not change one.
    """
    merged = op.entity(merge.entity).entity
    incoming = [
        (entity, item, rule)
        for entity, item in op.model.incoming(merge.entity)
        if has_column(item) and entity.name != POINTER
        for rule in (rule_on_merge(merged, entity, item),)
        if rule != "none"
    ]
    for entity, item, rule in incoming:
        if entity.name != PARTY:
            await _move(op, merge, entity, item, rule)
    for entity, item, _ in incoming:  # after the activities, which write parties of their own
        if entity.name == PARTY:
            await _move_parties(op, merge, entity, item)


async def _move(op: Operation, merge: Merge, entity: Entity, item: Field, rule: str) -> None:
    owner = merge.before.get("ownerid")
    same = merge.entity if entity.name == merge.entity else ""
    writing = op.as_command()  # closed records move too, and lookups that nobody writes
    build = partial(_children_query, op.model, entity, item)
    async for row in _rows(op, merge, ("merged children", entity.name, item.name), build):
        child, state, owner_id = str(row[0]), row[1], row[2]
        if same and child == merge.subordinate.id:
            continue
        if rule == "active" and state != _ACTIVE:
            continue
        if rule == "user_owned" and not (owner and owner_id and owner.id == str(owner_id)):
            continue
        merge.count()
        value: Reference | None = merge.target
        if same and child == merge.target.id and not item.hierarchical:
            value = None  # nothing is related to itself; in a hierarchy it is refused as a circle
        with needs(op, "write", entity.name, child):
            await pipeline.update(writing, entity.name, child, {item.name: value})


async def _move_parties(op: Operation, merge: Merge, entity: Entity, item: Field) -> None:
    """Let activities have the target as a party, once in each part."""
    writing = op.as_command()
    seen: set[tuple[str, int]] = set()
    build = partial(_parties_query, op.model, entity, item)
    async for row in _rows(op, merge, ("merged parties", item.name), build):
        party, activity, mask, is_known = str(row[0]), str(row[1]), row[2], row[3]
        if mask in OF_OTHER_FIELDS:
            continue
        merge.count()
        if is_known or (activity, mask) in seen:
            with needs(op, "delete", entity.name, party):
                await pipeline.delete(op, entity.name, party)
        else:
            with needs(op, "write", entity.name, party):
                await pipeline.update(writing, entity.name, party, {item.name: merge.target})
        seen.add((activity, mask))


async def _rows(
    op: Operation, merge: Merge, shape: tuple[str, ...], build: Callable[[], sa.Select[Any]]
) -> AsyncIterator[Row]:
    """Yield the rows of a statement that goes on after an id, some at a time."""
    sql = op.model.text(shape, build)
    params = {
        "parent": merge.subordinate.id, "parent_entity": merge.entity,
        "target": merge.target.id, "after": _FIRST, "most": _AT_ONCE,
    }  # fmt: skip
    while True:
        rows = await op.connection.fetch_all(sql, params)
        for row in rows:
            yield tuple(row)
            await asyncio.sleep(0)  # whoever only reads need not wait for all of them
        if not rows:  # there may be fewer than asked for, and more to come: some were just deleted
            return
        params["after"] = str(rows[-1][0])


def _children_query(model: CompiledModel, entity: Entity, item: Field) -> sa.Select[Any]:
    table = model.tables.entities[entity.name]
    identity = table.c[entity.primary_id]
    state, owner = (table.c[name] if name in table.c else sa.null() for name in (STATE, "ownerid"))
    query = sa.select(identity, state, owner).where(_names(table, item, "parent"))
    return _page(query, table, identity)


def _parties_query(model: CompiledModel, entity: Entity, item: Field) -> sa.Select[Any]:
    """Return a statement for parties that tells whether the target has the same part already."""
    table = model.tables.entities[entity.name]
    other = table.alias("other")
    known: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
        other.c.activityid == table.c.activityid,
        other.c.participationtypemask == table.c.participationtypemask,
        _names(other, item, "target"),
    )
    identity = table.c[entity.primary_id]
    query = sa.select(
        identity, table.c.activityid, table.c.participationtypemask, sa.exists(known)
    ).where(_names(table, item, "parent"))
    return _page(query, table, identity)


def _names(table: sa.FromClause, item: Field, parameter: str) -> sa.ColumnElement[bool]:
    column = table.c[item.name]
    condition: sa.ColumnElement[bool] = column == sa.bindparam(parameter, type_=column.type)
    if item.is_multi_target:
        kind = table.c[item.name + ENTITY_SUFFIX]
        condition = sa.and_(condition, kind == sa.bindparam("parent_entity", type_=kind.type))
    return condition


def _page(
    query: sa.Select[Any], table: sa.Table, identity: sa.ColumnElement[Any]
) -> sa.Select[Any]:
    after = sa.bindparam("after", type_=identity.type)
    most = sa.bindparam("most", type_=sa.Integer())
    ordered = query.where(identity > after).order_by(identity)
    paged = ordered.limit(most).offset(sa.literal_column("0"))  # SQLite wants the offset said too
    return paged.with_for_update(of=table)  # SQLite has but one writer, and no words for it
