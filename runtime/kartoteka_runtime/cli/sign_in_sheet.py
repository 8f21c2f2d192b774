"""The sheet with the ways to sign in to a demo: printed at every start, kept in a private file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SheetEntry:
    """One user who may sign in; ``roles`` are labels of security roles."""

    user_name: str
    password: str
    name: str
    roles: tuple[str, ...]


def write_sheet(path: Path, entries: Sequence[SheetEntry]) -> None:
    """Write the sheet so that only its owner can read it."""
    rows = [("user", "password", "name", "roles")]
    rows += [(item.user_name, item.password, item.name, ", ".join(item.roles)) for item in entries]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)).rstrip()
        for row in rows
    ]
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def read_sheet(path: Path) -> str:
    """Return the sheet as it is printed."""
    return path.read_text(encoding="utf-8")
