"""FileWatch: tells that files of an app may have changed, as the operating system notices it.

What it says is a hint: who hears it looks at the files themselves. An editor that writes by
rename, a branch that is switched, a folder that goes and comes back are a few hints close together.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from pathlib import Path

import anyio
from watchfiles import awatch

from kartoteka.base_metadata import base_folder
from kartoteka_runtime.app_folder import AppFolder

Hear = Callable[[frozenset[Path]], None]

_STEP_MILLISECONDS = 20  # without another change, and a batch is complete
_LONGEST_MILLISECONDS = 300  # a batch is told after this long, even if changes go on
_PAUSE_SECONDS = 0.05
_INSTALLED = ("site-packages", "dist-packages")
_METADATA = (".yaml", ".yml")
_log = logging.getLogger(__name__)


class FileWatch:
    """Watches the app's own files, and metadata and code of plugins that lie in a checkout."""

    def __init__(self, app_folder: AppFolder, hear: Hear) -> None:
        """Tell ``hear`` which files changed."""
        self._app = app_folder.folder.resolve()
        self._deep = [self._app / "metadata", *_checkouts(app_folder)]
        self._hear = hear
        self._moved = anyio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch_app())
            tasks.create_task(self._watch_folders())

    async def _watch_app(self) -> None:
        """Watch what lies directly in the app's folder; its database below is left alone."""
        own = {self._app / "kartoteka.yaml", self._app / "metadata"}
        async with aclosing(_batches([self._app], own.__contains__, is_deep=False)) as batches:
            async for batch in batches:
                if self._app / "metadata" in batch:
                    self._moved.set()
                self._hear(batch)

    async def _watch_folders(self) -> None:
        """Watch the folders below which everything counts; anew when one of them comes or goes."""
        while True:
            self._moved = anyio.Event()
            folders = [folder.resolve() for folder in self._deep if folder.is_dir()]
            if not folders:
                await self._moved.wait()
                continue
            watched = _batches(folders, _counts, is_deep=True, stop=self._moved)
            async with aclosing(watched) as batches:
                async for batch in batches:
                    self._hear(batch)
                    if not batch.isdisjoint(folders):
                        break  # it went away: what stands in its place is to be watched
            await asyncio.sleep(_PAUSE_SECONDS)  # a folder may be on its way back
            self._hear(frozenset(folders))  # what happened in between was not seen


async def _batches(
    folders: Sequence[Path],
    counts: Callable[[Path], bool],
    *,
    is_deep: bool,
    stop: anyio.Event | None = None,
) -> AsyncGenerator[frozenset[Path], None]:
    """Yield the files that changed, one batch at a time; by looking again and again if need be."""
    for is_polling in (None, True):
        try:
            async for changes in awatch(
                *folders,
                watch_filter=lambda _, path: counts(Path(path)),
                debounce=_LONGEST_MILLISECONDS,
                step=_STEP_MILLISECONDS,
                stop_event=stop,
                recursive=is_deep,
                force_polling=is_polling,
                ignore_permission_denied=True,
            ):
                yield frozenset(Path(path) for _, path in changes)
            return
        except FileNotFoundError:
            return  # it went away just now
        except OSError as error:  # the system's limit of watched folders is reached
            if is_polling:
                raise
            _log.warning("files are looked at again and again instead of watched: %s", error)


def _counts(path: Path) -> bool:
    is_hidden = path.name.startswith(".")
    return not is_hidden and (path.suffix in (*_METADATA, ".py") or not path.suffix)


def _checkouts(app_folder: AppFolder) -> list[Path]:
    """Return the folders of base and plugins that somebody may be working on."""
    if app_folder.is_standalone:
        folders = [plugin.folder for plugin in app_folder.plugins]
    else:
        folders = [base_folder(), *(plugin.folder for plugin in app_folder.plugins)]
    resolved = [folder.resolve() for folder in folders]
    return [folder for folder in resolved if not set(_INSTALLED) & set(folder.parts)]
