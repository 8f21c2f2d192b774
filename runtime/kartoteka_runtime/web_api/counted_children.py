"""How many records lie right below each of a page: ``rowaggregate="CountChildren"``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kartoteka.conditions.typed import OneOf
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Aggregate, AggregateFunction, Group, Query
from kartoteka.record_values import Reference
from kartoteka_runtime.web_api.list_request import ListRequest

_AT_ONCE = 1_000
_PARENT, _COUNT = "parent", "count"


async def count_children(
    rows: Sequence[dict[str, Any]], keys: Sequence[str], asked: ListRequest
) -> None:
    """Write into rows, under each of the keys, how many children their records have.

    Counted are those that the asker may read.
    """
    entity = asked.entity
    (parent,) = [item.name for item in entity.fields if item.hierarchical][:1]
    path = path_of(asked.registry, entity.name, parent)
    ids = list(dict.fromkeys(str(row[entity.primary_id]) for row in rows))
    counts: dict[str, int] = {}
    for begin in range(0, len(ids), _AT_ONCE):
        some = ids[begin : begin + _AT_ONCE]
        query = Query(
            entity.name,
            condition=OneOf(path, tuple(some)),
            groups=(Group(_PARENT, path),),
            aggregates=(Aggregate(_COUNT, AggregateFunction.COUNT),),
        )
        page = await asked.records.query(query, limit=_AT_ONCE)
        for group in page.rows:
            found = group[_PARENT]
            identity = found.id if isinstance(found, Reference) else str(found)
            counts[identity] = int(group[_COUNT])
    for row in rows:
        for key in keys:
            row[key] = counts.get(str(row[entity.primary_id]), 0)
