"""Merges while others delete and change the same records: who is late is told what is missing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import psycopg
import pytest

CRM = "Microsoft.Dynamics.CRM"

# SQLite lets one write after the other; PostgreSQL locks single records.
locks_records = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)

_HEAD = """\
kind: entity
format: 1
name: {0}
label: {{ en: {1} }}
plural_label: {{ en: {1}s }}
primary_field: name
ownership: user
features: [{2}]

fields:
  - {{ name: name, type: text, label: {{ en: Name }}, max_length: 40 }}
"""
_DEPOT = _HEAD.format("depot", "Depot", "merge") + (
    "  - { name: pier, type: lookup, label: { en: Pier }, target: pier }\n"
)
_CRATE = _HEAD.format("crate", "Crate", "change_tracking") + (
    "  - { name: depot, type: lookup, label: { en: Depot }, target: depot, relation: parental }\n"
)
_PIER = _HEAD.format("pier", "Pier", "change_tracking")
_PIERS = """\
kind: relationship
format: 1
name: depot_piers
left: pier
right: depot
intersect: depotpier
"""
_METADATA = {
    "entities/depot.yaml": _DEPOT,
    "entities/crate.yaml": _CRATE,
    "entities/pier.yaml": _PIER,
    "relationships/depot_piers.yaml": _PIERS,
}


class Depots:
    """Two depots, the one with crates and piers, and what is asked of them at once."""

    def __init__(self, app, api) -> None:
        self.app = app
        self.api = api

    async def add(self, entity: str, **values) -> str:
        answer = await self.api.post(f"{entity}s", json=values)
        assert answer.status_code == 204, answer.text
        return str(answer.headers["OData-EntityId"]).rpartition("(")[2][:-1]

    async def filled(self) -> tuple[str, str, list[str], str]:
        """Return the depot that goes, the one that stays, crates and a pier of the first."""
        goes, stays = await self.add("depot", name="Goes"), await self.add("depot", name="Stays")
        bound = {"depot@odata.bind": f"depots({goes})"}
        crates = [await self.add("crate", name=name, **bound) for name in "ABC"]
        pier = await self.add("pier", name="Pier")
        await self.app.system_records.associate("depot_piers", pier, goes)
        return goes, stays, crates, pier

    async def merge(self, target: str, gone: str, **values):
        body = {
            name: {"@odata.type": f"{CRM}.depot", "depotid": record_id}
            for name, record_id in (("Target", target), ("Subordinate", gone))
        }
        if values:
            body["UpdateContent"] = {"@odata.type": f"{CRM}.depot", **values}
        return await self.api.post("Merge", json={**body, "PerformParentingChecks": False})

    async def delete(self, entity: str, record_id: str):
        return await self.api.delete(f"{entity}s({record_id})")

    async def where(self, crates: list[str]) -> list[str | None]:
        """Return the depot of each crate; "" for one that is gone."""
        rows = (await self.api.get("crates?$select=_depot_value")).json()["value"]
        found = {row["crateid"]: row["_depot_value"] for row in rows}
        return [found.get(crate, "") for crate in crates]

    @asynccontextmanager
    async def somebody(self):
        """Yield a writer in a transaction of their own; it is committed at the end."""
        address = self.app.parts.database.url
        async with await psycopg.AsyncConnection.connect(address) as writer:
            yield writer

    async def waiting(self) -> None:
        """Return when a request waits for what somebody else has depots."""
        sql = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        async with asyncio.timeout(10):
            while not await self._number(sql):
                await asyncio.sleep(0.01)

    async def _number(self, sql: str) -> int:
        async with self.app.parts.database.reading() as connection:
            row = await connection.fetch_one(sql, {})
        return int(row[0])


@pytest.fixture
async def depots(start_app):
    app = await start_app(metadata=_METADATA, languages=("en",))
    async with app.api_as() as api:
        yield Depots(app, api)


async def test_merges_and_deletes_at_once_end_as_one_after_the_other(depots):
    for turn in range(4):
        goes, stays, crates, pier = await depots.filled()
        calls = [
            depots.merge(stays, goes),
            depots.merge(goes, stays),
            depots.delete("crate", crates[1]),
            depots.delete("pier", pier),
            depots.delete("depot", (goes, stays)[turn % 2]),
        ]
        answers = await asyncio.gather(*calls[turn:], *calls[:turn])
        for answer in answers:
            assert answer.status_code in (204, 400, 404), answer.text
            if answer.status_code != 204:
                message = answer.json()["error"]["message"]
                named = ("Goes", "Stays", goes, stays, pier, *crates)  # deleted depots take crates
                assert any(name in message for name in named), message
        alive = {
            row["depotid"]
            for row in (await depots.api.get("depots?$select=depotid")).json()["value"]
        }
        left = await depots.where(crates)
        assert {one for one in left if one} <= alive
        assert left[1] == ""


@locks_records
async def test_a_record_that_is_deleted_first_is_named_as_not_found(depots):
    goes, stays, crates, _ = await depots.filled()
    async with depots.somebody() as writer:
        await writer.execute("DELETE FROM depotpier")
        await writer.execute("UPDATE crate SET depot = NULL")
        await writer.execute("DELETE FROM depot WHERE depotid = %s", (goes,))
        merging = asyncio.create_task(depots.merge(stays, goes))
        await depots.waiting()
    answer = await merging
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        404, f"depot {goes} was not found",
    )  # fmt: skip


@locks_records
async def test_children_that_others_delete_or_move_are_left_to_them(depots):
    goes, stays, crates, _ = await depots.filled()
    third = await depots.add("depot", name="Third")
    async with depots.somebody() as writer:
        await writer.execute("DELETE FROM crate WHERE crateid = %s", (crates[0],))
        await writer.execute("DELETE FROM depotpier")
        await writer.execute(
            "UPDATE crate SET depot = %s WHERE crateid = %s", (third, crates[1])
        )  # fmt: skip
        merging = asyncio.create_task(depots.merge(stays, goes))
        await depots.waiting()
    answer = await merging
    assert answer.status_code == 204, answer.text
    assert await depots.where(crates) == ["", third, stays]


@locks_records
async def test_who_is_waited_for_in_a_circle_is_tried_again(depots):
    goes, stays, crates, _ = await depots.filled()
    async with depots.somebody() as writer:
        await writer.execute("SELECT 1 FROM crate WHERE crateid = %s FOR UPDATE", (crates[2],))
        merging = asyncio.create_task(depots.merge(stays, goes))
        await depots.waiting()
        # The database ends the merge, which has waited for longer, and not this one.
        await writer.execute("UPDATE depot SET name = 'Went' WHERE depotid = %s", (goes,))
        await writer.execute("UPDATE depot SET statecode = 1 WHERE depotid = %s", (goes,))
    answer = await merging
    message = answer.json()["error"]["message"]
    assert (answer.status_code, "Went" in message) == (400, True), message
    assert await depots.where(crates) == [goes] * 3


@locks_records
async def test_what_is_named_and_deleted_at_that_moment_is_said(depots):
    goes, stays, _, _ = await depots.filled()
    pier = await depots.add("pier", name="Other")
    async with depots.somebody() as writer:
        await writer.execute("DELETE FROM pier WHERE pierid = %s", (pier,))
        merging = asyncio.create_task(
            depots.merge(stays, goes, **{"pier@odata.bind": f"piers({pier})"})
        )
        await depots.waiting()
    answer = await merging
    error = answer.json()["error"]
    assert answer.status_code == 400, error
    assert "Pier" in error["message"]
    assert error["details"][0]["target"] == "pier"
