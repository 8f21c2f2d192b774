"""Publishing beside others: publishers, writers, servers, and databases that give out."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kartoteka.errors import PublishFailed
from kartoteka_runtime.app import publish_app
from kartoteka_runtime.publishing.history import latest_number
from kartoteka_runtime.publishing.publish import PlanRefused, plan, publish
from kartoteka_runtime.publishing.purge import purge
from kartoteka_runtime.storage.database import DatabaseBusy, DatabaseUnavailable, SchemaMoved
from kartoteka_runtime.storage.open_database import database_for
from kartoteka_runtime.storage.schema import read_schema
from kartoteka_runtime.testing.running_app import running_app, write_app

sys.path.insert(0, str(Path(__file__).parent))
from yard import Yard  # type: ignore[import-not-found]  # noqa: E402

COMMAND = [sys.executable, "-m", "kartoteka_runtime.cli"]
SECONDS = 120  # for a command, on a machine that is busy with other things


@pytest.fixture
async def yard(empty_database, tmp_path):
    """Give an empty yard on each engine."""
    database = database_for(empty_database)
    await database.open()
    yield Yard(database, tmp_path / "metadata")
    await database.close()


async def number(yard: Yard) -> int:
    async with yard.database.reading() as connection:
        return await latest_number(connection)


async def tables(database: Any) -> Any:
    async with database.reading() as connection:
        return await read_schema(connection, database.engine)


async def in_turn(address: str, registry: Any, consents: Any = ()) -> int:
    """Publish over a connection of its own, as another process would."""
    database = database_for(address)
    await database.open()
    try:
        return (await publish(database, registry, consents=consents)).number
    finally:
        await database.close()


# --- publishers --------------------------------------------------------------------------------


async def test_two_publishers_of_the_same_make_one_publication(yard, empty_database):
    registry = yard.registry(boat="name: text; size: text")
    numbers = await asyncio.gather(*(in_turn(empty_database, registry) for _ in range(3)))
    assert numbers == [1, 1, 1]


async def test_two_publishers_of_different_things_come_one_after_the_other(yard, empty_database):
    await yard.publish(boat="name: text; size: text")
    boat = await yard.create("boat", name="B", size="12")
    one = yard.registry(boat="name: text; size: whole_number")
    other = yard.registry(boat="name: text; size: text; crew: whole_number")
    numbers = await asyncio.gather(in_turn(empty_database, one), in_turn(empty_database, other))
    assert sorted(numbers) == [2, 3]
    assert str((await yard.read("boat", boat))["size"]) == "12"
    last = other if numbers[1] == 3 else one
    assert (await plan(yard.database, last)).is_empty


async def test_publishers_in_two_processes_leave_one_of_their_apps(empty_database, tmp_path):
    folders = []
    for name in ("boat", "ship"):
        folder = tmp_path / name
        write_standalone(folder, {"a": f"name: text; {name}_size: text"})
        folders.append(folder)
    running = [start("publish", folder, empty_database) for folder in folders]
    said = [process.communicate(timeout=SECONDS) for process in running]
    assert [process.returncode for process in running] == [0, 0], said
    database = database_for(empty_database)
    async with database.reading() as connection:
        assert await latest_number(connection) == 2
    await database.close()


async def test_what_comes_back_in_the_meantime_is_not_purged(yard, empty_database):
    """A purge looks at what is retired when it is its turn, not before."""
    await yard.publish(boat="name: text; size: text")
    boat = await yard.create("boat", name="B", size="large")
    await yard.publish(boat="name: text")
    registry = yard.registry(boat="name: text; size: text")
    async with yard.database.publishing():
        waiting = [
            asyncio.create_task(in_turn(empty_database, registry)),
            asyncio.create_task(_purge(empty_database)),
        ]
        for _ in range(50):
            await asyncio.sleep(0)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    found = await yard.read("boat", boat)
    if isinstance(results[1], PublishFailed):
        assert found["size"] == "large"
    else:
        assert found["size"] is None
    assert (await plan(yard.database, registry)).is_empty


async def _purge(address: str) -> None:
    database = database_for(address)
    await database.open()
    try:
        await purge(database, "boat.size")
    finally:
        await database.close()


# --- writers -----------------------------------------------------------------------------------


async def test_no_write_is_lost_while_its_field_is_converted(yard, empty_database):
    await yard.publish(boat="name: text; size: text; note: text")
    records = await yard.records()
    async with records.transaction() as inside:
        boats = [
            await inside.create("boat", {"name": f"B{n}", "size": str(n)}) for n in range(3_000)
        ]
    last: dict[str, str] = {}
    done = asyncio.Event()

    async def write(share: list[str]) -> int:
        turn = 0
        while not done.is_set():
            boat = share[turn % len(share)]
            turn += 1
            value = str(100_000 + turn)
            try:
                await records.update("boat", boat, {"size": value})
            except (SchemaMoved, DatabaseBusy):
                continue  # refused as a whole: a request would run again
            last[boat] = value
            await asyncio.sleep(0)
        return turn

    writers = [asyncio.create_task(write(boats[n::4])) for n in range(4)]
    while len(last) < 8:
        await asyncio.sleep(0.01)
    wanted = yard.registry(boat="name: text; size: whole_number; note: text unique: true")
    await in_turn(empty_database, wanted)
    done.set()
    assert sum(await asyncio.gather(*writers)) > 8
    found = {
        str(row["boatid"]): row["size"]
        for row in await (await yard.records()).list("boat", limit=10_000)
    }
    expected = {boat: int(last.get(boat, n)) for n, boat in enumerate(boats)}
    assert found == expected


FLEET = """\
kind: entity
format: 1
name: {entity}
{renamed}label: {{ en: {entity} }}
ownership: none
primary_field: name
fields:
  - {{ name: name, type: text, label: {{ en: Name }}, required: true }}
  - {{ name: {size}, {was}type: {kind}, label: {{ en: Size }} }}
