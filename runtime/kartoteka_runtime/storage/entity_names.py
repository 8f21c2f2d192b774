"""Cells that name entities and records, when these are renamed or gone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import sqlalchemy as sa

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.schema import Schema
from kartoteka_runtime.storage.system_tables import gone, share
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX

_Quote = Callable[[str], str]


async def rename_in_cells(
    connection: Connection, schema: Schema, renames: Mapping[str, str], quote: _Quote
) -> None:
    """Write the new names of entities into every lookup that carries its entity, and into shares.

    Retired lookups too: they may come back. Names are logical names and need no escaping.
    """
    cells = [
        (name, column)
        for name, table in schema.items()
        for column in table.columns
        if ENTITY_SUFFIX in column
    ]
    cells.append((share.name, share.c.entity.name))
    cells += [(gone.name, gone.c.entity.name), (gone.name, gone.c.holder.name)]
    olds = ", ".join(f"'{old}'" for old in renames)
    branches = " ".join(f"WHEN '{old}' THEN '{new}'" for old, new in renames.items())
    for name, column in cells:
        cell = quote(column)
        await connection.execute(
            f"UPDATE {quote(name)} SET {cell} = CASE {cell} {branches} END "
            f"WHERE {cell} IN ({olds})",
            {},
        )


async def names_another(
    connection: Connection,
    table: sa.Table,
    column: str,
    targets: Collection[str],
    quote: _Quote,
) -> bool:
    """Return whether a lookup that carries its entity holds one that is not among ``targets``."""
    known = ", ".join(f"'{name}'" for name in ("", *targets))
    beside = quote(column + ENTITY_SUFFIX)
    sql = f"SELECT 1 FROM {quote(table.name)} WHERE {beside} NOT IN ({known}) LIMIT 1"
    return await connection.fetch_one(sql, {}) is not None


async def clear_dangling(
    connection: Connection,
    table: sa.Table,
    column: str,
    target: sa.Table,
    quote: _Quote,
    *,
    whole_row: bool = False,
    entity: str = "",
) -> None:
    """Empty the references to records that were deleted while nobody looked after them.

    ``whole_row`` removes the row: a link to nothing is none. ``entity`` is the name of the target
    where the cell beside it says which entity is meant.
    """
    place, cell = quote(table.name), quote(column)
    primary_id = quote(next(iter(target.primary_key)).name)
    action, of_entity = f"UPDATE {place} SET {cell} = NULL", ""
    if whole_row:
        action = f"DELETE FROM {place}"
    elif entity:
        beside = quote(column + ENTITY_SUFFIX)
        action += f", {beside} = NULL"
        of_entity = f"AND {beside} = '{entity}' "
    await connection.execute(
        f"{action} WHERE {cell} IS NOT NULL {of_entity}AND NOT EXISTS (SELECT 1 "
        f"FROM {quote(target.name)} AS target WHERE target.{primary_id} = {place}.{cell})",
        {},
    )
