"""The platform's own tables: publications, counters, credentials, sessions and tokens."""

from __future__ import annotations

import sqlalchemy as sa

system_metadata = sa.MetaData()

publication = sa.Table(
    "kartoteka_publication",
    system_metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("published_on", sa.String(20), nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("definition", sa.Text, nullable=False),  # the registry as JSON
    sa.Column("identities", sa.Text),  # {path: identity} where it is not the name
    sa.Column("overrides", sa.Text),  # what more than one bundle sets
    sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
    sa.Column("returns_to", sa.Integer),  # a rollback: the publication whose registry it has again
    sa.Column("consents", sa.Text),  # names that were consented to, as JSON
    sa.Column("changes", sa.Text),  # what changed, in words, as JSON
)

# What is gone from the metadata and whose data is kept (kartoteka.identities.Retired).
retired = sa.Table(
    "kartoteka_retired",
    system_metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("publication", sa.Integer, nullable=False),
    sa.Column("table_name", sa.Text, nullable=False),
    sa.Column("columns", sa.Text, nullable=False),  # names, as JSON
    sa.Column("definition", sa.Text, nullable=False),  # as JSON
    sa.Column("is_original", sa.Integer, nullable=False),
    sa.Column("became", sa.Text),  # of an original: definitions as JSON, one after the other
    sa.Column("identities", sa.Text),  # of an entity: {field: identity} where it is not the name
)

# What was retired and then destroyed by name: what a rollback cannot bring back.
purged = sa.Table(
    "kartoteka_purged",
    system_metadata,
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("entity", sa.Text, nullable=False),
    sa.Column("identity", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("publication", sa.Integer, nullable=False),
    sa.Column("purged_on", sa.String(20), nullable=False),
)

# Single facts about the database: app (whose it is), schema (as the last publish left it).
fact = sa.Table(
    "kartoteka_fact",
    system_metadata,
    sa.Column("name", sa.String(32), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

counter = sa.Table(
    "kartoteka_counter",
    system_metadata,
    sa.Column("name", sa.String(128), primary_key=True),  # entity.field of an autonumber
    sa.Column("value", sa.BigInteger, nullable=False),  # the number given last
)

credential = sa.Table(
    "kartoteka_credential",
    system_metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("locked_until", sa.String(20)),
)

preference = sa.Table(
    "kartoteka_preference",
    system_metadata,
    sa.Column("user_id", sa.String(36), primary_key=True),
    sa.Column("language", sa.String(16)),
    sa.Column("time_zone", sa.String(64)),
)

session = sa.Table(
    "kartoteka_session",
    system_metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("created_on", sa.String(20), nullable=False),
    sa.Column("expires_on", sa.String(20), nullable=False),
)

token = sa.Table(
    "kartoteka_token",
    system_metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(36), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("created_on", sa.String(20), nullable=False),
)

# Row versions are counted by a sequence on PostgreSQL, in a table of one row on SQLite.
VERSION_DDL = {
    "sqlite": (
        "CREATE TABLE kartoteka_version (value INTEGER NOT NULL)",
        "INSERT INTO kartoteka_version (value) VALUES (1)",
    ),
    "postgresql": ("CREATE SEQUENCE kartoteka_version",),
}


def version_name(generation: int) -> str:
    """Return what row versions are counted with in a generation.

    A publish that stores existing values otherwise renames it, so that what was still on its way
    with the form from before fails instead of writing in that form.
    """
    return f"kartoteka_version_{generation}" if generation else "kartoteka_version"
