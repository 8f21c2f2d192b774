"""What the database knows of files: whose they are, how far they are, their thumbnails."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.moments import encode_moment
from kartoteka_runtime.storage.record_queries import compile_text

# A file is pending while its bytes come, complete when all are there, kept once a record names it,
# and removed when none does any more: then a job takes its bytes away, and the row.
PENDING, COMPLETE, KEPT, REMOVED = "pending", "complete", "kept", "removed"


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file; ``record_id`` is empty while its record is not there yet."""

    id: str
    entity: str
    record_id: str
    field: str
    name: str
    media_type: str
    size: int
    state: str
    user_id: str
    created_on: str


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """The small picture of an image: its media type, and its bytes in base64."""

    media_type: str
    content: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that comes in pieces; ``total`` is None before the first one."""

    file: StoredFile
    claimed_type: str
    total: int | None
    is_done: bool
    expires_on: str


_COLUMNS = "id, entity, record_id, field, name, media_type, size, state, user_id, created_on"


class StoredFiles:
    """Statements about files."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile the statements."""
        is_sqlite = dialect.name == "sqlite"
        in_ids = "IN (SELECT value FROM json_each(:ids))" if is_sqlite else "= ANY(:ids)"

        def ids(values: Collection[str]) -> Any:
            return json.dumps(list(values)) if is_sqlite else list(values)

        self._ids = ids

        def text(sql: str) -> str:
            return compile_text(sa.text(sql), dialect)

        self._insert = text(
            f"INSERT INTO kartoteka_file ({_COLUMNS}) VALUES (:id, :entity, :record_id, :field,"
            " :name, :media_type, :size, :state, :user_id, :created_on)"
        )
        self._read = text(f"SELECT {_COLUMNS} FROM kartoteka_file WHERE id {in_ids}")
        self._of_records = text(
            f"SELECT {_COLUMNS} FROM kartoteka_file WHERE record_id {in_ids}"
            " AND entity = :entity AND field = :field AND state = 'kept'"
        )
        self._complete = text(
            "UPDATE kartoteka_file SET state = 'complete', name = :name, media_type = :media_type,"
            " size = :size WHERE id = :id AND state = 'pending'"
        )
        self._keep = text(
            "UPDATE kartoteka_file SET state = 'kept', record_id = :record_id"
            " WHERE id = :id AND state = 'complete'"
        )
        self._retire = text(f"UPDATE kartoteka_file SET state = 'removed' WHERE id {in_ids}")
        self._give_up = text(
            "UPDATE kartoteka_file SET state = 'removed'"
            " WHERE id = :id AND state IN ('pending', 'complete')"
        )
        self._retire_old = text(
            "UPDATE kartoteka_file SET state = 'removed'"
            " WHERE state IN ('pending', 'complete') AND created_on < :before"
        )
        self._removed = text(
            "SELECT id FROM kartoteka_file WHERE state = 'removed' ORDER BY created_on LIMIT :most"
        )
        self._forget = [
            text(f"DELETE FROM kartoteka_thumbnail WHERE file_id {in_ids}"),
            text(f"DELETE FROM kartoteka_upload_piece WHERE file_id {in_ids}"),
            text(f"DELETE FROM kartoteka_upload WHERE file_id {in_ids}"),
            text(f"DELETE FROM kartoteka_file WHERE id {in_ids}"),
        ]
        self._add_thumbnail = text(
            "INSERT INTO kartoteka_thumbnail (file_id, media_type, content)"
            " VALUES (:file_id, :media_type, :content)"
        )
        self._thumbnails = text(
            f"SELECT file_id, media_type, content FROM kartoteka_thumbnail WHERE file_id {in_ids}"
        )
        self._begin = text(
            "INSERT INTO kartoteka_upload (token_hash, file_id, claimed_type, is_done, expires_on)"
            " VALUES (:token_hash, :file_id, :claimed_type, 0, :expires_on)"
        )
        columns = ", ".join(f"f.{name}" for name in _COLUMNS.split(", "))
        self._upload = text(
            f"SELECT {columns}, u.claimed_type, u.total, u.is_done, u.expires_on"
            " FROM kartoteka_upload u JOIN kartoteka_file f ON f.id = u.file_id"
            " WHERE u.token_hash = :token_hash"
        )
        self._set_total = text(
            "UPDATE kartoteka_upload SET total = :total"
            " WHERE file_id = :file_id AND (total IS NULL OR total = :total)"
        )
        self._end = text(
            "UPDATE kartoteka_upload SET is_done = 1 WHERE file_id = :file_id AND is_done = 0"
        )
        self._forget_uploads = text(
            "DELETE FROM kartoteka_upload WHERE is_done = 1 AND expires_on < :before"
        )
        self._add_piece = text(
            "INSERT INTO kartoteka_upload_piece (file_id, start, size)"
            " VALUES (:file_id, :start, :size)"
            " ON CONFLICT (file_id, start) DO UPDATE SET size = excluded.size"
        )
        self._pieces = text(
            "SELECT start, size FROM kartoteka_upload_piece WHERE file_id = :file_id ORDER BY start"
        )
        self._pieces_of = text(
            f"SELECT file_id, start FROM kartoteka_upload_piece WHERE file_id {in_ids}"
        )
        self._forget_pieces = text("DELETE FROM kartoteka_upload_piece WHERE file_id = :file_id")

    async def add(self, connection: Connection, file: StoredFile) -> None:
        """Write down a file whose bytes are about to come."""
        params = {name: getattr(file, name) for name in StoredFile.__slots__}
        await connection.execute(self._insert, params)

    async def read(self, connection: Connection, ids: Collection[str]) -> dict[str, StoredFile]:
        """Return files by their ids; those that are not there are left out."""
        if not ids:
            return {}
        rows = await connection.fetch_all(self._read, {"ids": self._ids(ids)})
        return {str(row[0]): StoredFile(*row) for row in rows}

    async def of_records(
        self, connection: Connection, entity: str, field: str, record_ids: Collection[str]
    ) -> dict[str, StoredFile]:
        """Return the files that records hold in a field, by the ids of the records.

        Records of several entities may have the same id.
        """
        if not record_ids:
            return {}
        params = {"ids": self._ids(record_ids), "entity": entity, "field": field}
        rows = await connection.fetch_all(self._of_records, params)
        return {str(row[2]): StoredFile(*row) for row in rows}

    async def complete(
        self, connection: Connection, file_id: str, *, name: str, media_type: str, size: int
    ) -> bool:
        """Note that all bytes are there; False when the file is no longer awaited."""
        params = {"id": file_id, "name": name, "media_type": media_type, "size": size}
        return await connection.execute(self._complete, params) > 0

    async def keep(self, connection: Connection, file_id: str, record_id: str) -> bool:
        """Note that a record names a file; False when it is none that is complete."""
        params = {"id": file_id, "record_id": record_id}
        return await connection.execute(self._keep, params) > 0

    async def retire(self, connection: Connection, ids: Collection[str]) -> None:
        """Note that no record names these files any more."""
        await connection.execute(self._retire, {"ids": self._ids(ids)})

    async def give_up(self, connection: Connection, file_id: str) -> bool:
        """Note that no record will name a file; False when one does already."""
        return await connection.execute(self._give_up, {"id": file_id}) > 0

    async def retire_abandoned(self, connection: Connection, before: datetime) -> int:
        """Note the same of what was begun before a moment and never kept."""
        return await connection.execute(self._retire_old, {"before": encode_moment(before)})

    async def removed(self, connection: Connection, *, most: int) -> list[str]:
        """Return the ids of files that nobody names."""
        rows = await connection.fetch_all(self._removed, {"most": most})
        return [str(row[0]) for row in rows]

    async def forget(self, connection: Connection, ids: Collection[str]) -> None:
        """Delete what is known of files."""
        for statement in self._forget:
            await connection.execute(statement, {"ids": self._ids(ids)})

    async def add_thumbnail(
        self, connection: Connection, file_id: str, thumbnail: Thumbnail
    ) -> None:
        """Keep the thumbnail of an image."""
        params = {
            "file_id": file_id,
            "media_type": thumbnail.media_type,
            "content": thumbnail.content,
        }
        await connection.execute(self._add_thumbnail, params)

    async def thumbnails(
        self, connection: Connection, ids: Collection[str]
    ) -> Mapping[str, Thumbnail]:
        """Return thumbnails by the ids of their images."""
        if not ids:
            return {}
        rows = await connection.fetch_all(self._thumbnails, {"ids": self._ids(ids)})
        return {str(row[0]): Thumbnail(str(row[1]), str(row[2])) for row in rows}

    async def begin(
        self,
        connection: Connection,
        file_id: str,
        *,
        token_hash: str,
        claimed_type: str,
        expires_on: datetime,
    ) -> None:
        """Await a file in pieces, from whoever has the token."""
        params = {
            "token_hash": token_hash, "file_id": file_id, "claimed_type": claimed_type,
            "expires_on": encode_moment(expires_on),
        }  # fmt: skip
        await connection.execute(self._begin, params)

    async def upload(self, connection: Connection, token_hash: str) -> Upload | None:
        """Return the upload of a token."""
        row = await connection.fetch_one(self._upload, {"token_hash": token_hash})
        if row is None:
            return None
        *file, claimed_type, total, is_done, expires_on = row
        return Upload(StoredFile(*file), claimed_type, total, bool(is_done), expires_on)

    async def set_total(self, connection: Connection, file_id: str, total: int) -> bool:
        """Note how many bytes are to come; False when another number was said before."""
        params = {"file_id": file_id, "total": total}
        return await connection.execute(self._set_total, params) > 0

    async def add_piece(self, connection: Connection, file_id: str, start: int, size: int) -> None:
        """Note that a piece is there; one that came before from the same byte on is replaced."""
        params = {"file_id": file_id, "start": start, "size": size}
        await connection.execute(self._add_piece, params)

    async def pieces(self, connection: Connection, file_id: str) -> Sequence[tuple[int, int]]:
        """Return first byte and size of each piece, in order."""
        rows = await connection.fetch_all(self._pieces, {"file_id": file_id})
        return [(int(row[0]), int(row[1])) for row in rows]

    async def pieces_of(
        self, connection: Connection, ids: Collection[str]
    ) -> list[tuple[str, int]]:
        """Return the pieces of several files: id and first byte."""
        rows = await connection.fetch_all(self._pieces_of, {"ids": self._ids(ids)})
        return [(str(row[0]), int(row[1])) for row in rows]

    async def end_upload(self, connection: Connection, file_id: str) -> bool:
        """Note that the last piece came; False when somebody else noted it."""
        return await connection.execute(self._end, {"file_id": file_id}) > 0

    async def forget_pieces(self, connection: Connection, file_id: str) -> None:
        """Forget the pieces of a file that was put together."""
        await connection.execute(self._forget_pieces, {"file_id": file_id})

    async def forget_uploads(self, connection: Connection, before: datetime) -> int:
        """Forget uploads that ended before a moment; their files stay."""
        return await connection.execute(self._forget_uploads, {"before": encode_moment(before)})
