"""Fills the published tables with 100,000 accounts and 300,000 contacts, past the record service.

A first account and contact are made by Kartoteka itself; every further row is a copy of theirs
with values of its own, so that both systems find what Kartoteka would have written.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from random import Random
from typing import Any, Protocol

import psycopg
from psycopg import sql

from kartoteka.text_folding import fold

ACCOUNTS = 100_000
CONTACTS = 300_000

Row = Mapping[str, Any]

_FIRST_MOMENT = 1_700_000_000_000  # milliseconds since 1970 of the first id
_FIRST_NAMES = (
    "Anna", "Łukasz", "João", "Inês", "Andrei", "Ștefania", "Luka", "Špela", "Jonas", "Emily",
    "Piotr", "Zofia", "Tiago", "Conceição", "Radu", "Mădălina", "Matej", "Živa", "Florian", "Grace",
)  # fmt: skip
_LAST_NAMES = (
    "Nowak", "Zieliński", "Ferreira", "Gonçalves", "Popescu", "Șerban", "Zupan", "Košir", "Müller",
    "Carter", "Wójcik", "Dąbrowski", "Simões", "Lopes", "Ionescu", "Câmpeanu", "Novak", "Žagar",
    "Groß", "Brown", "Król", "Sousa", "Stan", "Mlakar", "Weber",
)  # fmt: skip
_PLACES = (
    ("Kraków", "31-042", "Poland"),
    ("Gdańsk", "80-831", "Poland"),
    ("Porto", "4000-069", "Portugal"),
    ("Évora", "7000-508", "Portugal"),
    ("Brașov", "500030", "Romania"),
    ("Iași", "700028", "Romania"),
    ("Bled", "4260", "Slovenia"),
    ("Celje", "3000", "Slovenia"),
    ("Köln", "50667", "Germany"),
    ("Denver", "80202", "United States"),
)
_JOBS = ("Director", "Buyer", "Controller", "Technician", "Instructor", "Receptionist")
_TRADES = ("Hotel", "Rentals", "Ski school", "Outfitters", "Travel", "Builders")


class Store(Protocol):
    """The tables of one engine, by the driver alone."""

    def row(self, table: str, id_column: str, record_id: str) -> Row:
        """Return a stored row, in the values of the driver."""

    def fill(self, table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
        """Insert rows; the indexes are made anew afterwards, which is faster."""

    def refresh_statistics(self) -> None:
        """Let the engine look at what the tables hold now."""


def store_for(url: str) -> Store:
    """Return the store behind a database address of Kartoteka."""
    if url.startswith("sqlite:///"):
        return SqliteStore(url.removeprefix("sqlite:///"))
    return PostgresqlStore(url)


def fill(store: Store, account_id: str, contact_id: str, accounts: int, contacts: int) -> None:
    """Add that many copies of the account and contact given."""
    pattern = store.row("account", "accountid", account_id)
    store.fill(*_as_tuples(_account_rows(pattern, accounts)))
    pattern = store.row("contact", "contactid", contact_id)
    store.fill(*_as_tuples(_contact_rows(pattern, contacts, accounts)))
    store.refresh_statistics()


def account_id(number: int) -> str:
    """Return the id of the account with a number from 0."""
    return _record_id(1, number)


def contact_id(number: int) -> str:
    """Return the id of the contact with a number from 0."""
    return _record_id(2, number)


def _record_id(kind: int, number: int) -> str:
    """Return a UUID version 7 for record ``number`` of a kind."""
    noise = Random(kind * 1_000_003 + number).getrandbits(62)
    high = (_FIRST_MOMENT + number) << 16 | 0x7000 | kind
    return str(uuid.UUID(int=high << 64 | 0b10 << 62 | noise))


def _account_rows(pattern: Row, count: int) -> Iterator[tuple[str, Row]]:
    draw = Random(1)
    for number in range(count):
        city, postal_code, country = draw.choice(_PLACES)
        name = f"{draw.choice(_TRADES)} {draw.choice(_LAST_NAMES)} {number}"
        yield (
            "account",
            {
                **pattern,
                "accountid": account_id(number),
                "name": name,
                "accountnumber": f"B{number:07}",
                "telephone1": f"+1 303 555 01{number % 100:02}",
                "emailaddress1": f"info@account{number}.example.com",
                "address1_city": city,
                "address1_postalcode": postal_code,
                "address1_country": country,
                "numberofemployees": draw.randrange(1, 5000),
            },
        )


def _contact_rows(pattern: Row, count: int, accounts: int) -> Iterator[tuple[str, Row]]:
    draw = Random(2)
    for number in range(count):
        city, postal_code, country = draw.choice(_PLACES)
        first, last = draw.choice(_FIRST_NAMES), draw.choice(_LAST_NAMES)
        yield (
            "contact",
            {
                **pattern,
                "contactid": contact_id(number),
                "firstname": first,
                "lastname": f"{last} {number % 997}",
                "fullname": f"{first} {last} {number % 997}",
                "jobtitle": draw.choice(_JOBS),
                "telephone1": f"+1 303 555 01{number % 100:02}",
                "mobilephone": f"+1 802 555 01{number % 89:02}",
                "emailaddress1": f"contact{number}@example.com",
                "parentcustomerid": account_id(draw.randrange(accounts)),
                "parentcustomerid__entity": "account",
                "address1_city": city,
                "address1_postalcode": postal_code,
                "address1_country": country,
                "description": f"Met at fair number {number % 40}.",
            },
        )


def _as_tuples(
    rows: Iterator[tuple[str, Row]],
) -> tuple[str, tuple[str, ...], Iterator[tuple[Any, ...]]]:
    """Return table, columns and values of rows that all have the same columns."""
    table, first = next(rows)
    columns = tuple(name for name, value in first.items() if value is not None)

    def values() -> Iterator[tuple[Any, ...]]:
        yield tuple(first[column] for column in columns)
        for _, row in rows:
            yield tuple(row[column] for column in columns)

    return table, columns, values()


class SqliteStore:
    """A SQLite file."""

    def __init__(self, path: str) -> None:
        """Remember the file."""
        self._path = path

    def row(self, table: str, id_column: str, record_id: str) -> Row:
        """Return a stored row, in the values of the driver."""
        with closing(self._connect()) as connection:
            connection.row_factory = sqlite3.Row
            found = connection.execute(
                f"SELECT * FROM {table} WHERE {id_column} = ?", (record_id,)
            ).fetchone()
        return dict(found)

    def fill(self, table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
        """Insert rows; the indexes are made anew afterwards, which is faster."""
        with closing(self._connect()) as connection:
            indexes = connection.execute(
                "SELECT name, sql FROM sqlite_master "
                "WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL",
                (table,),
            ).fetchall()
            connection.execute("BEGIN")
            for name, _ in indexes:
                connection.execute(f'DROP INDEX "{name}"')
            names = ", ".join(f'"{column}"' for column in columns)
            marks = ", ".join("?" * len(columns))
            connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
            for _, statement in indexes:
                connection.execute(statement)
            connection.execute("COMMIT")

    def refresh_statistics(self) -> None:
        """Let the engine look at what the tables hold now."""
        with closing(self._connect()) as connection:
            connection.execute("ANALYZE")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.create_function(
            "kartoteka_fold", 1, lambda text: text and fold(text), deterministic=True
        )
        return connection


class PostgresqlStore:
    """A PostgreSQL database in which the user may switch triggers off."""

    def __init__(self, url: str) -> None:
        """Remember the address."""
        self._url = url

    def row(self, table: str, id_column: str, record_id: str) -> Row:
        """Return a stored row, in the values of the driver."""
        with psycopg.connect(self._url) as connection:
            cursor = connection.execute(
                sql.SQL("SELECT * FROM {} WHERE {} = %s").format(
                    sql.Identifier(table), sql.Identifier(id_column)
                ),
                (record_id,),
            )
            found = cursor.fetchone()
            assert found is not None and cursor.description is not None
            return dict(zip((column.name for column in cursor.description), found, strict=True))

    def fill(self, table: str, columns: Sequence[str], rows: Iterator[tuple[Any, ...]]) -> None:
        """Insert rows; the indexes are made anew afterwards, which is faster."""
        with psycopg.connect(self._url) as connection:
            connection.execute("SET session_replication_role = replica")  # no checks of references
            indexes = connection.execute(
                "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() "
                "AND tablename = %s AND indexname <> %s",
                (table, f"{table}_pkey"),
            ).fetchall()
            for name, _ in indexes:
                connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
            copy_text = sql.SQL("COPY {} ({}) FROM STDIN").format(
                sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with connection.cursor() as cursor, cursor.copy(copy_text) as copy:
                for row in rows:
                    copy.write_row(row)
            for _, statement in indexes:
                connection.execute(statement)

    def refresh_statistics(self) -> None:
        """Let the engine look at what the tables hold now."""
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
