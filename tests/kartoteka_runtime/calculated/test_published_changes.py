"""Calculated fields come, change and go by publishing; what people wrote is never lost by it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import pytest

from kartoteka.record_values import Reference
from kartoteka_runtime.app import build_parts, plan_app
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.testing.running_app import (
    RunningApp,
    publish_folder,
    running_app,
    write_app,
)

BOAT = """\
kind: entity
format: 1
name: boat
label: {{ en: Boat }}
plural_label: {{ en: Boats }}
primary_field: name
ownership: none
fields:
  - {{ name: name, type: text, label: {{ en: Name }} }}
  - {{ name: masts, type: {masts}, label: {{ en: Masts }} }}
  - {{ name: mother, type: lookup, target: boat, label: {{ en: Mother }} }}
  - {{ name: score, type: whole_number, label: {{ en: Score }}{score} }}
"""
PLAIN = ""
ON_READ = ", formula: masts mul 10"
STORED = ", formula: masts mul 10, stored: true"
OTHER = ", formula: masts mul 100, stored: true"
ROLLUP = ", rollup: { over: boat_boat_mother, function: count }"


class Yard:
    """An app that is published again and again."""

    def __init__(self, folder, url: str) -> None:
        self.folder, self.url = folder, url

    def write(self, score: str, *, masts: str = "whole_number") -> None:
        text = BOAT.format(score=score, masts=masts)
        write_app(self.folder, metadata={"entities/boat.yaml": text}, languages=("en",))

    async def publish(self, score: str, *, masts: str = "whole_number") -> None:
        self.write(score, masts=masts)
        await publish_folder(self.folder, self.url, consents_to_all=True)

    async def said(self, score: str) -> list[str]:
        self.write(score)
        parts = build_parts(_settings(self.folder, self.url))
        await parts.database.open()
        try:
            plan = await plan_app(parts, parts.app_folder.registry())
        finally:
            await parts.database.close()
        return [change.words for change in plan.changes]

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[RunningApp]:
        async with running_app(self.folder, self.url) as app:
            yield app

    async def scores(self) -> list[object]:
        async with self.opened() as app:
            await app.run_jobs()
            rows = await app.system_records.list("boat", fields=["name", "score"], order=["name"])
            return [row["score"] for row in rows]


def _settings(folder, url: str) -> Settings:
    return replace(Settings.load(folder), database_url=url)


@pytest.fixture
async def yard(empty_database, tmp_path) -> Yard:
    """Give an app whose boats have scores that people wrote: 7 and 8, with 1 and 2 masts."""
    found = Yard(tmp_path / "app", empty_database)
    await found.publish(PLAIN)
    async with found.opened() as app:
        for name, masts, score in (("A", 1, 7), ("B", 2, 8), ("C", None, None)):
            await app.system_records.create("boat", {"name": name, "masts": masts, "score": score})
    return found


async def test_what_people_wrote_comes_back_after_it_was_calculated(yard):
    assert "field boat.score is calculated from now on; what it held is kept" in await yard.said(
        STORED
    )
    await yard.publish(STORED)
    assert await yard.scores() == [10, 20, None]
    await yard.publish(PLAIN)
    assert await yard.scores() == [7, 8, None]
    await yard.publish(ON_READ)
    assert await yard.scores() == [10, 20, None]
    await yard.publish(PLAIN)
    assert await yard.scores() == [7, 8, None]
    await yard.publish(ROLLUP)
    assert await yard.scores() == [0, 0, 0]
    await yard.publish(PLAIN)
    assert await yard.scores() == [7, 8, None]


@pytest.mark.slow
async def test_another_formula_is_worked_out_for_what_is_there(yard):
    await yard.publish(STORED)
    assert await yard.scores() == [10, 20, None]
    assert "field boat.score is worked out for its records by a job" in await yard.said(OTHER)
    await yard.publish(OTHER)
    assert await yard.scores() == [100, 200, None]
    await yard.publish(ON_READ)
    assert await yard.scores() == [10, 20, None]
    await yard.publish(STORED)
    assert await yard.scores() == [10, 20, None]


@pytest.mark.slow
async def test_an_input_of_another_type_has_it_worked_out_again(yard):
    await yard.publish(STORED)
    await yard.publish(STORED, masts="decimal")
    async with yard.opened() as app:
        rows = await app.system_records.list("boat", order=["name"])
        await app.system_records.update("boat", rows[0]["boatid"], {"masts": Decimal("2.5")})
    assert await yard.scores() == [25, 20, None]


async def test_a_rollup_is_worked_out_for_what_is_there(yard):
    async with yard.opened() as app:
        rows = await app.system_records.list("boat", order=["name"])
        mother = Reference("boat", rows[0]["boatid"])
        for row in rows[1:]:
            await app.system_records.update("boat", row["boatid"], {"mother": mother})
    await yard.publish(ROLLUP)
    assert await yard.scores() == [2, 0, 0]
    await yard.publish(ROLLUP.replace("count }", "sum, field: masts }"))
    assert await yard.scores() == [2, 0, 0]
    await yard.publish(ROLLUP.replace("count }", "max, field: masts, filter: masts lt 9 }"))
    assert await yard.scores() == [2, None, None]


@pytest.mark.slow
async def test_a_calculated_field_that_goes_and_comes_is_right_again(yard):
    await yard.publish(STORED)
    await yard.scores()
    gone = BOAT.format(score=PLAIN, masts="whole_number").rsplit("  - {", 1)[0]
    write_app(yard.folder, metadata={"entities/boat.yaml": gone}, languages=("en",))
    await publish_folder(yard.folder, yard.url, consents_to_all=True)
    async with yard.opened() as app:
        rows = await app.system_records.list("boat", order=["name"])
        await app.system_records.update("boat", rows[0]["boatid"], {"masts": 5})
    await yard.publish(STORED)
    assert await yard.scores() == [50, 20, None]
