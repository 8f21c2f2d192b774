"""``python -m benchmarks.security``: what access costs a list, at every level, as the table grows.

Fills an organization of 1,000 users in 50 business units four deep, with 20 teams, 100,000 shares
and many contacts. Reads the first page of "contacts of my unit" by last name as a user with
``read`` at each level, and as the platform itself, which sees the same list without access. Prints
the ratio of both in processor time, of the same list at a tenth of the size, and the plans with
``--plans``.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import psutil

from benchmarks.data import Row, Store, store_for
from benchmarks.kartoteka_app import publish, run_command
from benchmarks.run import database
from benchmarks.servers import cpu_seconds
from kartoteka.access.rights import share_bit
from kartoteka.conditions.asker import Asker
from kartoteka.plugin_api.contexts import Principal
from kartoteka.query.of_view import query_of_view
from kartoteka.record_values import Reference
from kartoteka_runtime.app import build_parts
from kartoteka_runtime.known_ids import ROOT_UNIT, role_id
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.settings import Settings

_FOLDER = Path("build/benchmark/security")
_RECORDS = {"sqlite": 300_000, "postgresql": 1_000_000}
_USERS, _UNITS, _TEAMS, _SHARES = 1000, 50, 20, 100_000
_LEVELS = ("user", "business_unit", "parent_child", "organization")
_SHARE_COLUMNS = (
    "entity", "record_id", "principal_id", "principal_type", "explicit_rights",
    "inherited_rights", "rights", "shared_by", "changed_on",
)  # fmt: skip
_ROUNDS, _TIMES = 8, 40
_MOST = 1.5  # times the same list without access
_VIEW = """\
kind: view
format: 1
name: app_contacts_of_my_unit
label: { en: Contacts of my unit }
entity: contact
type: public
filter: owningbusinessunit eq mybusinessunit()
order: [lastname]
columns: [fullname, lastname, jobtitle, emailaddress1, telephone1, address1_city]
"""
_ROLE = """\
kind: role
format: 1
name: app_reads_by_{level}
label: {{ en: Reads by {level} }}
privileges:
  - {{ entity: contact, read: {level} }}
