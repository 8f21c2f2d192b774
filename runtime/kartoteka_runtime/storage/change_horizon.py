"""The horizon of changes: up to which version every change can be seen (decisions/0043).

Versions are given out while transactions run, and these commit in another order. A token that held
the latest version would miss what has a lower one and is committed later. SQLite knows one writer
at a time; on PostgreSQL marks tell which versions belong to transactions that have ended.
"""

from __future__ import annotations

import asyncio

from kartoteka_runtime.storage.database import Connection

_TRIES = 10
_WAIT_SECONDS = 0.02  # between them: most transactions end sooner


async def safe_version(connection: Connection, engine: str, version_name: str) -> int:
    """Return a version: every change with it, or a lower one, is committed already.

    It is the latest one unless somebody has been writing for longer than this waits; then it is
    one from before they began, as far as somebody asked then, and 0 otherwise.
    """
    if engine == "sqlite":
        row = await connection.fetch_one(f"SELECT value FROM {version_name}", {})
        return int(row[0]) if row else 0
    row = await connection.fetch_one(
        f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {version_name}", {}
    )
    latest = int(row[0]) if row else 0
    found = await _ended(connection)
    if found >= latest:
        return found
    await connection.execute(
        "INSERT INTO kartoteka_change_mark (version, xid) "
        "VALUES (%(version)s, CAST(CAST(pg_current_xact_id() AS text) AS bigint)) "
        "ON CONFLICT (xid) DO NOTHING",
        {"version": latest},
    )
    for _ in range(_TRIES):
        found = await _ended(connection)
        if found >= latest:
            break
        await asyncio.sleep(_WAIT_SECONDS)
    await connection.execute(
        "DELETE FROM kartoteka_change_mark WHERE version < %(found)s", {"found": found}
    )
    return found


async def latest_version(connection: Connection, engine: str, version_name: str) -> int:
    """Return the highest version that was ever given."""
    column = "value" if engine == "sqlite" else "last_value"
    row = await connection.fetch_one(f"SELECT {column} FROM {version_name}", {})
    return int(row[0]) if row else 0


async def _ended(connection: Connection) -> int:
    """Return the highest version of a mark before which every transaction has ended."""
    row = await connection.fetch_one(
        "SELECT max(version) FROM kartoteka_change_mark WHERE xid <= "
        "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)",
        {},
    )
    return int(row[0]) if row and row[0] is not None else 0
