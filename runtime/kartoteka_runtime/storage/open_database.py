"""database_for: the database that an address names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from kartoteka_runtime.storage.database import Database, DatabaseUnavailable
from kartoteka_runtime.storage.postgresql_database import PostgresqlDatabase
from kartoteka_runtime.storage.sqlite_database import SqliteDatabase


def database_for(url: str, *, reading_seconds: float = 0) -> Database:
    """Return the database that ``url`` names: ``sqlite:///path`` or ``postgresql://…``.

    A statement that reads outside of transactions is ended after ``reading_seconds``; 0: never.
    """
    if url.startswith("sqlite:///"):
        path = Path(unquote(url.removeprefix("sqlite:///")))
        return SqliteDatabase(path, reading_seconds=reading_seconds)
    if url.startswith(("postgresql://", "postgres://")):
        return PostgresqlDatabase(url, reading_seconds=reading_seconds)
    raise DatabaseUnavailable(
        f"the database address begins with {urlsplit(url).scheme or url[:20]!r}; "
        "sqlite:///path/to/file.db and postgresql://… are known"
    )
