"""A publish killed at any point leaves the old registry or the new one, whole; a retry succeeds."""

from __future__ import annotations

import random
import shutil
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from kartoteka.record_values import Reference
from kartoteka_runtime.publishing.publish import plan, publish
from kartoteka_runtime.publishing.world import read_world
from kartoteka_runtime.storage.open_database import database_for
from kartoteka_runtime.storage.schema import read_schema

sys.path.insert(0, str(Path(__file__).parent))
from yard import Yard  # type: ignore[import-not-found]  # noqa: E402

BEFORE = {
    "boat": "name: text; length: text; size: text; home: lookup target: harbour; "
    "of: lookup targets: [boat, harbour]; note: text; "
    "number: autonumber number_format: 'B-{SEQNUM:4}'",
    "harbour": "name: text; depth: whole_number; old: text",
    "trip": "name: text; boat: lookup target: boat",
}
AFTER = {
    "ship": "renamed_from=boat; name: text; length: whole_number; "
    "sail(was=size): text unique: true; home: lookup target: harbour; "
    "of: lookup targets: [ship, harbour, cruise]; "
    "berth: lookup target: harbour; number: autonumber number_format: 'B-{SEQNUM:4}'",
    "harbour": "name: text; depth: text; note: text",
    "cruise": "renamed_from=trip; name: text max_length: 200; ship(was=boat): lookup target: ship",
}
RECORDS = 1500
LEFT_BEHIND = (
    "SELECT (SELECT count(*) FROM pg_constraint WHERE NOT convalidated), "
    "(SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal), "
    "(SELECT count(*) FROM pg_proc WHERE proname LIKE 'kartoteka_sync%%')"
)


