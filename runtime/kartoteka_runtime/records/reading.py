"""Lists, counts and searches: every question for more than one record becomes a ListQuery here.

This is where the access predicate joins each query, once for all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.parser import parse
from kartoteka.conditions.paths import resolve_path
from kartoteka.conditions.syntax import Path
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    FieldPath,
    Fixed,
    LookupStep,
    TextFunction,
    TextTest,
    TypedCondition,
    ValueKind,
)
from kartoteka.errors import RecordInvalid, RecordNotFound, Violation
from kartoteka.model.view import SortKey, View
from kartoteka.query.list_query import LinkedTo, ListQuery, OrderKey
from kartoteka.record_values import Reference
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.paging import decode_token, encode_token
from kartoteka_runtime.security import access
from kartoteka_runtime.storage.database import BadParameter

COUNT_CAP = 5000  # records counted before a list says "more than". Source: design, section 11
MOST_RECORDS = 5000  # records of one page
_LONGEST_SEARCH = 200  # characters of a search text that are looked at


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of a list.

    ``rows`` are keyed by column path and hold the primary id; ``next_after`` is the token of the
    next page, empty at the end. ``count`` is exact unless ``is_capped``, then there are more.
    """

    entity: str
    rows: list[dict[str, Any]]
    next_after: str = ""
    count: int = 0
    is_capped: bool = False


def view_query(model: CompiledModel, view: View, sort: Sequence[SortKey] = ()) -> ListQuery:
    """Return a view as a query, in its own order or another one."""
    entity = model.registry.entities[view.entity]
    columns = tuple(_path(model, view.entity, column.field) for column in view.columns)
    order = tuple(
        OrderKey(_path(model, view.entity, key.field), key.descending)
        for key in (tuple(sort) or view.order)
    )
    condition = None
    if view.filter:
        condition = check_condition(parse(view.filter), model.registry, view.entity)
    identity = _path(model, view.entity, entity.primary_id)
    return ListQuery(view.entity, (identity, *columns), condition, order)


async def list_page(
    op: Operation,
    query: ListQuery,
    *,
    after: str = "",
    limit: int = 50,
    with_count: bool = True,
) -> RecordPage:
    """Return one page of a query for the principal.

    Raises:
        RecordInvalid: The page token is not one of this list.
        AccessDenied: The principal may not read this entity.
    """
    query = _with_access(op, query)
    values = decode_token(after, query.entity, len(query.order) + 1)
    limit = max(1, min(limit, MOST_RECORDS))
    query = replace(query, after=values, limit=limit)
    user_id = op.principal.user_id or None
    try:
        rows, following = await op.model.lists.page(op.connection, query, user_id)
    except BadParameter:
        if not values:
            raise
        raise RecordInvalid(query.entity, [Violation(None, "violation.page_token")]) from None
    count, is_capped = len(rows), False
    if with_count and (following or values):
        count = await op.model.lists.count(op.connection, query, user_id, COUNT_CAP + 1)
        is_capped = count > COUNT_CAP
        count = min(count, COUNT_CAP)
    return RecordPage(query.entity, rows, encode_token(following), count, is_capped)


async def count(op: Operation, query: ListQuery) -> int:
    """Return how many records a query finds, all of them counted."""
    query = _with_access(op, query)
    return await op.model.lists.count(op.connection, query, op.principal.user_id or None, 2**31 - 1)


async def find(op: Operation, entity: str, text: str, limit: int) -> list[Reference]:
    """Return records whose find fields begin with a text (``*text``: contain it), by name."""
    compiled = op.entity(entity)
    view = op.model.registry.view_of_type(entity, "lookup")
    name = _path(op.model, entity, compiled.entity.primary_field)
    identity = _path(op.model, entity, compiled.entity.primary_id)
    condition = None
    if view is not None and view.filter:
        condition = check_condition(parse(view.filter), op.model.registry, entity)
    query = ListQuery(entity, (identity, name), condition, (OrderKey(name),), with_labels=False)
    query = with_condition(query, search_condition(op.model, entity, text))
    page = await list_page(op, query, limit=limit, with_count=False)
    return [Reference(entity, row[identity.key], str(row[name.key] or "")) for row in page.rows]


