"""The database in trouble: busy, lost, cancelled or refusing; what it does next is right again."""

from __future__ import annotations

import asyncio
import sqlite3

import psycopg
import pytest

from kartoteka_runtime.storage import sqlite_database as module
from kartoteka_runtime.storage.database import (
    BadParameter,
    DatabaseBusy,
    DatabaseUnavailable,
    Overtaken,
    ReferenceViolation,
    TookTooLong,
    UniqueViolation,
)
from kartoteka_runtime.storage.open_database import database_for


@pytest.fixture
async def database(empty_database, engine):
    """Give an open database with a table ``t`` and one, ``u``, that refers to it at commit."""
    opened = database_for(empty_database)
    await opened.open()
    async with opened.writing() as connection:
        await connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, name VARCHAR(9))", {})
        await connection.execute(
            "CREATE TABLE u (n INTEGER REFERENCES t (n) DEFERRABLE INITIALLY DEFERRED)", {}
        )
    yield opened
    await opened.close()


def insert(engine: str) -> str:
    return (
        "INSERT INTO t VALUES (%(n)s, %(name)s)"
        if engine == "postgresql"
        else ("INSERT INTO t VALUES (:n, :name)")
    )


async def numbers(database) -> list[int]:
    async with database.reading() as connection:
        return [row[0] for row in await connection.fetch_all("SELECT n FROM t ORDER BY n", {})]


async def add(database, engine: str, number: object, name: object = "x") -> None:
    async with database.writing() as connection:
        await connection.execute(insert(engine), {"n": number, "name": name})


async def test_a_writer_that_is_cancelled_leaves_nothing_and_lets_the_next_one_in(database, engine):
    async def slow() -> None:
        async with database.writing() as connection:
            await connection.execute(insert(engine), {"n": 1, "name": "x"})
            await asyncio.sleep(30)

    writers = [asyncio.create_task(slow())]
    await asyncio.sleep(0.05)
    writers += [asyncio.create_task(add(database, engine, number)) for number in (2, 3)]
    for writer in writers[:2]:
        writer.cancel()
    results = await asyncio.gather(*writers, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError)
    await add(database, engine, 4)
    assert set(await numbers(database)) >= {3, 4}
    assert 1 not in await numbers(database)


async def test_a_commit_that_fails_is_rolled_back_and_the_next_one_works(database, engine):
    with pytest.raises(ReferenceViolation):
        async with database.writing() as connection:
            await connection.execute(insert(engine), {"n": 1, "name": "x"})
            await connection.execute("INSERT INTO u VALUES (99)", {})
    await add(database, engine, 2)
    assert await numbers(database) == [2]


async def test_what_a_column_cannot_hold_is_a_bad_parameter(database, engine):
    with pytest.raises(BadParameter):
        await add(database, engine, 2**63)
    with pytest.raises(BadParameter):
        await add(database, engine, 1, "\ud800")
    if engine == "postgresql":
        for name in ("\0", "much too long"):
            with pytest.raises(BadParameter):
                await add(database, engine, 1, name)
    await add(database, engine, 1)
    with pytest.raises(UniqueViolation):
        await add(database, engine, 1)


_COUNTED = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {})"
    " SELECT count(*), {} FROM numbers"
)


async def test_a_statement_that_reads_for_too_long_is_ended_and_the_next_one_works(
    empty_database, engine
):
    hasty = database_for(empty_database, reading_seconds=0.05)
    await hasty.open()
    for most, is_ended in ((10**12, True), (1000, False)) * 2:
        for number in range(2):
            async with hasty.reading() as connection:
                fetch = connection.fetch_one if number else connection.fetch_all
                sql = _COUNTED.format(most, number)
                if is_ended:
                    with pytest.raises(TookTooLong, match="0.05 seconds"):
                        await fetch(sql, {})
                assert await connection.fetch_one("SELECT 7", {}) == (7,)
    long = _COUNTED.format(400_000, 0)
    async with hasty.reading(is_limited=False) as connection:  # as a plan is made
        assert await connection.fetch_one(long, {}) == (400_000, 0)
    async with hasty.writing() as connection:
        assert await connection.fetch_all(long, {}) == [(400_000, 0)]
    async with hasty.reading() as connection:
        with pytest.raises(TookTooLong):
            await connection.fetch_all(long, {})
    await hasty.close()


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_file_that_another_process_writes_is_busy_not_broken(
    database, engine, empty_database, monkeypatch
):
    monkeypatch.setattr(module, "_BUSY_WAIT_SECONDS", 0.05)
    other = sqlite3.connect(empty_database.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseBusy):
        await add(database, engine, 1)
    monkeypatch.setattr(module, "_BUSY_WAIT_SECONDS", 10)
    waiting = asyncio.create_task(add(database, engine, 2))
    await asyncio.sleep(0.02)
    other.execute("COMMIT")
    other.close()
    await waiting
    assert await numbers(database) == [2]


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_lost_connections_fail_once_and_are_replaced(database, engine, empty_database):
    await asyncio.gather(*(add(database, engine, number) for number in range(4)))
    with psycopg.connect(empty_database, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with pytest.raises(DatabaseUnavailable):
        await numbers(database)
    assert await numbers(database) == [0, 1, 2, 3]


@pytest.mark.parametrize("engine", ["postgresql"])
async def test_of_two_transactions_that_wait_for_each_other_one_is_told_so(database, engine):
    for number in (1, 2):
        await add(database, engine, number)

    async def change(*order: int) -> None:
        async with database.writing() as connection:
            for number in order:
                await connection.execute(f"UPDATE t SET name = 'y' WHERE n = {number}", {})
                await asyncio.sleep(0.05)

    results = await asyncio.gather(change(1, 2), change(2, 1), return_exceptions=True)
    assert {type(result) for result in results} == {type(None), Overtaken}


async def test_a_database_that_is_not_there_is_named_with_the_reason(tmp_path):
    (tmp_path / "text.db").write_text("this is no database, however long one looks at it" * 9)
    for url, reason in (
        (f"sqlite:///{tmp_path}", "unable to open"),
        (f"sqlite:///{tmp_path}/text.db", "not a database"),
        ("postgresql://nobody@127.0.0.1:1/x", "127.0.0.1"),
        ("postgresql://[bad", "cannot be reached"),
        ("mysql://x", "mysql"),
    ):
        with pytest.raises(DatabaseUnavailable, match=reason):
            await database_for(url).open()
