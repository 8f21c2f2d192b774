"""Publications: every registry that was ever live, kept in the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
import sqlalchemy as sa

from kartoteka.registry import Registry
from kartoteka.registry_codec import decode_registry, encode_registry, fingerprint
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.database import Connection, Database
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.system_tables import publication


@dataclass(frozen=True, slots=True)
class PublishedRegistry:
    """A registry that was published; ``number`` counts from 1."""

    number: int
    fingerprint: str
    registry: Registry


async def latest_number(connection: Connection) -> int:
    """Return the number of the newest publication; 0 before the first one."""
    row = await connection.fetch_one("SELECT max(number) FROM kartoteka_publication", {})
    return int(row[0]) if row and row[0] is not None else 0


async def load_latest(connection: Connection, database: Database) -> PublishedRegistry | None:
    """Return the newest publication, or None before the first one."""
    columns = (publication.c.number, publication.c.fingerprint, publication.c.definition)
    newest = sa.select(sa.func.max(publication.c.number)).scalar_subquery()
    statement = sa.select(*columns).where(publication.c.number == newest)
    row = await connection.fetch_one(compile_text(statement, database.dialect), {})
    if row is None:
        return None
    return PublishedRegistry(row[0], row[1], decode_registry(orjson.loads(row[2])))


async def store(connection: Connection, database: Database, registry: Registry) -> int:
    """Keep ``registry`` as the newest publication and return its number."""
    number = await latest_number(connection) + 1
    statement = sa.insert(publication)
    await connection.execute(
        compile_text(statement, database.dialect),
        {
            "number": number,
            "published_on": encode_instant(datetime.now(UTC)),
            "fingerprint": fingerprint(registry),
            "definition": orjson.dumps(encode_registry(registry)).decode(),
        },
    )
    return number
