"""`kartoteka rollback [APP]` and `kartoteka history [APP]`: earlier publications."""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import typer
from rich.text import Text

from kartoteka_runtime.app import rollback_app
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, counted, print_error
from kartoteka_runtime.cli.opened_app import opened_app, with_published_app
from kartoteka_runtime.cli.plan import print_plan
from kartoteka_runtime.cli.publish import ConsentOption, Told, with_consents
from kartoteka_runtime.publishing.history import PublicationNote, notes
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.publishing.publish import PublishResult
from kartoteka_runtime.publishing.rollback import plan_rollback
from kartoteka_runtime.runtime_parts import RuntimeParts


def rollback(
    app: AppArgument = HERE,
    to: Annotated[
        int | None,
        typer.Option(help="Number of the publication to go back to.", show_default="the last one"),
    ] = None,
    consent: ConsentOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what it would do.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Make an earlier publication the live one again, with its data.

    What was added since is retired, not destroyed. The files of the app stay as they are.
    """

    async def planned(parts: RuntimeParts) -> tuple[Plan, int]:
        return await plan_rollback(parts.database, to=to)

    made, target = with_published_app(app, planned)
    print_plan(made)
    if dry_run:
        raise typer.Exit(1 if made.blocked else 0)
    if not yes and not typer.confirm(f"Go back to publication {target}?", default=False):
        print_error("Nothing was changed.")
        raise typer.Exit(1)

    async def run(consents: Collection[str], told: Told) -> PublishResult:
        async with opened_app(app) as parts:
            return await rollback_app(parts, to=to, consents=consents, shown=made, progress=told)

    result = with_consents(run, consent or ())
    answers.print(f"Publication {result.number} is live; it is publication {target} again.")
    answers.print("The files still say what they said: `kartoteka plan` shows the difference.")


def history(app: AppArgument = HERE) -> None:
    """List what was published, newest first."""

    async def read(parts: RuntimeParts) -> tuple[PublicationNote, ...]:
        async with parts.database.reading() as connection:
            return await notes(connection)

    for note in with_published_app(app, read):
        line = Text(f"{note.number:>5}  ", style="bold")
        line.append(f"{note.published_on}  ", style="dim not bold")
        answers.print(line.append(_told(note), style="not bold"))


def _told(note: PublicationNote) -> str:
    """Return what a publication was about, in one line."""
    what = "; ".join(note.changes[:2])
    if note.returns_to is not None:
        what = f"back to publication {note.returns_to}"
    elif len(note.changes) > 2:
        what += f"; and {counted(len(note.changes) - 2, 'more change')}"
    return f"{what} (with consent: {', '.join(note.consents)})" if note.consents else what
