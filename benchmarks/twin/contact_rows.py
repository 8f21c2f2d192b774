"""Rows of ``contact`` → JSON objects, one expression a column, decided once at the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson

LOOKUPS = frozenset({
    "createdby", "createdonbehalfby", "defaultpricelevelid", "masterid", "modifiedby",
    "modifiedonbehalfby", "originatingleadid", "ownerid", "owningbusinessunit", "owningteam",
    "owninguser", "parentcustomerid", "preferredequipmentid", "preferredserviceid",
    "preferredsystemuserid", "gdprparentid", "slaid", "slainvokedid", "transactioncurrencyid",
    "source_email", "source_event", "source_form", "source_journey", "source_page",
})  # fmt: skip
_YES_NO = frozenset({
    "creditonhold", "donotbulkemail", "donotbulkpostalmail", "donotemail", "donotfax", "donotphone",
    "donotpostalmail", "donotsendmm", "donottrack", "followemail", "gdprischild",
    "isbackofficecustomer", "marketingonly", "merged", "participatesinworkflow", "rememberme",
})  # fmt: skip
_AMOUNTS = frozenset({
    "aging30", "aging60", "aging90", "annualincome", "creditlimit", "aging30_base", "aging60_base",
    "aging90_base", "annualincome_base", "creditlimit_base",
})  # fmt: skip
_MONEY_PLACES = 4
_RATE_PLACES = 10

RowToJson = Callable[[Sequence[Any]], dict[str, Any]]


def row_to_json(columns: Sequence[str], engine: str) -> RowToJson:
    """Return the function for rows with these columns: the dictionary one would type by hand."""
    parts = [f"'@odata.etag': f'W/\"{{r[{columns.index('versionnumber')}]}}\"'"]
    for at, column in enumerate(columns):
        if column.endswith("__entity"):
            continue
        key = f"_{column}_value" if column in LOOKUPS else column
        parts.append(f"{key!r}: {_expression(column, f'r[{at}]', engine)}")
    known: dict[str, Any] = {"Decimal": Decimal}
    exec(f"def convert(r): return {{{', '.join(parts)}}}", known)
    convert: RowToJson = known["convert"]
    return convert


def to_json(value: Any) -> bytes:
    """Return a value as JSON."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z)


def _expression(column: str, cell: str, engine: str) -> str:
    if column == "contactkinds":
        if engine == "sqlite":
            return f"{cell} and {cell}[1:-1]"
        return f"{cell} and ','.join(map(str, {cell}))"
    if engine == "sqlite":
        if column in _YES_NO:
            return f"None if {cell} is None else {cell} == 1"
        if column in _AMOUNTS:
            return f"None if {cell} is None else Decimal({cell}).scaleb(-{_MONEY_PLACES})"
        if column == "exchangerate":
            return f"None if {cell} is None else Decimal({cell}).scaleb(-{_RATE_PLACES})"
    return cell


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(type(value).__name__)
