"""Rollback: the registry of an earlier publication becomes the live one again, with its data."""

from __future__ import annotations

from collections.abc import Collection

from kartoteka.errors import PublishFailed
from kartoteka_runtime.publishing import history
from kartoteka_runtime.publishing.history import Publication
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.publishing.publish import (
    PublishResult,
    Wanted,
    no_progress,
    plan_for,
    publish_wanted,
)
from kartoteka_runtime.storage.database import Database, MissingTable
from kartoteka_runtime.storage.reshape_postgresql import Progress


async def plan_rollback(database: Database, *, to: int | None = None) -> tuple[Plan, int]:
    """Return what a rollback would do, and the number of the publication it goes back to.

    Raises:
        PublishFailed: There is no such publication.
    """
    target = await _target(database, to)
    return await plan_for(database, _wanted(target)), target.stands_for


async def rollback(
    database: Database,
    *,
    to: int | None = None,
    consents: Collection[str] = (),
    shown: Plan | None = None,
    progress: Progress = no_progress,
) -> PublishResult:
    """Go back to an earlier publication; by default to the one before that which is live.

    It is a publication of its own, so that it can be undone as well. What was added since is
    retired, what was retired comes back with its data, values that were converted become again
    exactly what they were unless somebody has changed them.

    Raises:
        PlanRefused: Consents are missing, or the world has changed since the plan was shown.
        PublishFailed: There is no such publication, or it cannot be carried out.
    """
    target = await _target(database, to)
    return await publish_wanted(
        database, _wanted(target), consents=consents, shown=shown, progress=progress
    )


def _wanted(target: Publication) -> Wanted:
    return Wanted(
        target.registry, identities=target.identities, returns_to=target.stands_for,
        overrides=target.overrides,
    )  # fmt: skip


async def _target(database: Database, to: int | None) -> Publication:
    async with database.reading() as connection:
        try:
            live = await history.load_latest(connection, database)
        except MissingTable:
            live = None
        if live is None:
            raise PublishFailed("nothing is published yet; there is nothing to go back to")
        number = live.stands_for - 1 if to is None else to
        if number < 1:
            raise PublishFailed("this is the first publication; there is nothing to go back to")
        found = await history.load(connection, database, number)
        if found is None or number > live.number:
            raise PublishFailed(f"there is no publication {number}; the newest is {live.number}")
        if found.stands_for == live.stands_for:
            raise PublishFailed(f"publication {number} is live already")
        return found
