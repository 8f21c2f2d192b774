"""What the stores of users, sessions and tokens share: statements by text, moments, patience."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.database import Database, DatabaseBusy, DatabaseUnavailable, Row
from kartoteka_runtime.storage.record_queries import compile_text

_PATIENCE_SECONDS = 0.25  # for what is nice to know and no more
_log = logging.getLogger(__name__)

ID_LENGTH = 16  # hexadecimal digits of a hash that name its row, and open nothing
# Counts a change of what somebody may do, as ``access_facts`` does.
BUMP = """INSERT INTO kartoteka_access (id, version) VALUES (1, 1)
 ON CONFLICT (id) DO UPDATE SET version = kartoteka_access.version + 1"""


class IdentityRows:
    """Runs short statements, each in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        """Work on ``database``."""
        self._database = database
        self._dialect = database.dialect
        self._texts: dict[str, str] = {}
        self.engine = database.engine

    async def _fetch(self, sql: str, params: Mapping[str, Any]) -> Row | None:
        async with self._database.reading() as connection:
            return await connection.fetch_one(self._sql(sql), params)

    async def _fetch_all(self, sql: str, params: Mapping[str, Any]) -> Sequence[Row]:
        async with self._database.reading() as connection:
            return await connection.fetch_all(self._sql(sql), params)

    async def _run(self, sql: str, params: Mapping[str, Any]) -> int:
        async with self._database.writing() as connection:
            return await connection.execute(self._sql(sql), params)

    async def _run_if_idle(self, sql: str, params: Mapping[str, Any]) -> None:
        """Run a statement that nobody misses when the database has something else to do."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await self._run(sql, params)
        except (TimeoutError, DatabaseBusy, DatabaseUnavailable) as error:
            _log.info("not written: %r", error)

    def _sql(self, sql: str) -> str:
        """Return a statement with ``:names`` as the driver wants them."""
        text = self._texts.get(sql)
        if text is None:
            text = self._texts[sql] = compile_text(sa.text(sql), self._dialect)
        return text


def moment(text: str | None) -> datetime | None:
    """Return a stored moment."""
    return datetime.fromisoformat(text) if text else None


def certain_moment(text: str | None) -> datetime:
    """Return a stored moment; what is missing was long ago."""
    return moment(text) or datetime.min.replace(tzinfo=UTC)


def now_text() -> str:
    """Return the present as it is stored."""
    return encode_instant(datetime.now(UTC))
