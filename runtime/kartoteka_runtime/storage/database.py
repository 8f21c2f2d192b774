"""Database: connections to SQLite or PostgreSQL behind one small asynchronous interface.

Statements are text compiled beforehand. On SQLite they run inline in the event loop: a statement
takes microseconds, a thread hop a hundred times as long (decisions/0001). One connection reads in
autocommit; one writes, held by one transaction at a time. On PostgreSQL psycopg's own
asynchronous pool serves both.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import psycopg
from psycopg.adapt import Loader
from psycopg_pool import AsyncConnectionPool
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from kartoteka.errors import KartotekaError
from kartoteka.text_folding import fold

Params = Mapping[str, Any]
Row = tuple[Any, ...]

PUBLISHERS_LOCK = 0x6B617274  # PostgreSQL's advisory lock of whoever changes tables

_Result = TypeVar("_Result")
_BUSY_WAIT_SECONDS = 10.0
_PUBLISHER_WAIT_SECONDS = 60.0


class DatabaseUnavailable(KartotekaError):
    """The database cannot be reached, opened or written; the message says which and why."""


class DatabaseBusy(KartotekaError):
    """Others were using what a statement needed; the same thing may work in a moment."""


class UniqueViolation(KartotekaError):
    """A unique index refused a value; ``index`` is its name."""

    def __init__(self, index: str) -> None:
        """Name the index."""
        self.index = index
        super().__init__(index)


class ReferenceViolation(KartotekaError):
    """A foreign key refused a statement."""


class BadParameter(KartotekaError):
    """A parameter is not of the type that its column has, or more than it can hold."""


class SchemaMoved(KartotekaError):
    """A statement was made for tables or columns that a publish has since renamed or replaced."""


class MissingTable(SchemaMoved):
    """A statement names a table that is not there: never published, or renamed since."""


class Connection(Protocol):
    """Runs statements; rows are tuples in the order of the selected columns."""

    async def fetch_all(self, sql: str, params: Params) -> Sequence[Row]:
        """Return every row."""

    async def fetch_one(self, sql: str, params: Params) -> Row | None:
        """Return the first row, or None."""

    async def execute(self, sql: str, params: Params) -> int:
        """Run a statement and return how many rows it touched."""


class PublishingConnection(Connection, Protocol):
    """A connection that changes tables."""

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """Return a transaction around what is done inside."""

    async def execute_many(self, sql: str, params: Sequence[Params]) -> None:
        """Run a statement once for each set of parameters."""

    def define(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Make a Python function known to SQL (SQLite only)."""


class Database(Protocol):
    """A pool of connections to one database of one engine."""

    engine: str  # sqlite or postgresql
    dialect: Dialect

    def reading(self) -> AbstractAsyncContextManager[Connection]:
        """Return a connection in autocommit, for reads outside transactions."""

    def writing(self) -> AbstractAsyncContextManager[Connection]:
        """Return a connection in a transaction: committed at the end, rolled back on any error."""

    def publishing(self) -> AbstractAsyncContextManager[PublishingConnection]:
        """Return a connection of its own that changes tables, held by one publisher at a time.

        On SQLite everything it does is one transaction, committed at the end. On PostgreSQL each
        statement commits by itself unless it stands inside ``transaction()``.

        Raises:
            DatabaseBusy: Another publisher did not finish in time.
        """

    async def open(self) -> None:
        """Make ready for use.

        Raises:
            DatabaseUnavailable: The server or file cannot be opened.
        """

    async def close(self) -> None:
        """Give back every connection."""


def database_for(url: str) -> Database:
    """Return the database that ``url`` names: ``sqlite:///path`` or ``postgresql://…``."""
    if url.startswith("sqlite:///"):
        return SqliteDatabase(Path(unquote(url.removeprefix("sqlite:///"))))
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresqlDatabase(url)
    raise DatabaseUnavailable(
        f"the database address begins with {urlsplit(url).scheme or url[:20]!r}; "
        "sqlite:///path/to/file.db and postgresql://… are known"
    )


