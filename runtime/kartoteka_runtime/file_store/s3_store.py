"""S3Store: files in a bucket of any storage that speaks S3, through obstore.

Large ones go up in parts, several at a time, and appear when the last part is there. Whoever breaks
off leaves an upload that the bucket's own rule for unfinished ones ends.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import S3Store as Bucket

from kartoteka_runtime.file_store.file_store import (
    BLOCK_BYTES,
    ContentMissing,
    StoreUnavailable,
    checked,
)
from kartoteka_runtime.settings import S3Settings

_PART_BYTES = 8 * BLOCK_BYTES  # S3 wants 5 MiB at least, and 10,000 parts at most: 80 GiB
_AT_ONCE = 4


class S3Store:
    """Keeps files below a prefix of a bucket."""

    def __init__(self, settings: S3Settings) -> None:
        """Keep them where ``settings`` say; nothing is asked of the server yet."""
        said = {
            "endpoint": settings.endpoint,
            "region": settings.region,
            "access_key_id": settings.access_key,
            "secret_access_key": settings.secret_key,
        }
        self._bucket = Bucket(
            settings.bucket,
            prefix=settings.prefix or None,
            config={name: value for name, value in said.items() if value},  # type: ignore[arg-type]
            client_options={
                "allow_http": settings.endpoint.startswith("http://"),
                "timeout": timedelta(minutes=5),
                "connect_timeout": timedelta(seconds=10),
            },
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
        )

    async def open(self) -> None:
        """Look whether the bucket is there and may be used."""
        try:
            await obstore.list(self._bucket, chunk_size=1).collect_async()
        except BaseError as error:
            raise _unavailable(error) from error

    async def put(self, name: str, content: AsyncIterator[bytes]) -> int:
        """Keep what ``content`` yields and return how many bytes that is."""
        size = 0

        async def counted() -> AsyncIterator[bytes]:
            nonlocal size
            async for block in content:
                size += len(block)
                yield block

        try:
            await obstore.put_async(
                self._bucket, checked(name), counted(), chunk_size=_PART_BYTES,
                max_concurrency=_AT_ONCE,
            )  # fmt: skip
        except BaseError as error:
            raise _unavailable(error) from error
        return size

    async def join(self, name: str, pieces: Sequence[str]) -> int:
        """Keep under a name what lies under others, one after the other; these go."""

        async def all_of_them() -> AsyncIterator[bytes]:
            for piece in pieces:
                async for block in self.read(piece):
                    yield block

        size = await self.put(name, all_of_them())
        await self.remove(pieces)
        return size

    async def read(
        self, name: str, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield the bytes from ``start`` on, as many as there are up to ``length``."""
        if length == 0:
            return
        try:
            if length is not None:
                options: obstore.GetOptions = {"range": (start, start + length)}
            else:
                options = {"range": {"offset": start}} if start else {}
            found = await obstore.get_async(self._bucket, checked(name), options=options)
            async for block in found.stream(min_chunk_size=BLOCK_BYTES):
                yield bytes(block)
        except (NotFoundError, FileNotFoundError) as error:
            raise ContentMissing(name) from error
        except BaseError as error:
            raise _unavailable(error) from error

    async def remove(self, names: Sequence[str]) -> None:
        """Remove what lies under names; what is not there is left out."""
        try:
            for first in range(0, len(names), 1000):  # as many as S3 removes at once
                await obstore.delete_async(
                    self._bucket, [checked(name) for name in names[first : first + 1000]]
                )
        except (NotFoundError, FileNotFoundError):
            return
        except BaseError as error:
            raise _unavailable(error) from error


def _unavailable(error: BaseException) -> StoreUnavailable:
    """Return what is told; the storage's own words, which may name keys, go to nobody."""
    return StoreUnavailable(f"files cannot be kept or read: {type(error).__name__}")
