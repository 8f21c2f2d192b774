"""Workers that are killed at any moment: each effect of each job is there exactly once."""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import pytest

from kartoteka import JobHandler
from kartoteka_runtime.records.jobs import Jobs

SCRIPT = Path(__file__).with_name("mortal_workers.py")


async def nothing(job) -> None:
    """Be known to those who enqueue; workers have their own."""


class MortalWorkers:
    """Starts workers and kills them."""

    def __init__(self, process: asyncio.subprocess.Process, random: random.Random) -> None:
        self._process = process
        self._random = random
        self._workers: list[str] = []
        self.kills = 0

    async def start(self) -> None:
        self._workers.append(await self._ask("start"))

    async def replace_one(self) -> None:
        victim = self._random.choice(self._workers)
        await self._ask(f"kill {victim}")
        self._workers.remove(victim)
        self.kills += 1
        await self.start()

    async def _ask(self, line: str) -> str:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{line}\n".encode())
        return (await self._process.stdout.readline()).decode().strip()


async def run_through(
    app, *, jobs: int, workers: int, kills: int, pause: float, seconds: float
) -> None:
    """Enqueue jobs, let workers die while they run, and look at what is there in the end."""
    chance = random.Random(20)
    app.add_jobs(JobHandler("test_count_once", nothing))
    records = await app.records_as()
    for start in range(0, jobs, 500):
        async with records.transaction() as inside:
            for number in range(start, min(start + 500, jobs)):
                await inside.enqueue("test_count_once", {"name": f"card {number}"})
    settings = app.parts.settings
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(SCRIPT), str(settings.app_folder), settings.database_url,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    mortal = MortalWorkers(process, chance)
    asked = Jobs(app.parts.database)
    try:
        async with asyncio.timeout(seconds):
            for _ in range(workers):
                await mortal.start()
            while (counts := (await asked.overview()).counts)["waiting"] or counts["running"]:
                await asyncio.sleep(chance.uniform(0.1, pause))
                if mortal.kills < kills and counts["running"]:
                    await mortal.replace_one()
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
    assert mortal.kills > 0
    assert counts["done"] == jobs
    cards = await app.system_records.list("card", fields=("name", "times"), limit=2 * jobs)
    assert sorted(card["name"] for card in cards) == sorted(f"card {n}" for n in range(jobs))
    assert {card["times"] for card in cards} == {1}


@pytest.mark.slow
async def test_each_effect_is_there_once_when_workers_are_killed(start_app, cards, engine):
    app = await start_app(metadata=cards)
    workers = 3 if engine == "postgresql" else 1
    await run_through(app, jobs=5000, workers=workers, kills=60, pause=3.0, seconds=1800)
    done = await Jobs(app.parts.database).list(most=5000)
    assert sum(job.losses for job in done.jobs) > 0  # they did die with jobs in their hands


async def test_jobs_of_killed_workers_are_run_by_others(start_app, cards, engine):
    app = await start_app(metadata=cards)
    workers = 2 if engine == "postgresql" else 1
    await run_through(app, jobs=400, workers=workers, kills=1, pause=0.12, seconds=180)
