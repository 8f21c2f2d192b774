"""`kartoteka check [APP]`: is the metadata right, and what is not translated."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from kartoteka.errors import MetadataError
from kartoteka.labels import missing_labels
from kartoteka.model.access_test import AccessTest
from kartoteka.registry import Registry
from kartoteka_runtime.access_tests.check_access import check_access, passed_over
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, counted, remarks


def check(
    app: AppArgument = HERE,
    labels: Annotated[
        bool,
        typer.Option("--labels", help="Also list texts that a language of the app lacks."),
    ] = False,
    access: Annotated[
        bool,
        typer.Option("--access", help="Also run the app's access tests, in a database of its own."),
    ] = False,
) -> None:
    """Tell everything that is wrong with an app's metadata; needs no database."""
    registry = load_app_folder(app).registry()
    if labels:
        _print_missing(registry)
    if access:
        _check_access(app, registry)
    remarks.print(_summary(registry))


def _check_access(app: Path, registry: Registry) -> None:
    """Run the access tests of base, plugins and app; what is otherwise ends the command.

    Raises:
        MetadataError: Something is otherwise than a test expects; each is a diagnostic.
    """

    def tell(test: AccessTest) -> None:
        remarks.print(Text(f"access test {test.name} …", style="dim"))

    for test in registry.access_tests.values():
        if role := passed_over(registry, test):
            told = f"access test {test.name} is passed over: a later bundle changes the role {role}"
            remarks.print(Text(told, style="dim"))
    checked = asyncio.run(check_access(app, registry, progress=tell))
    if checked.diagnostics:
        raise MetadataError(checked.diagnostics)
    told = counted(checked.expectations, "expectation")
    remarks.print(f"{counted(checked.tests, 'access test')} with {told} hold.")


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
