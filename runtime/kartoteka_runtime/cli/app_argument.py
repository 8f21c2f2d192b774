"""The APP argument: a folder with ``kartoteka.yaml``, by default the one a person works in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

APP_FILE = "kartoteka.yaml"


def existing_app(value: str) -> Path:
    """Return the folder of an app.

    Raises:
        typer.BadParameter: It is no folder, or holds no ``kartoteka.yaml``.
    """
    folder = Path(value)
    if not folder.is_dir():
        raise typer.BadParameter(f'there is no folder "{folder}".')
    if not (folder / APP_FILE).is_file():
        shown = "this folder" if value == "." else f'"{folder}"'
        raise typer.BadParameter(
            f"{shown} is no app: it holds no {APP_FILE}. `kartoteka new app NAME` makes one."
        )
    return folder


AppArgument = Annotated[
    Path,
    typer.Argument(
        metavar="APP",
        parser=existing_app,
        help="Folder with kartoteka.yaml and metadata/.",
        show_default="the current folder",
    ),
]
HERE = Path(".")
