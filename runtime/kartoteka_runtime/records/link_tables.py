"""Link tables as the platform's own rules read and write them: no hook hears of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.storage.tables import link_columns

# Link entities of the base bundle, by what they link.
MEMBERSHIP, USER_ROLES, TEAM_ROLES = "teammembership", "systemuserroles", "teamroles"


def has_link(op: Operation, intersect: str) -> bool:
    """Return whether the publication has a relationship with such a link entity."""
    return intersect in op.model.registry.relationship_by_intersect


async def linked_ids(
    op: Operation, intersect: str, side: str, record_id: str, other: str
) -> set[str]:
    """Return the ids that a link table links with one record; none without that table."""
    if not has_link(op, intersect):
        return set()
    build = partial(_linked_ids, op.model, intersect, side, other)
    sql = op.model.text(("linked ids", intersect, side), build)
    return {str(row[0]) for row in await op.connection.fetch_all(sql, {"one": record_id})}


async def add_link(op: Operation, intersect: str, ids: Mapping[str, str]) -> None:
    """Link two records: ``{entity: id}``."""
    sql = op.model.text(("add link", intersect), partial(_insert, op.model, intersect))
    await op.connection.execute(sql, ids)
    note_written(op, intersect)


async def remove_links(op: Operation, intersect: str, ids: Mapping[str, str]) -> None:
    """Remove what links two records, or everything that links one: ``{entity: id}``."""
    build = partial(_delete, op.model, intersect, tuple(ids))
    sql = op.model.text(("remove links", intersect, tuple(ids)), build)
    await op.connection.execute(sql, ids)
    note_written(op, intersect)


def note_written(op: Operation, intersect: str) -> None:
    """Note that the operation has written a link table."""
    op.written.add(op.model.registry.relationship_by_intersect[intersect].name)


def link_table(model: CompiledModel, intersect: str) -> tuple[sa.Table, dict[str, sa.Column[Any]]]:
    """Return a link table, and its columns by the entity that they name."""
    relationship = model.registry.relationship_by_intersect[intersect]
    sides = (relationship.left, relationship.right)
    table = model.tables.links[relationship.name]
    names = zip(sides, link_columns(*sides), strict=True)
    return table, {side: table.c[name] for side, name in names}


def _linked_ids(model: CompiledModel, intersect: str, side: str, other: str) -> sa.Select[Any]:
    _, columns = link_table(model, intersect)
    one = columns[side]
    return sa.select(columns[other]).where(one == sa.bindparam("one", type_=one.type))


def _insert(model: CompiledModel, intersect: str) -> sa.Insert:
    table, columns = link_table(model, intersect)
    return sa.insert(table).values(
        {column.name: sa.bindparam(side, type_=column.type) for side, column in columns.items()}
    )


def _delete(model: CompiledModel, intersect: str, sides: tuple[str, ...]) -> sa.Delete:
    table, columns = link_table(model, intersect)
    return sa.delete(table).where(
        *(columns[side] == sa.bindparam(side, type_=columns[side].type) for side in sides)
    )
