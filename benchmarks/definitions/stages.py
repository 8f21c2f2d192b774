"""What is measured, each stage in a process of its own (``… benchmarks.definitions.stages``).

A stage prints one JSON line a measurement: name, processor seconds, seconds on the clock.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psutil

from benchmarks.definitions.large_app import LargeApp, write_large_app
from benchmarks.http_client import HttpConnection, Request
from benchmarks.kartoteka_app import publish, sign_in
from benchmarks.servers import Server
from kartoteka.registry import Registry
from kartoteka.workspace import Workspace
from kartoteka_runtime.app import build_parts, publish_app
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.checked_app import checked_registry
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.settings import Settings


@contextmanager
def measured(name: str) -> Iterator[None]:
    """Print what the block took."""
    started = time.process_time(), time.perf_counter()
    yield
    taken = time.process_time() - started[0], time.perf_counter() - started[1]
    print(json.dumps({"name": name, "cpu": taken[0], "wall": taken[1]}), flush=True)


def check(app: LargeApp) -> None:
    """Measure a check in a process that has just started."""
    with measured("check + assemble"):
        load_app_folder(app.folder).registry()


def workspace(app: LargeApp) -> None:
    """Measure checks again after small edits, which are taken back."""
    folder = load_app_folder(app.folder)
    hooks = folder.hooks()
    kept = Workspace(
        folder.bundle_folders,
        command_handlers=frozenset(hooks.command_handlers),
        panels=frozenset(hooks.panels),
        languages=folder.languages,
        base_language=folder.base_language,
    )
    with measured("first check of a workspace"):
        kept.assemble()
    with measured("… again, nothing changed"):
        kept.assemble()
    number = app.entities // 2
    edits = (
        ("… after adding a field", app.entity_file(number), "fields:\n",
         "fields:\n  - name: added\n    type: text\n    label: { en: Added }\n"),
        ("… after changing a label", app.labels_file(number), "label: Rodzaj", "label: Typ"),
        ("… after changing a form", app.form_file(number), "columns: 2", "columns: 1"),
    )  # fmt: skip
    for name, path, before, after in edits:
        text = path.read_text("utf-8")
        path.write_text(text.replace(before, after, 1), "utf-8")
        try:
            with measured(name):
                kept.assemble()
        finally:
            path.write_text(text, "utf-8")


def publish_first(app: LargeApp) -> None:
    """Publish the app into the database that the environment names, unless it has been."""
    with measured("first publish"):
        _publish(app, times=1)


def publish_again(app: LargeApp) -> None:
    """Measure a check and a publish that finds nothing to do."""
    _publish(app, times=0)


def _publish(app: LargeApp, *, times: int) -> None:
    parts = build_parts(Settings.load(app.folder))
    if times:
        asyncio.run(_published(parts, parts.app_folder.registry()))
        return
    with measured("check + publish, nothing changed"):
        registry = checked_registry(app.folder)
        with measured("… of this publishing"):
            asyncio.run(_published(parts, registry))


async def _published(parts: RuntimeParts, registry: Registry) -> None:
    await parts.database.open()
    try:
        await publish_app(parts, registry)
    finally:
        await parts.database.close()


def memory(app: LargeApp) -> None:
    """Measure what a serving process holds once started, and once pages were opened.

    Prints ``{"name", "entities", "opened", "bytes"}``; bytes that it shares with no other process.
    """
    url = Settings.load(app.folder).database_url
    facts = app.folder / "published.json"
    if not facts.is_file() or json.loads(facts.read_text("utf-8")) != [url, app.entities]:
        publish(app.folder, url)
        facts.write_text(json.dumps([url, app.entities]), "utf-8")
    command = [str(Path(sys.executable).with_name("kartoteka")), "serve", str(app.folder)]
    server = Server("Kartoteka", [*command, "--port", "{port}"], {}, app.folder / "serve.log")
    try:
        cookie = {"Cookie": f"kartoteka_session={sign_in(server.port)}"}
        with closing(HttpConnection(server.port)) as connection:

            def open_page(path: str) -> None:
                answer = connection.send(Request("GET", path, cookie).encoded())
                if answer.status != 200:
                    raise SystemExit(f"{path} was answered with {answer.status}")

            open_page("/e/account")
            open_page("/e/account/new")
            _print_memory(server, app.entities, 0)
            opened = app.names[:50]
            for name in opened:
                open_page(f"/e/{name}")
                open_page(f"/e/{name}/new")
            _print_memory(server, app.entities, len(opened))
    finally:
        server.stop()


def _print_memory(server: Server, entities: int, opened: int) -> None:
    processes = [server.process, *server.process.children(recursive=True)]
    held = sum(psutil.Process(one.pid).memory_full_info().uss for one in processes)
    found = {"name": "memory", "entities": entities, "opened": opened, "bytes": held}
    print(json.dumps(found), flush=True)


STAGES: Mapping[str, Callable[[LargeApp], None]] = {
    "check": check,
    "workspace": workspace,
    "publish_first": publish_first,
    "publish_again": publish_again,
    "memory": memory,
}


if __name__ == "__main__":
    _stage, _folder, _entities, _fields = sys.argv[1:]
    STAGES[_stage](write_large_app(Path(_folder), entities=int(_entities), fields=int(_fields)))