class Killer:
    """Lets publishes die in a process beside this one."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "killed_publisher.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def publish(self, address: str, folder: Path, *, last: int = 0, seconds: float = 0) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{address} {folder} {last} {seconds}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        self.process.communicate()


@pytest.fixture(scope="module")
def killer() -> Iterator[Killer]:
    """Give the process that publishes and dies."""
    made = Killer()
    yield made
    made.close()


async def fill(yard: Yard) -> None:
    """Publish what there is before, and fill it."""
    await yard.publish(**BEFORE)
    chance = random.Random(3)
    async with (await yard.records()).transaction() as records:
        harbours = [
            await records.create("harbour", {"name": f"H{n}", "depth": n, "old": "x" * (n % 3)})
            for n in range(20)
        ]
        for n in range(RECORDS):
            values: dict[str, Any] = {"name": f"B{n}", "size": f"s{n}", "note": "n"}
            values["length"] = chance.choice(["12", "012", "long", None, str(n)])
            values["home"] = Reference("harbour", chance.choice(harbours))
            values["of"] = Reference("harbour", chance.choice(harbours))
            boat = await records.create("boat", values)
            if n % 10 == 0:
                await records.create("trip", {"name": f"T{n}", "boat": Reference("boat", boat)})


async def state(yard: Yard) -> tuple[int, Any, Any]:
    """Return which publication is live, every table and every live record."""
    async with yard.database.publishing() as connection:  # nobody is at it any more
        world = await read_world(connection, yard.database)
        schema = await read_schema(connection, yard.database.engine)
    records, found = await yard.records(), {}
    for entity in world.live.registry.entities:
        rows = await records.list(entity, limit=10_000)
        found[entity] = sorted(repr(sorted(row.items())) for row in rows)
    kept = sorted((item.name, item.columns, item.is_original) for item in world.retired)
    return world.live.number, (schema, kept), found


async def use(yard: Yard, number: int) -> None:
    """Write with what is live, and leave everything as it was."""
    records = await yard.records()
    boat, length = ("boat", "7") if number == 1 else ("ship", 7)
    made = await records.create(boat, {"name": "new", "length": length})
    assert (await records.read(boat, made))["length"] == length
    await records.delete(boat, made)
    row = (await records.list(boat, filter="name eq 'B7'"))[0]
    await records.update(boat, row[f"{boat}id"], {"length": length})
    await records.update(boat, row[f"{boat}id"], {"length": row["length"]})


@pytest.fixture(scope="module")
def prepared() -> dict[str, Any]:
    """Give what is made once an engine: the filled database, and how it ends undisturbed."""
    return {}


class Copies:
    """Databases that are copies of one."""

    def __init__(self, engine: str, server: str, folder: Path) -> None:
        self.engine, self.server, self.folder = engine, server, folder
        self.names: list[str] = []

    def empty(self) -> str:
        name = f"t_{uuid.uuid4().hex}"
        if self.engine == "sqlite":
            return f"sqlite:///{self.folder / name}.db"
        self._run(f'CREATE DATABASE "{name}"')
        self.names.append(name)
        return self.server.replace("/postgres?", f"/{name}?")

    def copy(self, address: str) -> str:
        if self.engine == "sqlite":
            path = Path(address.removeprefix("sqlite:///"))
            with sqlite3.connect(path) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            other = self.folder / f"t_{uuid.uuid4().hex}.db"
            shutil.copyfile(path, other)
            return f"sqlite:///{other}"
        template = urlsplit(address).path[1:]
        name = f"t_{uuid.uuid4().hex}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        self.names.append(name)
        return self.server.replace("/postgres?", f"/{name}?")

    def drop(self, address: str) -> None:
        if self.engine == "postgresql":
            name = urlsplit(address).path[1:]
            self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _run(self, statement: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as connection:
            connection.execute(statement.encode())


@pytest.fixture
def copies(engine, tmp_path_factory, request) -> Copies:
    """Give copies of databases."""
    server = request.getfixturevalue("postgresql_server") if engine == "postgresql" else ""
    return Copies(engine, server, tmp_path_factory.mktemp("copies"))


async def opened(address: str, folder: Path) -> Yard:
    database = database_for(address)
    await database.open()
    return Yard(database, folder)


async def prepare(copies: Copies, killer: Killer, folder: Path) -> dict[str, Any]:
    address = copies.empty()
    yard = await opened(address, folder / "before")
    await fill(yard)
    old = await state(yard)
    yard.folder = folder / "after"
    registry = yard.registry(**AFTER)
    await yard.database.close()
    undisturbed = copies.copy(address)
    statements = int(killer.publish(undisturbed, folder / "after"))
    yard = await opened(undisturbed, folder / "after")
    new = await state(yard)
    assert (old[0], new[0]) == (1, 2)
    await yard.database.close()
    return {"address": address, "old": old, "new": new, "statements": statements,
            "registry": registry, "folder": folder / "after"}  # fmt: skip


async def crash(copies: Copies, killer: Killer, made: Any, **when: Any) -> None:
    """Kill a publish, look at what is left, use it, and publish again."""
    address = copies.copy(made["address"])
    said = killer.publish(address, made["folder"], **when)
    assert said != "failed", when
    yard = await opened(address, made["folder"])
    number, schema, found = await state(yard)
    if number == 1:
        assert found == made["old"][2], when
    else:
        assert (number, schema, found) == made["new"], when
    await use(yard, number)
    shown = await plan(yard.database, made["registry"])
    assert not shown.drift, when
    await publish(yard.database, made["registry"], consents=shown.consents)
    number, schema, found = await state(yard)
    assert (schema, found) == made["new"][1:], when
    assert (await plan(yard.database, made["registry"])).is_empty
    if copies.engine == "postgresql":
        async with yard.database.reading() as connection:
            left = await connection.fetch_one(LEFT_BEHIND, {})
        assert left == (0, 0, 0), when
    await yard.database.close()
    copies.drop(address)


async def kill_at(points: int, copies: Copies, killer: Killer, prepared: Any, folder: Path) -> None:
    if copies.engine not in prepared:
        prepared[copies.engine] = await prepare(copies, killer, folder)
    made = prepared[copies.engine]
    chance = random.Random(points)
    by_time = points // 5
    step = made["statements"] / (points - by_time)
    for n in range(points - by_time):
        await crash(copies, killer, made, last=int(n * step + chance.random() * step) + 1)
    for _ in range(by_time):
        await crash(copies, killer, made, seconds=round(chance.uniform(0.001, 0.6), 3))


async def test_a_killed_publish_leaves_the_old_or_the_new(copies, killer, prepared, tmp_path):
    await kill_at(8, copies, killer, prepared, tmp_path)


@pytest.mark.slow
async def test_a_publish_may_be_killed_anywhere(copies, killer, prepared, tmp_path):
    await kill_at(50, copies, killer, prepared, tmp_path)


async def test_what_a_killed_publish_began_is_cleared_when_nobody_wants_it_any_more(
    copies, killer, prepared, tmp_path
):
    made = prepared[copies.engine] = await prepare(copies, killer, tmp_path)
    address = copies.copy(made["address"])
    assert killer.publish(address, made["folder"], last=made["statements"] // 3) == "killed"
    yard = await opened(address, tmp_path / "back")
    registry = yard.registry(**BEFORE)
    assert not (await plan(yard.database, registry)).drift
    await publish(yard.database, registry)
    number, (schema, kept), found = await state(yard)
    assert (number, ({**schema}, kept), found) == made["old"]
    await yard.database.close()


async def test_a_first_publish_that_was_killed_is_simply_done_again(copies, killer, tmp_path):
    folder = tmp_path / "first"
    registry = Yard(None, folder).registry(**BEFORE)
    for last in (4, 9, 14, 20, 25):
        address = copies.empty()
        assert killer.publish(address, folder, last=last) == "killed"
        yard = await opened(address, folder)
        assert (await publish(yard.database, registry)).number == 1
        await (await yard.records()).create("boat", {"name": "B", "length": "1"})
        await yard.database.close()
        copies.drop(address)
