"""Publish: make a checked registry the live one, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from kartoteka.changes import Change, ChangeField, diff
from kartoteka.errors import PublishFailed
from kartoteka.registry import Registry
from kartoteka.registry_codec import fingerprint
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.publishing import history
from kartoteka_runtime.storage.database import Connection, Database, MissingTable
from kartoteka_runtime.storage.ddl import apply_changes, create_system_tables
from kartoteka_runtime.storage.tables import build_tables

_TAKE_LOCK = f"SELECT pg_advisory_xact_lock({0x6B617274})"  # one publisher at a time


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What a publish did: the number now live, and the changes it took (none: it was live)."""

    number: int
    changes: tuple[Change, ...]


async def publish(database: Database, wanted: Registry) -> PublishResult:
    """Make ``wanted`` the live registry of the database.

    Everything happens in one transaction: after an error the old registry is live and whole.

    Raises:
        PublishFailed: A change would lose or misread stored values; nothing was changed.
    """
    async with database.writing() as connection:
        if database.engine == "postgresql":
            await connection.execute(_TAKE_LOCK, {})
        await create_system_tables(connection, database.dialect, database.engine)
        live = await history.load_latest(connection, database)
        if live is not None and live.fingerprint == fingerprint(wanted):
            return PublishResult(live.number, ())
        changes = diff(live.registry if live else Registry(), wanted)
        await _refuse_losses(connection, database, changes)
        tables = build_tables(wanted, database.engine)
        await apply_changes(connection, changes, wanted, tables, database.dialect)
        number = await history.store(connection, database, wanted)
        return PublishResult(number, changes)


@asynccontextmanager
async def publishing_alone(database: Database) -> AsyncIterator[None]:
    """Keep other publishers waiting meanwhile; on SQLite each write does that by itself."""
    if database.engine != "postgresql":
        yield
        return
    async with database.writing() as connection:
        await connection.execute(_TAKE_LOCK, {})
        yield


async def refresh(database: Database, live_registry: LiveRegistry) -> bool:
    """Swap in the newest publication when another one is live here; return whether it was.

    Raises:
        PublishFailed: Nothing was ever published.
    """
    async with database.reading() as connection:
        try:
            number = await history.latest_number(connection)
        except MissingTable:
            number = 0
        if number and number == live_registry.current.number:
            return False
        newest = await history.load_latest(connection, database) if number else None
    if newest is None:
        raise PublishFailed("nothing is published yet; `kartoteka publish` does it")
    live_registry.swap(newest.number, newest.registry)
    return True


async def _refuse_losses(
    connection: Connection, database: Database, changes: tuple[Change, ...]
) -> None:
    """Refuse changes that would need stored values to be converted, unless there are none."""
    refused = []
    for change in changes:
        if isinstance(change, ChangeField) and not change.keeps_values:
            quote = database.dialect.identifier_preparer.quote
            sql = (
                f"SELECT 1 FROM {quote(change.entity)} "
                f"WHERE {quote(change.field)} IS NOT NULL LIMIT 1"
            )
            has_values = await connection.fetch_one(sql, {}) is not None
            if has_values or "length" not in change.what:
                refused.append(f"{change.entity}.{change.field}: {change.what}")
    if refused:
        raise PublishFailed(
            "these changes would have to convert stored values, which publish cannot do yet: "
            + "; ".join(refused)
        )
