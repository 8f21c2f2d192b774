"""A process that runs workers in children of its own, to be killed by whoever asked for them.

Each line it reads is ``start`` or ``kill PID``; it answers with the process id. Children are forks,
so that a new worker is there in a moment. ``python mortal_workers.py FOLDER DATABASE_URL``.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import traceback
from dataclasses import replace
from pathlib import Path

import dbos  # noqa: F401 - once, before the forks

from kartoteka import JobContext, JobHandler, Records
from kartoteka_runtime.app import build_worker
from kartoteka_runtime.jobs.keeper import Pace
from kartoteka_runtime.settings import Settings

PACE = Pace(look=0.05, poll=0.05, beat=0.3, lost=1.5, handed=1.0, forget=1.0)


async def count_once(job: JobContext) -> None:
    """Write a card and count on it, in two steps between which much may happen."""

    async def write(records: Records) -> str:
        name = job.arguments["name"]
        return await records.create("card", {"name": name, "box": name[-1], "times": 0})

    async def count(records: Records) -> int:
        card = await records.read("card", card_id)
        times = int(card["times"]) + 1
        await records.update("card", card_id, {"times": times})
        return times

    card_id = await job.step("write", write)
    await asyncio.sleep(random.random() / 50)
    await job.step("count", count)


COUNT_ONCE = JobHandler("test_count_once", count_once)


def _be_worker(settings: Settings) -> None:
    worker = build_worker(settings, pace=PACE, job_handlers=[COUNT_ONCE])
    asyncio.run(worker.run(asyncio.Event()))


def _main(folder: str, url: str) -> None:
    settings = replace(Settings.load(Path(folder)), database_url=url)
    children: set[int] = set()
    for line in sys.stdin:
        match line.split():
            case ["start"]:
                child = os.fork()
                if child == 0:
                    try:
                        _be_worker(settings)
                    except BaseException:
                        traceback.print_exc()
                    os._exit(1)
                children.add(child)
            case ["kill", number]:
                child = int(number)
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                children.discard(child)
            case other:
                raise ValueError(other)
        print(child, flush=True)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


if __name__ == "__main__":
    _main(*sys.argv[1:])
