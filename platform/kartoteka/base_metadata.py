"""Where the base bundle lies: beside the sources in a checkout, inside the package in a wheel."""

from __future__ import annotations

from pathlib import Path


def base_folder() -> Path:
    """Return the folder of the base bundle."""
    package = Path(__file__).resolve().parent
    packaged = package / "_metadata"
    return packaged if packaged.is_dir() else package.parent.parent / "metadata"
