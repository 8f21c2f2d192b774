"""FileUploads: files that come in pieces, over as many requests as it takes.

Each piece is kept by itself. Pieces that say where they stand are put together by the last one;
blocks, which have names, by a list of these. Then the record names the file. A token is all that
ties them: nobody can guess it, and it is of use to who asked for it alone, for that field of that
record, for some hours. Source: reference web-api, section 15; decisions/0057.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from kartoteka.errors import KartotekaError, RecordInvalid, Violation
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.guarded_content import FilePlace, size_text
from kartoteka_runtime.records.record_files import RecordFiles
from kartoteka_runtime.storage.moments import decode_moment
from kartoteka_runtime.storage.stored_files import (
    KEPT,
    PENDING,
    REMOVED,
    StoredFile,
    StoredFiles,
    Upload,
)

PIECE_BYTES = 4 * 1024 * 1024  # Source: reference web-api, section 15
MOST_PIECES = 10_000  # of one file: 40 GB of whole ones
_ASSEMBLING = "The pieces of this file are being put together."
Keep = Callable[[ActingRecords, StoredFile], Awaitable[None]]
"""Lets a record name a file, inside the transaction of the service that it gets."""

_HOURS = timedelta(hours=12)


class UploadGone(KartotekaError):
    """There is no upload of that token, for whoever sends it; it may have expired."""


class PieceRefused(KartotekaError):
    """A piece does not fit those before it; the message says how."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Where a piece stands: from byte ``start`` up to, but not including, ``end`` of ``total``."""

    start: int
    end: int
    total: int

    @property
    def is_last(self) -> bool:
        """Return whether nothing comes after it."""
        return self.end == self.total


