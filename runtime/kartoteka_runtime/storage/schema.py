"""Schema: the tables that the database really holds, to be compared with what it should hold."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from kartoteka_runtime.storage.database import Connection


@dataclass(slots=True)
class TableSchema:
    """One table: its columns with their types, its indexes and references with their definitions.

    ``references`` are keyed by constraint name on PostgreSQL and by column on SQLite.
    """

    columns: dict[str, str] = field(default_factory=dict)
    indexes: dict[str, str] = field(default_factory=dict)
    references: dict[str, str] = field(default_factory=dict)


Schema = Mapping[str, TableSchema]

# What a publish that is under way, or was cut short, calls what it makes beside the live tables.
UNFINISHED = "__new"
UNFINISHED_INDEX = "new__"
OUR_INDEXES = ("ix_", "so_", "uq_", UNFINISHED_INDEX)  # what others have made is left alone

_SQLITE = (
    "SELECT 'columns', m.name, c.name, c.type FROM sqlite_master m, pragma_table_info(m.name) c "
    "WHERE m.type = 'table' "
    "UNION ALL SELECT 'indexes', tbl_name, name, sql FROM sqlite_master "
    "WHERE type = 'index' AND sql IS NOT NULL "
    'UNION ALL SELECT \'references\', m.name, f."from", f."table" || \'.\' || f."to" '
    "FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
)
_POSTGRESQL = (
    "SELECT 'columns', c.relname, a.attname, format_type(a.atttypid, a.atttypmod) "
    "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
    "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' "
    "AND a.attnum > 0 AND NOT a.attisdropped "
    "UNION ALL SELECT 'indexes', c.relname, i.relname, "
    "CASE WHEN x.indisvalid THEN pg_get_indexdef(i.oid) ELSE 'invalid' END "
    "FROM pg_index x JOIN pg_class c ON c.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid "
    "WHERE c.relnamespace = current_schema()::regnamespace AND NOT x.indisprimary "
    "UNION ALL SELECT 'references', c.relname, k.conname, "
    "replace(pg_get_constraintdef(k.oid), ' NOT VALID', '') "
    "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid "
    "WHERE c.relnamespace = current_schema()::regnamespace AND k.contype = 'f'"
)


async def read_schema(connection: Connection, engine: str) -> dict[str, TableSchema]:
    """Return every table of the database but the engine's and the platform's own."""
    found: dict[str, TableSchema] = {}
    rows = await connection.fetch_all(_SQLITE if engine == "sqlite" else _POSTGRESQL, {})
    for part, table, name, definition in rows:
        if table.startswith(("sqlite_", "kartoteka_")):
            continue
        getattr(found.setdefault(table, TableSchema()), part)[name] = definition
    return found


def encode_schema(schema: Schema) -> str:
    """Return a schema as JSON text; tables and their parts in order of their names."""
    return orjson.dumps(
        {name: [table.columns, table.indexes, table.references] for name, table in schema.items()},
        option=orjson.OPT_SORT_KEYS,
    ).decode()


def decode_schema(text: str) -> dict[str, TableSchema]:
    """Return the schema that ``encode_schema`` was given."""
    return {name: TableSchema(*parts) for name, parts in orjson.loads(text).items()}


def schema_fingerprint(schema: Schema) -> str:
    """Return a SHA-256 over a schema, without what is unfinished in it."""
    finished = {name: _finished(table) for name, table in schema.items()}
    return hashlib.sha256(encode_schema(finished).encode()).hexdigest()


def _finished(table: TableSchema) -> TableSchema:
    return TableSchema(
        {name: kind for name, kind in table.columns.items() if not name.endswith(UNFINISHED)},
        {
            name: definition
            for name, definition in table.indexes.items()
            if not name.startswith(UNFINISHED_INDEX)
        },
        table.references,
    )


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing in the database that is not as the last publish left it.

    ``what`` is missing-table, missing-column, other-type, missing-index, other-index,
    missing-reference, extra-table, extra-column or extra-index. What is extra does no harm.
    """

    what: str
    table: str
    name: str = ""
    expected: str = ""
    found: str = ""

    @property
    def is_harmless(self) -> bool:
        """Return whether a publish may go on without anybody's consent."""
        return self.what.startswith("extra-")

    def __str__(self) -> str:
        """Return a sentence for people."""
        subject = {"table": f"table {self.table}"}.get(
            self.what.split("-")[1], f"{self.what.split('-')[-1]} {self.table}.{self.name}"
        )
        match self.what.split("-")[0]:
            case "missing":
                return f"{subject} is missing"
            case "extra":
                return f"{subject} was added by somebody else; it is left alone"
            case _:
                return (
                    f"{self.table}.{self.name} is {self.found!r}, but was left as {self.expected!r}"
                )


def drift_of(expected: Schema, found: Schema) -> tuple[Drift, ...]:
    """Return how the database differs from how it was left."""
    drift: list[Drift] = []
    for name, table in expected.items():
        now = found.get(name)
        if now is None:
            drift.append(Drift("missing-table", name))
            continue
        now = _finished(now)
        for column, kind in table.columns.items():
            if column not in now.columns:
                drift.append(Drift("missing-column", name, column, kind))
            elif now.columns[column] != kind:
                drift.append(Drift("other-type", name, column, kind, now.columns[column]))
        for index, definition in table.indexes.items():
            if index not in now.indexes:
                drift.append(Drift("missing-index", name, index, definition))
            elif now.indexes[index] != definition:
                drift.append(Drift("other-index", name, index, definition, now.indexes[index]))
        drift += [
            Drift("missing-reference", name, key, definition)
            for key, definition in table.references.items()
            if now.references.get(key) != definition
        ]
        drift += [Drift("extra-column", name, key) for key in now.columns.keys() - table.columns]
        drift += [Drift("extra-index", name, key) for key in now.indexes.keys() - table.indexes]
    drift += [Drift("extra-table", name) for name in found.keys() - expected.keys()]
    return tuple(sorted(drift, key=lambda item: (item.table, item.what, item.name)))