"""

Processes = Callable[[], Iterable[psutil.Process]]


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.security", description=__doc__)
    parser.add_argument("--engine", action="append", choices=tuple(_RECORDS))
    parser.add_argument("--records", type=int, help="contacts; 300,000 or 1,000,000 unless said")
    parser.add_argument("--plans", action="store_true", help="print the plans too")
    parser.add_argument("--data", type=Path, default=_FOLDER, help="kept for the next run")
    asked = parser.parse_args()
    for engine in asked.engine or _RECORDS:
        records = asked.records or _RECORDS[engine]
        found = [
            _measure(asked.data, engine, size, with_plans=asked.plans and size == records)
            for size in (records // 10, records)
        ]
        _print(engine, records, *found)


def _print(
    engine: str, records: int, few: dict[str, tuple[float, float]], many: dict[str, Any]
) -> None:
    print(f"\n{engine}, CPU ms a page{'':6}{records // 10:>22,}{records:>26,}{'flat':>10}")
    print(f"{'read at':24}{'without':>10}{'with':>8}{'ratio':>8}", end="")
    print(f"{'without':>12}{'with':>8}{'ratio':>8}{'with':>10}")
    for level in _LEVELS:
        line = f"{level:24}"
        for width, (without, with_access) in ((10, few[level]), (12, many[level])):
            line += f"{without:>{width}.3f}{with_access:>8.3f}{with_access / without:>8.2f}"
        mark = "" if many[level][1] <= _MOST * many[level][0] else f"   not under {_MOST:g}"
        print(f"{line}{many[level][1] / few[level][1]:>10.2f}{mark}")
    print(f"what a warm cache costs a request: {many['warm'] * 1000:.1f} us")


def _measure(folder: Path, engine: str, records: int, *, with_plans: bool) -> dict[str, Any]:
    with ExitStack() as stack:
        place = folder / engine / str(records)
        url, postmaster = database(engine, place, stack)
        os.environ["KARTOTEKA_DATABASE_URL"] = url
        app, filled = place / "app", place / "filled.json"
        if not filled.is_file():
            run_command(url, "new", "app", str(app), "--plugins", "")
            _write(app / "metadata" / "views" / "app_contacts_of_my_unit.yaml", _VIEW)
            for level in _LEVELS:
                path = app / "metadata" / "security_roles" / f"app_reads_by_{level}.yaml"
                _write(path, _ROLE.format(level=level))
            publish(app, url)
            began = time.monotonic()
            asyncio.run(_fill(app, url, records))
            filled.write_text(json.dumps({"seconds": time.monotonic() - began}))
        print(f"{engine}: {records:,} contacts are in place", flush=True)
        backends = postmaster.children if postmaster is not None else list
        return asyncio.run(_read(app, backends, with_plans=with_plans))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


async def _fill(app: Path, url: str, records: int) -> None:
    parts = build_parts(Settings.load(app))
    await parts.database.open()
    try:
        await refresh(parts.database, parts.live_registry)
        user_id = await parts.sessions.user_id("benchmark")
        assert user_id is not None
        system = parts.records.acting_as(SYSTEM)
        owner = Reference("systemuser", user_id)
        unit = Reference("businessunit", ROOT_UNIT)
        patterns = {
            "systemuser": user_id,
            "businessunit": await system.create(
                "businessunit", {"name": "Pattern", "parentbusinessunitid": unit}
            ),
            "team": await system.create(
                "team", {"name": "Pattern", "businessunitid": unit, "administratorid": owner}
            ),
            "contact": await system.create("contact", {"lastname": "Pattern", "ownerid": owner}),
        }
        roles = [role_id(parts.live_registry.current, f"app_reads_by_{level}") for level in _LEVELS]
    finally:
        await parts.database.close()
    store = store_for(url)
    rows = {name: store.row(name, f"{name}id", found) for name, found in patterns.items()}
    _fill_organization(store, rows, roles)
    shares = _shares(records)
    masks: dict[str, int] = {}
    for share in shares:
        masks[share[1]] = masks.get(share[1], 0) | share_bit(share[2])
    _fill_contacts(store, rows["contact"], records, masks)
    store.fill("kartoteka_share", _SHARE_COLUMNS, iter(shares))
    store.refresh_statistics()


def _fill_organization(store: Store, rows: dict[str, Row], roles: list[str]) -> None:
    def named(kind: str, number: int) -> dict[str, Any]:
        return {"name": f"{kind} {number}", f"{kind}id": _id(kind, number)}

    _copies(
        store, "businessunit", rows["businessunit"],
        (
            {**named("businessunit", number), "parentbusinessunitid": _above(number)}
            for number in range(_UNITS)
        ),
    )  # fmt: skip
    _copies(
        store, "systemuser", rows["systemuser"],
        (
            {
                "systemuserid": _id("systemuser", number),
                "domainname": f"user{number}",
                "lastname": f"User {number}",
                "fullname": f"User {number}",
                "businessunitid": _id("businessunit", number % _UNITS),
            }
            for number in range(_USERS)
        ),
    )  # fmt: skip
    _copies(
        store, "team", rows["team"],
        (
            {**named("team", number), "businessunitid": _id("businessunit", number % _UNITS)}
            for number in range(_TEAMS)
        ),
    )  # fmt: skip
    # Of the users of each unit, one after the other has each level.
    store.fill(
        "systemuserroles", ("systemuserid", "roleid"),
        ((_id("systemuser", n), roles[n // _UNITS % len(roles)]) for n in range(_USERS)),
    )  # fmt: skip
    store.fill(
        "teammembership", ("systemuserid", "teamid"),
        (
            (_id("systemuser", number), _id("team", (number + more) % _TEAMS))
            for number in range(_USERS)
            for more in (0, 7)
        ),
    )  # fmt: skip


def _fill_contacts(store: Store, pattern: Row, records: int, masks: dict[str, int]) -> None:
    draw = Random(3)

    def contacts() -> Iterator[Row]:
        for number in range(records):
            is_team = number % 20 == 0
            kind, owner = ("team", number // 20 % _TEAMS) if is_team else (
                "systemuser", draw.randrange(_USERS)
            )  # fmt: skip
            name = f"{draw.choice('ABCDEFGHJKLMNPRSTUVWZ')}{draw.randrange(100_000):05}"
            yield {
                "contactid": _id("contact", number),
                "lastname": name,
                "fullname": name,
                "sharemask": masks.get(_id("contact", number), 0),
                "ownerid": _id(kind, owner),
                "ownerid__entity": kind,
                "owninguser": None if is_team else _id(kind, owner),
                "owningteam": _id(kind, owner) if is_team else None,
                "owningbusinessunit": _id("businessunit", owner % _UNITS),
            }

    _copies(store, "contact", pattern, contacts())


def _shares(records: int) -> list[tuple[Any, ...]]:
    """Return shares of records with users and teams alike."""
    draw = Random(4)
    known: dict[tuple[int, int], tuple[Any, ...]] = {}
    while len(known) < _SHARES:
        record, other = draw.randrange(records), draw.randrange(_USERS + _TEAMS)
        kind, at = ("systemuser", other) if other < _USERS else ("team", other - _USERS)
        known[(record, other)] = (
            "contact", _id("contact", record), _id(kind, at), kind, 1, 0, 1,
            _id("systemuser", 0), "2026-01-01T00:00:00Z",
        )  # fmt: skip
    return list(known.values())


def _copies(store: Store, table: str, pattern: Row, changes: Iterator[Row]) -> None:
    """Insert copies of a row with what is different in each."""
    first = next(changes)
    columns = tuple(dict.fromkeys((*(n for n, v in pattern.items() if v is not None), *first)))

    def values() -> Iterator[tuple[Any, ...]]:
        for change in (first, *()):
            yield tuple(change.get(name, pattern[name]) for name in columns)
        for change in changes:
            yield tuple(change[n] if n in change else pattern[n] for n in columns)

    store.fill(table, columns, values())


def _id(kind: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}/{number}"))


def _above(number: int) -> str:
    """Return the unit above a unit: four levels below the root, each unit with four below it."""
    return ROOT_UNIT if number == 0 else _id("businessunit", (number - 1) // 4)


async def _read(app: Path, backends: Processes, *, with_plans: bool) -> dict[str, Any]:
    parts = build_parts(Settings.load(app))
    await parts.database.open()
    try:
        await refresh(parts.database, parts.live_registry)
        found: dict[str, Any] = {}
        for at, level in enumerate(_LEVELS):
            number = _UNITS * at + 1  # a user of unit 1, which has units below it
            user = Principal(
                _id("systemuser", number), business_unit_id=_id("businessunit", number % _UNITS)
            )
            without, with_access = await _milliseconds(parts, user, backends)
            found[level] = without, with_access
            if with_plans:
                await _explain(parts, user, level)
        found["warm"] = await _warm(parts, user)
        return found
    finally:
        await parts.database.close()


async def _milliseconds(
    parts: RuntimeParts, user: Principal, backends: Processes
) -> tuple[float, float]:
    """Return the processor time of a page without access and with it: the least of some rounds."""
    view = parts.live_registry.current.registry.views["app_contacts_of_my_unit"]
    query = query_of_view(parts.live_registry.current.registry, view)
    query = replace(query, with_labels=False)
    askers = [parts.records.acting_as(replace(user, is_system=True)), parts.records.acting_as(user)]
    least = [float("inf"), float("inf")]
    gc.collect()
    for _ in range(_ROUNDS):
        for at, records in enumerate(askers):
            began = time.process_time() + cpu_seconds(backends())
            for _ in range(_TIMES):
                await records.query(query, limit=50)
            taken = time.process_time() + cpu_seconds(backends()) - began
            least[at] = min(least[at], taken * 1000 / _TIMES)
    return least[0], least[1]


async def _warm(parts: RuntimeParts, user: Principal) -> float:
    """Return the milliseconds of finding out what somebody may do who has asked before."""
    model = parts.records.model
    least = float("inf")
    async with parts.database.reading() as connection:
        for _ in range(_ROUNDS):
            began = time.process_time()
            for _ in range(1000):
                access = await model.accesses.of(connection, user)
                access.require("read", model.registry.entities["contact"])
                access.key((("contact", "read"),))
                access.parameters((("contact", "read"),))
            least = min(least, time.process_time() - began)
    return least


async def _explain(parts: RuntimeParts, user: Principal, level: str) -> None:
    model = parts.records.model
    registry = model.registry
    query = query_of_view(registry, registry.views["app_contacts_of_my_unit"])
    query = replace(query, with_labels=False, limit=50)
    async with parts.database.reading() as connection:
        access: Access = await model.accesses.of(connection, user)
        for name, reaches in (("without access", None), (f"read at {level}", access)):
            asker = Asker(user.user_id, user.business_unit_id, reaches=reaches)
            print(f"\n{parts.database.engine}, {name}:")
            for line in await model.queries.plan(connection, query, asker):
                print(f"    {line}")


if __name__ == "__main__":
    main()