"""


def fleet(size: str, kind: str, was: str = "") -> dict[str, str]:
    renamed = f"renamed_from: {was}, " if was else ""
    said = FLEET.format(entity="xy_boat", renamed="", size=size, kind=kind, was=renamed)
    return {
        "bundle.yaml": "kind: bundle\nformat: 1\nname: app\nlabel: { en: App }\nprefix: xy\n"
        "requires: [base]\n",
        "entities/xy_boat.yaml": said,
    }


async def test_servers_follow_publishes_without_failing_a_request(start_app, tmp_path):
    """Two servers of one database; renames and conversions are published while requests run."""
    async with _two_servers(start_app) as (first, second):
        name = first.parts.app_folder.name
        assert name == "test_app"
        answers: list[tuple[str, int, str]] = []
        done = asyncio.Event()

        async def ask(app: Any) -> None:
            async with app.api_as() as api:
                turn = 0
                while not done.is_set():
                    turn += 1
                    created = await api.post("xy_boats", json={"name": f"B{turn}"})
                    answers.append(("POST", created.status_code, created.text))
                    listed = await api.get("xy_boats?$top=5")
                    answers.append(("GET", listed.status_code, listed.text))
                    await asyncio.sleep(0)

        for app in (first, second):
            await app.principal()
        asking = [asyncio.create_task(ask(app)) for app in (first, second)]
        steps = [
            fleet("xy_length", "text", "xy_size"),
            fleet("xy_length", "whole_number", "xy_size"),
            fleet("xy_size", "whole_number", "xy_length"),
            fleet("xy_size", "text"),
        ]
        for metadata in steps:
            had = len(answers)
            while len(answers) < had + 8:
                await asyncio.sleep(0.01)
            write_app(first.parts.settings.app_folder, metadata=metadata)
            result = await publish_app(first.parts, first.parts.app_folder.registry())
            assert result.changes
        had = len(answers)
        while len(answers) < had + 8:
            await asyncio.sleep(0.01)
        done.set()
        await asyncio.gather(*asking)
        wrong = [answer for answer in answers if answer[1] // 100 != 2]
        assert not wrong, wrong[:3]


class _two_servers:
    """Two servers of the same app and database."""

    def __init__(self, start_app: Any) -> None:
        self._start = start_app
        self._second: Any = None

    async def __aenter__(self) -> tuple[Any, Any]:
        first = await self._start(metadata=fleet("xy_size", "text"), languages=["en"])
        settings = first.parts.settings
        self._second = running_app(settings.app_folder, settings.database_url)
        return first, await self._second.__aenter__()

    async def __aexit__(self, *error: Any) -> None:
        await self._second.__aexit__(*error)


# --- databases that give out ---------------------------------------------------------------------


def write_standalone(folder: Path, entities: dict[str, str]) -> None:
    """Write an app that has nothing but these entities."""
    (folder / "metadata").mkdir(parents=True)
    (folder / "kartoteka.yaml").write_text(
        "name: yard\nlabel: Yard\nplugins: []\nlanguages: [en]\nstandalone: true\n"
    )
    Yard(None, folder / "metadata").registry(**entities)


def start(command: str, folder: Path, address: str, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, command, str(folder), *more],
        env={**os.environ, "KARTOTEKA_DATABASE_URL": address, "COLUMNS": "200"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def run(command: str, folder: Path, address: str, *more: str) -> tuple[int, str, str]:
    process = start(command, folder, address, *more)
    out, errors = process.communicate(timeout=SECONDS)
    assert "Traceback" not in errors, errors
    return process.returncode, out, errors


def test_a_plan_for_a_new_database_makes_nothing(empty_database, engine, tmp_path):
    write_standalone(tmp_path / "app", {"boat": "name: text"})
    status, out, _ = run("plan", tmp_path / "app", empty_database)
    assert (status, "boat" in out) == (0, True)
    if engine == "postgresql":
        with psycopg.connect(empty_database) as connection:
            found = connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            ).fetchall()
        assert not found
    else:
        path = Path(empty_database.removeprefix("sqlite:///"))
        with sqlite3.connect(path) as file:
            assert not file.execute("SELECT name FROM sqlite_master").fetchall()
        file.close()


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_a_role_that_may_not_change_tables_is_told_so(yard, empty_database, tmp_path):
    await yard.publish(boat="name: text; size: text")
    boat = await yard.create("boat", name="B", size="one")
    role = f"r_{os.urandom(6).hex()}"
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN".encode())
        connection.execute(
            f"GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO {role}".encode()
        )
    before = await tables(yard.database)
    address = empty_database.replace("postgres:@", f"{role}:@")
    assert address != empty_database
    write_standalone(tmp_path / "app", {"boat": "name: text; size: whole_number; more: text"})
    status, _, errors = run("publish", tmp_path / "app", address, "--consent", "boat.size")
    assert (status, "owner of table boat" in errors or "permission denied" in errors) == (
        1,
        True,
    ), errors
    assert await tables(yard.database) == before
    assert (await yard.read("boat", boat))["size"] == "one"
    assert await number(yard) == 1
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {role}".encode())
        connection.execute(f"DROP ROLE {role}".encode())


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_full_disk_leaves_the_old_registry_live(yard, empty_database, tmp_path):
    await yard.publish(boat="name: text; size: text")
    records = await yard.records()
    async with records.transaction() as inside:
        for n in range(2_000):
            await inside.create("boat", {"name": f"B{n}", "size": str(n)})
    before = await tables(yard.database)
    await yard.database.close()
    write_standalone(tmp_path / "app", {"boat": "name: text; size: whole_number"})
    blocks = 4  # of 1024 bytes: no file may grow beyond
    script = f"ulimit -f {blocks}; trap '' XFSZ; exec \"$@\""
    env = {**os.environ, "KARTOTEKA_DATABASE_URL": empty_database}
    (tmp_path / "app" / "data").mkdir()
    done = subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, "publish", str(tmp_path / "app")],
        env=env, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr and done.stderr.strip()
    await yard.database.open()
    assert await tables(yard.database) == before
    assert await number(yard) == 1
    assert len(await (await yard.records()).list("boat", limit=10_000)) == 2_000
    await yard.create("boat", name="after", size="x")


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
async def test_a_database_that_goes_away_leaves_the_old_registry_live(yard, empty_database):
    await yard.publish(boat="name: text; size: text")
    records = await yard.records()
    async with records.transaction() as inside:
        for n in range(5_000):
            await inside.create("boat", {"name": f"B{n}", "size": str(n)})
    registry = yard.registry(boat="name: text; size: whole_number unique: true")

    def cut(what: str, done: int, total: int) -> None:
        with psycopg.connect(empty_database, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
            )

    other = database_for(empty_database)
    await other.open()
    with pytest.raises((DatabaseUnavailable, PublishFailed)):
        await publish(other, registry, progress=cut)
    await other.close()
    assert await number(yard) == 1
    records = await yard.records()
    row = (await records.list("boat", filter="name eq 'B7'"))[0]
    await records.update("boat", str(row["boatid"]), {"size": "70000"})
    assert (await publish(yard.database, registry)).number == 2
    found = await (await yard.records()).list("boat", filter="name eq 'B7'")
    assert found[0]["size"] == 70000


async def test_a_value_that_fits_no_more_is_never_lost_on_the_way(yard, empty_database):
    """Between plan and publish somebody writes a value that does not convert."""
    await yard.publish(boat="name: text; size: text")
    boat = await yard.create("boat", name="B", size="1")
    wanted = yard.registry(boat="name: text; size: whole_number")
    shown = await plan(yard.database, wanted)
    await (await yard.records()).update("boat", boat, {"size": "two"})
    with pytest.raises(PlanRefused):
        await publish(yard.database, wanted, shown=shown)
    with pytest.raises(PlanRefused):
        await publish(yard.database, wanted)
    assert (await yard.read("boat", boat))["size"] == "two"


async def test_the_app_that_owns_a_database_is_asked_before_another_takes_it(
    empty_database, tmp_path
):
    write_standalone(tmp_path / "app", {"boat": "name: text"})
    assert run("publish", tmp_path / "app", empty_database)[0] == 0
    other = tmp_path / "other"
    write_standalone(other, {"ship": "name: text"})
    file = other / "kartoteka.yaml"
    file.write_text(file.read_text().replace("name: yard", "name: field"))
    status, out, errors = run("publish", other, empty_database)
    assert (status, "app field" in out + errors) == (1, True)
