"""`kartoteka demo`: an app with sample data, served."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

from kartoteka.errors import KartotekaError
from kartoteka.plugin_api.discovery import discover_plugins, plugin_manager
from kartoteka_runtime.app import publish_app
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.console import answers, remarks
from kartoteka_runtime.cli.metadata_files import have_changed, remember
from kartoteka_runtime.cli.new import write_app
from kartoteka_runtime.cli.opened_app import opened_app
from kartoteka_runtime.cli.sample_data import SampleDataLoading
from kartoteka_runtime.cli.serve import HostOption, PortOption, run_server
from kartoteka_runtime.cli.sign_in_sheet import SheetEntry, read_sheet, write_sheet
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.runtime_parts import RuntimeParts

ADMINISTRATOR = "admin"
_SHEET = "sign-in.txt"
_UNFINISHED = "unfinished"  # in data/ while the sample data is being loaded


class DemoFolderTaken(KartotekaError):
    """The folder holds something that is not a demo."""


def demo(
    port: PortOption = 8000,
    data: Annotated[
        Path, typer.Option(help="Folder of the app; made on the first start, used again later.")
    ] = Path("demo"),
    host: HostOption = "127.0.0.1",
) -> None:
    """Make an app with sample data from every installed plugin, and serve it."""
    sheet = data / _SHEET
    if not sheet.is_file():
        _make(data, sheet)
    elif have_changed(data):
        with remarks.status("The metadata changed; publishing …"):
            asyncio.run(_publish(data))

    def announce(address: str) -> None:
        answers.print(f"\nThe demo is at {address} (Ctrl+C stops it)\n")
        answers.print(read_sheet(sheet))
        answers.print(f"Also in {sheet}; whoever can read that file can sign in.")

    run_server(data, host=host, port=port, announce=announce)


def _make(folder: Path, sheet: Path) -> None:
    unfinished = folder / "data" / _UNFINISHED
    if unfinished.is_file():
        remarks.print("An earlier start was interrupted; beginning again.")
        shutil.rmtree(folder)
    if folder.is_dir() and any(folder.iterdir()):
        raise DemoFolderTaken(
            f'"{folder}" holds something that is no demo; `--data` chooses another folder'
        )
    write_app(
        folder,
        name="demo",
        label="Alpine Ski House",
        plugins=[plugin.name for plugin in discover_plugins()],
        prefix="demo",
    )
    unfinished.parent.mkdir(exist_ok=True)
    unfinished.touch()
    entries = asyncio.run(_build(folder))
    write_sheet(sheet, entries)
    unfinished.unlink()


async def _publish(folder: Path) -> None:
    registry = load_app_folder(folder).registry()
    async with opened_app(folder) as parts:
        await publish_app(parts, registry)
    remember(folder)


async def _build(folder: Path) -> list[SheetEntry]:
    with _progress() as progress:
        task = progress.add_task("Checking and publishing the metadata", total=None)

        def report(done: int, total: int, text: str) -> None:
            progress.update(task, completed=done, total=total, description=text.capitalize())

        await _publish(folder)
        async with opened_app(folder) as parts:
            return await _load(parts, report)


async def _load(parts: RuntimeParts, report: Callable[[int, int, str], None]) -> list[SheetEntry]:
    await refresh(parts.database, parts.live_registry)
    loading = SampleDataLoading(parts, date.today(), report)
    registry = loading.registry
    all_powerful = [role.name for role in registry.roles.values() if role.grants_all]
    admin = await add_user(
        parts.records,
        user_name=ADMINISTRATOR,
        first_name="Demo",
        last_name="Administrator",
        roles=(),
    )
    await loading.let_sign_in(admin, roles=all_powerful)
    manager = plugin_manager(parts.app_folder.plugins)
    for sample in reversed(manager.hook.sample_data()):  # the last registered one answers first
        await sample.load(loading)
    return await loading.sign_in_sheet()


def _progress() -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=remarks, transient=True)
