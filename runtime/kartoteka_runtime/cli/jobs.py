"""`kartoteka jobs list|show|retry|cancel`: what runs, waits and failed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from json import dumps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.table import Column, Table

from kartoteka.errors import RecordNotFound
from kartoteka_runtime.cli.app_argument import APP_FILE, existing_app
from kartoteka_runtime.cli.console import answers, counted, print_error, remarks
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.records.jobs import (
    Jobs,
    JobsOverview,
    job_json,
    names_of_records,
    record_of,
)
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.storage.stored_job import (
    REPEATABLE,
    STATES,
    StoredJob,
    unreadable_columns,
)

jobs = typer.Typer(
    help="See what jobs run, wait and failed; run them again or cancel them.",
    invoke_without_command=True,
)

T = TypeVar("T")
Names = dict[tuple[str, str], str]
AppOption = Annotated[
    Path, typer.Option("--app", parser=existing_app, help=f"Folder with {APP_FILE}.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
HERE = Path(".")
_MOST_AGAIN = 10_000


@jobs.callback()
def default(context: typer.Context) -> None:
    """List the newest jobs when nothing else is asked for."""
    if context.invoked_subcommand is None:
        show_list()


def _state(value: str) -> str:
    if value and value not in STATES:
        raise typer.BadParameter(f"one of {', '.join(STATES)}.")
    return value


@jobs.command("list")
def show_list(
    app: AppOption = HERE,
    state: Annotated[str, typer.Option(help="Only jobs in this state.", callback=_state)] = "",
    job: Annotated[str, typer.Option(help="Only jobs of this name.")] = "",
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 50,
    json: JsonOption = False,
) -> None:
    """List jobs, the newest first, with how many are in each state and who runs them."""

    async def work(parts: RuntimeParts) -> tuple[list[StoredJob], Names, JobsOverview]:
        asked = Jobs(parts.database)
        page = await asked.list(state=state, job=job, most=limit)
        names = await names_of_records(parts.records.acting_as(SYSTEM), map(record_of, page.jobs))
        return list(page.jobs), names, await asked.overview()

    found, names, overview = with_published_app(app, work)
    if json:
        _print_json({
            "counts": dict(overview.counts),
            "workers": [worker.place for worker in overview.workers],
            "jobs": [job_json(one) for one in found],
        })  # fmt: skip
        return
    identity = Column("id", min_width=36, no_wrap=True)  # to be copied whole, however narrow
    table = Table(
        identity, "job", "record", "state", "tries", "run at", "progress", "what", box=None
    )
    for one in found:
        table.add_row(
            one.id, one.job, _about(one, names), _shown_state(one), str(one.attempts),
            _run_at(one), _progress(one), _why(one),
        )  # fmt: skip
    if found:
        answers.print(table)
    counts = [f"{number:,} {name}" for name, number in overview.counts.items() if number]
    workers = counted(len(overview.workers), "worker")
    remarks.print(f"{', '.join(counts) or 'No jobs'}; {workers}.")


@jobs.command("show")
def show(
    job_id: Annotated[str, typer.Argument(metavar="ID", help="The job's id.")],
    app: AppOption = HERE,
    json: JsonOption = False,
) -> None:
    """Show one job: its input, the steps that are done, and what went wrong."""
    detail = _with_jobs(app, lambda asked: asked.read(job_id))
    shown = job_json(detail.job, detail.steps)
    if json:
        _print_json(shown)
        return
    steps, error = shown.pop("steps"), shown.pop("error")
    for name, value in shown.items():
        if value not in (None, ""):
            text = value if isinstance(value, str) else _compact(value)
            answers.print(f"{name:<15} {text}")
    for step in steps:
        result = _compact(step["result"])
        answers.print(f"{'step':<15} {step['done_on']}  {step['name']}  {result}")
    if isinstance(error, dict):
        answers.print(f"{'error':<15} {error.get('type')}: {error.get('text')}")
        answers.print(str(error.get("trace", "")).rstrip())


@jobs.command("retry")
def retry(
    job_ids: Annotated[
        list[str] | None, typer.Argument(metavar="ID...", help="Ids of jobs.")
    ] = None,
    app: AppOption = HERE,
    state: Annotated[
        str, typer.Option(help="Every job in this state instead: failed, parked or canceled.")
    ] = "",
) -> None:
    """Run jobs again from the step that failed; steps that are done are not repeated."""
    if bool(job_ids) == bool(state):
        raise typer.BadParameter("name jobs, or give --state.")
    if state and state not in REPEATABLE:
        raise typer.BadParameter(f"one of {', '.join(REPEATABLE)}.", param_hint="--state")

    async def work(asked: Jobs) -> tuple[int, list[str]]:
        ids = list(job_ids or [])
        if state:
            page = await asked.list(state=state, most=_MOST_AGAIN)
            ids = [one.id for one in page.jobs]
        refused = [job_id for job_id in ids if not await asked.run_again(job_id)]
        return len(ids) - len(refused), refused

    _report(_with_jobs(app, work), "runs again", "run again", "did not fail, and is not parked")


@jobs.command("cancel")
def cancel(
    job_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of jobs.")],
    app: AppOption = HERE,
) -> None:
    """Cancel jobs; one that runs ends with its next step."""

    async def work(asked: Jobs) -> tuple[int, list[str]]:
        refused = [job_id for job_id in job_ids if not await asked.cancel(job_id)]
        return len(job_ids) - len(refused), refused

    _report(_with_jobs(app, work), "is canceled", "are canceled", "has ended, or there is none")


def _with_jobs(app: Path, work: Callable[[Jobs], Awaitable[T]]) -> T:
    try:
        return with_published_app(app, lambda parts: work(Jobs(parts.database)))
    except RecordNotFound as error:
        print_error(f"there is no job {error.record_id}")
        raise typer.Exit(1) from error


def _report(result: tuple[int, list[str]], one: str, many: str, why_not: str) -> None:
    number, refused = result
    for job_id in refused:
        print_error(f"{job_id} {why_not}")
    if number or not refused:
        answers.print(f"{counted(number, 'job')} {one if number == 1 else many}.")
    if refused:
        raise typer.Exit(1)


def _compact(value: Any) -> str:
    return dumps(value, ensure_ascii=False, separators=(",", ":"))


def _print_json(value: Any) -> None:
    typer.echo(dumps(value, ensure_ascii=False, indent=2))


def _about(job: StoredJob, names: Names) -> str:
    """Return the record that a job is about; by its id when it is gone."""
    record = record_of(job)
    if record is None:
        return ""
    return f"{record.entity} {names.get((record.entity, record.id)) or record.id}"


def _shown_state(job: StoredJob) -> str:
    state = job.unreadable.get("state", job.state)
    return "canceling" if job.is_cancel_asked and state == "running" else state


def _run_at(job: StoredJob) -> str:
    return "" if "run_at" in job.unreadable else f"{job.run_at:%Y-%m-%d %H:%M:%S}"


def _progress(job: StoredJob) -> str:
    if job.progress_done is None:
        return ""
    return f"{job.progress_done:,}/{job.progress_total:,}" if job.progress_total else (
        f"{job.progress_done:,}"
    )  # fmt: skip


def _why(job: StoredJob) -> str:
    """Return in a few words why a job is parked or failed, or what of it cannot be read."""
    if job.unreadable:
        return f"unreadable: {unreadable_columns(job)}"
    shown = job_json(job)
    reason, error = shown["reason"], shown["error"]
    if isinstance(reason, dict):
        params = ", ".join(str(value) for value in reason.get("params", {}).values())
        return f"{str(reason.get('code')).removeprefix('job.parked.')} {params}"[:60]
    if isinstance(error, dict):
        return f"{error.get('type')}: {error.get('text')}"[:60]
    return job.progress_text or ""
