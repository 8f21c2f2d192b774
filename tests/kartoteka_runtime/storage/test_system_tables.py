"""The platform's own tables in databases that an earlier version made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kartoteka_runtime.identity import KnownToken
from kartoteka_runtime.storage.ddl import create_system_tables
from kartoteka_runtime.storage.identity_store import DatabaseIdentityStore
from kartoteka_runtime.storage.open_database import database_for

EARLIER = (
    "CREATE TABLE kartoteka_publication (number INTEGER PRIMARY KEY)",
    "CREATE TABLE kartoteka_session (token_hash VARCHAR(64) PRIMARY KEY, user_id VARCHAR(36) "
    "NOT NULL, created_on VARCHAR(20) NOT NULL, expires_on VARCHAR(20) NOT NULL)",
    "CREATE TABLE kartoteka_token (token_hash VARCHAR(64) PRIMARY KEY, user_id VARCHAR(36) "
    "NOT NULL, name VARCHAR(100) NOT NULL, created_on VARCHAR(20) NOT NULL)",
    "INSERT INTO kartoteka_session VALUES ('s', 'u', '2026-01-01T00:00:00Z', "
    "'2099-01-01T00:00:00Z')",
    "INSERT INTO kartoteka_token VALUES ('aaaabbbbccccdddd-and-more', 'u', 'old', "
    "'2026-01-01T00:00:00Z')",
)
_INDEXES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'index'",
    "postgresql": "SELECT indexname FROM pg_indexes",
}


@pytest.fixture
async def database(empty_database):
    """Give a database with tables as they were before sessions and tokens could be listed."""
    opened = database_for(empty_database)
    await opened.open()
    async with opened.writing() as connection:
        for statement in EARLIER:
            await connection.execute(statement, {})
    yield opened
    await opened.close()


async def test_columns_tables_and_indexes_that_are_missing_are_added(database):
    for _ in range(2):  # the second time nothing is left to do
        async with database.publishing() as connection:
            await create_system_tables(connection, database.dialect, database.engine)
    store = DatabaseIdentityStore(database)
    (session,) = await store.sessions_of("u", datetime(2025, 1, 1, tzinfo=UTC))
    assert (session.address, session.used_on) == ("", session.created_on)
    (token,) = await store.tokens_of("u")
    assert isinstance(token, KnownToken)
    assert (token.id, token.kind, token.scopes) == ("aaaabbbbccccdddd", "api", None)
    assert token.expires_on == datetime(2027, 1, 1, tzinfo=UTC)
    before = await store.access_version()
    assert await store.revoke_token(token.id, "u", datetime.now(UTC))
    assert await store.access_version() != before
    async with database.reading() as connection:
        names = {row[0] for row in await connection.fetch_all(_INDEXES[database.engine], {})}
    assert {"ix_kartoteka_session_user", "ix_kartoteka_token_user"} <= names
