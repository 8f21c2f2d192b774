"""Lists, counts and searches: every question for more than one record becomes a Query here.

Whoever asks must hold ``read`` on every entity that a query is about; which of their records they
see, the statements decide (``storage.query_source``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from zlib import crc32

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Compared,
    FieldPath,
    Fixed,
    LookupStep,
    Quantified,
    TextFunction,
    TextTest,
    TypedCondition,
    ValueKind,
)
from kartoteka.conditions.walk import parts_of
from kartoteka.errors import KartotekaError, RecordInvalid, RecordNotFound, Violation
from kartoteka.query.of_view import condition_of, path_of
from kartoteka.query.query import LinkedTo, OrderKey, Query
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.records.access_audit import note_unmasked
from kartoteka_runtime.records.asking import asker_of
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.paging import decode_token, encode_token
from kartoteka_runtime.security.column_access import (
    NO_ROW_LIMITS,
    ONE_RECORD,
    SEVERAL_RECORDS,
    RowLimits,
    without_masked_numbers,
)
from kartoteka_runtime.storage.database import BadParameter
from kartoteka_runtime.storage.json_rows import RowText, to_json

COUNT_CAP = 5000  # records counted before a list says "more than". Source: design, section 11
MOST_RECORDS = 5000  # records of one page
MOST_INPUT = 50_000  # records that one aggregate looks at. Source: reference platform, section 4.3
_LONGEST_SEARCH = 200  # characters of a search text that are looked at


class TooManyRecords(KartotekaError):
    """An aggregate would have to look at more records than ``most``."""

    def __init__(self, most: int) -> None:
        """Tell the limit."""
        self.most = most
        super().__init__(f"more than {most} records would have to be looked at")


@dataclass(frozen=True, slots=True)
class RecordPage:
    """One page of a list.

    ``rows`` are keyed by column path and hold the primary id. ``has_more`` tells whether there is a
    next page, ``next_after`` is its token; empty at the end, and where only ``Query.skip`` goes
    on. ``count`` is exact unless ``is_capped``, then there are more.
    """

    entity: str
    rows: list[dict[str, Any]]
    next_after: str = ""
    count: int = 0
    is_capped: bool = False
    has_more: bool = False


@dataclass(frozen=True, slots=True)
class TextPage:
    """One page of a list as the text of a JSON array; the rest is that of ``RecordPage``.

    ``found`` is how many records the page itself has.
    """

    text: bytes
    following: tuple[Any, ...]
    list_mark: int
    count: int
    is_capped: bool
    found: int = 0

    @property
    def next_after(self) -> str:
        """Return the token of the next page, empty at the end."""
        return encode_token(self.following, self.list_mark)


async def list_page(
    op: Operation,
    query: Query,
    *,
    after: str = "",
    limit: int = 50,
    with_count: bool = True,
) -> RecordPage:
    """Return one page of a query for the principal.

    Args:
        op: Who asks, on which connection.
        query: What is asked for.
        after: The token of the page before, empty for the first one.
        limit: How many records at most; ``MOST_RECORDS`` is the most there is.
        with_count: Count the whole list too, when it does not fit the page.

    Raises:
        RecordInvalid: The page token is not one of this list.
        AccessDenied: The principal may not read one of the entities.
    """
    query, limits, asker = await _asked(op, query, after, limit)
    with _token_of(query):
        rows, following, has_more = await op.model.queries.page(op.connection, query, asker)
    limits.apply(rows)
    count, is_capped = len(rows), False
    if with_count:
        count, is_capped = await _counted(op, query, asker, count, has_more=has_more)
    token = encode_token(following, list_mark(query)) if not query.distinct else ""
    return RecordPage(query.entity, rows, token, count, is_capped, has_more)


async def text_page(
    op: Operation,
    query: Query,
    writer: RowText,
    given: Any,
    *,
    after: str,
    limit: int,
    with_count: bool,
    goes_on: bool,
) -> TextPage:
    """Return the same page as JSON; ``writer`` writes its records, which hold no others.

    Nobody asks for a next page unless the list ``goes_on``.
    """
    query, limits, asker = await _asked(op, query, after, limit)
    with _token_of(query):
        if limits:  # what is kept from the reader is taken out of records, not of text
            rows, following, has_more = await op.model.queries.page(op.connection, query, asker)
            limits.apply(rows)
            without_masked_numbers(rows)
            text, count = to_json([writer.record(row, given) for row in rows]), len(rows)
        else:
            text, count, following, has_more = await op.model.queries.page_text(
                op.connection, query, asker, writer, given, goes_on=goes_on or with_count
            )
    found, is_capped = count, False
    if with_count:
        count, is_capped = await _counted(op, query, asker, count, has_more=has_more)
    mark = list_mark(query) if following else 0
    return TextPage(text, following, mark, count, is_capped, found)


async def _asked(
    op: Operation, query: Query, after: str, limit: int
) -> tuple[Query, RowLimits, Asker]:
    """Return a query as the principal may ask it for one page, what its rows lack, and who asks."""
    require_read(op, query)
    query, limits = limited(op, query)
    values: tuple[Any, ...] = ()
    if after:
        width = sort_width(op.model.registry, query)
        id_at = min(len(query.order), width - 1)
        mark = list_mark(query)
        values = decode_token(after, query.entity, width, list_mark=mark, id_at=id_at)
    limit = max(1, min(limit, MOST_RECORDS))
    if query.after != values or query.limit != limit:
        query = replace(query, after=values, limit=limit)
    return query, limits, await asker_of(op, query)


@contextmanager
def _token_of(query: Query) -> Iterator[None]:
    """Let values that no column takes mean a wrong token, where a token gave some."""
    try:
        yield
    except BadParameter:
        if not query.after:
            raise
        raise RecordInvalid(query.entity, [Violation(None, "violation.page_token")]) from None


async def _counted(
    op: Operation, query: Query, asker: Asker, found: int, *, has_more: bool
) -> tuple[int, bool]:
    """Return how many records a list has when a page ``found`` some, and whether there are more."""
    if not has_more and not query.after and not query.skip:
        return found, False
    count = await op.model.queries.count(op.connection, query, asker, COUNT_CAP + 1)
    return min(count, COUNT_CAP), count > COUNT_CAP


async def count(op: Operation, query: Query) -> int:
    """Return how many records a query finds, all of them counted."""
    require_read(op, query)
    query, _ = limited(op, query)
    asker = await asker_of(op, query)
    return await op.model.queries.count(op.connection, query, asker, 2**31 - 1)


async def find(op: Operation, entity: str, text: str, limit: int) -> list[Reference]:
    """Return records whose find fields begin with a text (``*text``: contain it), by name."""
    compiled = op.entity(entity)
    view = op.model.registry.view_of_type(entity, "lookup")
    name = path_of(op.model.registry, entity, compiled.entity.primary_field)
    identity = path_of(op.model.registry, entity, compiled.entity.primary_id)
    condition = condition_of(op.model.registry, entity, view.filter if view else "")
    query = Query(entity, (identity, name), condition, (OrderKey(name),), with_labels=False)
    query = with_condition(query, search_condition(op.model, entity, text))
    page = await list_page(op, query, limit=limit, with_count=False)
    return [Reference(entity, row[identity.key], str(row[name.key] or "")) for row in page.rows]


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
        path = path_of(model.registry, entity, name)
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


def with_condition(query: Query, condition: TypedCondition | None) -> Query:
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
) -> Query:
    """Return a query for named fields (all of them unless named), ordered as ``name desc``."""
    definition = model.registry.entities[entity]
    names = tuple(fields) or model.entities[entity].queries.all_names
    columns = tuple(
        path_of(model.registry, entity, name)
        for name in dict.fromkeys((definition.primary_id, *names))
    )
    keys = []
    for text in order:
        name, _, direction = text.partition(" ")
        keys.append(OrderKey(path_of(model.registry, entity, name), direction.strip() == "desc"))
    return Query(entity, columns, condition, tuple(keys), with_labels=with_labels)


def with_link(op: Operation, query: Query, linked_to: LinkedTo | None) -> Query:
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


def sort_width(registry: Registry, query: Query) -> int:
    """Return how many values a page token of the query holds."""
    if query.distinct:
        return len(query.order)
    tables = sum(1 if join.entity in registry.entities else 2 for join in query.joins)
    return len(query.order) + 1 + tables


def list_mark(query: Query) -> int:
    """Return the number that page tokens of a list and its order carry."""
    order = [(getattr(key.path, "key", key.path), key.descending) for key in query.order]
    joins = [(join.entity, join.alias) for join in query.joins]
    return crc32(repr((query.entity, order, joins)).encode())


def limited(op: Operation, query: Query) -> tuple[Query, RowLimits]:
    """Return a query without the columns that the principal may not read, and what rows lack.

    Raises:
        RecordInvalid: Such a column would decide which records there are, or in which order.
    """
    if op.columns.is_free:
        return query, NO_ROW_LIMITS
    masked, limits = op.columns.query(query)
    if not op.is_unmasked or not limits:
        return masked, limits
    record_id = _only_id(op, query)
    unmasked, fewer = op.columns.query(query, ONE_RECORD if record_id else SEVERAL_RECORDS)
    note_unmasked(op, query.entity, record_id, limits.mask_keys() - fewer.mask_keys())
    return unmasked, fewer


def _only_id(op: Operation, query: Query) -> str:
    """Return the id of the one record that a query names, "" when it may find several."""
    match query.condition:
        case Compared(path, Operator.EQ, str(record_id)) if not (query.joins or query.expands):
            primary_id = op.entity(query.entity).entity.primary_id
            is_own = not path.steps and not path.variable and path.field.name == primary_id
            return record_id if is_own else ""
    return ""


def require_read(op: Operation, query: Query) -> None:
    """Return when the principal may read every entity that a query is about.

    Raises:
        AccessDenied: No role gives ``read`` on one of them: an error, not an empty list.
    """
    if op.is_system:
        return
    parts = (query.condition, query.joins, query.expands)
    find = partial(_entities_of, query)
    for name in op.model.asked_entities.get(parts, find, query.entity):
        if name in op.model.registry.entities:  # else a link table: its two sides decide
            op.require("read", name)


def _entities_of(query: Query) -> tuple[str, ...]:
    """Return the entities of a query: its own, of joins and expands, and of any/all."""
    names: dict[str, None] = {query.entity: None}
    conditions = [query.condition]
    for join in query.joins:
        names[join.entity] = None
        conditions.append(join.condition)
    for condition in conditions:
        for part in parts_of(condition) if condition is not None else ():
            if isinstance(part, Quantified):
                names[part.collection.entity] = None
    for expand in query.expands:
        names |= dict.fromkeys(_entities_of(expand.query))
    return tuple(names)
