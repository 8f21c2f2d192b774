"""`kartoteka purge [NAME]`: destroy what is retired, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kartoteka_runtime.cli.app_argument import APP_FILE, existing_app
from kartoteka_runtime.cli.console import answers, print_error
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.publishing.purge import (
    Purgeable,
    find_purgeable,
    retired_items,
)
from kartoteka_runtime.publishing.purge import purge as purge_by_name
from kartoteka_runtime.runtime_parts import RuntimeParts


def purge(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]",
            help="ENTITY, ENTITY.FIELD or a relationship; without it, what is retired is listed.",
        ),
    ] = "",
    app: Annotated[
        Path, typer.Option("--app", parser=existing_app, help=f"Folder with {APP_FILE}.")
    ] = Path("."),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name again.")] = False,
) -> None:
    """Destroy the data of something retired for good; it is shown first."""
    if not name:
        _list(app)
        return

    async def found(parts: RuntimeParts) -> tuple[Purgeable, ...]:
        return await find_purgeable(parts.database, name)

    for item in with_published_app(app, found):
        answers.print(f"  {item}")
    if not yes and typer.prompt("This cannot be undone. Type the name to destroy it") != name:
        print_error("That is another name; nothing was destroyed.")
        raise typer.Exit(1)

    async def destroy(parts: RuntimeParts) -> tuple[Purgeable, ...]:
        return await purge_by_name(parts.database, name)

    gone = with_published_app(app, destroy)
    answers.print(f"Destroyed {name}: {sum(item.values for item in gone):,} values or records.")


def _list(app: Path) -> None:
    async def every(parts: RuntimeParts) -> tuple[Purgeable, ...]:
        return await retired_items(parts.database)

    items = with_published_app(app, every)
    if not items:
        answers.print("Nothing is retired.")
    for item in items:
        answers.print(str(item))
