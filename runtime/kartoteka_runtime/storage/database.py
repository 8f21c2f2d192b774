"""Database: connections to SQLite or PostgreSQL behind one small asynchronous interface.

Statements are text compiled beforehand. ``sqlite_database`` and ``postgresql_database`` are the two
behind it; ``open_database`` knows which of them an address names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from sqlalchemy.engine import Dialect

from kartoteka.errors import KartotekaError

Params = Mapping[str, Any]
Row = tuple[Any, ...]

PUBLISHER_WAIT_SECONDS = 60.0  # how long a publisher waits for another one


class DatabaseUnavailable(KartotekaError):
    """The database cannot be reached, opened or written; the message says which and why."""


class DatabaseBusy(KartotekaError):
    """Others were using what a statement needed; the same thing may work in a moment."""


class Overtaken(DatabaseBusy):
    """Two transactions waited for each other and this one was ended; it may run once more."""


class TookTooLong(DatabaseBusy):
    """A statement that reads for a request went on for longer than it may, and was ended."""

    def __init__(self, seconds: float) -> None:
        """Say so; ``seconds`` is how long it may go on."""
        self.seconds = seconds
        super().__init__(
            f"this takes more than {seconds:g} seconds; ask for less at once, or by a simpler "
            "condition"
        )


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


class TooComplex(KartotekaError):
    """A question is nested deeper, or has more parts, than the database reads."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__("the question is nested too deeply; ask for less at once")


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

    async def execute_many(self, sql: str, params: Sequence[Params]) -> None:
        """Run a statement once for each set of parameters."""


class PublishingConnection(Connection, Protocol):
    """A connection that changes tables."""

    def transaction(self) -> AbstractAsyncContextManager[None]:
        """Return a transaction around what is done inside."""

    def define(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Make a Python function known to SQL (SQLite only)."""


class Database(Protocol):
    """A pool of connections to one database of one engine."""

    engine: str  # sqlite or postgresql
    dialect: Dialect

    def reading(self, *, is_limited: bool = True) -> AbstractAsyncContextManager[Connection]:
        """Return a connection in autocommit, for reads outside transactions.

        A statement that returns rows raises ``TookTooLong`` when it goes on for longer than the
        database lets a reader wait, unless it is not ``is_limited``.
        """

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
