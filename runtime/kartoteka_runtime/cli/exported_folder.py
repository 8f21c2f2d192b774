"""The folder of an export: written to a new or empty folder, or over an earlier export.

``.kartoteka-export`` lists what an export wrote, with a checksum each. A later one replaces and
removes exactly those files, and only while nobody has changed them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from kartoteka.errors import KartotekaError
from kartoteka.yaml_text.write_file import FileNotWritten, write_file

LIST_FILE = ".kartoteka-export"


class ExportRefused(KartotekaError):
    """The folder holds something that an export would overwrite; nothing was written."""


def write_exported(folder: Path, files: Mapping[str, str]) -> None:
    """Write ``{path: text}`` below a folder, and remove what an earlier export left there.

    Raises:
        ExportRefused: The folder holds other things, or what was exported has been changed.
        FileNotWritten: The disk is full, the folder may not be written to, or the like.
    """
    earlier = _earlier(folder)
    for path, text in files.items():
        _check_untouched(folder / path, earlier.get(path), text)
    gone = [path for path in earlier if path not in files]
    for path in gone:
        _check_untouched(folder / path, earlier[path], "")
    written = {path: _checksum(text.encode()) for path, text in files.items()}
    either = {
        path: f"{earlier[path]},{new}" if path in earlier else new for path, new in written.items()
    }
    _write_list(folder, {**earlier, **either})  # first: a broken-off export can be repeated
    for path, text in files.items():
        if _content(folder / path) != text.encode():
            write_file(folder / path, text)
    for path in gone:
        _remove(folder, folder / path)
    _write_list(folder, written)


def _earlier(folder: Path) -> dict[str, str]:
    """Return ``{path: checksum}`` of an earlier export; empty for a new or empty folder."""
    if folder.exists() and not folder.is_dir():
        raise ExportRefused(f"{folder} is a file; --to needs a folder")
    listed = _content(folder / LIST_FILE)
    if listed is None:
        if folder.is_dir() and any(folder.iterdir()):
            raise ExportRefused(
                f"{folder} holds something that no export wrote; name a new or empty folder"
            )
        return {}
    found: dict[str, str] = {}
    for line in listed.decode("utf-8", "replace").splitlines():
        checksum, _, path = line.partition("  ")
        place = Path(path)
        if not path or place.is_absolute() or ".." in place.parts:
            raise ExportRefused(f"{folder / LIST_FILE} is damaged; name a new or empty folder")
        found[path] = checksum
    return found


def _check_untouched(path: Path, checksum: str | None, text: str) -> None:
    content = _content(path)
    if content is None or content == text.encode():
        return
    if checksum is None:
        raise ExportRefused(f"{path} was not written by an export; it would be overwritten")
    if _checksum(content) not in checksum.split(","):
        raise ExportRefused(f"{path} was changed since it was exported; it would be overwritten")


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ExportRefused(f"{path} cannot be read: {error.strerror}") from error


def _write_list(folder: Path, checksums: Mapping[str, str]) -> None:
    lines = [f"{checksum}  {path}\n" for path, checksum in sorted(checksums.items())]
    write_file(folder / LIST_FILE, "".join(lines))


def _remove(folder: Path, path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
        parent = path.parent
        while parent != folder and not any(parent.iterdir()):
            parent.rmdir()
            parent = parent.parent
    except OSError as error:
        raise FileNotWritten(f"{path} cannot be removed: {error.strerror}") from error


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
