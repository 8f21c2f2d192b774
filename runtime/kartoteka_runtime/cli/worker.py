"""`kartoteka worker [APP]`: run jobs until someone stops it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from kartoteka_runtime.app import build_worker
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, print_error
from kartoteka_runtime.cli.opened_app import published_label
from kartoteka_runtime.jobs.worker import AT_ONCE, JobWorker
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.settings import Settings


def worker(
    app: AppArgument = HERE,
    at_once: Annotated[
        int, typer.Option(help="Jobs that run at a time in this process.", min=1, max=100)
    ] = AT_ONCE,
) -> None:
    """Run the jobs of a published app; as many of these as there is work for."""
    label = asyncio.run(published_label(app))
    made = build_worker(Settings.load(app), at_once=at_once)
    asyncio.run(_until_told(made, f"A worker of {label} takes jobs (Ctrl+C stops it)"))
    answers.print("Stopped.")


async def _until_told(worker: JobWorker, announcement: str) -> None:
    """Run a worker until the process is told to stop; jobs that run come to an end first."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for told in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(told, stop.set)
        except NotImplementedError:  # Windows: Ctrl+C ends it at once
            pass
    await worker.run(stop, lambda: answers.print(announcement))


@contextmanager
def jobs_beside(settings: Settings, parts: RuntimeParts | None = None) -> Iterator[None]:
    """Run jobs in a thread of this process, with an event loop and connections of its own.

    A page does not wait for a job that computes, only for the moments in which it writes. What
    is published is shared with the web application whose ``parts`` these are.
    """
    if not settings.runs_jobs:
        yield
        return
    worker = build_worker(settings, beside=parts)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    thread = threading.Thread(target=_run, args=(loop, worker, stop), name="kartoteka-jobs")
    before = signal.signal(signal.SIGTERM, _interrupt)
    thread.start()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _interrupt(number: int, frame: object) -> None:
    """End the server as Ctrl+C does: uvicorn hands SIGTERM on, which would end the jobs at once."""
    raise KeyboardInterrupt


def _run(loop: asyncio.AbstractEventLoop, worker: JobWorker, stop: asyncio.Event) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(_reported(worker, stop))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


async def _reported(worker: JobWorker, stop: asyncio.Event) -> None:
    """Run a worker; when it cannot, the pages go on without jobs, and the reason is told."""
    try:
        await worker.run(stop)
    except Exception as error:
        print_error(f"jobs do not run: {error}")
        await stop.wait()
