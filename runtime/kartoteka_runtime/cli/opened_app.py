"""An app opened for one command: its parts, with the database connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

from kartoteka.errors import PublishFailed
from kartoteka.registry import Registry
from kartoteka_runtime.app import build_parts
from kartoteka_runtime.publishing.bootstrap import bootstrap
from kartoteka_runtime.publishing.publish import PublishResult, publish, refresh
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.storage.ddl import existing_columns
from kartoteka_runtime.storage.system_tables import publication

T = TypeVar("T")


@asynccontextmanager
async def opened_app(folder: Path) -> AsyncIterator[RuntimeParts]:
    """Yield the parts of an app, its database open.

    Raises:
        AppFolderError: ``kartoteka.yaml`` has a mistake.
        PluginError: A plugin is missing or broken.
        DatabaseUnavailable: The database cannot be reached.
    """
    parts = build_parts(Settings.load(folder))
    await parts.database.open()
    try:
        yield parts
    finally:
        await parts.database.close()


def with_published_app(folder: Path, work: Callable[[RuntimeParts], Awaitable[T]]) -> T:
    """Return what ``work`` makes of an app that has been published.

    Raises:
        PublishFailed: It never was.
    """

    async def run() -> T:
        async with opened_app(folder) as parts:
            await _make_live(parts)
            return await work(parts)

    return asyncio.run(run())


async def _make_live(parts: RuntimeParts) -> None:
    async with parts.database.reading() as connection:
        tables = await existing_columns(connection, parts.database.engine)
    if publication.name not in tables:
        raise PublishFailed("nothing is published yet; `kartoteka publish` does it")
    await refresh(parts.database, parts.live_registry)


async def publish_app(parts: RuntimeParts, registry: Registry) -> PublishResult:
    """Publish ``registry`` and create the records that every organization needs."""
    result = await publish(parts.database, registry)
    await refresh(parts.database, parts.live_registry)
    await bootstrap(
        parts.records,
        organization=parts.app_folder.label,
        currency=asdict(parts.app_folder.currency),
    )
    return result
