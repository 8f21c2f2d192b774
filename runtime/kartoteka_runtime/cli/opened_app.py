"""An app opened for one command: its parts, with the database connected."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from kartoteka_runtime.app import build_parts
from kartoteka_runtime.publishing.publish import published_number, refresh
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.settings import Settings

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


async def published_label(folder: Path) -> str:
    """Return what a published app is called; its registry is not read.

    Raises:
        PublishFailed: It never was published.
    """
    async with opened_app(folder) as parts:
        await published_number(parts.database)
        return parts.app_folder.label


def with_published_app(folder: Path, work: Callable[[RuntimeParts], Awaitable[T]]) -> T:
    """Return what ``work`` makes of an app that has been published.

    Raises:
        PublishFailed: It never was.
    """

    async def run() -> T:
        async with opened_app(folder) as parts:
            await refresh(parts.database, parts.live_registry)
            return await work(parts)

    return asyncio.run(run())
