"""CountingDatabase: a database that notes the statements which read from it.

Whether access changed is asked now and then (decisions/0033), whatever is read; that is not noted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from kartoteka_runtime.storage.database import (
    Connection,
    Database,
    Params,
    PublishingConnection,
    Row,
)

_VERSION_OF_ACCESS = "FROM kartoteka_access"


class CountingDatabase:
    """Passes everything on to a real database."""

    def __init__(self, database: Database, statements: list[str]) -> None:
        """Add what is read outside of transactions to ``statements``."""
        self._database = database
        self._statements = statements
        self.engine = database.engine
        self.dialect = database.dialect

    @asynccontextmanager
    async def reading(self, *, is_limited: bool = True) -> AsyncIterator[Connection]:
        """Yield a connection in autocommit."""
        async with self._database.reading(is_limited=is_limited) as connection:
            yield _CountingConnection(connection, self._statements)

    def writing(self) -> AbstractAsyncContextManager[Connection]:
        """Return a connection in a transaction."""
        return self._database.writing()

    def publishing(self) -> AbstractAsyncContextManager[PublishingConnection]:
        """Return a connection of its own that changes tables."""
        return self._database.publishing()

    async def open(self) -> None:
        """Make ready for use."""
        await self._database.open()

    async def close(self) -> None:
        """Give back every connection."""
        await self._database.close()


class _CountingConnection:
    def __init__(self, connection: Connection, statements: list[str]) -> None:
        self._connection = connection
        self._statements = statements

    async def fetch_all(self, sql: str, params: Params) -> Sequence[Row]:
        self._note(sql)
        return await self._connection.fetch_all(sql, params)

    async def fetch_one(self, sql: str, params: Params) -> Row | None:
        self._note(sql)
        return await self._connection.fetch_one(sql, params)

    async def execute(self, sql: str, params: Params) -> int:
        return await self._connection.execute(sql, params)

    async def execute_many(self, sql: str, params: Sequence[Params]) -> None:
        await self._connection.execute_many(sql, params)

    def _note(self, sql: str) -> None:
        if _VERSION_OF_ACCESS not in sql:
            self._statements.append(sql)
