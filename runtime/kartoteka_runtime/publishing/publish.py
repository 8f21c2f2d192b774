"""Publish: make a checked registry the live one; after any failure the old one is live and whole.

assemble → diff → plan → prepare → swap. On SQLite everything is one transaction; on PostgreSQL the
long part runs beside the live registry and can be cut short and taken up again, the swap is one
transaction (decisions/0013).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from kartoteka.errors import PublishFailed
from kartoteka.identities import Identities
from kartoteka.overrides import overrides
from kartoteka.registry import Registry
from kartoteka.registry_codec import fingerprint
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.publishing import history
from kartoteka_runtime.publishing.apply import Application
from kartoteka_runtime.publishing.history import Publication
from kartoteka_runtime.publishing.make_plan import make_plan
from kartoteka_runtime.publishing.plan import Plan, PlannedChange
from kartoteka_runtime.publishing.world import World, read_world
from kartoteka_runtime.storage.database import (
    Database,
    DatabaseBusy,
    MissingTable,
    PublishingConnection,
    SchemaMoved,
)
from kartoteka_runtime.storage.ddl import create_system_tables
from kartoteka_runtime.storage.postgresql_database import PUBLISHERS_LOCK
from kartoteka_runtime.storage.postgresql_references import validate_references
from kartoteka_runtime.storage.reshape_postgresql import Progress, clear_unfinished

_SWAP_TRIES = 20  # how often the swap waits 2 seconds for a lock before it gives up


class PlanRefused(PublishFailed):
    """A plan cannot be carried out as it is: something is blocked, or consents are missing.

    ``plan`` is what would have to happen now.
    """

    def __init__(self, reason: str, plan: Plan) -> None:
        """Keep the plan that was refused."""
        self.plan = plan
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What a publish did: the number now live, and the plan it carried out (empty: it was live)."""

    number: int
    plan: Plan

    @property
    def changes(self) -> tuple[PlannedChange, ...]:
        """Return what was changed."""
        return self.plan.changes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made live.

    ``identities``, ``overrides`` and ``returns_to`` are those of the publication that a rollback
    goes back to. ``live`` is what the caller takes for live; it only spares reading that again.
    """

    registry: Registry
    app: str = ""
    identities: Identities | None = None
    overrides: Mapping[str, Any] | None = None
    returns_to: int | None = None
    live: Registry | None = None

    @property
    def known(self) -> tuple[Registry, ...]:
        """Return the registries of which one most likely is the live one."""
        return (self.registry,) if self.live is None else (self.registry, self.live)


def no_progress(what: str, done: int, total: int) -> None:
    """Tell nobody."""


async def plan(
    database: Database, wanted: Registry, *, app: str = "", live: Registry | None = None
) -> Plan:
    """Return what a publish of ``wanted`` would do; reads the database and changes nothing."""
    return await plan_for(database, Wanted(wanted, app, live=live))


async def plan_for(database: Database, wanted: Wanted) -> Plan:
    """Return what a publish or a rollback would do."""
    try:
        return await _plan_for(database, wanted)
    except SchemaMoved:  # somebody published meanwhile, or a prepared statement is out of date
        return await _plan_for(database, wanted)


async def _plan_for(database: Database, wanted: Wanted) -> Plan:
    async with database.reading(is_limited=False) as connection:
        world = await read_world(connection, database, known=wanted.known)
        if _is_live(world, wanted):
            return _nothing(world, wanted)
        made, _ = await make_plan(
            connection, database, world, wanted.registry,
            app=wanted.app, identities=wanted.identities,
        )  # fmt: skip
        return made


async def publish(
    database: Database,
    wanted: Registry,
    *,
    app: str = "",
    consents: Collection[str] = (),
    shown: Plan | None = None,
    progress: Progress = no_progress,
    live: Registry | None = None,
) -> PublishResult:
    """Make ``wanted`` the live registry of the database.

    Args:
        database: Where the records are.
        wanted: A checked registry.
        app: The name of the app that publishes; another app's database is refused.
        consents: Names from the plan's ``consents`` that were consented to.
        shown: The plan that somebody has seen; when the world is another one now, nothing is done.
        progress: Told what is going on: what, how much is done, of how much (0: not known).
        live: What the caller takes for live; it only spares reading that again.

    Raises:
        PlanRefused: Something is blocked, consents are missing, or the plan is not the one shown.
        PublishFailed: It cannot be carried out. Nothing was changed.
    """
    return await publish_wanted(
        database, Wanted(wanted, app, live=live), consents=consents, shown=shown, progress=progress
    )


async def publish_wanted(
    database: Database,
    wanted: Wanted,
    *,
    consents: Collection[str] = (),
    shown: Plan | None = None,
    progress: Progress = no_progress,
) -> PublishResult:
    """Publish or roll back; see ``publish``."""
    async with database.publishing() as connection:
        async with connection.transaction():
            await create_system_tables(connection, database.dialect, database.engine)
        world = await read_world(connection, database, known=wanted.known)
        if _is_live(world, wanted):
            if shown is not None and not shown.is_empty:
                raise PlanRefused(_CHANGED, _nothing(world, wanted))
            if database.engine == "postgresql":  # what a publish left that was cut short
                await clear_unfinished(connection, world.schema, (), database.dialect)
                await validate_references(connection)
            return PublishResult(world.live.number, _nothing(world, wanted))
        made, work = await make_plan(
            connection, database, world, wanted.registry,
            app=wanted.app, identities=wanted.identities,
        )  # fmt: skip
        _refuse(made, shown, consents)
        application = Application(connection, database, work, progress)
        await application.prepare()
        publication = Publication(
            work.number, "", wanted.registry, work.identities,
            overrides=overrides(wanted.registry) if wanted.overrides is None else wanted.overrides,
            generation=world.live.generation, returns_to=wanted.returns_to,
        )  # fmt: skip
        await _swap(
            application, connection, database, made, consents=consents, publication=publication,
            app=wanted.app,
        )  # fmt: skip
        await application.finish()
        return PublishResult(work.number, made)


_CHANGED = "the world has changed since this plan was shown; look at the new one"


def _is_live(world: World, wanted: Wanted) -> bool:
    return (
        world.live.number > 0
        and world.live.fingerprint == fingerprint(wanted.registry)
        and not any(not drift.is_harmless for drift in world.drift)
        and (not world.owner or not wanted.app or world.owner == wanted.app)
    )


def _nothing(world: World, wanted: Wanted) -> Plan:
    known = fingerprint(wanted.registry)
    return Plan(world.live.number, known, known, "", drift=world.drift)


def _refuse(made: Plan, shown: Plan | None, consents: Collection[str]) -> None:
    if shown is not None and not shown.is_for_same_world(made):
        raise PlanRefused(_CHANGED, made)
    if made.blocked:
        reasons = "; ".join(f"{item.words}: {item.blocked}" for item in made.blocked)
        raise PlanRefused(f"this cannot be published: {reasons}", made)
    missing = [name for name in made.consents if name not in consents]
    if missing:
        options = " ".join(f'--consent "{name}"' if " " in name else f"--consent {name}"
                           for name in missing)  # fmt: skip
        raise PlanRefused(f"this needs consent by name: {options}", made)


async def _swap(
    application: Application,
    connection: PublishingConnection,
    database: Database,
    made: Plan,
    *,
    consents: Collection[str],
    publication: Publication,
    app: str,
) -> None:
    """Run the last part in one transaction; on PostgreSQL it queues for locks only briefly."""
    for attempt in range(1, _SWAP_TRIES + 1):
        try:
            async with connection.transaction():
                if database.engine == "postgresql":
                    await connection.execute("SET LOCAL lock_timeout = '2s'", {})
                if await history.latest_number(connection) != made.live_number:
                    raise PlanRefused(_CHANGED, made)
                await application.swap(made, consents=consents, made=publication, app=app)
            return
        except DatabaseBusy as busy:
            if database.engine == "sqlite" or attempt == _SWAP_TRIES:
                raise PublishFailed(
                    f"the tables are in use; what was prepared is kept, publish again: {busy}"
                ) from busy
        await asyncio.sleep(0.2)


@asynccontextmanager
async def publishing_alone(database: Database) -> AsyncIterator[None]:
    """Keep other publishers waiting meanwhile; on SQLite each write does that by itself."""
    if database.engine != "postgresql":
        yield
        return
    async with database.writing() as connection:
        await connection.execute(f"SELECT pg_advisory_xact_lock({PUBLISHERS_LOCK})", {})
        yield


async def published_number(database: Database) -> int:
    """Return the number of the newest publication.

    Raises:
        PublishFailed: Nothing was ever published, or by an earlier version alone.
    """
    async with database.reading() as connection:
        try:
            number = await history.latest_number(connection)
            await connection.fetch_one("SELECT max(generation) FROM kartoteka_publication", {})
        except MissingTable:
            number = 0
        except SchemaMoved:
            raise PublishFailed(
                "an earlier version of Kartoteka published last; "
                "`kartoteka publish` brings the database up to date"
            ) from None
    if not number:
        raise PublishFailed("nothing is published yet; `kartoteka publish` does it")
    return number


async def refresh(
    database: Database, live_registry: LiveRegistry, *, known: Registry | None = None
) -> bool:
    """Swap in the newest publication when another one is live here; return whether it was.

    A ``known`` registry that says the same is taken instead of reading the stored one.

    Raises:
        PublishFailed: Nothing was ever published.
    """
    number = await published_number(database)
    if number == live_registry.current.number:
        return False
    async with database.reading() as connection:
        newest = await history.load_latest(
            connection, database, known=() if known is None else (known,)
        )
    assert newest is not None
    live_registry.swap(
        newest.number,
        newest.registry,
        identities=newest.identities,
        generation=newest.generation,
        fingerprint=newest.fingerprint,
    )
    return True
