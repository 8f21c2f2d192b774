"""The twin's SQL: fixed text, run by the raw driver. SQLite inline, PostgreSQL through a pool."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from psycopg import AsyncConnection
from psycopg.types.string import TextLoader
from psycopg_pool import AsyncConnectionPool

from kartoteka.text_folding import fold

Row = Sequence[Any]
PAGE = 50

_NAMES = (
    "a.name, u.name, cur.currencyname, o.fullname, creator.fullname, changer.fullname, "
    "guardian.fullname, master.fullname, preferred.fullname"
)
_JOINS = (
    "LEFT JOIN account a ON a.accountid = c.parentcustomerid "
    "LEFT JOIN businessunit u ON u.businessunitid = c.owningbusinessunit "
    "LEFT JOIN transactioncurrency cur ON cur.transactioncurrencyid = c.transactioncurrencyid "
    "LEFT JOIN systemuser o ON o.systemuserid = c.ownerid "
    "LEFT JOIN systemuser creator ON creator.systemuserid = c.createdby "
    "LEFT JOIN systemuser changer ON changer.systemuserid = c.modifiedby "
    "LEFT JOIN contact guardian ON guardian.contactid = c.gdprparentid "
    "LEFT JOIN contact master ON master.contactid = c.masterid "
    "LEFT JOIN systemuser preferred ON preferred.systemuserid = c.preferredsystemuserid"
)


class Store(Protocol):
    """Runs the twin's statements; ``?`` marks a parameter."""

    engine: str

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Disconnect."""

    async def columns(self, table: str) -> list[str]:
        """Return the names of a table's columns."""

    async def one(self, sql: str, params: Sequence[Any]) -> Row | None:
        """Return the first row, or None."""

    async def many(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        """Return every row."""

    async def write(self, sql: str, params: Sequence[Any]) -> int:
        """Run one statement in a transaction and return how many rows it touched."""

    async def write_many(self, sql: str, params: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row, in one transaction."""


def store_for(url: str) -> Store:
    """Return the store for a database address of Kartoteka."""
    if url.startswith("sqlite:///"):
        return SqliteStore(url.removeprefix("sqlite:///"))
    return PostgresqlStore(url)


class SqliteStore:
    """A SQLite file in WAL mode; every statement runs in the event loop."""

    engine = "sqlite"

    def __init__(self, path: str) -> None:
        """Remember the file."""
        self._path = path
        self._raw: sqlite3.Connection

    async def open(self) -> None:
        """Connect."""
        self._raw = sqlite3.connect(self._path, isolation_level=None, cached_statements=256)
        # The indexes of the shared database were made with this function.
        self._raw.create_function("kartoteka_fold", 1, _fold, deterministic=True)
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON",
                       "busy_timeout=5000", "cache_size=-64000"):  # fmt: skip
            self._raw.execute(f"PRAGMA {pragma}")

    async def close(self) -> None:
        """Disconnect."""
        self._raw.close()

    async def columns(self, table: str) -> list[str]:
        """Return the names of a table's columns."""
        return [row[1] for row in self._raw.execute(f"PRAGMA table_info({table})")]

    async def one(self, sql: str, params: Sequence[Any]) -> Row | None:
        """Return the first row, or None."""
        row: Row | None = self._raw.execute(sql, params).fetchone()
        return row

    async def many(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        """Return every row."""
        return self._raw.execute(sql, params).fetchall()

    async def write(self, sql: str, params: Sequence[Any]) -> int:
        """Run one statement in a transaction and return how many rows it touched."""
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            touched = self._raw.execute(sql, params).rowcount
        except BaseException:
            self._raw.execute("ROLLBACK")
            raise
        self._raw.execute("COMMIT")
        return touched

    async def write_many(self, sql: str, params: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row, in one transaction."""
        self._raw.execute("BEGIN IMMEDIATE")
        try:
            self._raw.executemany(sql, params)
        except BaseException:
            self._raw.execute("ROLLBACK")
            raise
        self._raw.execute("COMMIT")


def _fold(text: str | None) -> str | None:
    return None if text is None else fold(text)


class PostgresqlStore:
    """A PostgreSQL database behind psycopg's asynchronous pool, in autocommit."""

    engine = "postgresql"

    def __init__(self, url: str) -> None:
        """Remember the address."""
        self._pool: AsyncConnectionPool[AsyncConnection[Row]] = AsyncConnectionPool(
            url, min_size=1, max_size=10, open=False, configure=_configure,
            kwargs={"autocommit": True},
        )  # fmt: skip

    async def open(self) -> None:
        """Connect."""
        await self._pool.open(wait=True)

    async def close(self) -> None:
        """Disconnect."""
        await self._pool.close()

    async def columns(self, table: str) -> list[str]:
        """Return the names of a table's columns."""
        rows = await self.many(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = "
            "current_schema() AND table_name = ? ORDER BY ordinal_position",
            (table,),
        )
        return [row[0] for row in rows]

    async def one(self, sql: str, params: Sequence[Any]) -> Row | None:
        """Return the first row, or None."""
        async with self._pool.connection() as raw:
            return await (await raw.execute(_marks(sql), params)).fetchone()

    async def many(self, sql: str, params: Sequence[Any]) -> Sequence[Row]:
        """Return every row."""
        async with self._pool.connection() as raw:
            return await (await raw.execute(_marks(sql), params)).fetchall()

    async def write(self, sql: str, params: Sequence[Any]) -> int:
        """Run one statement, which is a transaction of its own."""
        async with self._pool.connection() as raw:
            return (await raw.execute(_marks(sql), params)).rowcount

    async def write_many(self, sql: str, params: Sequence[Sequence[Any]]) -> None:
        """Run one statement for each row, in one transaction."""
        async with self._pool.connection() as raw, raw.transaction(), raw.cursor() as cursor:
            await cursor.executemany(_marks(sql), params)


_KNOWN_MARKS: dict[str, Any] = {}


def _marks(sql: str) -> Any:
    """Return the statement with psycopg's marks."""
    known = _KNOWN_MARKS.get(sql)
    if known is None:
        known = _KNOWN_MARKS[sql] = sql.replace("?", "%s").encode()
    return known


async def _configure(raw: AsyncConnection[Any]) -> None:
    raw.adapters.register_loader("uuid", TextLoader)
    await raw.execute("SET TIME ZONE 'UTC'")


def statements(
    engine: str, columns: Sequence[str], form_columns: Sequence[str]
) -> Mapping[str, str]:
    """Return the twin's statements by name; ``columns`` are those of the contact table."""
    order = "kartoteka_fold(c.fullname)"
    if engine == "postgresql":
        order += ' COLLATE "C" NULLS FIRST'
    every = ", ".join(f'c."{column}"' for column in columns)
    shown = ", ".join(f'c."{column}"' for column in form_columns)
    return {
        "read": f"SELECT {every} FROM contact c WHERE c.contactid = ?",
        "form": f"SELECT {shown}, {_NAMES} FROM contact c {_JOINS} WHERE c.contactid = ?",
        "list": (
            "SELECT c.versionnumber, c.contactid, c.fullname, c.jobtitle, c.emailaddress1, "
            "c.telephone1, c.address1_city, c.parentcustomerid, a.name "
            "FROM contact c LEFT JOIN account a ON a.accountid = c.parentcustomerid "
            "WHERE c.statecode = 0 AND c.address1_country = ? "
            f"ORDER BY {order}, c.contactid LIMIT {PAGE}"
        ),
        "user": "SELECT businessunitid, fullname FROM systemuser WHERE systemuserid = ?",
        "accounts": (
            "SELECT accountid FROM account WHERE accountid = ANY(CAST(? AS uuid[]))"
            if engine == "postgresql"
            else "SELECT accountid FROM account WHERE accountid IN (SELECT value FROM json_each(?))"
        ),
    }


def insert(columns: Sequence[str]) -> str:
    """Return the statement that stores a contact with these columns."""
    marks = ", ".join("?" * len(columns))
    return f"INSERT INTO contact ({', '.join(columns)}) VALUES ({marks})"


def update(columns: Sequence[str]) -> str:
    """Return the statement that changes these columns of a contact."""
    changes = ", ".join(f"{column} = ?" for column in columns)
    return f"UPDATE contact SET {changes}, versionnumber = versionnumber + 1 WHERE contactid = ?"


def ids(values: Collection[str], engine: str) -> str:
    """Return ids as the parameter of the statement that looks for some of them."""
    if engine == "postgresql":
        return "{" + ",".join(values) + "}"
    return json.dumps(list(values))