class SqliteConnection:
    """A sqlite3 connection whose calls finish before they return."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        """Wrap an open connection in autocommit mode."""
        self.raw = raw

    async def fetch_all(self, sql: str, params: Params) -> Sequence[Row]:
        """Return every row."""
        try:
            return self.raw.execute(sql, params).fetchall()
        except _SQLITE_ERRORS as error:
            raise _from_sqlite(error) from error

    async def fetch_one(self, sql: str, params: Params) -> Row | None:
        """Return the first row, or None."""
        try:
            row: Row | None = self.raw.execute(sql, params).fetchone()
        except _SQLITE_ERRORS as error:
            raise _from_sqlite(error) from error
        return row

    async def execute(self, sql: str, params: Params) -> int:
        """Run a statement and return how many rows it touched."""
        try:
            return self.raw.execute(sql, params).rowcount
        except _SQLITE_ERRORS as error:
            raise _from_sqlite(error) from error


_SQLITE_ERRORS = (sqlite3.Error, OverflowError, UnicodeEncodeError)
_SQLITE_NO_COLUMN = re.compile(r"^no such column|has no column named")


def _from_sqlite(error: Exception) -> Exception:
    """Return what an error of the driver means; a mistake of ours stays what it is."""
    message = str(error)
    match error:
        case sqlite3.IntegrityError():
            return _integrity(message)
        case sqlite3.OperationalError() if message.startswith("no such table"):
            return MissingTable(message)
        case sqlite3.OperationalError() if _SQLITE_NO_COLUMN.search(message):
            return SchemaMoved(message)
        case sqlite3.OperationalError(sqlite_errorcode=code):
            primary = code & 0xFF
            if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                return DatabaseBusy(message)
            return error if primary == sqlite3.SQLITE_ERROR else DatabaseUnavailable(message)
        case OverflowError() | UnicodeEncodeError() | sqlite3.DataError():
            return BadParameter(message)
        case sqlite3.ProgrammingError() if message.startswith("Error binding"):
            return BadParameter(message)
    return error


def _integrity(message: str) -> KartotekaError:
    if message.startswith("UNIQUE constraint failed: index "):
        return UniqueViolation(message.split("'")[1])
    if message.startswith("UNIQUE constraint failed: "):
        columns = [part.split(".")[-1] for part in message.split(": ", 1)[1].split(", ")]
        table = message.split(": ", 1)[1].split(".")[0]
        return UniqueViolation("_".join(["uq", table, *columns]))
    return ReferenceViolation(message)


class SqliteDatabase:
    """One file in WAL mode: a connection to read, a connection to write."""

    engine = "sqlite"

    def __init__(self, path: Path) -> None:
        """Remember the file; ``open`` makes it."""
        self.path = path
        self.dialect: Dialect = sqlite.dialect(paramstyle="named")
        self._turn = asyncio.Lock()
        self._reader: SqliteConnection | None = None
        self._writer: SqliteConnection | None = None

    async def open(self) -> None:
        """Open both connections and make the file's folder when it is missing."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = self._connect()
            self._reader = self._connect()
        except (OSError, sqlite3.Error) as error:
            raise DatabaseUnavailable(f"{self.path} cannot be opened: {error}") from error

    async def close(self) -> None:
        """Close both connections."""
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.raw.close()
        self._reader = self._writer = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """Yield the connection that reads."""
        if self._reader is None:
            await self.open()
        assert self._reader is not None
        yield self._reader

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """Yield the connection that writes, in a transaction of its own."""
        if self._writer is None:
            await self.open()
        assert self._writer is not None
        async with self._turn:
            raw = self._writer.raw
            await self._begin(raw)
            try:
                yield self._writer
                await self._writer.execute("COMMIT", {})
            finally:
                if raw.in_transaction:  # an error, or a commit that failed
                    raw.execute("ROLLBACK")

    @asynccontextmanager
    async def publishing(self) -> AsyncIterator[PublishingConnection]:
        """Yield a connection whose statements run in a thread, in one transaction.

        References are not enforced on it: a table that is built anew is for a moment not there.
        """
        if self._writer is None:
            await self.open()
        async with self._turn:
            connection = _PublishingSqliteConnection(self._connect().raw)
            raw = connection.raw
            try:
                raw.execute("PRAGMA foreign_keys=OFF")
                try:
                    await self._begin(raw, seconds=_PUBLISHER_WAIT_SECONDS)
                except DatabaseBusy as busy:
                    raise DatabaseBusy(
                        "somebody else has been writing for a minute; try again later"
                    ) from busy
                try:
                    yield connection
                    await connection.execute("COMMIT", {})
                finally:
                    if raw.in_transaction:
                        raw.execute("ROLLBACK")
            finally:
                raw.close()

    async def _begin(self, raw: sqlite3.Connection, *, seconds: float = _BUSY_WAIT_SECONDS) -> None:
        """Start a write transaction, waiting for other processes without blocking this one."""
        waited = 0.0
        while True:
            try:
                raw.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                meaning = _from_sqlite(error)
                if not isinstance(meaning, DatabaseBusy) or waited >= seconds:
                    raise meaning from error
            await asyncio.sleep(0.005)
            waited += 0.005

    def _connect(self) -> SqliteConnection:
        raw = sqlite3.connect(
            self.path, isolation_level=None, cached_statements=1024, check_same_thread=False
        )
        raw.create_function("kartoteka_fold", 1, _fold_or_none, deterministic=True)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON",
                       "busy_timeout=0", "cache_size=-64000"):  # fmt: skip
            raw.execute(f"PRAGMA {pragma}")
        return SqliteConnection(raw)


