"""A text into a file, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from kartoteka.errors import KartotekaError


class FileNotWritten(KartotekaError):
    """A file could not be written; it is as it was. The message says which and why."""


def write_file(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path``, whose folder is made when it is not there.

    The text goes to a file beside it first, which then takes its place: whoever reads meanwhile,
    and whatever fails on the way, finds the old text or the new one. Links and file modes stay.

    Raises:
        FileNotWritten: The disk is full, the folder may not be written to, or the like.
    """
    target = path.resolve()
    beside: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() and not os.access(target, os.W_OK):
            raise PermissionError(13, "Permission denied")
        with tempfile.NamedTemporaryFile(
            dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as file:
            beside = Path(file.name)
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, target.stat().st_mode & 0o7777 if target.exists() else _default_mode())
        os.replace(beside, target)
    except OSError as error:
        if beside is not None:
            beside.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise FileNotWritten(f"{path} cannot be written: {reason}") from error


def _default_mode() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
