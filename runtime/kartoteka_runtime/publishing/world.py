"""World: what a plan starts from, as the database has it now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kartoteka.identities import Retired
from kartoteka.registry import Registry
from kartoteka_runtime.publishing import history
from kartoteka_runtime.publishing.catalogue import load_retired
from kartoteka_runtime.publishing.history import Publication
from kartoteka_runtime.storage.database import Connection, Database, MissingTable
from kartoteka_runtime.storage.schema import (
    Drift,
    TableSchema,
    decode_schema,
    drift_of,
    encode_schema,
    read_schema,
)


@dataclass(frozen=True, slots=True)
class World:
    """What is published, what is kept of earlier publications, and what tables there really are.

    ``owner`` is the name of the app that published; "" before the first publish. ``purged`` are
    kind, entity's identity and identity of what was destroyed.
    """

    live: Publication = field(default_factory=Publication)
    retired: tuple[Retired, ...] = ()
    schema: dict[str, TableSchema] = field(default_factory=dict)
    drift: tuple[Drift, ...] = ()
    owner: str = ""
    purged: frozenset[tuple[str, str, str]] = frozenset()


async def read_world(
    connection: Connection, database: Database, *, known: Sequence[Registry] = ()
) -> World:
    """Return the world; changes nothing, and an empty database is an empty world.

    A ``known`` registry that says the same as the live one is taken in its place.
    """
    schema = await read_schema(connection, database.engine)
    try:
        live = await history.load_latest(connection, database, known=known)
    except MissingTable:
        live = None
    if live is None:
        return World(schema=schema)
    facts = await read_facts(connection)
    left = facts.get("schema")
    # Most often nothing has drifted; texts are compared faster than they are read.
    drift: tuple[Drift, ...] = ()
    if left is not None and left != encode_schema(schema):
        drift = drift_of(decode_schema(left), schema)
    retired = await load_retired(connection, database)
    purged = await connection.fetch_all("SELECT kind, entity, identity FROM kartoteka_purged", {})
    return World(
        live,
        retired,
        schema,
        drift,
        facts.get("app", ""),
        frozenset((kind, entity, identity) for kind, entity, identity in purged),
    )


async def read_facts(connection: Connection) -> dict[str, str]:
    """Return the single facts that are kept about the database."""
    rows = await connection.fetch_all("SELECT name, value FROM kartoteka_fact", {})
    return {name: value for name, value in rows}


async def write_fact(connection: Connection, database: Database, name: str, value: str) -> None:
    """Keep a single fact."""
    mark = "(:name, :value)" if database.engine == "sqlite" else "(%(name)s, %(value)s)"
    await connection.execute(
        f"INSERT INTO kartoteka_fact (name, value) VALUES {mark} "
        "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        {"name": name, "value": value},
    )
