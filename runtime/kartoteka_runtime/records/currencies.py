"""Currencies: what writes amounts of every currency, as known within the last minute."""

from __future__ import annotations

import time

from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.localization.format_value import Currency
from kartoteka_runtime.localization.money_writers import NO_CURRENCY, MoneyWriters
from kartoteka_runtime.records.record_service import RecordService

CURRENCIES = "transactioncurrency"
_SECONDS = 60.0  # how long a changed currency symbol may go unseen
_PLATFORM = Principal(user_id="", is_system=True)


class Currencies:
    """Reads the app's currencies and keeps writers of amounts, one a publication and language."""

    def __init__(self, records: RecordService, base_code: str) -> None:
        """Read with ``records``; ``base_code`` is the ISO code of the organization's currency."""
        self._records = records
        self._base_code = base_code
        self._writers: dict[tuple[int, str], tuple[float, MoneyWriters]] = {}

    async def writers(self, published: Published, language: str) -> MoneyWriters:
        """Return what writes amounts in a language."""
        key = (published.number, language)
        known = self._writers.get(key)
        now = time.monotonic()
        if known is None or now - known[0] > _SECONDS:
            self._forget_before(published.number)
            known = self._writers[key] = (now, await self._read(published, language))
        return known[1]

    async def _read(self, published: Published, language: str) -> MoneyWriters:
        if CURRENCIES not in published.registry.entities:
            return MoneyWriters(language, {})
        records = self._records.acting_as(_PLATFORM)
        fields = ["isocurrencycode", "currencysymbol", "currencyprecision"]
        rows = await records.list(CURRENCIES, fields=fields)
        primary_id = published.registry.entities[CURRENCIES].primary_id
        currencies = {
            row[primary_id]: Currency(
                row["isocurrencycode"] or "",
                row["currencysymbol"] or "",
                2 if row["currencyprecision"] is None else row["currencyprecision"],
            )
            for row in rows
        }
        found = (item for item in currencies.values() if item.code == self._base_code)
        return MoneyWriters(language, currencies, next(found, NO_CURRENCY))

    def _forget_before(self, number: int) -> None:
        """Forget publications before the one that a request may still be reading."""
        for key in [key for key in self._writers if key[0] < number - 1]:
            del self._writers[key]
