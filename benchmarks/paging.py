"""``python -m benchmarks.paging``: what the first and a far page of a view cost in a large table.

Fills one PostgreSQL database with few contacts and one with many, reads the first and the hundredth
page of every saved view of contact the way pages and API do, count included, and compares both with
the first page of the small table. A view with fewer pages is read at its last one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from benchmarks.data import PostgresqlStore
from benchmarks.kartoteka_app import publish, run_command
from benchmarks.run import database
from benchmarks.servers import cpu_seconds
from kartoteka.model.view import View
from kartoteka.record_values import Reference
from kartoteka_runtime.app import build_parts
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.settings import Settings

_FOLDER = Path("build/benchmark/paging")
_FEW, _MANY = 50_000, 5_000_000
_PAGE = 100  # number of the far page
_ROUNDS = 6
_MOST = 3.0  # times the first page of the small table

# What differs between the copies of the first contact; ``n`` is the number of the copy.
_VALUES = {
    "contactid": "md5('contact ' || n)::uuid",
    "firstname": "names[1 + n % 10]",
    "lastname": "surnames[1 + n / 10 % 10] || ' ' || n % 9973",
    "fullname": "names[1 + n % 10] || ' ' || surnames[1 + n / 10 % 10] || ' ' || n % 9973",
    "emailaddress1": "'contact' || n || '@example.com'",
    "telephone1": "'+1 303 555 ' || lpad((n % 10000)::text, 4, '0')",
    "address1_city": "cities[1 + n % 10]",
    "jobtitle": "'Buyer ' || n % 50",
    "statecode": "CASE WHEN n % 10 = 0 THEN 1 ELSE 0 END",
    "statuscode": "CASE WHEN n % 10 = 0 THEN 2 ELSE 1 END",
}
_LISTS = """
(SELECT ARRAY['Anna','Łukasz','João','Inês','Andrei','Ștefania','Luka','Špela','Jonas','Emily']
 AS names, ARRAY['Nowak','Zieliński','Gonçalves','Popescu','Șerban','Zupan','Müller','Carter',
 'Wójcik','Brown'] AS surnames, ARRAY['Kraków','Gdańsk','Porto','Évora','Brașov','Iași','Bled',
 'Celje','Köln','Denver'] AS cities) AS lists
"""

Processes = Callable[[], Iterable[psutil.Process]]


@dataclass(frozen=True, slots=True)
class PageCost:
    """Milliseconds of processor for a view's first page and the far one, and which that was."""

    first: float
    far: float
    far_number: int


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paging", description=__doc__)
    parser.add_argument("--records", type=int, default=_MANY, help="of the large table")
    parser.add_argument("--small", type=int, default=_FEW, help="records of the small table")
    parser.add_argument("--times", type=int, default=10, help="how often a round reads each page")
    parser.add_argument("--data", type=Path, default=_FOLDER, help="kept for the next run")
    asked = parser.parse_args()
    few = _measure(asked.data, asked.small, asked.times)
    many = _measure(asked.data, asked.records, asked.times)
    print(f"\nCPU ms a page{'':15}{asked.small:>14,}{asked.records:>22,}{'times':>16}")
    print(f"{'view':24}{'first':>8}{'far':>10}{'first':>12}{'far':>10}{'first':>9}{'far':>7}")
    for name, cost in many.items():
        small = few[name]
        ratios = cost.first / small.first, cost.far / small.first
        mark = "" if max(ratios) < _MOST else f"   not under {_MOST:g}"
        print(
            f"{name:24}{small.first:>8.2f}{small.far:>10.2f}{cost.first:>12.2f}{cost.far:>10.2f}"
            f"{ratios[0]:>9.2f}{ratios[1]:>7.2f}   page {cost.far_number}{mark}"
        )


def _measure(folder: Path, records: int, times: int) -> dict[str, PageCost]:
    with ExitStack() as stack:
        url, postmaster = database("postgresql", folder / str(records), stack)
        app = folder / str(records) / "app"
        os.environ["KARTOTEKA_DATABASE_URL"] = url
        filled = app.parent / "filled.json"
        if not filled.is_file():
            run_command(url, "new", "app", str(app), "--plugins", "")
            publish(app, url)
            began = time.monotonic()
            pattern = asyncio.run(_create_pattern(app))
            _fill(url, pattern, records)
            filled.write_text(json.dumps({"seconds": time.monotonic() - began}))
        print(f"{records:,} contacts are in place", flush=True)
        assert postmaster is not None
        return asyncio.run(_read_pages(app, times, postmaster.children))


async def _create_pattern(app: Path) -> str:
    """Let Kartoteka make the contact that the others are copies of; return its id."""
    parts = build_parts(Settings.load(app))
    await parts.database.open()
    try:
        await refresh(parts.database, parts.live_registry)
        user_id = await parts.sessions.user_id("benchmark")
        assert user_id is not None
        system = parts.records.acting_as(SYSTEM)
        owner = Reference("systemuser", user_id)
        values = {"lastname": "Pattern", "ownerid": owner}
        return await system.create("contact", values)
    finally:
        await parts.database.close()


def _fill(url: str, pattern: str, records: int) -> None:
    """Copy the first contact inside the database; the indexes are made anew afterwards."""
    row = PostgresqlStore(url).row("contact", "contactid", pattern)
    columns = [name for name, value in row.items() if value is not None]
    columns += [name for name in _VALUES if name not in columns]
    values = [_VALUES.get(name, f"one.{name}") for name in columns]
    insert = (
        f"INSERT INTO contact ({', '.join(columns)}) SELECT {', '.join(values)} "
        f"FROM generate_series(1, {records:d}) AS n, {_LISTS}, contact AS one "
        f"WHERE one.contactid = '{pattern}'"
    )
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # no checks of references
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute("SET synchronous_commit = off")
        indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() "
            "AND tablename = 'contact' AND indexname <> 'contact_pkey'"
        ).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        connection.execute(sql.SQL(insert))
        for _, statement in indexes:
            connection.execute(sql.SQL(statement))
        connection.execute("VACUUM ANALYZE contact")


async def _read_pages(app: Path, times: int, backends: Processes) -> dict[str, PageCost]:
    parts = build_parts(Settings.load(app))
    await parts.database.open()
    try:
        await refresh(parts.database, parts.live_registry)
        user_id = await parts.sessions.user_id("benchmark")
        assert user_id is not None
        user = parts.sessions.principal_of(await parts.sessions.known_user(user_id))
        assert user is not None
        records = parts.records.acting_as(user)
        views = parts.live_registry.current.registry.views_of["contact"]
        return {view.name: await _cost_of(records, view, times, backends) for view in views}
    finally:
        await parts.database.close()


async def _cost_of(records: ActingRecords, view: View, times: int, backends: Processes) -> PageCost:
    after, number = "", 1
    while number < _PAGE:
        page = await records.page("contact", view=view, after=after)
        if not page.next_after:
            break
        after, number = page.next_after, number + 1
    first = await _milliseconds(records, view, "", times, backends)
    return PageCost(first, await _milliseconds(records, view, after, times, backends), number)


async def _milliseconds(
    records: ActingRecords, view: View, after: str, times: int, backends: Processes
) -> float:
    """Return the processor time of a page, ours and PostgreSQL's: the least of some rounds."""
    found = []
    for _ in range(_ROUNDS):
        began = time.process_time() + cpu_seconds(backends())
        for _ in range(times):
            await records.page("contact", view=view, after=after)
        found.append(time.process_time() + cpu_seconds(backends()) - began)
    return min(found) * 1000 / times


if __name__ == "__main__":
    main()
