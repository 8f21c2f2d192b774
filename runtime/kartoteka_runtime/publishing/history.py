"""Publications: every registry that was ever live, kept in the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from kartoteka.identities import Identities
from kartoteka.registry import Registry
from kartoteka.registry_codec import fingerprint, registry_of_text, registry_text
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.database import Connection, Database
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.system_tables import publication


@dataclass(frozen=True, slots=True)
class Publication:
    """A registry that was published.

    Attributes:
        number: Counts from 1; 0 stands for nothing published yet.
        fingerprint: Of the registry.
        registry: What was made live.
        identities: Who its objects are.
        overrides: What more than one bundle set, by path (``kartoteka.overrides``).
        generation: How often the stored form of what was there had changed by then; a statement
            written for one generation fails on another.
        returns_to: The publication that a rollback went back to; None for a publish.
        published_on: UTC, as ISO text.
    """

    number: int = 0
    fingerprint: str = ""
    registry: Registry = field(default_factory=Registry)
    identities: Identities = field(default_factory=Identities)
    overrides: Mapping[str, Any] = field(default_factory=dict)
    generation: int = 0
    returns_to: int | None = None
    published_on: str = ""

    @property
    def stands_for(self) -> int:
        """Return the number of the publish whose registry this is."""
        return self.number if self.returns_to is None else self.returns_to


@dataclass(frozen=True, slots=True)
class PublicationNote:
    """One line of the history: what was published when, and what it changed in words."""

    number: int
    published_on: str
    returns_to: int | None
    consents: tuple[str, ...]
    changes: tuple[str, ...]


async def latest_number(connection: Connection) -> int:
    """Return the number of the newest publication; 0 before the first one."""
    row = await connection.fetch_one("SELECT max(number) FROM kartoteka_publication", {})
    return int(row[0]) if row and row[0] is not None else 0


@dataclass(slots=True)
class _StoredRegistry:
    """The text of a registry, known by its fingerprint; the text itself need not be kept."""

    fingerprint: str
    text: str = field(compare=False)

    def __hash__(self) -> int:
        return hash(self.fingerprint)


@lru_cache(maxsize=4)  # organizations in one process have few different ones
def _registry_of(stored: _StoredRegistry) -> Registry:
    """Return a stored registry; reading the same one again gives the same object."""
    text, stored.text = stored.text, ""
    return registry_of_text(text)


async def load_latest(
    connection: Connection, database: Database, *, known: Sequence[Registry] = ()
) -> Publication | None:
    """Return the newest publication, or None before the first one; see ``load``."""
    number = await latest_number(connection)
    return await load(connection, database, number, known=known) if number else None


async def load(
    connection: Connection, database: Database, number: int, *, known: Sequence[Registry] = ()
) -> Publication | None:
    """Return a publication by its number, or None.

    A ``known`` registry that says the same is taken instead of reading the stored one, which
    takes seconds when there are a thousand entities.
    """
    columns = publication.c
    of_number = columns.number == sa.bindparam("wanted")
    statement = sa.select(
        columns.number, columns.fingerprint, columns.identities, columns.overrides,
        columns.generation, columns.returns_to, columns.published_on,
    ).where(of_number)  # fmt: skip
    row = await connection.fetch_one(compile_text(statement, database.dialect), {"wanted": number})
    if row is None:
        return None
    registry = next((one for one in known if fingerprint(one) == row[1]), None)
    if registry is None:
        statement = sa.select(columns.definition).where(of_number)
        stored = await connection.fetch_one(
            compile_text(statement, database.dialect), {"wanted": number}
        )
        assert stored is not None
        registry = _registry_of(_StoredRegistry(row[1], stored[0]))
    return Publication(
        row[0],
        row[1],
        registry,
        Identities(orjson.loads(row[2] or "{}")),
        orjson.loads(row[3] or "{}"),
        row[4],
        row[5],
        row[6],
    )


async def notes(connection: Connection) -> tuple[PublicationNote, ...]:
    """Return what was published so far, newest first."""
    rows = await connection.fetch_all(
        "SELECT number, published_on, returns_to, consents, changes FROM kartoteka_publication "
        "ORDER BY number DESC",
        {},
    )
    return tuple(
        PublicationNote(
            row[0],
            row[1],
            row[2],
            tuple(orjson.loads(row[3] or "[]")),
            tuple(orjson.loads(row[4] or "[]")),
        )
        for row in rows
    )


async def store(
    connection: Connection,
    database: Database,
    made: Publication,
    *,
    consents: Collection[str] = (),
    changes: Sequence[str] = (),
) -> None:
    """Keep a publication; its fingerprint and time are worked out here."""
    await connection.execute(
        compile_text(sa.insert(publication), database.dialect),
        {
            "number": made.number,
            "published_on": encode_instant(datetime.now(UTC)),
            "fingerprint": fingerprint(made.registry),
            "definition": registry_text(made.registry),
            "identities": orjson.dumps(dict(made.identities.differing)).decode(),
            "overrides": orjson.dumps(made.overrides, default=str).decode(),
            "generation": made.generation,
            "returns_to": made.returns_to,
            "consents": orjson.dumps(sorted(consents)).decode(),
            "changes": orjson.dumps(list(changes)).decode(),
        },
    )
