"""`kartoteka check [APP]`: is the metadata right, and what is not translated."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from kartoteka.labels import missing_labels
from kartoteka.registry import Registry
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, counted, remarks


def check(
    app: AppArgument = HERE,
    labels: Annotated[
        bool,
        typer.Option("--labels", help="Also list texts that a language of the app lacks."),
    ] = False,
) -> None:
    """Tell everything that is wrong with an app's metadata; needs no database."""
    registry = load_app_folder(app).registry()
    if labels:
        _print_missing(registry)
    remarks.print(_summary(registry))


def _summary(registry: Registry) -> Text:
    summary = Text("No problems. ", style="bold green")
    fields = sum(len(entity.fields) for entity in registry.entities.values())
    parts = [
        counted(len(registry.bundles), "bundle"),
        counted(len(registry.entities), "entity", "entities"),
        counted(fields, "field"),
        counted(len(registry.forms), "form"),
        counted(len(registry.views), "view"),
        counted(len(registry.roles), "role"),
    ]
    return summary.append(", ".join(parts) + ".", style="not bold default")


def _print_missing(registry: Registry) -> None:
    languages = [name for name in registry.languages if name != registry.base_language]
    missing = missing_labels(registry, languages)
    for label in missing:
        line = Text(str(label.location), style="bold")
        line.append(f"  {label.language}", style="cyan not bold")
        line.append(f"  {label.path}", style="not bold")
        answers.print(line)
    shown = Counter(label.language for label in missing if label.is_required)
    elsewhere = Counter(label.language for label in missing if not label.is_required)
    table = Table("missing in", "on pages", "elsewhere", box=None, pad_edge=False)
    for language in languages:
        table.add_row(language, f"{shown[language]:,}", f"{elsewhere[language]:,}")
    remarks.print(table)
