"""The first line of a metadata file: where an editor finds the schema of its kind."""

from __future__ import annotations

import os
import re
from pathlib import Path

BEGIN = "# yaml-language-server:"
_LINE = re.compile(rf"{BEGIN} \$schema=(?P<folder>\S*?)[^/\s]+\.schema\.json\s*$")


def schema_line(kind: str, path: Path, bundle_folder: Path) -> str:
    """Return the line with its line end, or "" when no file of the bundle has one.

    Args:
        kind: The document's kind.
        path: The file in which the line will stand.
        bundle_folder: Its bundle; the schemas lie where its other files say.
    """
    for other in sorted(bundle_folder.rglob("*.yaml")):
        if (found := _LINE.match(_first_line(other))) is None:
            continue
        if "://" in found["folder"]:
            return f"{BEGIN} $schema={found['folder']}{kind}.schema.json\n"
        schemas = os.path.normpath(other.parent / found["folder"])
        folder = Path(os.path.relpath(schemas, path.parent)).as_posix()
        return f"{BEGIN} $schema={folder}/{kind}.schema.json\n"
    return ""


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", errors="replace") as file:
            return file.readline()
    except OSError:
        return ""
