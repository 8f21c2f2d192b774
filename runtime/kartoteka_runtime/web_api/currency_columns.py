"""The currencies that amounts of a query are in, which formatted amounts need beside them."""

from __future__ import annotations

from dataclasses import replace

from kartoteka.conditions.typed import FieldPath, ValueKind
from kartoteka.query.query import Query
from kartoteka.registry import Registry
from kartoteka_runtime.localization.money_writers import CURRENCY


def with_currencies(query: Query, registry: Registry) -> Query:
    """Return the query with the currency of every record whose amounts it shows.

    Distinct rows and groups are left as they are: their amounts are written as base amounts.
    """
    if query.is_aggregate or query.distinct:
        return query
    columns = {path.key: path for path in query.columns}
    for path in query.columns:
        entity = registry.entities.get(path.entity)
        if path.field.type != "money" or path.field.base_of or entity is None:
            continue
        currency = entity.field_by_name.get(CURRENCY)
        if currency is not None:
            found = FieldPath(path.steps, path.entity, currency, ValueKind.ID, path.variable)
            columns.setdefault(found.key, found)
    expands = tuple(
        replace(expand, query=with_currencies(expand.query, registry)) for expand in query.expands
    )
    return replace(query, columns=tuple(columns.values()), expands=expands)
