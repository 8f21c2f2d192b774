"""Amounts of money in the currency of their record, in one language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.record_values import Reference
from kartoteka_runtime.localization.format_value import Currency, money_writer

CURRENCY = "transactioncurrencyid"
NO_CURRENCY = Currency("", "")


class MoneyWriters:
    """Writes amounts in the currency of their record, in one language."""

    def __init__(
        self, language: str, currencies: Mapping[str, Currency], base: Currency = NO_CURRENCY
    ) -> None:
        """Prepare a writer for each currency; ``base`` is the organization's."""
        self._writers = {
            key: money_writer(language, currency) for key, currency in currencies.items()
        }
        self._base = money_writer(language, base)
        self._symbols = {
            key: currency.symbol or currency.code for key, currency in currencies.items()
        }
        self._base_symbol = base.symbol or base.code

    def own(self, value: Any, record: Mapping[str, Any]) -> str:
        """Return an amount in the record's currency."""
        currency: Reference | None = record.get(CURRENCY)
        if currency is None:
            return self._base(value)
        return self._writers.get(currency.id, self._base)(value)

    def symbol(self, record: Mapping[str, Any]) -> str:
        """Return the symbol of the record's currency."""
        currency = record.get(CURRENCY)
        if not isinstance(currency, Reference):  # a currency's own id has the same name
            return self._base_symbol
        return self._symbols.get(currency.id, self._base_symbol)

    def base(self, value: Any, record: Mapping[str, Any]) -> str:
        """Return an amount in the base currency."""
        return self._base(value)
