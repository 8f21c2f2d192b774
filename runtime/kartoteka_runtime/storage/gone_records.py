"""Statements about records that are gone, for whoever asks what changed (kartoteka_gone)."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.record_queries import compile_text, next_version


@dataclass(frozen=True, slots=True)
class GoneRecord:
    """A record that was deleted, or that somebody could read until then.

    ``holder`` is the entity of the record whose owner decided over it: its own, or that of its
    parent. ``sharees`` are the principals it was shared with. ``is_there`` tells that there is a
    record with its id all the same.
    """

    version: int
    record_id: str
    holder: str
    owner_id: str
    unit_id: str
    sharees: frozenset[str]
    is_there: bool = False


class GoneRecords:
    """Writes, reads and forgets them."""

    def __init__(self, dialect: Dialect, version_name: str) -> None:
        """Compile the statements."""

        def text(sql: str) -> str:
            return compile_text(sa.text(sql), dialect)

        engine = dialect.name
        record_id = "CAST(:record_id AS uuid)" if engine == "postgresql" else ":record_id"
        self._dialect = dialect
        self._bump = f"UPDATE {version_name} SET value = value + 1" if engine == "sqlite" else ""
        self._insert = text(
            "INSERT INTO kartoteka_gone"
            " (version, entity, record_id, holder, owner_id, unit_id, sharees, gone_on)"
            f" VALUES ({next_version(version_name, engine)}, :entity, {record_id}, :holder,"
            " :owner_id, :unit_id, :sharees, :gone_on)"
        )

    async def add(
        self,
        connection: Connection,
        entity: str,
        record_id: str,
        *,
        holder: str,
        owner_id: str,
        unit_id: str,
        sharees: frozenset[str],
        gone_on: str,
    ) -> None:
        """Keep that a record is gone, with who could read it; it gets a version of its own."""
        if self._bump:
            await connection.execute(self._bump, {})
        await connection.execute(
            self._insert,
            {
                "entity": entity, "record_id": record_id, "holder": holder, "owner_id": owner_id,
                "unit_id": unit_id, "gone_on": gone_on,
                "sharees": orjson.dumps(sorted(sharees)).decode() if sharees else None,
            },
        )  # fmt: skip

    async def after(
        self, connection: Connection, table: sa.Table, version: int, most: int
    ) -> list[GoneRecord]:
        """Return records of an entity's ``table`` that are gone since a version, in order."""
        (primary_id,) = table.primary_key.columns
        quote = self._dialect.identifier_preparer.quote
        sql = compile_text(
            sa.text(
                "SELECT g.version, g.record_id, g.holder, g.owner_id, g.unit_id, g.sharees,"
                f" t.{quote(primary_id.name)} IS NOT NULL FROM kartoteka_gone g"
                f" LEFT JOIN {quote(table.name)} t ON t.{quote(primary_id.name)} = g.record_id"
                " WHERE g.entity = :entity AND g.version > :version"
                " ORDER BY g.version LIMIT :most"
            ),
            self._dialect,
        )
        params = {"entity": table.name, "version": version, "most": most}
        return [
            GoneRecord(
                number, str(record_id), holder, owner, unit,
                frozenset(orjson.loads(sharees)) if sharees else frozenset(), bool(is_there),
            )
            for number, record_id, holder, owner, unit, sharees, is_there
            in await connection.fetch_all(sql, params)
        ]  # fmt: skip


async def forget_gone(connection: Connection, dialect: Dialect, before: str, most: int) -> int:
    """Forget records that are gone since before a moment, and return how many that were."""
    sql = compile_text(
        sa.text(
            "DELETE FROM kartoteka_gone WHERE version IN"
            " (SELECT version FROM kartoteka_gone WHERE gone_on < :before LIMIT :most)"
        ),
        dialect,
    )
    return await connection.execute(sql, {"before": before, "most": most})
