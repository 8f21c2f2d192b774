"""References between tables on PostgreSQL: added unchecked, validated when nobody waits for it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.schema import AddConstraint

from kartoteka_runtime.storage.database import PublishingConnection
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.tables import short_name


async def sync_references(
    connection: PublishingConnection, name: str, table: sa.Table | None, dialect: Dialect
) -> None:
    """Let a table have exactly the references it should; None: none at all.

    New ones hold for new rows only, until ``validate_references``.
    """
    quote = dialect.identifier_preparer.quote
    rows = await connection.fetch_all(
        "SELECT k.conname, a.attname, t.relname FROM pg_constraint k "
        "JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] "
        "JOIN pg_class t ON t.oid = k.confrelid "
        "WHERE k.contype = 'f' AND k.conrelid = %(table)s::regclass",
        {"table": quote(name)},
    )
    wanted = {} if table is None else {
        str(next(iter(constraint.columns)).name): constraint
        for constraint in table.foreign_key_constraints
    }  # fmt: skip
    alter, there, renamed = f"ALTER TABLE {quote(name)}", set(), []
    for old, column, target in rows:
        key = wanted.get(column)
        if key is None or _target_table(key) != target:
            await connection.execute(f"{alter} DROP CONSTRAINT {quote(old)}", {})
            continue
        there.add(column)
        new = dialect.identifier_preparer.format_constraint(key)
        if quote(old) != new:  # names may be exchanged with one another
            moving = quote(short_name("moving", old))
            await connection.execute(f"{alter} RENAME CONSTRAINT {quote(old)} TO {moving}", {})
            renamed.append((moving, new))
    for moving, new in renamed:
        await connection.execute(f"{alter} RENAME CONSTRAINT {moving} TO {new}", {})
    for column in sorted(wanted.keys() - there):
        text = compile_text(AddConstraint(wanted[column]), dialect)
        await connection.execute(f"{text} NOT VALID", {})


def _target_table(key: sa.ForeignKeyConstraint) -> str:
    return str(key.referred_table.name)


async def validate_references(connection: PublishingConnection) -> None:
    """Let references hold for what was stored before them; nobody is kept waiting.

    Also those that a publish left which was cut short here.
    """
    rows = await connection.fetch_all(
        "SELECT k.conrelid::regclass::text, quote_ident(k.conname) FROM pg_constraint k "
        "JOIN pg_class c ON c.oid = k.conrelid "
        "WHERE k.contype = 'f' AND NOT k.convalidated "
        "AND c.relnamespace = current_schema()::regnamespace",
        {},
    )
    for table, name in rows:
        await connection.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}", {})
