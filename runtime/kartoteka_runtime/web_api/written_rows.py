"""RowsWriter: rows as JSON objects, with what writes their amounts and what lies in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kartoteka.query.query import Query
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.localization.money_writers import MoneyWriters
from kartoteka_runtime.records.currencies import Currencies
from kartoteka_runtime.records.record_files import RecordFiles
from kartoteka_runtime.security.column_access import without_masked_numbers
from kartoteka_runtime.storage.json_rows import to_json
from kartoteka_runtime.web_api.given_contents import give_all_contents
from kartoteka_runtime.web_api.list_request import ListRequest
from kartoteka_runtime.web_api.row_writer import WriteRow


@dataclass(frozen=True, slots=True)
class WrittenPage:
    """A page of a list; ``count`` is that of the list, ``found`` that of the page."""

    text: bytes = b"[]"
    next_after: str = ""
    count: int = 0
    found: int = 0


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
        if write.has_contents:
            await give_all_contents(self._files, asked.records, asked.registry, write.shown, rows)
        return [write.record(row, money) for row in rows]

    async def page(
        self,
        query: Query,
        write: WriteRow,
        asked: ListRequest,
        *,
        after: str,
        limit: int,
        with_count: bool = False,
    ) -> WrittenPage:
        """Return a page of records that hold no others, as the text of a JSON array."""
        if not write.has_contents:
            page = await asked.records.query_text(
                query, write, await self.money(asked),
                after=after, limit=limit, with_count=with_count,
            )  # fmt: skip
            return WrittenPage(page.text, page.next_after, page.count, page.found)
        read = await asked.records.query(query, after=after, limit=limit, with_count=with_count)
        text = to_json(await self.written(read.rows, write, asked))
        return WrittenPage(text, read.next_after, read.count, len(read.rows))

    async def money(self, asked: ListRequest) -> MoneyWriters | None:
        """Return what writes amounts; None where they are not written."""
        if not asked.wanted.formatted:
            return None
        published = self._live_registry.current
        return await self._currencies.writers(published, asked.principal.language)
