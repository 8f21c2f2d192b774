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

VERSION_DDL = {
    "sqlite": (
        "CREATE TABLE IF NOT EXISTS kartoteka_version (value INTEGER NOT NULL)",
        "INSERT INTO kartoteka_version (value) "
        "SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM kartoteka_version)",
    ),
    "postgresql": ("CREATE SEQUENCE IF NOT EXISTS kartoteka_version",),
}