class FileUploads:
    """Takes files in pieces."""

    def __init__(self, files: RecordFiles) -> None:
        """Keep them where ``files`` are."""
        self._files = files

    async def begin(
        self,
        records: ActingRecords,
        place: FilePlace,
        name: str,
        claimed_type: str,
        *,
        version: int | None = None,
    ) -> str:
        """Return the token of a new upload; its record may be one that is still to be created.

        Raises:
            RecordInvalid: Such files are not kept, or the record may not be changed so.
        """
        await self._require_allowed(records, place, version=version)
        rules = await self._files.rules(records, place)
        token = secrets.token_urlsafe(32)
        async with records.transaction() as inside:
            file = await self._files.await_file(inside, place, name, rules)
            op = inside.operation
            await StoredFiles(op.model.dialect).begin(
                op.connection, file.id,
                token_hash=_hashed(token), claimed_type=claimed_type[:100],
                expires_on=datetime.now(UTC) + _HOURS,
            )  # fmt: skip
        return token

    async def take(
        self,
        records: ActingRecords,
        place: FilePlace,
        token: str,
        piece: Piece,
        content: AsyncIterator[bytes],
    ) -> bool:
        """Keep a piece; return whether it was the last one, with which the file is there.

        Raises:
            UploadGone: The token is of no use.
            PieceRefused: The piece does not fit.
            RecordInvalid: The file is refused, or the change of the record.
        """
        upload = await self._upload(records, token)
        if _place_of(upload.file) != place:
            raise _gone()
        if upload.is_done:  # some clients send one more, empty; others did not hear the answer
            _require_kept(upload)
            if piece.is_last and piece.total == upload.total:
                return True
            raise PieceRefused("All pieces of this file have come.")
        await self._require_allowed(records, place)
        await self._require_total(records, upload, piece.total)
        if piece.end > piece.start:
            size = piece.end - piece.start
            most = piece.total  # pieces that lie over one another make no file
            await self._require_room(records, upload, piece.start, size, most)
            await self._put(records, upload, piece.start, _exactly(content, size))
        if piece.is_last:
            known = await self._pieces(records, upload)
            reached = _reached(known)
            if reached != piece.total:
                message = f"The pieces before end at byte {reached}; send what is missing."
                raise PieceRefused(message)
            starts = [start for start, _ in known]
            await self._finish(records, upload, upload.file, starts, _name_it)
        return piece.is_last

    async def take_block(
        self, records: ActingRecords, token: str, block_id: str, content: bytes
    ) -> None:
        """Keep a block; one that came before under the same name is replaced.

        Raises:
            UploadGone: The token is of no use.
            PieceRefused: The block is too large, or one too many, or all of them have come.
            RecordInvalid: The file is too large, or the change of the record is refused.
        """
        upload = await self._upload(records, token)
        if upload.is_done:
            raise PieceRefused("All pieces of this file have come.")
        place, start = _place_of(upload.file), _start_of(block_id)
        await self._require_allowed(records, place)
        most = (await self._files.rules(records, place)).most_bytes
        try:
            await self._require_room(records, upload, start, len(content), most)
        except _NoRoom:
            raise _too_large(upload.file, most) from None
        await self._put(records, upload, start, _exactly(_one(content), len(content)))

    async def commit(
        self,
        records: ActingRecords,
        token: str,
        block_ids: Sequence[str],
        *,
        name: str = "",
        claimed_type: str = "",
        place: FilePlace | None = None,
        keep: Keep | None = None,
    ) -> StoredFile:
        """Put blocks together in an order, and return the file; the record names it then.

        Blocks that are not in the list are removed. The same again answers the same.

        Args:
            records: The record service of who began the upload.
            token: What ties the blocks together.
            block_ids: Which blocks the file is made of.
            name: What it is called, if not as was said in the beginning.
            claimed_type: The same of its media type.
            place: Where it is for, with the id of a record that ``keep`` creates.
            keep: Lets the record name it, where more has to be done than that.

        Raises:
            UploadGone: The token is of no use.
            PieceRefused: A block has not come, or is there twice.
            RecordInvalid: The file is refused, or the change of the record.
        """
        upload = await self._upload(records, token)
        own = _place_of(upload.file)
        wanted = place or own
        if not wanted.record_id or own not in (wanted, replace(wanted, record_id="")):
            raise _gone()
        if upload.is_done:
            _require_kept(upload)
            return upload.file
        await self._require_allowed(records, own)
        starts = [_start_of(block_id) for block_id in block_ids]
        known = dict(await self._pieces(records, upload))
        for block_id, start in zip(block_ids, starts, strict=True):
            if start not in known:
                raise PieceRefused(f'The block "{block_id[:100]}" has not come.')
        if len(set(starts)) < len(starts):
            raise PieceRefused("A block is there twice in the list.")
        upload = replace(upload, claimed_type=claimed_type[:100] or upload.claimed_type)
        file = replace(upload.file, name=name or upload.file.name)
        return await self._finish(records, upload, file, starts, keep or _name_it)

    async def _require_allowed(
        self, records: ActingRecords, place: FilePlace, *, version: int | None = None
    ) -> None:
        if place.record_id:
            await self._files.require_changeable(records, place, version=version)
        else:
            await self._files.require_new(records, place)

    async def _upload(self, records: ActingRecords, token: str) -> Upload:
        async with records.reading() as op:
            upload = await StoredFiles(op.model.dialect).upload(op.connection, _hashed(token))
        if upload is None or decode_moment(upload.expires_on) < datetime.now(UTC):
            raise _gone()
        file = upload.file
        is_over = file.state == REMOVED or (file.state != PENDING and not upload.is_done)
        if file.user_id != records.principal.user_id or is_over:
            raise _gone()
        return upload

    async def _require_total(self, records: ActingRecords, upload: Upload, total: int) -> None:
        most = (await self._files.rules(records, _place_of(upload.file))).most_bytes
        if total > most:
            raise _too_large(upload.file, most)
        async with records.transaction() as inside:
            op = inside.operation
            files = StoredFiles(op.model.dialect)
            if not await files.set_total(op.connection, upload.file.id, total):
                raise PieceRefused(f"The pieces before are of a file of {upload.total} bytes.")

    async def _require_room(
        self, records: ActingRecords, upload: Upload, start: int, size: int, most: int
    ) -> None:
        """Return when one more piece may be kept beside those that are there, but for itself."""
        if size > PIECE_BYTES:
            raise PieceRefused(f"A piece has at most {PIECE_BYTES} bytes.")
        others = [kept for at, kept in await self._pieces(records, upload) if at != start]
        if len(others) >= MOST_PIECES:
            raise PieceRefused(f"A file has at most {MOST_PIECES} pieces.")
        if sum(others) + size > most:
            raise _NoRoom(f"The pieces have more than {most} bytes.")

    async def _pieces(self, records: ActingRecords, upload: Upload) -> Sequence[tuple[int, int]]:
        async with records.reading() as op:
            return await StoredFiles(op.model.dialect).pieces(op.connection, upload.file.id)

    async def _put(
        self, records: ActingRecords, upload: Upload, start: int, content: AsyncIterator[bytes]
    ) -> None:
        file_id = upload.file.id
        size = await self._files.store.put(_piece_name(file_id, start), content)
        async with records.transaction() as inside:
            op = inside.operation
            await StoredFiles(op.model.dialect).add_piece(op.connection, file_id, start, size)

    async def _finish(
        self,
        records: ActingRecords,
        upload: Upload,
        file: StoredFile,
        starts: Sequence[int],
        keep: Keep,
    ) -> StoredFile:
        """Put pieces together, and let the record name the file.

        Only one request does: clients send the last piece again that was not answered in time.
        """
        async with records.transaction() as inside:
            op = inside.operation
            if not await StoredFiles(op.model.dialect).end_upload(op.connection, file.id):
                raise PieceRefused(_ASSEMBLING)
        try:
            known = [start for start, _ in await self._pieces(records, upload)]
            left = [_piece_name(file.id, start) for start in set(known) - set(starts)]
            if left:
                await self._files.store.remove(left)
            done = await self._files.receive_pieces(
                records, _place_of(file), file, upload.claimed_type,
                [_piece_name(file.id, start) for start in starts],
            )  # fmt: skip
            async with records.transaction() as inside:
                await keep(inside, done)
                op = inside.operation
                await StoredFiles(op.model.dialect).forget_pieces(op.connection, file.id)
        except Exception:
            await self._files.discard(records, file)
            raise
        return done


