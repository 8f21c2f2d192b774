"""What is stored, counted for a plan: how many values, and which of them would not fit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from kartoteka.conversions import DoesNotConvert
from kartoteka.model.field import Field
from kartoteka_runtime.publishing.plan import Sample
from kartoteka_runtime.storage.cell_converter import CellConverter
from kartoteka_runtime.storage.database import Connection, Database
from kartoteka_runtime.storage.stored_values import cell_reader

MOST_SAMPLES = 5
_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class StoredField:
    """Where the values of a field lie: table, its primary id, the field's columns."""

    table: str
    primary_id: str
    columns: tuple[str, ...]
    field: Field


@dataclass(frozen=True, slots=True)
class Unfit:
    """How many values do not fit, with the first few."""

    count: int = 0
    samples: tuple[Sample, ...] = ()


class StoredCounts:
    """Asks the database; reads only."""

    def __init__(self, connection: Connection, database: Database) -> None:
        """Read through ``connection``."""
        self._connection = connection
        self._engine = database.engine
        self._quote = database.dialect.identifier_preparer.quote

    async def records(self, table: str) -> int:
        """Return how many records a table holds."""
        return await self._number(f"SELECT count(*) FROM {self._quote(table)}")

    async def has_records(self, table: str) -> bool:
        """Return whether a table holds any record."""
        sql = f"SELECT 1 FROM {self._quote(table)} LIMIT 1"
        return await self._connection.fetch_one(sql, {}) is not None

    async def values(self, stored: StoredField) -> int:
        """Return how many records have a value in a field."""
        return await self._number(
            f"SELECT count({self._quote(stored.columns[0])}) FROM {self._quote(stored.table)}"
        )

    async def empty(self, stored: StoredField) -> int:
        """Return how many records have no value in a field."""
        return await self._number(
            f"SELECT count(*) FROM {self._quote(stored.table)} "
            f"WHERE {self._quote(stored.columns[0])} IS NULL"
        )

    async def unfit(self, stored: StoredField, convert: Callable[[Any], Any]) -> Unfit:
        """Return the values that ``convert`` refuses."""
        count = 0
        samples: list[Sample] = []
        async for record_id, value in self._each(stored):
            try:
                convert(value)
            except DoesNotConvert as refused:
                count += 1
                if len(samples) < MOST_SAMPLES:
                    samples.append(Sample(record_id, _shown(value), str(refused)))
        return Unfit(count, tuple(samples))

    async def convert(
        self, stored: StoredField, originals: Sequence[str], convert: CellConverter
    ) -> Unfit:
        """Return the values that ``convert`` refuses; it counts what else there is to know."""
        count = 0
        samples: list[Sample] = []
        async for record_id, cells in self._cells(stored, originals):
            value, _, refused = convert.value(cells)
            if refused is not None:
                count += 1
                if len(samples) < MOST_SAMPLES:
                    samples.append(Sample(record_id, _shown(value), str(refused)))
        return Unfit(count, tuple(samples))

    async def repeated(self, table: str, expressions: Sequence[str]) -> int:
        """Return how many sets of values more than one record has; empty ones do not count."""
        every = ", ".join(expressions)
        given = " AND ".join(f"{expression} IS NOT NULL" for expression in expressions)
        return await self._number(
            f"SELECT count(*) FROM (SELECT 1 AS one FROM {self._quote(table)} WHERE {given} "
            f"GROUP BY {every} HAVING count(*) > 1) AS repeated"
        )

    async def _each(self, stored: StoredField) -> AsyncIterator[tuple[str, Any]]:
        """Yield record id and value, in batches, so that others get their turn."""
        read = cell_reader(stored.field, self._engine)
        async for record_id, cells in self._cells(stored):
            value = read(cells)
            if value is not None:
                yield record_id, value

    async def _cells(
        self, stored: StoredField, originals: Sequence[str] = ()
    ) -> AsyncIterator[tuple[str, Sequence[Any]]]:
        quote = self._quote
        columns = ", ".join(quote(name) for name in (*stored.columns, *originals))
        has_value = " OR ".join(
            f"{quote(name)} IS NOT NULL" for name in (stored.columns[0], *originals[:1])
        )
        primary_id, last = quote(stored.primary_id), None
        mark = ":last" if self._engine == "sqlite" else "%(last)s"
        while True:
            after = f"AND {primary_id} > {mark} " if last is not None else ""
            rows = await self._connection.fetch_all(
                f"SELECT {primary_id}, {columns} FROM {quote(stored.table)} "
                f"WHERE ({has_value}) {after}"
                f"ORDER BY {primary_id} LIMIT {_BATCH}",
                {"last": last},
            )
            for record_id, *cells in rows:
                yield str(record_id), cells
            if len(rows) < _BATCH:
                return
            last = rows[-1][0]
            await asyncio.sleep(0)

    async def _number(self, sql: str) -> int:
        row = await self._connection.fetch_one(sql, {})
        return int(row[0]) if row is not None else 0


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"
