"""Purge: what is retired is destroyed, by name and after it was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from kartoteka.errors import PublishFailed
from kartoteka.identities import Retired
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.names import did_you_mean
from kartoteka.registry import Registry
from kartoteka_runtime.publishing.catalogue import forget_retired
from kartoteka_runtime.publishing.stored_counts import StoredCounts, StoredField
from kartoteka_runtime.publishing.world import World, read_world, write_fact
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.database import Database, PublishingConnection, SchemaMoved
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.schema import Schema, encode_schema, read_schema
from kartoteka_runtime.storage.shares import Shares
from kartoteka_runtime.storage.system_tables import purged


@dataclass(frozen=True, slots=True)
class Purgeable:
    """Something retired; ``values`` is how many records, links or values would be destroyed."""

    name: str
    item: Retired
    values: int

    def __str__(self) -> str:
        """Return it as a line for people."""
        what = {"entity": "record type", "relationship": "relationship"}.get(
            self.item.kind, "values from before field" if self.item.is_original else "field"
        )
        counted = {"entity": "records", "relationship": "links"}.get(self.item.kind, "values")
        since = f"retired by publication {self.item.publication}"
        if self.item.is_original:
            what, since = "originals of field", f"converted by publication {self.item.publication}"
        return f"{what} {self.name}: {self.values:,} {counted}, {since}"


async def retired_items(
    database: Database, *, known: Sequence[Registry] = ()
) -> tuple[Purgeable, ...]:
    """Return everything that is retired, by name, with what it holds.

    A ``known`` registry that is live spares reading that again.
    """
    try:
        return await _retired_items(database, known)
    except SchemaMoved:  # somebody published meanwhile, or a prepared statement is out of date
        return await _retired_items(database, known)


async def _retired_items(database: Database, known: Sequence[Registry]) -> tuple[Purgeable, ...]:
    async with database.reading() as connection:
        world = await read_world(connection, database, known=known)
        counts = StoredCounts(connection, database)
        return tuple([await _purgeable(world, item, counts) for item in world.retired])


async def find_purgeable(
    database: Database, name: str, *, known: Sequence[Registry] = ()
) -> tuple[Purgeable, ...]:
    """Return what ``purge`` would destroy: ENTITY, ENTITY.FIELD or the name of a relationship.

    Raises:
        PublishFailed: Nothing of that name is retired.
    """
    items = await retired_items(database, known=known)
    found = tuple(item for item in items if item.name == name)
    if found:
        tables = {item.item.table for item in found if item.item.kind == "entity"}
        inside = tuple(item for item in items if item not in found and item.item.table in tables)
        return found + inside
    async with database.reading() as connection:
        live = (await read_world(connection, database, known=known)).live.registry
    entity, _, field = name.partition(".")
    is_live = name in live.entities or name in live.relationships or (
        entity in live.entities and field in live.entities[entity].field_by_name
    )  # fmt: skip
    if is_live:
        raise PublishFailed(
            f"{name} is live; take it out of the files and publish first, then it can be purged"
        )
    hint = did_you_mean(name, {item.name for item in items})
    raise PublishFailed(f"nothing retired is called {name}" + (f"; {hint}" if hint else ""))


async def purge(
    database: Database, name: str, *, known: Sequence[Registry] = ()
) -> tuple[Purgeable, ...]:
    """Destroy what is retired under a name, and return what that was.

    Raises:
        PublishFailed: Nothing of that name is retired.
    """
    async with database.publishing() as connection, connection.transaction():
        found = await find_purgeable(database, name, known=known)  # by now it may be back
        for purgeable in found:
            await _destroy(connection, database, purgeable.item)
        await forget_retired(connection, database, [entry.item for entry in found])
        left = await read_schema(connection, database.engine)
        await write_fact(connection, database, "schema", encode_schema(left))
    return found


async def _destroy(connection: PublishingConnection, database: Database, item: Retired) -> None:
    quote = database.dialect.identifier_preparer.quote
    schema = await read_schema(connection, database.engine)
    await _retire_files(connection, database, item, schema)
    if item.table in schema:
        if item.kind == "field":
            for column in item.columns:
                if column in schema[item.table].columns:
                    await connection.execute(
                        f"ALTER TABLE {quote(item.table)} DROP COLUMN {quote(column)}", {}
                    )
        else:
            await connection.execute(f"DROP TABLE {quote(item.table)}", {})
    if item.kind == "entity":
        await Shares(database.dialect).remove_entity(connection, item.name)
    await connection.execute(
        compile_text(sa.insert(purged), database.dialect),
        {
            "kind": item.kind,
            "entity": item.entity,
            "identity": item.identity,
            "name": item.name,
            "publication": item.publication,
            "purged_on": encode_instant(datetime.now(UTC)),
        },
    )


async def _retire_files(
    connection: PublishingConnection, database: Database, item: Retired, schema: Schema
) -> None:
    """Note that nobody names the files of what is destroyed; the hourly job takes them away."""
    table = schema.get(item.table)
    match item.definition:
        case Field() as field if field.is_file:
            columns = item.columns[:1]
        case Entity() as entity:
            columns = tuple(field.name for field in entity.file_fields)
        case _:
            return
    for column in columns:
        if table is not None and column in table.columns:
            ids = sa.select(sa.cast(sa.column(column), sa.String(36))).select_from(
                sa.table(item.table)
            )
            files = sa.table("kartoteka_file", sa.column("id"), sa.column("state"))
            removed = sa.update(files).where(files.c.id.in_(ids)).values(state=sa.text("'removed'"))
            await connection.execute(compile_text(removed, database.dialect), {})


async def _purgeable(world: World, item: Retired, counts: StoredCounts) -> Purgeable:
    name = item.name
    if item.kind == "field":
        name = f"{_entity_name(world, item.entity)}.{item.name}"
    values = 0
    if item.table in world.schema:
        if item.kind != "field":
            values = await counts.records(item.table)
        elif set(item.columns) <= world.schema[item.table].columns.keys():
            values = await counts.values(
                StoredField(item.table, "", item.columns, item.definition)  # type: ignore[arg-type]
            )
    return Purgeable(name, item, values)


def _entity_name(world: World, identity: str) -> str:
    for name in world.live.registry.entities:
        if world.live.identities.of("entity", name) == identity:
            return name
    return next(
        (item.name for item in world.retired if (item.kind, item.identity) == ("entity", identity)),
        identity,
    )
