"""`kartoteka plan [APP]`: what a publish would do, without doing it."""

from __future__ import annotations

import asyncio
from typing import Annotated

import orjson
import typer

from kartoteka_runtime.app import plan_app
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.checked_app import checked_registry
from kartoteka_runtime.cli.console import answers, remarks
from kartoteka_runtime.cli.opened_app import opened_app
from kartoteka_runtime.cli.plan_text import describe_plan, summary
from kartoteka_runtime.publishing.plan import Plan


def plan(
    app: AppArgument = HERE,
    json: Annotated[
        bool, typer.Option("--json", help="Print the plan for machines, and for publish --plan.")
    ] = False,
) -> None:
    """Show what publishing an app would change; reads its files and its database, writes nothing.

    Exit status 1 when something in it cannot be done.
    """
    with remarks.status("Checking …") as status:
        registry = checked_registry(app)
        status.update("Planning …")

        async def run() -> Plan:
            async with opened_app(app) as parts:
                return await plan_app(parts, registry)

        made = asyncio.run(run())
    if json:
        data = orjson.dumps(made.to_json(), option=orjson.OPT_INDENT_2, default=str)
        typer.echo(data.decode())
    else:
        print_plan(made)
    if made.blocked:
        raise typer.Exit(1)


def print_plan(made: Plan) -> None:
    """Print a plan as people read it before it is carried out."""
    print_changes(made)
    answers.print(summary(made))


def print_changes(made: Plan) -> None:
    """Print what a plan says will happen, or what happened."""
    for line in describe_plan(made):
        answers.print(line)
