"""RowsWriter: rows as JSON objects, with what writes their amounts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.localization.money_writers import MoneyWriters
from kartoteka_runtime.records.currencies import Currencies
from kartoteka_runtime.records.file_values import give_contents
from kartoteka_runtime.records.record_files import RecordFiles
from kartoteka_runtime.security.column_access import without_masked_numbers
from kartoteka_runtime.web_api.list_request import ListRequest
from kartoteka_runtime.web_api.row_writer import WriteRow


class RowsWriter:
    """Writes the rows of every list."""

    def __init__(
        self, live_registry: LiveRegistry, currencies: Currencies, files: RecordFiles
    ) -> None:
        """Write amounts as ``currencies`` says, and images and attachments from ``files``."""
        self._files = files
        self._live_registry = live_registry
        self._currencies = currencies

    async def written(
        self, rows: Sequence[dict[str, Any]], write: WriteRow, asked: ListRequest
    ) -> list[dict[str, Any]]:
        """Return rows as JSON objects; amounts are written only where that was asked for."""
        money = await self.money(asked)
        without_masked_numbers(rows)
        if write.contents:
            entity = asked.registry.entities[write.shown.entity]
            await give_contents(self._files, asked.records, entity, rows, write.contents)
        return [write.record(row, money) for row in rows]

    async def money(self, asked: ListRequest) -> MoneyWriters | None:
        """Return what writes amounts; None where they are not written."""
        if not asked.wanted.formatted:
            return None
        published = self._live_registry.current
        return await self._currencies.writers(published, asked.principal.language)
