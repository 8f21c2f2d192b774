"""A process that publishes in children of its own, and lets them die where it is told.

Each line it reads is ``address folder statement seconds``: the child kills itself before that
statement (0: never) or after those seconds (0: never). It answers with ``killed``, or with the
number of statements that the whole publish took.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kartoteka.assembly import assemble, load_bundles
from kartoteka_runtime.publishing.publish import plan, publish
from kartoteka_runtime.storage.open_database import database_for


class MortalConnection:
    """A publisher's connection that kills the process before its n-th statement."""

    def __init__(self, connection: Any, count: Callable[[], None]) -> None:
        self._connection = connection
        self._count = count

    def __getattr__(self, name: str) -> Any:  # noqa: D105 - what it hands on is not its own
        found = getattr(self._connection, name)
        if name not in ("execute", "execute_many", "fetch_one", "fetch_all"):
            return found

        async def run(*arguments: Any) -> Any:
            self._count()
            return await found(*arguments)

        return run


class MortalDatabase:
    """A database whose publisher dies when its time has come."""

    def __init__(self, database: Any, last: int) -> None:
        self._database = database
        self._last = last
        self.statements = 0

    def __getattr__(self, name: str) -> Any:  # noqa: D105 - what it hands on is not its own
        return getattr(self._database, name)

    def _count(self) -> None:
        self.statements += 1
        if self.statements == self._last:
            os.kill(os.getpid(), signal.SIGKILL)

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[Any]:
        async with self._database.publishing() as connection:
            yield MortalConnection(connection, self._count)


async def publish_mortally(address: str, folder: str, last: int, seconds: float) -> int:
    """Publish what is in a folder, with every consent; return how many statements it took."""
    registry = assemble(load_bundles([Path(folder)]))
    database = database_for(address)
    await database.open()
    consents = (await plan(database, registry)).consents
    if seconds:
        threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    mortal: Any = MortalDatabase(database, last)
    await publish(mortal, registry, consents=consents)
    await database.close()
    return int(mortal.statements)


def main() -> None:
    """Serve orders until there are no more."""
    for line in sys.stdin:
        address, folder, last, seconds = line.split()
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            count = asyncio.run(publish_mortally(address, folder, int(last), float(seconds)))
            os.write(writer, str(count).encode())
            os._exit(0)
        os.close(writer)
        _, status = os.waitpid(child, 0)
        said = os.read(reader, 100).decode()
        os.close(reader)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            said = "killed"
        print(said or "failed", flush=True)


if __name__ == "__main__":
    main()
