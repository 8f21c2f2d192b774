"""Counters behind autonumber fields: each number is given once, whatever runs at the same time.

On PostgreSQL a sequence, which waits for nobody; on SQLite a row of ``kartoteka_counter``, safe
because one transaction writes at a time. Gaps are normal, reuse is not.
"""

from __future__ import annotations

from collections.abc import Mapping

from kartoteka.registry import Registry
from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.tables import short_name


async def create_sequences(connection: Connection, registry: Registry, engine: str) -> None:
    """Create the sequence of every autonumber field where it is missing."""
    if engine != "postgresql":
        return
    for entity in registry.entities.values():
        for item in entity.fields:
            if item.type == "autonumber":
                name = _sequence(f"{entity.name}.{item.name}")
                await connection.execute(
                    f'CREATE SEQUENCE IF NOT EXISTS "{name}" START {item.first_number}', {}
                )


async def rename_counters(connection: Connection, engine: str, renames: Mapping[str, str]) -> None:
    """Let counters of ``entity.field`` go on under other names, which may be exchanged."""
    for old, new in renames.items():
        await _rename_counter(connection, engine, old, f"{new} moving")
    for new in renames.values():
        await _rename_counter(connection, engine, f"{new} moving", new)


async def _rename_counter(connection: Connection, engine: str, old: str, new: str) -> None:
    if engine == "postgresql":
        await connection.execute(
            f'ALTER SEQUENCE IF EXISTS "{_sequence(old)}" RENAME TO "{_sequence(new)}"', {}
        )
    else:
        await connection.execute(
            "UPDATE kartoteka_counter SET name = :new WHERE name = :old", {"old": old, "new": new}
        )


async def next_numbers(
    connection: Connection, engine: str, name: str, first: int, count: int
) -> list[int]:
    """Return the next ``count`` numbers of ``entity.field``, in order."""
    if engine == "postgresql":
        sql = "SELECT nextval(%(name)s::regclass) FROM generate_series(1, %(count)s)"
        params = {"name": f'"{_sequence(name)}"', "count": count}
        return [int(row[0]) for row in await connection.fetch_all(sql, params)]
    sql = (
        "INSERT INTO kartoteka_counter (name, value) VALUES (:name, :first + :count - 1) "
        "ON CONFLICT (name) DO UPDATE SET value = value + :count RETURNING value"
    )
    row = await connection.fetch_one(sql, {"name": name, "first": first, "count": count})
    assert row is not None
    return list(range(int(row[0]) - count + 1, int(row[0]) + 1))


def _sequence(name: str) -> str:
    return short_name("kartoteka_number", *name.split("."))
