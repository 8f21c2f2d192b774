"""`kartoteka registry [APP]`: every definition as it is after layering."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer
from rich.table import Table

from kartoteka.registry import Registry
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers


def registry(
    app: AppArgument = HERE,
    json: Annotated[
        bool, typer.Option("--json", help="Print every resolved definition as JSON.")
    ] = False,
) -> None:
    """Show what the files of an app mean once all bundles are laid over one another."""
    found = load_app_folder(app).registry()
    if json:
        data = orjson.dumps(found.to_json(), option=orjson.OPT_INDENT_2)
        typer.echo(data.decode())
    else:
        answers.print(_overview(found))


def _overview(registry: Registry) -> Table:
    table = Table(
        "entity", "label", "set", "fields", "forms", "views", "bundle", box=None, pad_edge=False
    )
    for entity in registry.entities.values():
        table.add_row(
            entity.name,
            entity.label.texts.get(registry.base_language, ""),
            entity.set_name,
            str(len(entity.fields)),
            str(len(registry.forms_of[entity.name])),
            str(len(registry.views_of[entity.name])),
            entity.bundle,
        )
    return table
