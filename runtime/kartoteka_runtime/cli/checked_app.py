"""The checked registry of an app's files, for one command."""

from __future__ import annotations

import gc
from pathlib import Path

from kartoteka.registry import Registry
from kartoteka_runtime.app_folder import load_app_folder


def checked_registry(app: Path) -> Registry:
    """Return what the files of an app mean.

    Raises:
        AppFolderError: The folder is no app.
        MetadataError: The metadata has mistakes; all of them are listed.
    """
    registry = load_app_folder(app).registry()
    gc.freeze()  # it lives as long as the command does; looking through it costs seconds
    return registry
