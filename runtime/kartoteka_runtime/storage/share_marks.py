"""Share masks: a bit in a record for each principal that it may be shared with (decisions/0033)."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
import sqlalchemy as sa

from kartoteka.access.rights import SHARE_MASK
from kartoteka_runtime.storage.database import Connection

_ROWS = {
    "sqlite": "(SELECT json_extract(value, '$.id') AS id, json_extract(value, '$.bits') AS bits "
    "FROM json_each(:rows)) AS given",
    "postgresql": "json_to_recordset(CAST(%(rows)s AS json)) AS given(id uuid, bits bigint)",
}


async def mark_shared(
    connection: Connection, table: sa.Table, primary_id: str, bits: Mapping[str, int], engine: str
) -> None:
    """Set bits in the masks of records, by id; they stay when the shares are gone.

    A table without masks stays as it is.
    """
    if SHARE_MASK not in table.c or not bits:
        return
    stored = f'COALESCE("{table.name}"."{SHARE_MASK}", 0)'
    sql = (
        f'UPDATE "{table.name}" SET "{SHARE_MASK}" = {stored} | given.bits '
        f'FROM {_ROWS[engine]} WHERE "{table.name}"."{primary_id}" = given.id '
        f"AND ({stored} & given.bits) <> given.bits"
    )
    rows = [{"id": record_id, "bits": mask} for record_id, mask in bits.items()]
    await connection.execute(sql, {"rows": orjson.dumps(rows).decode()})