class _NoRoom(PieceRefused):
    """What has come is larger than the file may be."""


async def _name_it(records: ActingRecords, file: StoredFile) -> None:
    await records.update(file.entity, file.record_id, {file.field: file.id})


def _require_kept(upload: Upload) -> None:
    if upload.file.state != KEPT:
        raise PieceRefused(_ASSEMBLING)


def _gone() -> UploadGone:
    return UploadGone("This upload has expired, or never began.")


def _too_large(file: StoredFile, most: int) -> RecordInvalid:
    params = {"name": file.name, "size": size_text(most)}
    return RecordInvalid(file.entity, [Violation(file.field, "upload.too_large", params)])


def _place_of(file: StoredFile) -> FilePlace:
    return FilePlace(file.entity, file.record_id, file.field)


def _piece_name(file_id: str, start: int) -> str:
    return f"{file_id}.{start}"


def _start_of(block_id: str) -> int:
    """Return the number that a block is kept under: pieces are told apart by where they begin."""
    return int.from_bytes(hashlib.sha256(block_id.encode()).digest()[:7], "big")


def _reached(pieces: Sequence[tuple[int, int]]) -> int:
    """Return up to where pieces follow one another without a gap, or -1 where they overlap."""
    reached = 0
    for start, size in pieces:
        if start > reached:
            break
        if start < reached:
            return -1
        reached += size
    return reached


async def _exactly(content: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """Yield what comes, which has to be as much as was said."""
    came = 0
    async for block in content:
        came += len(block)
        if came > size:
            break
        yield block
    if came != size:
        raise PieceRefused(f"Content-Range tells of {size} bytes; the body has others.")


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