class _PublishingSqliteConnection:
    """A sqlite3 connection for statements that take long: each runs in a thread."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        """Wrap an open connection of its own."""
        self.raw = raw

    async def fetch_all(self, sql: str, params: Params) -> Sequence[Row]:
        """Return every row."""
        return await self._run(lambda: self.raw.execute(sql, params).fetchall())

    async def fetch_one(self, sql: str, params: Params) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = await self._run(lambda: self.raw.execute(sql, params).fetchone())
        return row

    async def execute(self, sql: str, params: Params) -> int:
        """Run a statement and return how many rows it touched."""
        return await self._run(lambda: self.raw.execute(sql, params).rowcount)

    async def execute_many(self, sql: str, params: Sequence[Params]) -> None:
        """Run a statement once for each set of parameters."""
        await self._run(lambda: self.raw.executemany(sql, params))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Do nothing of its own: all that this connection does is one transaction."""
        yield

    def define(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Make a Python function known to SQL."""
        self.raw.create_function(name, arguments, function)

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        try:
            return await asyncio.shield(asyncio.to_thread(work))
        except asyncio.CancelledError:
            self.raw.interrupt()
            raise
        except _SQLITE_ERRORS as error:
            raise _from_sqlite(error) from error


def _fold_or_none(text: str | None) -> str | None:
    return None if text is None else fold(text)


class _UuidAsText(Loader):
    """Reads a uuid as the text that records carry."""

    def load(self, data: Any) -> str:
        return bytes(data).decode()


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
            return BadParameter(str(error))
        case (
            found.DeadlockDetected()
            | found.SerializationFailure()
            | found.LockNotAvailable()
            | found.QueryCanceled()
        ):
            return DatabaseBusy(str(error))
        case found.InsufficientPrivilege() | found.ReadOnlySqlTransaction():
            return DatabaseUnavailable(f"PostgreSQL does not allow it: {error}")
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return DatabaseUnavailable(str(error))
    return error


class PostgresqlDatabase:
    """A pool of psycopg connections."""

    engine = "postgresql"

    def __init__(self, url: str, *, max_connections: int = 10) -> None:
        """Remember the address; ``open`` connects."""
        self.url = url
        self.dialect: Dialect = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
        self._max = max_connections
        self._pool: AsyncConnectionPool[psycopg.AsyncConnection[Row]] | None = None

    async def open(self) -> None:
        """Open the pool with one connection."""
        pool: AsyncConnectionPool[psycopg.AsyncConnection[Row]] = AsyncConnectionPool(
            self.url,
            min_size=1,
            max_size=self._max,
            open=False,
            configure=_configure,
            kwargs={"autocommit": True},
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
    async def reading(self) -> AsyncIterator[Connection]:
        """Yield a connection in autocommit."""
        if self._pool is None:
            await self.open()
        assert self._pool is not None
        try:
            async with self._pool.connection() as raw:
                yield PostgresqlConnection(raw)
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

    async def execute_many(self, sql: str, params: Sequence[Params]) -> None:
        """Run a statement once for each set of parameters."""
        try:
            async with self.raw.cursor() as cursor:
                await cursor.executemany(sql, params)
        except _POSTGRESQL_ERRORS as error:
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
        if waited >= _PUBLISHER_WAIT_SECONDS:
            raise DatabaseBusy("another publish has been under way for a minute; try again later")
        await asyncio.sleep(0.1)
        waited += 0.1


async def _configure(raw: psycopg.AsyncConnection[Any]) -> None:
    raw.adapters.register_loader("uuid", _UuidAsText)
    await raw.execute("SET TIME ZONE 'UTC'")
