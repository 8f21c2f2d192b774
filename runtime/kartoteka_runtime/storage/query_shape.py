"""What two queries share exactly when one SQL text serves both, and which conditions they hold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kartoteka.conditions.typed import Collection, Linked, LookupStep, Match, TypedCondition
from kartoteka.query.query import Expand, OrderKey, Query
from kartoteka_runtime.storage.condition_parameters import shape_of


def page_shape(query: Query) -> Any:
    """Return the shape of a page's statement, without where in the order it begins."""
    return (
        query.entity,
        tuple(path.key for path in query.columns),
        _condition_shape(query.condition),
        query.linked_to and query.linked_to.relationship,
        tuple(_order_shape(key) for key in query.order),
        query.with_labels,
        query.distinct,
        query.skip > 0,
        tuple(
            (
                j.alias,
                j.entity,
                _via_shape(j.via),
                j.parent,
                j.is_outer,
                _condition_shape(j.condition),
            )
            for j in query.joins
        )
        if query.joins
        else (),
        tuple((item.key, over_shape(item.over), page_shape(item.query)) for item in query.expands)
        if query.expands
        else (),
    )


def aggregate_shape(query: Query) -> Any:
    """Return the shape of a statement that groups records."""
    groups = tuple((item.alias, item.path.key, item.part) for item in query.groups)
    figures = tuple(
        (item.alias, item.function, item.path and item.path.key, item.distinct)
        for item in query.aggregates
    )
    return (page_shape(query), groups, figures)


def over_shape(over: LookupStep | Collection) -> Any:
    """Return what an expand goes over, by names."""
    if isinstance(over, LookupStep):
        return over.key
    return (over.key, over.owner, over.entity, _via_shape(over.via))


def _via_shape(via: Match | Linked) -> Any:
    if isinstance(via, Match):
        return (via.item_field.name, via.owner_field.name)
    return (via.relationship.name, via.owner_is_left)


def _condition_shape(condition: TypedCondition | None) -> Any:
    return None if condition is None else shape_of(condition)


def _order_shape(key: OrderKey) -> Any:
    return (key.path if isinstance(key.path, str) else key.path.key, key.descending)


def conditions_of(query: Query) -> Iterator[tuple[str, TypedCondition]]:
    """Yield the conditions that one statement holds, each with the prefix of its parameters."""
    if query.condition is not None:
        yield "c", query.condition
    for number, join in enumerate(query.joins):
        if join.condition is not None:
            yield f"j{number}_", join.condition
    for number, expand in enumerate(single_expands(query)):
        if expand.query.condition is not None:
            yield f"e{number}_", expand.query.condition


def single_expands(query: Query) -> Iterator[Expand]:
    """Yield the expands over lookups that are read with the records, outer ones first."""
    for expand in query.expands:
        if isinstance(expand.over, LookupStep):
            yield expand
            yield from single_expands(expand.query)
