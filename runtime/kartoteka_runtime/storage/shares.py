"""Shares: whom records are shared with, what was given and what came from above (kartoteka_share).

Many rows travel as one JSON parameter, so that a cascade costs a few statements and not one a
record. Ids are the lower-case texts of ``kartoteka.record_values``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection, Row
from kartoteka_runtime.storage.record_queries import compile_text

_NAMES = (
    "entity", "record_id", "principal_id", "principal_type", "explicit_rights",
    "inherited_rights", "shared_by", "changed_on",
)  # fmt: skip
_COLUMNS = ", ".join(_NAMES)


@dataclass(frozen=True, slots=True)
class Share:
    """What one principal has been given of one record; masks of ``kartoteka.access.rights``.

    ``shared_by`` is the user who shared it last (empty: nobody did, it is inherited alone);
    ``changed_on`` an instant as SQLite keeps it.
    """

    entity: str
    record_id: str
    principal_id: str
    principal_type: str
    explicit_rights: int = 0
    inherited_rights: int = 0
    shared_by: str = ""
    changed_on: str = ""

    @property
    def rights(self) -> int:
        """Return everything that the principal may do by this share."""
        return self.explicit_rights | self.inherited_rights


class Shares:
    """Statements about shares, compiled once."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile the statements."""

        def text(sql: str) -> str:
            return compile_text(sa.text(sql), dialect)

        self._engine = dialect.name
        rows, ids = _ROWS[dialect.name], _IDS[dialect.name]
        select = f"SELECT {_COLUMNS} FROM kartoteka_share WHERE "
        delete = "DELETE FROM kartoteka_share WHERE "
        key = "(entity, record_id, principal_id)"
        self._of_records = text(f"{select} entity = :entity AND record_id {ids}")
        self._of_principal = text(f"{select} principal_id = :principal")
        self._write = text(
            f"INSERT INTO kartoteka_share ({_COLUMNS}, rights)"
            f" SELECT {_COLUMNS}, explicit_rights | inherited_rights FROM {rows} AS given"
            " WHERE (explicit_rights | inherited_rights) <> 0"
            f" ON CONFLICT {key} DO UPDATE SET"
            " principal_type = excluded.principal_type, rights = excluded.rights,"
            " explicit_rights = excluded.explicit_rights,"
            " inherited_rights = excluded.inherited_rights,"
            " shared_by = excluded.shared_by, changed_on = excluded.changed_on"
        )
        self._remove_empty = text(
            f"{delete} {key} IN (SELECT entity, record_id, principal_id FROM {rows} AS given"
            " WHERE (explicit_rights | inherited_rights) = 0)"
        )
        self._remove_records = text(f"{delete} entity = :entity AND record_id {ids}")
        self._remove_principal = text(f"{delete} principal_id = :principal")
        self._remove_entity = text(f"{delete} entity = :entity")

    async def of_record(
        self, connection: Connection, entity: str, record_id: str
    ) -> tuple[Share, ...]:
        """Return every share of a record."""
        found = await self.of_records(connection, entity, (record_id,))
        return tuple(found.get(record_id, {}).values())

    async def of_records(
        self, connection: Connection, entity: str, record_ids: Collection[str]
    ) -> dict[str, dict[str, Share]]:
        """Return ``{record id: {principal id: share}}`` of records that are shared."""
        params = {"entity": entity, "ids": ids_parameter(record_ids, self._engine)}
        found: dict[str, dict[str, Share]] = {}
        for share in map(_share, await connection.fetch_all(self._of_records, params)):
            found.setdefault(share.record_id, {})[share.principal_id] = share
        return found

    async def of_principal(self, connection: Connection, principal_id: str) -> tuple[Share, ...]:
        """Return everything that is shared with a user, team or organization."""
        rows = await connection.fetch_all(self._of_principal, {"principal": principal_id})
        return tuple(map(_share, rows))

    async def write(self, connection: Connection, shares: Iterable[Share]) -> None:
        """Keep shares as they are given; those that hold no right are removed."""
        given = [_row(share) for share in shares]
        if not given:
            return
        params = {"rows": orjson.dumps(given).decode()}
        if any(row["explicit_rights"] | row["inherited_rights"] for row in given):
            await connection.execute(self._write, params)
        if not all(row["explicit_rights"] | row["inherited_rights"] for row in given):
            await connection.execute(self._remove_empty, params)

    async def remove_records(
        self, connection: Connection, entity: str, record_ids: Collection[str]
    ) -> None:
        """Forget the shares of records that go."""
        params = {"entity": entity, "ids": ids_parameter(record_ids, self._engine)}
        await connection.execute(self._remove_records, params)

    async def remove_principal(self, connection: Connection, principal_id: str) -> None:
        """Forget what was shared with somebody who goes."""
        await connection.execute(self._remove_principal, {"principal": principal_id})

    async def remove_entity(self, connection: Connection, entity: str) -> None:
        """Forget every share of an entity that is destroyed."""
        await connection.execute(self._remove_entity, {"entity": entity})


def in_ids(column: sa.ColumnElement[Any], name: str, engine: str) -> sa.ColumnElement[bool]:
    """Return whether a column of ids is among those of a parameter, see ``ids_parameter``."""
    if engine == "postgresql":
        bound = sa.cast(sa.bindparam(name, type_=sa.Text()), sa.ARRAY(sa.Uuid()))
        return column == sa.func.any(bound)
    values = sa.func.json_each(sa.bindparam(name, type_=sa.Text())).table_valued("value")
    return column.in_(sa.select(values.c.value))


def ids_parameter(ids: Iterable[str], engine: str) -> str:
    """Return ids as the value of the parameter that ``in_ids`` asks for."""
    ordered = sorted(ids)
    if engine == "postgresql":
        return "{" + ",".join(ordered) + "}"
    return orjson.dumps(ordered).decode()


_IDS = {
    "sqlite": "IN (SELECT value FROM json_each(:ids))",
    "postgresql": "= ANY(CAST(:ids AS uuid[]))",
}
_ROWS = {
    "sqlite": "(SELECT "
    + ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in _NAMES)
    + " FROM json_each(:rows))",
    "postgresql": "(SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS row_(entity text,"
    " record_id uuid, principal_id uuid, principal_type text, explicit_rights integer,"
    " inherited_rights integer, shared_by text, changed_on text))",
}


def _share(row: Row) -> Share:
    entity, record_id, principal_id, kind, explicit, inherited, by, on = row
    return Share(entity, str(record_id), str(principal_id), kind, explicit, inherited, by, on)


def _row(share: Share) -> dict[str, Any]:
    return {name: getattr(share, name) for name in _NAMES}
