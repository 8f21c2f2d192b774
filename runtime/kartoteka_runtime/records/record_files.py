"""RecordFiles: files and images of records, with the rights of their record and column.

Bytes are kept first and named by the record then, in one short transaction: nobody sees half a
file, and no transaction waits for somebody who sends slowly. Decision: docs/decisions/0048.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import uuid4

from kartoteka.errors import RecordConflict, RecordInvalid, RecordNotFound, Violation
from kartoteka.model.field import FILE_NAME, Field
from kartoteka_runtime.file_store.file_store import FileStore, StoreUnavailable
from kartoteka_runtime.records.content_fields import NOTE, NOTE_FILE
from kartoteka_runtime.records.guarded_content import FilePlace, FileRules, Guarded
from kartoteka_runtime.records.pictures import Picture, read_picture
from kartoteka_runtime.security.upload_checks import (
    BLOCKED_EXTENSIONS,
    HEAD_BYTES,
    UploadRefused,
    check_file_name,
)
from kartoteka_runtime.storage.moments import encode_moment
from kartoteka_runtime.storage.record_queries import VERSION
from kartoteka_runtime.storage.stored_files import (
    COMPLETE,
    PENDING,
    StoredFile,
    StoredFiles,
    Thumbnail,
)

if TYPE_CHECKING:
    from kartoteka_runtime.records.acting_records import ActingRecords

_ORGANIZATION = "organization"  # of which there is one, with limits for all files
_ABANDONED = timedelta(hours=24)  # what was begun and not kept by then never will be
_REMOVED_AT_ONCE = 200
_PICTURES_AT_ONCE = 2  # each takes up to 160 MB while it is worked on


class RecordFiles:
    """Reads and writes the files of records; ``most_bytes`` is what no file may be larger than."""

    def __init__(self, store: FileStore, *, most_bytes: int) -> None:
        """Keep bytes in ``store``."""
        self.store = store
        self._most_bytes = most_bytes
        self._pictures = asyncio.Semaphore(_PICTURES_AT_ONCE)

    async def find(self, records: ActingRecords, place: FilePlace) -> StoredFile | None:
        """Return what a field of a record holds, by the name that the record gives it.

        Raises:
            RecordNotFound: There is no such record, or it may not be read.
        """
        record = await records.read_fields(place.entity, place.record_id)
        file_id = record.get(place.field)
        if file_id is None:
            return None
        async with records.reading() as op:
            found = await StoredFiles(op.model.dialect).read(op.connection, [str(file_id)])
        file = found.get(str(file_id))
        name = record.get(f"{place.field}{FILE_NAME}")
        return replace(file, name=str(name)) if file is not None and name else file

    def content(
        self, file: StoredFile, start: int = 0, length: int | None = None
    ) -> AsyncIterator[bytes]:
        """Return the bytes of a file, or some of them.

        Raises:
            StoreUnavailable: They cannot be read.
        """
        return self.store.read(file.id, start, length)

    async def thumbnails(
        self, records: ActingRecords, ids: Sequence[str]
    ) -> Mapping[str, Thumbnail]:
        """Return thumbnails by the ids of images, which come from records that may be read."""
        async with records.reading() as op:
            return await StoredFiles(op.model.dialect).thumbnails(op.connection, ids)

    async def rules(self, records: ActingRecords, place: FilePlace) -> FileRules:
        """Return what a file for a field may be."""
        item = field_of(records, place)
        organization = await self._organization(records)
        most = min((item.max_size_kb or 0) * 1024 or self._most_bytes, self._most_bytes)
        if (place.entity, place.field) == (NOTE, NOTE_FILE):
            most = min(most, organization.get("maxuploadfilesize") or most)
        said = str(organization.get("blockedattachments") or "").lower()
        listed = frozenset(part.strip(" .*\n") for part in said.split(";")) - {""}
        return FileRules(most, frozenset(item.allowed_extensions), listed or BLOCKED_EXTENSIONS)

    async def require_changeable(
        self, records: ActingRecords, place: FilePlace, *, version: int | None = None
    ) -> None:
        """Return when the principal may change what the field holds.

        Raises:
            RecordNotFound: There is no such record, or it may not be read.
            RecordConflict: Another version of it is stored.
            AccessDenied: It may not be changed.
            RecordInvalid: The field or the record is read-only, or the column is secured.
        """
        before = await records.require_changeable(place.entity, place.record_id, place.field)
        if version is not None and before.get(VERSION) != version:
            raise RecordConflict(place.entity, place.record_id, before.get(VERSION) or 0)

    async def require_new(self, records: ActingRecords, place: FilePlace) -> None:
        """Return when the principal may create a record with a file there.

        Raises:
            AccessDenied: Such records may not be created.
            RecordInvalid: The column is secured.
        """
        async with records.reading() as op:
            op.require("create", place.entity)
            if violations := op.columns.refused_new(place.entity, (place.field,)):
                raise RecordInvalid(place.entity, violations)

    async def write(
        self,
        records: ActingRecords,
        place: FilePlace,
        name: str,
        claimed_type: str,
        content: AsyncIterator[bytes],
        *,
        version: int | None = None,
    ) -> None:
        """Let a field hold what ``content`` yields; what it held before is removed.

        Raises:
            RecordInvalid: The file is refused, or the change of the record.
        """
        await self.require_changeable(records, place, version=version)
        file = await self.stage(records, place, name, claimed_type, content)
        try:
            await records.update(
                place.entity, place.record_id, {place.field: file.id}, version=version
            )
        except Exception:
            await self.discard(records, file)
            raise

    async def stage(
        self,
        records: ActingRecords,
        place: FilePlace,
        name: str,
        claimed_type: str,
        content: AsyncIterator[bytes],
    ) -> StoredFile:
        """Keep a file that its record is about to name.

        Raises:
            RecordInvalid: It is refused.
        """
        rules = await self.rules(records, place)
        file = await self.await_file(records, place, name, rules)
        try:
            return await self._receive(records, place, file, rules, claimed_type, content)
        except Exception:
            await self.discard(records, file)
            raise

    async def await_file(
        self, records: ActingRecords, place: FilePlace, name: str, rules: FileRules
    ) -> StoredFile:
        """Write down that a file is about to come, so that its bytes are never forgotten."""
        item = field_of(records, place)
        try:
            name = check_file_name(name or item.name, blocked_extensions=rules.blocked)
        except UploadRefused as refused:
            raise self.refusal(place, refused) from refused
        file = StoredFile(
            str(uuid4()), place.entity, place.record_id, place.field, name, "", 0, PENDING,
            records.principal.user_id, encode_moment(datetime.now(UTC)),
        )  # fmt: skip
        async with records.transaction() as inside:
            op = inside.operation
            await StoredFiles(op.model.dialect).add(op.connection, file)
            op.undo.append(lambda: self.store.remove([file.id]))
        return file

    async def _receive(
        self,
        records: ActingRecords,
        place: FilePlace,
        file: StoredFile,
        rules: FileRules,
        claimed_type: str,
        content: AsyncIterator[bytes],
    ) -> StoredFile:
        """Keep the bytes of a file that is awaited, and note that they are there."""
        guarded = Guarded(place, file.name, rules, content)
        is_image = field_of(records, place).type == "image"
        if is_image:
            picture = await self._picture(place, file.name, await guarded.whole())
            kept = picture.content if field_of(records, place).full_image else picture.small
            stem = file.name.rpartition(".")[0] or file.name
            name, media_type = f"{stem[:250]}.{picture.extension}", picture.media_type
            size = await self.store.put(file.id, _one(kept))
        else:
            try:
                size = await self.store.put(file.id, guarded.checked(claimed_type))
            except Exception:
                if guarded.failure is not None:  # a store may wrap what its source raised
                    raise guarded.failure from None
                raise
            name, media_type = guarded.name, guarded.media_type
        async with records.transaction() as inside:
            op = inside.operation
            files = StoredFiles(op.model.dialect)
            if is_image:
                await files.add_thumbnail(op.connection, file.id, picture.thumbnail)
            if not await files.complete(
                op.connection, file.id, name=name, media_type=media_type, size=size
            ):
                raise RecordNotFound(place.entity, file.id)
        return replace(file, name=name, media_type=media_type, size=size, state=COMPLETE)

    async def receive_pieces(
        self,
        records: ActingRecords,
        place: FilePlace,
        file: StoredFile,
        claimed_type: str,
        pieces: Sequence[str],
    ) -> StoredFile:
        """Put together a file whose pieces are all there; they go.

        Raises:
            RecordInvalid: It is refused.
        """
        rules = await self.rules(records, place)
        if field_of(records, place).type == "image":
            done = await self._receive(
                records, place, file, rules, claimed_type, self._all_of(pieces)
            )
            await self.store.remove(pieces)
            return done
        guarded = Guarded(place, file.name, rules, _one(b""))
        guarded.check(claimed_type, await self._head_of(pieces))
        size = await self.store.join(file.id, pieces)
        async with records.transaction() as inside:
            op = inside.operation
            if not await StoredFiles(op.model.dialect).complete(
                op.connection, file.id, name=guarded.name, media_type=guarded.media_type, size=size
            ):
                raise RecordNotFound(place.entity, file.id)
        return replace(
            file, name=guarded.name, media_type=guarded.media_type, size=size, state=COMPLETE
        )

    async def _head_of(self, pieces: Sequence[str]) -> bytes:
        """Return the first bytes of a file, which may be in several small pieces of it."""
        head = bytearray()
        for piece in pieces:
            async for block in self.store.read(piece, 0, HEAD_BYTES - len(head)):
                head += block
            if len(head) >= HEAD_BYTES:
                break
        return bytes(head)

    async def _all_of(self, pieces: Sequence[str]) -> AsyncIterator[bytes]:
        for piece in pieces:
            async for block in self.store.read(piece):
                yield block

    async def _picture(self, place: FilePlace, name: str, content: bytes) -> Picture:
        try:
            async with self._pictures:
                return await asyncio.to_thread(read_picture, content, name)
        except UploadRefused as refused:
            raise self.refusal(place, refused) from refused

    async def discard(self, records: ActingRecords, file: StoredFile) -> None:
        """Remove a file that no record came to name; what cannot be removed now is removed later.

        Inside a transaction that fails it goes with it. One that a record names by now stays.
        """
        if records.open_operation is not None:
            return
        async with records.transaction() as inside:
            op = inside.operation
            is_unnamed = await StoredFiles(op.model.dialect).give_up(op.connection, file.id)
        if is_unnamed:
            await self.remove_unnamed(records, only=[file.id])

    async def remove_unnamed(
        self, records: ActingRecords, *, only: Sequence[str] | None = None
    ) -> int:
        """Remove the bytes of files that nobody names, and what is known of them.

        Returns:
            How many there were, at most some hundred.
        """
        async with records.reading() as op:
            files = StoredFiles(op.model.dialect)
            ids = only or await files.removed(op.connection, most=_REMOVED_AT_ONCE)
            pieces = await files.pieces_of(op.connection, ids) if ids else []
        if not ids:
            return 0
        try:
            await self.store.remove([*ids, *(f"{file_id}.{start}" for file_id, start in pieces)])
        except StoreUnavailable:
            if only is None:
                raise
            return 0  # a job will
        async with records.transaction() as inside:
            op = inside.operation
            await StoredFiles(op.model.dialect).forget(op.connection, ids)
        return len(ids)

    async def retire_abandoned(self, records: ActingRecords) -> int:
        """Note that nobody will name what was begun long ago; return how many files that were."""
        before = datetime.now(UTC) - _ABANDONED
        async with records.transaction() as inside:
            op = inside.operation
            files = StoredFiles(op.model.dialect)
            await files.forget_uploads(op.connection, before)
            return await files.retire_abandoned(op.connection, before)

    def refusal(self, place: FilePlace, refused: UploadRefused) -> RecordInvalid:
        """Return what a refused file means for its record."""
        return RecordInvalid(
            place.entity, [Violation(place.field, refused.code, dict(refused.params))]
        )

    async def _organization(self, records: ActingRecords) -> Mapping[str, Any]:
        entity = records.model.registry.entities.get(_ORGANIZATION)
        names = ("maxuploadfilesize", "blockedattachments")
        if entity is None or not set(names) <= entity.field_by_name.keys():
            return {}
        rows = await records.as_system().list(_ORGANIZATION, fields=names, limit=1)
        return rows[0] if rows else {}


def field_of(records: ActingRecords, place: FilePlace) -> Field:
    """Return the field of a place.

    Raises:
        RecordNotFound: There is no such file or image.
    """
    entity = records.model.registry.entities.get(place.entity)
    item = entity.field_by_name.get(place.field) if entity is not None else None
    if item is None or not item.is_file:
        raise RecordNotFound(place.entity, place.field)
    return item


def disposition(name: str) -> str:
    """Return the header that has a browser save a file under its name. Source: RFC 6266."""
    plain = re.sub(r"[^A-Za-z0-9._ ()-]", "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
