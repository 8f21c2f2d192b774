"""Groups and figures of a query, for whoever may read the records that they are made of."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.compile_closure import compile_closure
from kartoteka.conditions.typed import TypedCondition
from kartoteka.conditions.walk import parts_of
from kartoteka.query.query import Query
from kartoteka_runtime.records.asking import asker_of
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.reading import (
    COUNT_CAP,
    MOST_INPUT,
    MOST_RECORDS,
    RecordPage,
    TooManyRecords,
    limited,
    require_read,
)

_MOST_TESTS = 1_000_000  # parts of a condition, each for each group
_AT_ONCE = 500


async def aggregate(
    op: Operation, query: Query, *, most_input: int = MOST_INPUT, with_count: bool = False
) -> RecordPage:
    """Return the groups of a query, keyed by alias.

    All of them are read where they are counted, or chosen by what was worked out of them.

    Raises:
        TooManyRecords: More than ``most_input`` records would have to be looked at.
        AccessDenied: The principal may not read one of the entities.
    """
    require_read(op, query)
    query, _ = limited(op, query)
    query = replace(query, limit=max(1, min(query.limit, MOST_RECORDS)))
    asker = await asker_of(op, query)
    found = await op.model.queries.count(op.connection, query, asker, most_input + 1)
    if found > most_input:
        raise TooManyRecords(most_input)
    if query.having is not None or with_count:
        return await _chosen_groups(op, query, asker, most_input)
    rows, has_more = await op.model.queries.aggregate(op.connection, query, asker)
    return RecordPage(query.entity, rows, "", len(rows), False, has_more)


async def _chosen_groups(op: Operation, query: Query, asker: Asker, most_input: int) -> RecordPage:
    whole = replace(query, skip=0, limit=most_input)  # there are no more groups than records
    rows, _ = await op.model.queries.aggregate(op.connection, whole, asker)
    if query.having is not None:
        rows = await _meant(query.having, rows, asker)
    end, count = query.skip + query.limit, len(rows)
    page = rows[query.skip : end]
    is_capped = count > COUNT_CAP
    return RecordPage(query.entity, page, "", min(count, COUNT_CAP), is_capped, count > end)


async def _meant(
    having: TypedCondition, rows: list[dict[str, Any]], asker: Asker
) -> list[dict[str, Any]]:
    """Return the groups that meet a condition; others get their turn meanwhile.

    Raises:
        TooManyRecords: Condition and groups together make too much work.
    """
    most = _MOST_TESTS // sum(1 for _ in parts_of(having))
    if len(rows) > most:
        raise TooManyRecords(most)
    is_meant = compile_closure(having)
    found = []
    for at in range(0, len(rows), _AT_ONCE):
        found += [row for row in rows[at : at + _AT_ONCE] if is_meant(row, asker)]
        await asyncio.sleep(0)
    return found