def checked_condition(model: CompiledModel, entity: str, text: str) -> TypedCondition | None:
    """Return a condition text in checked form; None for the empty text.

    Raises:
        ConditionError: It does not parse, or names what does not exist.
    """
    return check_condition(parse(text), model.registry, entity) if text.strip() else None


def search_condition(model: CompiledModel, entity: str, text: str) -> TypedCondition | None:
    """Return the condition of a quick find: one find field begins with the text.

    A leading ``*`` makes it "contains". Source: reference platform, section 4.2.
    """
    text = text.strip()[:_LONGEST_SEARCH]
    function = TextFunction.STARTSWITH
    if text.startswith("*"):
        text, function = text.lstrip("*").strip(), TextFunction.CONTAINS
    if not text:
        return None
    tests = tuple(TextTest(path, function, text) for path in find_paths(model, entity))
    if not tests:
        return Fixed(False)
    return tests[0] if len(tests) == 1 else AnyOf(tests)


def find_paths(model: CompiledModel, entity: str) -> tuple[FieldPath, ...]:
    """Return the texts a quick find looks at; a lookup stands for the name it shows."""
    definition = model.registry.entities[entity]
    view = model.registry.view_of_type(entity, "quick_find")
    names = view.find if view is not None and view.find else (definition.primary_field,)
    paths = []
    for name in names:
        path = _path(model, entity, name)
        if path.kind is ValueKind.TEXT:
            paths.append(path)
        elif path.field.is_lookup:
            for target in path.field.targets:
                step = LookupStep(path.field, target)
                primary = model.registry.entities[target].field_by_name.get(
                    model.registry.entities[target].primary_field
                )
                if primary is not None:
                    paths.append(FieldPath((*path.steps, step), target, primary, ValueKind.TEXT))
    return tuple(paths)


def with_condition(query: ListQuery, condition: TypedCondition | None) -> ListQuery:
    """Return the query narrowed by one more condition."""
    if condition is None:
        return query
    if query.condition is None:
        return replace(query, condition=condition)
    return replace(query, condition=AllOf((query.condition, condition)))


def plain_query(
    model: CompiledModel,
    entity: str,
    fields: Sequence[str],
    condition: TypedCondition | None,
    order: Sequence[str],
    *,
    with_labels: bool,
) -> ListQuery:
    """Return a query for named fields (all of them unless named), ordered as ``name desc``."""
    definition = model.registry.entities[entity]
    names = tuple(fields) or model.entities[entity].queries.all_names
    columns = tuple(
        _path(model, entity, name) for name in dict.fromkeys((definition.primary_id, *names))
    )
    keys = []
    for text in order:
        name, _, direction = text.partition(" ")
        keys.append(OrderKey(_path(model, entity, name), direction.strip() == "desc"))
    return ListQuery(entity, columns, condition, tuple(keys), with_labels=with_labels)


def with_link(op: Operation, query: ListQuery, linked_to: LinkedTo | None) -> ListQuery:
    """Return the query narrowed to what a relationship links with one record.

    Raises:
        RecordNotFound: The entity has no such relationship.
    """
    if linked_to is None:
        return query
    relationship = op.model.registry.relationships.get(linked_to.relationship)
    if relationship is None or query.entity not in (relationship.left, relationship.right):
        raise RecordNotFound(linked_to.relationship, "")
    return replace(query, linked_to=linked_to)


def _path(model: CompiledModel, entity: str, text: str) -> FieldPath:
    return resolve_path(Path(tuple(text.split("/"))), model.registry, entity)


def _with_access(op: Operation, query: ListQuery) -> ListQuery:
    if op.is_system:
        return query
    entity = op.entity(query.entity).entity
    return with_condition(query, access.predicate(op.principal, "read", entity))
