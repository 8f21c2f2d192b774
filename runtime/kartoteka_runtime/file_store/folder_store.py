"""FolderStore: files in a folder of this machine, or one that several machines share.

Each is written under another name first, brought to the disk, and then renamed: what can be read is
complete, also after a power cut.
"""

from __future__ import annotations

import os
import shutil
import uuid
from asyncio import to_thread
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import BinaryIO

from kartoteka_runtime.file_store.file_store import (
    BLOCK_BYTES,
    ContentMissing,
    StoreUnavailable,
    checked,
)

_UNFINISHED = "unfinished"


class FolderStore:
    """Keeps files below ``folder``, in folders of their own by the first letters of their names."""

    def __init__(self, folder: Path) -> None:
        """Keep files below ``folder``; it is made when the first one comes."""
        self._folder = folder

    async def open(self) -> None:
        """Do nothing: an app without files needs no folder."""

    async def put(self, name: str, content: AsyncIterator[bytes]) -> int:
        """Keep what ``content`` yields and return how many bytes that is."""
        path, unfinished = self._path(name), self._unfinished()
        size, waiting = 0, bytearray()
        try:
            with await to_thread(_create, unfinished) as file:
                async for block in content:
                    size += len(block)
                    waiting += block
                    if len(waiting) >= BLOCK_BYTES:
                        await to_thread(file.write, bytes(waiting))
                        waiting.clear()
                await to_thread(_finish, file, bytes(waiting), unfinished, path)
        except OSError as error:
            raise _unavailable(error) from error
        finally:
            unfinished.unlink(missing_ok=True)
        return size

    async def join(self, name: str, pieces: Sequence[str]) -> int:
        """Keep under a name what lies under others, one after the other; these go."""
        path, unfinished = self._path(name), self._unfinished()
        try:
            return await to_thread(_join, path, unfinished, [self._path(piece) for piece in pieces])
        except FileNotFoundError as error:
            raise ContentMissing(str(error.filename or name)) from error
        except OSError as error:
            raise _unavailable(error) from error
        finally:
            unfinished.unlink(missing_ok=True)

    async def read(
        self, name: str, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` on, as many as there are up to ``length``."""
        try:
            file = await to_thread(self._path(name).open, "rb")
        except FileNotFoundError as error:
            raise ContentMissing(name) from error
        except OSError as error:
            raise _unavailable(error) from error
        with file:
            file.seek(start)
            left = length
            while left is None or left > 0:
                wanted = BLOCK_BYTES if left is None else min(left, BLOCK_BYTES)
                block = await to_thread(file.read, wanted)
                if not block:
                    return
                if left is not None:
                    left -= len(block)
                yield block

    async def remove(self, names: Sequence[str]) -> None:
        """Remove what lies under names; what is not there is left out."""
        try:
            for name in names:
                await to_thread(self._path(name).unlink, missing_ok=True)
        except OSError as error:
            raise _unavailable(error) from error

    def _path(self, name: str) -> Path:
        return self._folder / checked(name)[:2] / name

    def _unfinished(self) -> Path:
        return self._folder / _UNFINISHED / uuid.uuid4().hex


def _create(path: Path) -> BinaryIO:
    _make_folder(path.parent)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _finish(file: BinaryIO, rest: bytes, unfinished: Path, path: Path) -> None:
    file.write(rest)
    file.flush()
    os.fsync(file.fileno())
    _make_folder(path.parent)
    os.replace(unfinished, path)
    _bring_to_disk(path.parent)


def _join(path: Path, unfinished: Path, pieces: Sequence[Path]) -> int:
    with _create(unfinished) as file:
        for piece in pieces:
            with piece.open("rb") as source:
                shutil.copyfileobj(source, file, BLOCK_BYTES)
        size = file.tell()
        _finish(file, b"", unfinished, path)
    for piece in pieces:
        piece.unlink(missing_ok=True)
    return size


def _make_folder(folder: Path) -> None:
    """Make a folder that is its owner's alone, as the records are."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _bring_to_disk(folder.parent)


def _bring_to_disk(folder: Path) -> None:
    """Have what was renamed in a folder still be there after a power cut."""
    if os.name == "nt":  # which has no such thing
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(error: OSError) -> StoreUnavailable:
    return StoreUnavailable(f"files cannot be kept or read: {error.strerror or error}")
