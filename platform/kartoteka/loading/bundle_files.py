"""Which files a bundle folder holds, and what tells whether one of them has changed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from kartoteka.diagnostics import Diagnostic, Diagnostics
from kartoteka.loading.positioned import Mark


@dataclass(frozen=True, slots=True)
class BundleFile:
    """One file to be read; ``shown_as`` is its name in diagnostics.

    ``version`` is changed by whatever changes the file: time of change (ns), size (bytes), inode.
    It is None when that could not be told.
    """

    path: str
    shown_as: str
    version: tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class BundleFiles:
    """The files of one folder, those of the folder itself before those of folders in it."""

    shown_as: str
    files: tuple[BundleFile, ...]
    diagnostics: tuple[Diagnostic, ...] = ()


def find_files(folder: Path, *, shown_from: Path | None = None) -> BundleFiles:
    """Return the files of a bundle at any depth, by name; hidden ones do not count.

    Args:
        folder: The bundle's folder; that there is none is a diagnostic.
        shown_from: Files are named relative to it where possible; the working folder by default.
    """
    shown_from = (shown_from or Path.cwd()).resolve()
    diagnostics = Diagnostics()
    files: list[BundleFile] = []
    resolved = folder.resolve()
    shown_as = _shown(resolved, shown_from)
    if not folder.is_dir():
        place = Mark(shown_as, 1, 1).location()
        diagnostics.add(place, "bundle/no-folder", "there is no such folder")
        return BundleFiles(shown_as, (), tuple(diagnostics))
    _look_into(resolved, shown_from, files, diagnostics)
    return BundleFiles(shown_as, tuple(files), tuple(diagnostics))


def _look_into(
    folder: Path, shown_from: Path, files: list[BundleFile], diagnostics: Diagnostics
) -> None:
    """Add the files of a folder that is no link, then those of the folders in it."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # it vanished, or may not be read
        return
    shown_folder = _shown(folder, shown_from)
    before = "" if shown_folder == "." else f"{shown_folder}/"
    inner: list[str] = []
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if not entry.is_symlink():
                inner.append(entry.name)
            continue
        stem, ending = os.path.splitext(entry.name)
        if ending.lower() not in (".yml", ".yaml"):
            continue
        # Only a link can lie elsewhere; asking that of every file took as long as reading it.
        is_link = entry.is_symlink()
        shown_as = (
            _shown(Path(entry.path).resolve(), shown_from) if is_link else before + entry.name
        )
        if ending == ".yaml":
            files.append(BundleFile(entry.path, shown_as, _version(entry)))
        else:
            diagnostics.add(
                Mark(shown_as, 1, 1).location(), "bundle/file-ending",
                f'the file ends in "{ending}" and would not be read', f'call it "{stem}.yaml"',
            )  # fmt: skip
    for name in inner:
        _look_into(folder / name, shown_from, files, diagnostics)


def _version(entry: os.DirEntry[str]) -> tuple[int, int, int] | None:
    try:
        found = entry.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _shown(resolved: Path, shown_from: Path) -> str:
    if resolved.is_relative_to(shown_from):
        return resolved.relative_to(shown_from).as_posix()
    return resolved.as_posix()
