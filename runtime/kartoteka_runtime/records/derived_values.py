"""Values that the platform writes itself: stamps, owners, numbers, joined texts, base amounts."""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import sqlalchemy as sa

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.field import Field
from kartoteka.model.field_types import NUMBER_LIMITS
from kartoteka.record_values import Reference
from kartoteka_runtime.records.compiled_model import CompiledEntity, CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.rollup_changes import CURRENCY, RATE
from kartoteka_runtime.storage.autonumbers import next_numbers

_MOST_BASE = NUMBER_LIMITS["money"][1]  # of a base amount
_RANDOM_LETTERS = string.ascii_uppercase + string.digits
_NUMBER_PART = re.compile(r"\{(SEQNUM|RANDSTRING|DATETIMEUTC):([^}]*)\}")
_DATE_CODES = {"yyyy": "%Y", "yy": "%y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def stamp_new(op: Operation, compiled: CompiledEntity, values: dict[str, Any]) -> None:
    """Write who created the record, and when; an import may bring the time of its source."""
    user = Reference("systemuser", op.principal.user_id) if op.principal.user_id else None
    for name, value in (
        ("createdon", values.get("overriddencreatedon") or op.now),
        ("createdby", user),
        ("modifiedon", op.now),
        ("modifiedby", user),
    ):
        if name in compiled.names and not (op.is_system and values.get(name) is not None):
            values[name] = value
    if op.principal.on_behalf_of is not None:
        _stamp_agent(op, compiled, values, "createdonbehalfby", "modifiedonbehalfby")


def stamp_change(op: Operation, compiled: CompiledEntity, values: dict[str, Any]) -> None:
    """Write who changed the record, and when."""
    if "modifiedon" in compiled.names:
        values["modifiedon"] = op.now
        if op.principal.user_id:
            values["modifiedby"] = Reference("systemuser", op.principal.user_id)
    _stamp_agent(op, compiled, values, "modifiedonbehalfby")


def _stamp_agent(
    op: Operation, compiled: CompiledEntity, values: dict[str, Any], *names: str
) -> None:
    """Write who really acts as somebody else; nobody, where users act themselves."""
    agent = op.principal.on_behalf_of
    for name in names:
        if name in compiled.names:
            values[name] = None if agent is None else Reference("systemuser", agent.user_id)


async def write_owner(
    op: Operation,
    compiled: CompiledEntity,
    values: dict[str, Any],
    units: dict[str, Reference | None] | None = None,
) -> None:
    """Keep owninguser, owningteam and owningbusinessunit in step with a new ``ownerid``.

    ``units`` keeps the unit of each owner that had to be looked up.
    """
    owner: Reference = values["ownerid"]
    values["owninguser"] = owner if owner.entity == "systemuser" else None
    values["owningteam"] = owner if owner.entity == "team" else None
    if owner.id == op.principal.user_id and op.principal.business_unit_id:
        values["owningbusinessunit"] = Reference("businessunit", op.principal.business_unit_id)
        return
    units = {} if units is None else units
    if owner.id not in units:
        found = await op.entity(owner.entity).queries.read(
            op.connection, owner.id, names=("businessunitid",)
        )
        units[owner.id] = found["businessunitid"] if found else None
    values["owningbusinessunit"] = units[owner.id]


async def write_autonumbers(
    op: Operation, compiled: CompiledEntity, created: Sequence[dict[str, Any]]
) -> None:
    """Give each autonumber field its next number; one that an import brings stays."""
    for item in compiled.autonumbers:
        lacking = [values for values in created if values.get(item.name) is None]
        if not lacking:
            continue
        numbers: Sequence[int | None] = [None] * len(lacking)
        if "{SEQNUM:" in item.number_format:
            numbers = await next_numbers(
                op.connection,
                compiled.queries.engine,
                f"{compiled.entity.name}.{item.name}",
                item.first_number,
                len(lacking),
            )
        for values, number in zip(lacking, numbers, strict=True):
            values[item.name] = _number(op, item, number)


def _number(op: Operation, item: Field, number: int | None) -> str:
    def fill(match: re.Match[str]) -> str:
        kind, argument = match.groups()
        if kind == "SEQNUM":
            return str(number).zfill(int(argument))
        if kind == "RANDSTRING":
            return "".join(secrets.choice(_RANDOM_LETTERS) for _ in range(int(argument)))
        pattern = re.sub("yyyy|yy|MM|dd|HH|mm|ss", lambda code: _DATE_CODES[code.group()], argument)
        return op.now.strftime(pattern)

    return _NUMBER_PART.sub(fill, item.number_format)


def write_joined(
    compiled: CompiledEntity, values: dict[str, Any], before: Mapping[str, Any] | None
) -> None:
    """Write the texts that are joined from others, when one of those is written."""
    for item in compiled.joined:
        if before is not None and not any(part in values for part in item.joined_from):
            continue
        parts = [
            values[part] if part in values else (before or {}).get(part)
            for part in item.joined_from
        ]
        text = item.separator.join(str(part) for part in parts if part)
        values[item.name] = text[: item.max_length] or None


class Rates:
    """The base currency and the rates of others, each looked up once."""

    def __init__(self) -> None:
        """Know none yet."""
        self._base: tuple[str | None, int] | None = None
        self._rates: dict[str, Decimal] = {}

    async def base(self, op: Operation) -> tuple[str | None, int]:
        """Return the organization's base currency and the decimal places of its amounts."""
        if self._base is None:
            sql = op.model.text("base currency", lambda: _base_currency_query(op.model))
            row = await op.connection.fetch_one(sql, {})
            self._base = (None, 2) if row is None else (row[0], row[1] if row[1] is not None else 2)
        return self._base

    async def of(self, op: Operation, currency_id: str) -> Decimal:
        """Return what one unit of the base currency is worth in another."""
        if currency_id not in self._rates:
            found = await op.entity("transactioncurrency").queries.read(
                op.connection, currency_id, names=(RATE,)
            )
            rate = found[RATE] if found else None
            self._rates[currency_id] = Decimal(rate) if rate else Decimal(1)
        return self._rates[currency_id]


async def write_base_amounts(
    op: Operation,
    compiled: CompiledEntity,
    values: dict[str, Any],
    before: Mapping[str, Any] | None,
    rates: Rates | None = None,
) -> None:
    """Copy the currency's rate and write ``x_base = x / rate`` for the amounts of the record.

    The rate is refreshed when the record is created, its currency changes or an amount is
    written; then every amount is converted with it. Source: reference platform, section 1.7.
    """
    if not compiled.money or CURRENCY not in compiled.references:
        return
    if CURRENCY not in values and not any(name in values for name in compiled.money):
        return
    rates = rates or Rates()
    merged = {**(before or {}), **values}
    has_amount = any(merged.get(name) is not None for name in compiled.money)
    currency = merged.get(CURRENCY)
    base_id, base_precision = await rates.base(op)
    if currency is None:
        if not has_amount:
            return
        if base_id is None:
            raise RecordInvalid(compiled.entity.name, [Violation(CURRENCY, "violation.required")])
        currency = values[CURRENCY] = Reference("transactioncurrency", base_id)
    rate = await rates.of(op, currency.id)
    values[RATE] = rate
    unit = Decimal(1).scaleb(-base_precision)
    for name in compiled.money:
        amount = merged.get(name)
        if f"{name}_base" in compiled.names:
            if amount is not None and abs(amount) > _MOST_BASE * rate:
                most = {"max": _MOST_BASE * rate}
                raise RecordInvalid(
                    compiled.entity.name, [Violation(name, "violation.too_large", most)]
                )
            values[f"{name}_base"] = (
                None if amount is None else (amount / rate).quantize(unit, ROUND_HALF_UP)
            )


def _base_currency_query(model: CompiledModel) -> sa.Select[Any]:
    organization = model.tables.entities["organization"].c
    currency = model.tables.entities["transactioncurrency"].c
    base = sa.select(sa.func.min(sa.cast(organization.basecurrencyid, sa.String(36))))
    return sa.select(currency.transactioncurrencyid, currency.currencyprecision).where(
        sa.cast(currency.transactioncurrencyid, sa.String(36)) == base.scalar_subquery()
    )
