"""``store_for``: the store that the operator's settings name."""

from __future__ import annotations

from kartoteka_runtime.file_store.file_store import FileStore
from kartoteka_runtime.file_store.folder_store import FolderStore
from kartoteka_runtime.settings import FileSettings, SettingsError


def store_for(settings: FileSettings) -> FileStore:
    """Return the place where files are kept.

    Raises:
        SettingsError: It is S3, and the library for that is not installed.
    """
    if settings.s3 is None:
        return FolderStore(settings.folder)
    try:
        from kartoteka_runtime.file_store.s3_store import S3Store  # an optional part
    except ModuleNotFoundError as missing:
        raise SettingsError(
            f"files in S3 need {missing.name}: pip install 'kartoteka[s3]'"
        ) from missing
    return S3Store(settings.s3)
