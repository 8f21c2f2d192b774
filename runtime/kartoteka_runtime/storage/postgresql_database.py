"""PostgreSQL: psycopg's own asynchronous pool, and a connection of its own for a publisher."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg.types.string import TextLoader
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import (
    PUBLISHER_WAIT_SECONDS,
    BadParameter,
    Connection,
    DatabaseBusy,
    DatabaseUnavailable,
    MissingTable,
    Overtaken,
    Params,
    PublishingConnection,
    ReferenceViolation,
    Row,
    SchemaMoved,
    TooComplex,
    TookTooLong,
    UniqueViolation,
)
from kartoteka_runtime.storage.id_array import IdArray, IdArrayDumper

PUBLISHERS_LOCK = 0x6B617274  # advisory lock of whoever changes tables


class PostgresqlConnection:
    """A psycopg connection."""

    def __init__(self, raw: psycopg.AsyncConnection[Row]) -> None:
        """Wrap an open connection."""
        self.raw = raw

    async def fetch_all(self, sql: str, params: Params) -> Sequence[Row]:
        """Return every row."""
        try:
            cursor = await self.raw.execute(sql, params)
            return await cursor.fetchall()
        except _POSTGRESQL_ERRORS as error:
            raise _from_postgresql(error) from error

    async def fetch_one(self, sql: str, params: Params) -> Row | None:
        """Return the first row, or None."""
        try:
            cursor = await self.raw.execute(sql, params)
            return await cursor.fetchone()
        except _POSTGRESQL_ERRORS as error:
            raise _from_postgresql(error) from error

    async def execute(self, sql: str, params: Params) -> int:
        """Run a statement and return how many rows it touched."""
        try:
            cursor = await self.raw.execute(sql, params)
        except _POSTGRESQL_ERRORS as error:
            raise _from_postgresql(error) from error
        return cursor.rowcount

    async def execute_many(self, sql: str, params: Sequence[Params]) -> None:
        """Run a statement once for each set of parameters."""
        try:
            async with self.raw.cursor() as cursor:
                await cursor.executemany(sql, params)
        except _POSTGRESQL_ERRORS as error:
            raise _from_postgresql(error) from error


class _LimitedPostgresqlConnection(PostgresqlConnection):
    """The same for readers who wait: what returns rows is ended after some seconds.

    The clock is ours: the server's ``statement_timeout`` would be that of a whole session, in
    which others write, and one more way to the server each time that it is another one.
    """

    def __init__(self, raw: psycopg.AsyncConnection[Row], seconds: float) -> None:
        """Wrap an open connection."""
        super().__init__(raw)
        self._seconds = seconds

    async def fetch_all(self, sql: str, params: Params) -> Sequence[Row]:
        """Return every row."""
        try:
            async with asyncio.timeout(self._seconds):  # psycopg ends the statement as well
                return await super().fetch_all(sql, params)
        except TimeoutError:
            raise TookTooLong(self._seconds) from None

    async def fetch_one(self, sql: str, params: Params) -> Row | None:
        """Return the first row, or None."""
        try:
            async with asyncio.timeout(self._seconds):
                return await super().fetch_one(sql, params)
        except TimeoutError:
            raise TookTooLong(self._seconds) from None


_POSTGRESQL_ERRORS = (psycopg.Error, UnicodeEncodeError)


def _from_postgresql(error: Exception) -> Exception:
    """Return what an error of the driver means; a mistake of ours stays what it is.

    A parameter of a type that no operator or cast takes, a NaN where there is none, and a text too
    long for its index are refused by errors of other classes than ``DataError``.
    """
    found = psycopg.errors
    match error:
        case found.UniqueViolation():
            return UniqueViolation(error.diag.constraint_name or "")
        case found.ForeignKeyViolation():
            return ReferenceViolation(str(error))
        case found.StatementTooComplex() | found.TooManyColumns():
            return TooComplex()
        case found.UndefinedTable():
            return MissingTable(str(error))
        case found.UndefinedColumn() | found.DatatypeMismatch():
            return SchemaMoved(str(error))  # statements say of which types their values are
        case found.FeatureNotSupported() if "cached plan" in str(error):
            return SchemaMoved(str(error))  # prepared before a column became of another type
        case (
            UnicodeEncodeError()
            | psycopg.DataError()
            | found.UndefinedFunction()
            | found.CannotCoerce()
            | found.FeatureNotSupported()
            | found.ProgramLimitExceeded()
        ):
            return BadParameter(str(error).partition("\n")[0])  # below it stands our statement
        case found.DeadlockDetected() | found.SerializationFailure():
            return Overtaken(str(error))
        case found.LockNotAvailable() | found.QueryCanceled():
            return DatabaseBusy(str(error))
        case found.InsufficientPrivilege() | found.ReadOnlySqlTransaction():
            return DatabaseUnavailable(f"PostgreSQL does not allow it: {error}")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return DatabaseUnavailable(str(error))
    return error


class PostgresqlDatabase:
    """A pool of psycopg connections."""

    engine = "postgresql"

    def __init__(self, url: str, *, max_connections: int = 10, reading_seconds: float = 0) -> None:
        """Remember the address; ``open`` connects. See ``database_for`` for the seconds."""
        self.url = url
        self._reading_seconds = reading_seconds
        self.dialect: Dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
        self._max = max_connections
        self._name = f"kartoteka {uuid.uuid4()}"  # tells our connections from those of others
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Row]] | None = None

    async def open(self) -> None:
        """Open the pool with one connection."""
        pool: AsyncConnectionPool[psycopg.AsyncConnection[Row]] = AsyncConnectionPool(
            self.url,
            min_size=1,
            max_size=self._max,
            open=False,
            configure=_configure,
            kwargs={"autocommit": True, "application_name": self._name},
            timeout=10,
        )
        try:
            # One connection beside the pool, which would try on and only say that it waited.
            await (await psycopg.AsyncConnection.connect(self.url, connect_timeout=10)).close()
            await pool.open(wait=True, timeout=10)
        except psycopg.Error as error:
            await pool.close()
            raise DatabaseUnavailable(f"PostgreSQL cannot be reached: {error}") from error
        self._pool = pool

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def reading(self, *, is_limited: bool = True) -> AsyncIterator[Connection]:
        """Yield a connection in autocommit."""
        if self._pool is None:
            await self.open()
        assert self._pool is not None
        seconds = self._reading_seconds if is_limited else 0
        try:
            async with self._pool.connection() as raw:
                yield (
                    _LimitedPostgresqlConnection(raw, seconds)
                    if seconds
                    else PostgresqlConnection(raw)
                )
        except psycopg.Error as error:  # of the pool: statements have said what theirs mean
            raise _from_postgresql(error) from error
        except SchemaMoved:  # prepared statements of every connection may be out of date
            await self._pool.drain()
            raise
        except DatabaseUnavailable:
            await self._pool.check()
            raise

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[PublishingConnection]:
        """Yield a connection of its own that holds the publishers' lock as long as it lives."""
        try:
            raw: psycopg.AsyncConnection[Row] = await psycopg.AsyncConnection.connect(
                self.url, autocommit=True, connect_timeout=10
            )
        except psycopg.Error as error:
            raise DatabaseUnavailable(f"PostgreSQL cannot be reached: {error}") from error
        async with raw:
            await _configure(raw)
            connection = _PublishingPostgresqlConnection(raw)
            await _take_turn(connection)
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """Yield a connection in a transaction."""
        if self._pool is None:
            await self.open()
        assert self._pool is not None
        try:
            async with self._pool.connection() as raw, raw.transaction():
                yield PostgresqlConnection(raw)
        except psycopg.Error as error:  # of the pool or the commit
            raise _from_postgresql(error) from error
        except SchemaMoved:
            await self._pool.drain()
            raise
        except DatabaseUnavailable:  # others in the pool are likely to be lost too
            await self._pool.check()
            raise


class _PublishingPostgresqlConnection(PostgresqlConnection):
    """A psycopg connection outside the pool, in autocommit."""

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Hold a transaction; what waits for a lock too long gives up, so that others go on."""
        try:
            async with self.raw.transaction():
                yield
        except psycopg.Error as error:
            raise _from_postgresql(error) from error

    def define(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Refuse: PostgreSQL runs no Python of ours."""
        raise NotImplementedError(f"{name} cannot be defined on PostgreSQL")


async def _take_turn(connection: Connection) -> None:
    waited = 0.0
    while True:
        row = await connection.fetch_one(f"SELECT pg_try_advisory_lock({PUBLISHERS_LOCK})", {})
        if row is not None and row[0]:
            return
        if waited >= PUBLISHER_WAIT_SECONDS:
            raise DatabaseBusy("another publish has been under way for a minute; try again later")
        await asyncio.sleep(0.1)
        waited += 0.1


async def _configure(raw: psycopg.AsyncConnection[Any]) -> None:
    raw.adapters.register_loader("uuid", TextLoader)  # as the text that records carry
    raw.adapters.register_dumper(IdArray, IdArrayDumper)
    await raw.execute("SET TIME ZONE 'UTC'")
