"""Changes of an app's files: tried on a copy first, then written all or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kartoteka.errors import KartotekaError, MetadataError
from kartoteka.registry import Registry
from kartoteka_runtime.app_folder import load_app_folder


class FilesNotWritten(KartotekaError):
    """A file could not be written; all of them are as they were."""


@dataclass(frozen=True, slots=True)
class FileChange:
    """What a file is to hold; it moves when ``new_path`` is another than ``path``."""

    path: Path
    new_path: Path
    text: str


def registry_with(app: Path, changes: Sequence[FileChange]) -> Registry:
    """Return what an app would be with its files changed; writes nothing into it.

    Raises:
        MetadataError: It would have mistakes; places are those of the app's files.
    """
    with tempfile.TemporaryDirectory(prefix="kartoteka-") as name:
        copy = Path(name).resolve() / "app"
        copy.mkdir()
        shutil.copyfile(app / "kartoteka.yaml", copy / "kartoteka.yaml")
        shutil.copytree(app / "metadata", copy / "metadata")
        for change in changes:
            (copy / change.path.relative_to(app)).unlink(missing_ok=True)
        for change in changes:
            _write(copy / change.new_path.relative_to(app), change.text)
        try:
            return load_app_folder(copy).registry()
        except MetadataError as error:
            raise MetadataError(
                replace(
                    found,
                    location=replace(
                        found.location, file=found.location.file.replace(str(copy), str(app))
                    ),
                )
                for found in error.diagnostics
            ) from None


def write_changes(changes: Sequence[FileChange]) -> None:
    """Write all changes; a file is never half written, and a failure undoes what was done.

    Raises:
        FilesNotWritten: A file could not be written.
    """
    paths = {path for change in changes for path in (change.path, change.new_path)}
    before = {path: _kept(path) for path in paths}
    current = changes[0].new_path if changes else Path()
    try:
        for change in changes:
            current = change.new_path
            _write_beside(change)
        for change in changes:
            current = change.new_path
            os.replace(_beside(change), change.new_path)
            if change.path != change.new_path:
                change.path.unlink(missing_ok=True)
    except OSError as error:
        for change in changes:
            _beside(change).unlink(missing_ok=True)
        for path, kept in before.items():
            _restore(path, kept)
        reason = error.strerror or type(error).__name__
        raise FilesNotWritten(f"{current} cannot be written: {reason}") from error


def _beside(change: FileChange) -> Path:
    """Return where a text waits until all are written: a name that nobody reads."""
    return change.new_path.with_name(f".{change.new_path.name}.new")


def _write_beside(change: FileChange) -> None:
    change.new_path.parent.mkdir(parents=True, exist_ok=True)
    with _beside(change).open("w", encoding="utf-8", newline="") as file:
        file.write(change.text)
        file.flush()
        os.fsync(file.fileno())
    if change.path.exists():
        shutil.copymode(change.path, _beside(change))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="")


def _kept(path: Path) -> tuple[bytes, int] | None:
    """Return what a file holds and who may do what with it, None when there is none."""
    return (path.read_bytes(), path.stat().st_mode) if path.is_file() else None


def _restore(path: Path, kept: tuple[bytes, int] | None) -> None:
    if _kept(path) == kept:
        return
    if kept is None:
        path.unlink(missing_ok=True)
    else:
        path.write_bytes(kept[0])
        path.chmod(kept[1])
