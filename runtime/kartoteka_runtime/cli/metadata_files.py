"""Whether an app's metadata files are still those that were published, without reading them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kartoteka_runtime.app_folder import load_app_folder

_REMEMBERED = Path("data/published-files")


def have_changed(folder: Path) -> bool:
    """Return whether a file was added, removed or written since ``remember``."""
    remembered = folder / _REMEMBERED
    return not remembered.is_file() or remembered.read_text(encoding="ascii") != _state(folder)


def remember(folder: Path) -> None:
    """Note how the files are now: they have been published."""
    (folder / _REMEMBERED).write_text(_state(folder), encoding="ascii")


def _state(folder: Path) -> str:
    digest = hashlib.sha256((folder / "kartoteka.yaml").read_bytes())
    for bundle in load_app_folder(folder).bundle_folders:
        for file in sorted(bundle.rglob("*.yaml")):
            facts = file.stat()
            digest.update(f"{file}:{facts.st_size}:{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()
