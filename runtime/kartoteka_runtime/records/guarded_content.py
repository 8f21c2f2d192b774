"""Guarded: what somebody sends for a field of a record, held to what files there may be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from kartoteka.errors import RecordInvalid, Violation
from kartoteka_runtime.security.upload_checks import HEAD_BYTES, UploadRefused, check_upload


@dataclass(frozen=True, slots=True)
class FilePlace:
    """The field of a record that a file is for; ``record_id`` may be empty before there is one."""

    entity: str
    record_id: str
    field: str


@dataclass(frozen=True, slots=True)
class FileRules:
    """What a file for one field may be: its bytes, and what its name may end in."""

    most_bytes: int
    allowed: frozenset[str]
    blocked: frozenset[str]


class Guarded:
    """What somebody sends, cut off where it is too large, and looked at as it begins."""

    def __init__(
        self, place: FilePlace, name: str, rules: FileRules, content: AsyncIterator[bytes]
    ) -> None:
        """Hold ``content`` to ``rules``; ``name`` is what the file is called."""
        self._place = place
        self._rules = rules
        self._content = content
        self.name = name
        self.media_type = ""
        self.failure: Exception | None = None

    async def checked(self, claimed_type: str) -> AsyncIterator[bytes]:
        """Yield the bytes, the first ones when they are known to be what they are said to be."""
        try:
            head, is_checked = bytearray(), False
            async for block in self._limited():
                if is_checked:
                    yield block
                    continue
                head += block
                if len(head) >= HEAD_BYTES:
                    self.check(claimed_type, bytes(head[:HEAD_BYTES]))
                    is_checked = True
                    yield bytes(head)
            if not is_checked:
                self.check(claimed_type, bytes(head))
                yield bytes(head)
        except Exception as error:
            self.failure = error
            raise

    def check(self, claimed_type: str, head: bytes) -> None:
        """Look at the name, what the sender says and the first bytes.

        Raises:
            RecordInvalid: They do not go together, or such files are not kept.
        """
        try:
            found = check_upload(
                self.name, claimed_type, head,
                blocked_extensions=self._rules.blocked, allowed_extensions=self._rules.allowed,
            )  # fmt: skip
        except UploadRefused as refused:
            raise self._refused(refused.code, **refused.params) from refused
        self.name, self.media_type = found.file_name, found.media_type

    async def whole(self) -> bytes:
        """Return all of it."""
        found = bytearray()
        async for block in self._limited():
            found += block
        return bytes(found)

    async def _limited(self) -> AsyncIterator[bytes]:
        size = 0
        async for block in self._content:
            size += len(block)
            if size > self._rules.most_bytes:
                raise self._refused(
                    "upload.too_large", name=self.name, size=size_text(self._rules.most_bytes)
                )
            if block:
                yield block

    def _refused(self, code: str, **params: str) -> RecordInvalid:
        return RecordInvalid(self._place.entity, [Violation(self._place.field, code, params)])


def size_text(size: int) -> str:
    """Return a number of bytes as people read it, in whole units where it is one."""
    for unit, bytes_of_it in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
        if size >= bytes_of_it:
            number = size / bytes_of_it
            return f"{number:.0f} {unit}" if number >= 10 or number.is_integer() else (
                f"{number:.1f} {unit}"
            )  # fmt: skip
    return f"{size} B"
