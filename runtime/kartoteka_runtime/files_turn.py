"""FilesTurn: who writes an app's files and publishes them is alone at it, in any process.

The folder itself is locked, so that nothing is left behind by a process that dies. Where a file
system knows no such locks, processes find out by the plan and the files that others were there.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_PATIENCE = 30.0  # seconds
_PAUSE = 0.05


class TurnTaken(Exception):
    """Somebody else is at it for long already."""


class FilesTurn:
    """The turn of one app's folder; tasks of this process queue in the order they came."""

    def __init__(self, folder: Path, *, patience: float = _PATIENCE) -> None:
        """Wait ``patience`` seconds at most for other processes."""
        self._folder = folder
        self._patience = patience
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def taken(self, *, patience: float | None = None) -> AsyncIterator[None]:
        """Be alone at it meanwhile.

        Raises:
            TurnTaken: Another process still is.
        """
        async with self._lock:
            descriptor = await self._locked(self._patience if patience is None else patience)
            try:
                yield
            finally:
                if descriptor is not None:
                    os.close(descriptor)

    async def _locked(self, patience: float) -> int | None:
        """Return the locked folder, to be closed later; None where there are no locks."""
        if sys.platform == "win32":
            return None
        try:
            descriptor = os.open(self._folder, os.O_RDONLY)
        except OSError:
            return None  # whoever reads the files next says what is wrong with the folder
        until = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                if time.monotonic() >= until:
                    os.close(descriptor)
                    raise TurnTaken from None
            except OSError:
                return descriptor
            try:
                await asyncio.sleep(_PAUSE)
            except asyncio.CancelledError:
                os.close(descriptor)
                raise
