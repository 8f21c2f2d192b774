"""FileStore: keeps the bytes of files under names of ours, whole or not at all.

A name is ``1234….0`` or the like: letters, digits, hyphens and dots that the platform made up.
What a file is called, whose it is and who may read it, the database knows.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from typing import Protocol

from kartoteka.errors import KartotekaError

BLOCK_BYTES = 1024 * 1024  # what is read and written at a time
_NAME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.[0-9]{1,20})?")


class StoreUnavailable(KartotekaError):
    """The bytes of a file can be neither read nor written now; the message says why."""


class ContentMissing(StoreUnavailable):
    """There is nothing under a name: removed by hand, or another database's folder."""


class FileStore(Protocol):
    """One place for the files of one database."""

    async def open(self) -> None:
        """Make ready for use.

        Raises:
            StoreUnavailable: It cannot be reached or written.
        """

    async def put(self, name: str, content: AsyncIterator[bytes]) -> int:
        """Keep what ``content`` yields and return how many bytes that is.

        Nothing can be read under the name before all of it is there; when ``content`` raises,
        nothing is kept.

        Raises:
            StoreUnavailable: It cannot be written.
        """

    async def join(self, name: str, pieces: Sequence[str]) -> int:
        """Keep under a name what lies under others, one after the other; these go."""

    def read(self, name: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes]:
        """Return the bytes from ``start`` on, as many as there are up to ``length``.

        Raises:
            ContentMissing: There is nothing under the name.
        """

    async def remove(self, names: Sequence[str]) -> None:
        """Remove what lies under names; what is not there is left out."""


def checked(name: str) -> str:
    """Return a name that is of our making, so that it can stand in a path.

    Raises:
        ValueError: It is not.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(name)
    return name
