"""``python -m benchmarks.definitions``: prints what a large app's definitions cost.

Numbers are those of this machine; nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.run import ENGINES, database

_FOLDER = Path("build/benchmark/definitions")
_FEW = 50  # entities of the app that the large one is compared with
_TARGETS = {  # seconds on the clock; those of the project's plan
    "check + assemble": 6.0,
    "… of this publishing": 2.0,
    "… after adding a field": 1.0,
    "… after changing a label": 1.0,
    "… after changing a form": 1.0,
}
_TARGET_MEMORY = 150  # KB an entity


def main() -> None:
    """Measure what the command line asks for."""
    asked = _arguments()
    print(f"{asked.entities:,} entities with {asked.fields} fields each\n")
    print(f"{'':44}{'CPU s':>9}{'seconds':>10}{'target':>10}")
    large = asked.data / f"app_{asked.entities}"
    for stage in ("check", "workspace"):
        _print_seconds(_run(stage, large, asked.entities, asked, ""))
    for engine in asked.engine or ENGINES[:1]:
        with ExitStack() as stack:
            url, _ = database(engine, large.with_name(f"{large.name}_{engine}"), stack)
            print(f"\n{engine}")
            first = _run("publish_first", large, asked.entities, asked, url)
            again = _run("publish_again", large, asked.entities, asked, url)
            _print_seconds([*first, *again])
    if not asked.no_memory:
        _print_memory(asked)


def _print_seconds(found: list[dict[str, Any]]) -> None:
    for item in sorted(found, key=lambda item: item["name"].startswith("…")):
        target = _TARGETS.get(item["name"])
        aim = f"{target:.1f}" if target else ""
        print(f"{item['name']:44}{item['cpu']:>9.2f}{item['wall']:>10.2f}{aim:>10}")


def _print_memory(asked: argparse.Namespace) -> None:
    """Compare servers of a small and the large app, each on SQLite, idle and after opening some."""
    held: dict[tuple[int, bool], int] = {}
    opened = 0
    for entities in (_FEW, asked.entities):
        folder = asked.data / f"served_{entities}"
        for item in _run("memory", folder, entities, asked, ""):
            opened = max(opened, item["opened"])
            held[entities, item["opened"] > 0] = item["bytes"]
    grown = (held[asked.entities, False] - held[_FEW, False]) / (asked.entities - _FEW) / 1024
    used = (held[asked.entities, True] - held[asked.entities, False]) / max(1, opened) / 1024
    print(f"\n{'memory of a serving process':44}{'KB':>9}{'':>10}{'target':>10}")
    print(f"{'an entity more':44}{grown:>9.0f}{'':>10}{_TARGET_MEMORY:>10}")
    print(f"{'… whose list and form were opened, besides':44}{used:>9.0f}")
    print(f"{f'all of it with {asked.entities:,} entities':44}"
          f"{held[asked.entities, False] / 1024:>9,.0f}")  # fmt: skip


def _run(
    stage: str, folder: Path, entities: int, asked: argparse.Namespace, url: str
) -> list[dict[str, Any]]:
    """Return what a stage measured in a process of its own."""
    environment = {**os.environ, **({"KARTOTEKA_DATABASE_URL": url} if url else {})}
    command = [sys.executable, "-m", "benchmarks.definitions.stages", stage, str(folder)]
    done = subprocess.run(
        [*command, str(entities), str(asked.fields)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{stage}:\n{done.stdout}{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.definitions", description=__doc__)
    parser.add_argument("--entities", type=int, default=1000)
    parser.add_argument("--fields", type=int, default=40)
    parser.add_argument("--engine", action="append", choices=ENGINES, help="default: sqlite")
    parser.add_argument("--no-memory", action="store_true", help="leave the servers out")
    parser.add_argument("--data", type=Path, default=_FOLDER, help="kept for the next run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
