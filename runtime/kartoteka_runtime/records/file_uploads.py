"""FileUploads: files that come in pieces, over as many requests as it takes.

Each piece is kept by itself; the last one has them put together, and the record name the file. A
token is all that ties them: nobody can guess it, and it is of use to who asked for it alone, for
that field of that record, for some hours. Source: reference web-api, section 15.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kartoteka.errors import KartotekaError, RecordInvalid, Violation
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.record_files import FilePlace, RecordFiles, size_text
from kartoteka_runtime.storage.moments import decode_moment
from kartoteka_runtime.storage.stored_files import KEPT, PENDING, REMOVED, StoredFiles, Upload

PIECE_BYTES = 4 * 1024 * 1024  # Source: reference web-api, section 15
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
        """Return the token of a new upload.

        Raises:
            RecordInvalid: Such files are not kept, or the record may not be changed so.
        """
        await self._files.require_changeable(records, place, version=version)
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
        upload = await self._upload(records, place, token)
        if upload.is_done:  # some clients send one more, empty; others did not hear the answer
            if upload.file.state != KEPT:
                raise PieceRefused("The pieces of this file are being put together.")
            if piece.is_last and piece.total == upload.total:
                return True
            raise PieceRefused("All pieces of this file have come.")
        await self._files.require_changeable(records, place)
        await self._check(records, place, upload, piece)
        file_id = upload.file.id
        if piece.end > piece.start:
            size = await self._files.store.put(
                f"{file_id}.{piece.start}", _exactly(content, piece.end - piece.start)
            )
            async with records.transaction() as inside:
                op = inside.operation
                await StoredFiles(op.model.dialect).add_piece(
                    op.connection, file_id, piece.start, size
                )
        if piece.is_last:
            await self._finish(records, place, upload, piece.total)
        return piece.is_last

    async def _upload(self, records: ActingRecords, place: FilePlace, token: str) -> Upload:
        async with records.reading() as op:
            upload = await StoredFiles(op.model.dialect).upload(op.connection, _hashed(token))
        if upload is None or decode_moment(upload.expires_on) < datetime.now(UTC):
            raise UploadGone("This upload has expired, or never began.")
        file = upload.file
        is_theirs = file.user_id == records.principal.user_id
        is_here = (file.entity, file.record_id, file.field) == (
            place.entity, place.record_id, place.field,
        )  # fmt: skip
        is_over = file.state == REMOVED or (file.state != PENDING and not upload.is_done)
        if not is_theirs or not is_here or is_over:
            raise UploadGone("This upload has expired, or never began.")
        return upload

    async def _check(
        self, records: ActingRecords, place: FilePlace, upload: Upload, piece: Piece
    ) -> None:
        if piece.end - piece.start > PIECE_BYTES:
            raise PieceRefused(f"A piece has at most {PIECE_BYTES} bytes.")
        rules = await self._files.rules(records, place)
        if piece.total > rules.most_bytes:
            params = {"name": upload.file.name, "size": size_text(rules.most_bytes)}
            raise RecordInvalid(place.entity, [Violation(place.field, "upload.too_large", params)])
        async with records.transaction() as inside:
            op = inside.operation
            files = StoredFiles(op.model.dialect)
            if not await files.set_total(op.connection, upload.file.id, piece.total):
                raise PieceRefused(f"The pieces before are of a file of {upload.total} bytes.")

    async def _finish(
        self, records: ActingRecords, place: FilePlace, upload: Upload, total: int
    ) -> None:
        """Put the pieces together, and let the record name the file.

        Only one request does: clients send the last piece again that was not answered in time.
        """
        file = upload.file
        async with records.reading() as op:
            known = await StoredFiles(op.model.dialect).pieces(op.connection, file.id)
        reached = _reached(known)
        if reached != total:
            raise PieceRefused(f"The pieces before end at byte {reached}; send what is missing.")
        names = [f"{file.id}.{start}" for start, _ in known]
        async with records.transaction() as inside:
            op = inside.operation
            if not await StoredFiles(op.model.dialect).end_upload(op.connection, file.id):
                raise PieceRefused("The pieces of this file are being put together.")
        try:
            await self._files.receive_pieces(records, place, file, upload.claimed_type, names)
            async with records.transaction() as inside:
                await inside.update(place.entity, place.record_id, {place.field: file.id})
                op = inside.operation
                await StoredFiles(op.model.dialect).forget_pieces(op.connection, file.id)
        except Exception:
            await self._files.discard(records, file)
            raise


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


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
