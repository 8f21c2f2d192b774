"""SQLite: one file in WAL mode, whose statements run inline in the event loop.

A statement takes microseconds, a thread hop a hundred times as long (decisions/0001). One
connection reads in autocommit; one writes, held by one transaction at a time. What a publish does
takes long and runs in a thread.
"""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

import orjson
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect

from kartoteka.errors import KartotekaError
from kartoteka_runtime.storage.database import (
    PUBLISHER_WAIT_SECONDS,
    BadParameter,
    Connection,
    DatabaseBusy,
    DatabaseUnavailable,
    MissingTable,
    Params,
    PublishingConnection,
    ReferenceViolation,
    Row,
    SchemaMoved,
    TooComplex,
    TookTooLong,
    UniqueViolation,
)
from kartoteka_runtime.storage.date_parts import part_of
from kartoteka_runtime.storage.exact_totals import ExactAverage, ExactSum, ExactTotal
from kartoteka_runtime.storage.sqlite_functions import define_functions

_Result = TypeVar("_Result")
_BUSY_WAIT_SECONDS = 10.0
_LOOK_EVERY = 500  # steps of SQLite's machine between two looks at the clock, which cost nothing


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

    async def execute_many(self, sql: str, params: Sequence[Params]) -> None:
        """Run a statement once for each set of parameters."""
        try:
            self.raw.executemany(sql, params)
        except _SQLITE_ERRORS as error:
            raise _from_sqlite(error) from error


class _Interrupted(DatabaseUnavailable):
    """A statement was ended before it was done."""


class _LimitedSqliteConnection(SqliteConnection):
    """The same for readers who wait: what returns rows is ended after some seconds."""

    def __init__(self, raw: sqlite3.Connection, seconds: float) -> None:
        """Look at the clock while statements of ``raw`` run."""
        super().__init__(raw)
        self._seconds = seconds
        self._ends = inf  # those of others that share ``raw`` never do
        raw.set_progress_handler(self._is_over, _LOOK_EVERY)

    async def fetch_all(self, sql: str, params: Params) -> Sequence[Row]:
        """Return every row."""
        self._ends = monotonic() + self._seconds
        try:
            return await super().fetch_all(sql, params)
        except _Interrupted:
            raise TookTooLong(self._seconds) from None
        finally:
            self._ends = inf

    async def fetch_one(self, sql: str, params: Params) -> Row | None:
        """Return the first row, or None."""
        self._ends = monotonic() + self._seconds
        try:
            return await super().fetch_one(sql, params)
        except _Interrupted:
            raise TookTooLong(self._seconds) from None
        finally:
            self._ends = inf

    def _is_over(self) -> bool:
        return monotonic() > self._ends


_SQLITE_ERRORS = (sqlite3.Error, OverflowError, UnicodeEncodeError)
_SQLITE_TOO_COMPLEX = re.compile(r"^parser stack overflow|^Expression tree is too large|^too many")
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
        case sqlite3.OperationalError() if _SQLITE_TOO_COMPLEX.search(message):
            return TooComplex()
        case sqlite3.OperationalError(sqlite_errorcode=code):
            primary = code & 0xFF
            if primary == sqlite3.SQLITE_INTERRUPT:
                return _Interrupted(message)
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

    def __init__(self, path: Path, *, reading_seconds: float = 0) -> None:
        """Remember the file; ``open`` makes it. See ``database_for`` for the seconds."""
        self.path = path
        self._reading_seconds = reading_seconds
        self.dialect: Dialect = sqlite.dialect(paramstyle="named")
        self._turn = asyncio.Lock()
        self._reader: SqliteConnection | None = None
        self._patient_reader: SqliteConnection | None = None
        self._writer: SqliteConnection | None = None

    async def open(self) -> None:
        """Open both connections and make the file's folder when it is missing."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = await self._connected()
            self._reader = self._patient_reader = await self._connected()
            if self._reading_seconds:
                self._reader = _LimitedSqliteConnection(self._reader.raw, self._reading_seconds)
        except (OSError, sqlite3.Error) as error:
            raise DatabaseUnavailable(f"{self.path} cannot be opened: {error}") from error

    async def close(self) -> None:
        """Close both connections."""
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.raw.close()
        self._reader = self._patient_reader = self._writer = None

    @asynccontextmanager
    async def reading(self, *, is_limited: bool = True) -> AsyncIterator[Connection]:
        """Yield the connection that reads."""
        if self._reader is None:
            await self.open()
        reader = self._reader if is_limited else self._patient_reader
        assert reader is not None
        yield reader

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Connection]:
        """Yield the connection that writes, in a transaction of its own."""
        if self._writer is None:
            await self.open()
        assert self._writer is not None
        async with self._turn:
            raw = self._writer.raw
            await self._begin(raw, seconds=_BUSY_WAIT_SECONDS)
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
                    await self._begin(raw, seconds=PUBLISHER_WAIT_SECONDS)
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

    async def _begin(self, raw: sqlite3.Connection, *, seconds: float) -> None:
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

    async def _connected(self) -> SqliteConnection:
        """Return a new connection; a file that another process is just making is waited for."""
        waited = 0.0
        while True:
            try:
                return self._connect()
            except sqlite3.OperationalError as error:
                is_busy = isinstance(_from_sqlite(error), DatabaseBusy)
                if not is_busy or waited >= _BUSY_WAIT_SECONDS:
                    raise
            await asyncio.sleep(0.02)
            waited += 0.02

    def _connect(self) -> SqliteConnection:
        raw = sqlite3.connect(
            self.path, isolation_level=None, cached_statements=1024, check_same_thread=False
        )
        define_functions(raw)
        raw.create_function("kartoteka_json", 1, _json_of_number, deterministic=True)
        raw.create_function("kartoteka_date_part", 6, part_of, deterministic=True)
        raw.create_aggregate("kartoteka_total", 1, ExactTotal)  # type: ignore[arg-type]
        raw.create_aggregate("kartoteka_sum", 1, ExactSum)  # type: ignore[arg-type]
        raw.create_aggregate("kartoteka_average", 1, ExactAverage)  # type: ignore[arg-type]
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


def _json_of_number(value: float) -> str:
    return orjson.dumps(value).decode()
