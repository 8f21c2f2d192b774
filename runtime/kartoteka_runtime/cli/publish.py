"""`kartoteka publish [APP]`: make the checked metadata the live one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from kartoteka_runtime.app import publish_app
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.checked_app import checked_registry
from kartoteka_runtime.cli.console import answers, print_error, remarks
from kartoteka_runtime.cli.opened_app import opened_app
from kartoteka_runtime.cli.plan import print_changes, print_plan
from kartoteka_runtime.cli.plan_text import summary
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.publishing.publish import PlanRefused, PublishResult

ConsentOption = Annotated[
    list[str] | None,
    typer.Option(
        "--consent", metavar="NAME",
        help="Consent to what the plan asks for under this name; may be given several times.",
    ),
]  # fmt: skip


def publish(
    app: AppArgument = HERE,
    plan: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", exists=True, dir_okay=False,
            help="Do exactly what this plan (of plan --json) says, or nothing.",
        ),
    ] = None,
    consent: ConsentOption = None,
) -> None:  # fmt: skip
    """Check an app, change its database to match, and make it live; running servers follow.

    Whatever would lose or change stored values is shown first and needs consent by name.
    """
    shown = None if plan is None else _read_plan(plan)
    with remarks.status("Checking …"):
        registry = checked_registry(app)

    async def run(consents: Collection[str], told: Told) -> PublishResult:
        async with opened_app(app) as parts:
            return await publish_app(parts, registry, consents=consents, shown=shown, progress=told)

    result = with_consents(run, consent or ())
    print_changes(result.plan)
    if result.changes:
        answers.print(f"Publication {result.number} is live.")
    else:
        answers.print(summary(result.plan))


Told = Callable[[str, int, int], None]


def with_consents(
    run: Callable[[Collection[str], Told], Awaitable[PublishResult]], given: Collection[str]
) -> PublishResult:
    """Return what ``run`` did; on a terminal, missing consents are asked for, one by one.

    Raises:
        typer.Exit: It was refused; the plan and the reason are printed.
    """
    try:
        return _with_progress(run, given)
    except PlanRefused as refused:
        print_plan(refused.plan)
        missing = [name for name in refused.plan.consents if name not in given]
        if refused.plan.blocked or not missing or not sys.stdin.isatty():
            print_error(str(refused))
            raise typer.Exit(1) from refused
        for name in missing:
            if not typer.confirm(f"Consent to {name}?", default=False):
                print_error("Nothing was changed.")
                raise typer.Exit(1) from refused
        return _with_progress(run, {*given, *missing})


def _with_progress(
    run: Callable[[Collection[str], Told], Awaitable[PublishResult]], consents: Collection[str]
) -> PublishResult:
    with Progress(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=remarks,
        transient=True,
    ) as bars:  # fmt: skip
        task = bars.add_task("Publishing …", total=None)

        def tell(what: str, done: int, total: int) -> None:
            bars.update(task, description=what, completed=done, total=total or None)

        async def started() -> PublishResult:
            return await run(consents, tell)

        return asyncio.run(started())


def _read_plan(path: Path) -> Plan:
    try:
        return Plan.from_json(orjson.loads(path.read_bytes()))
    except (ValueError, OSError) as error:
        raise typer.BadParameter(
            f'"{path}" is no plan; `kartoteka plan --json` makes one.', param_hint="--plan"
        ) from error
