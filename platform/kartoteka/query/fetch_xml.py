"""``read_fetch``: FetchXML → the query that it means, and how its pages and columns are named."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kartoteka.conditions.typed import FieldPath, TypedCondition, kind_of
from kartoteka.query.aggregates import MOST_AGGREGATED
from kartoteka.query.fetch_columns import Columns, read_columns
from kartoteka.query.fetch_errors import (
    PART,
    fetch_error,
    is_set,
    refuse_children,
    refuse_unknown,
    whole,
)
from kartoteka.query.fetch_filters import FilterReader, joined
from kartoteka.query.fetch_sources import FIRST_ROW, Source, Sources, read_sources
from kartoteka.query.link_entities import with_link_entities
from kartoteka.query.paging_cookie import PagingCookie, read_cookie
from kartoteka.query.query import Join, Query
from kartoteka.query.query_error import QueryError
from kartoteka.query.shown import ShownRecord
from kartoteka.query.xml_elements import Element, read_xml
from kartoteka.registry import Registry

MOST_ROWS = 5_000  # of one page. Source: reference platform, section 4.3
MOST_SIMPLY_PAGED = 50_000  # rows that pages without a cookie reach
VERSION = "versionnumber"
_FETCH_ATTRIBUTES = (
    "top", "count", "page", "paging-cookie", "distinct", "aggregate", "aggregatelimit",
    "returntotalrecordcount", "no-lock", "version", "mapping", "output-format", "savedqueryid",
    "latematerialize", "options", "useraworderby", "min-active-row-version", "utc-offset",
    "datasource", "getcount",
)  # fmt: skip
_ENTITY_CHILDREN = ("attribute", "all-attributes", "order", "filter", "link-entity")


@dataclass(frozen=True, slots=True)
class FetchQuery:
    """A FetchXML query.

    ``page_size`` is 0 when the query says none; ``top`` is 0 without one. ``cookie`` is that of
    the page before. ``aggregate_limit`` is how many records an aggregate query sums up at most.
    ``children`` are the keys under which rows shall hold how many records lie right below theirs.
    """

    query: Query
    shown: ShownRecord
    page: int = 1
    page_size: int = 0
    top: int = 0
    cookie: PagingCookie | None = None
    wants_total: bool = False
    aggregate_limit: int = MOST_AGGREGATED
    children: tuple[str, ...] = ()

    @property
    def has_cookies(self) -> bool:
        """Return whether pages follow one another by cookies; others are counted."""
        return not (self.query.is_aggregate or self.query.distinct)


def read_fetch(text: str, registry: Registry, *, language: int = 0) -> FetchQuery:
    """Return what a FetchXML text asks for.

    ``language`` is the number of the asker's language, which ``eq-userlanguage`` asks for.

    Raises:
        QueryError: The text is no FetchXML, or does not fit the registry; it says where.
    """
    root = read_xml(text, PART)
    if root.name != "fetch":
        raise fetch_error(root, f"<fetch> is expected, <{root.name[:60]}> was found")
    refuse_unknown(root, _FETCH_ATTRIBUTES)
    refuse_children(root, ("entity",))
    if len(root.children) != 1:
        raise fetch_error(root, "<fetch> holds one <entity>")
    is_aggregate, is_distinct = is_set(root, "aggregate"), is_set(root, "distinct")
    registry = with_link_entities(registry)
    sources = read_sources(root.children[0], registry)
    for source in sources.found:
        refuse_children(source.element, _ENTITY_CHILDREN)
    columns = read_columns(sources, is_aggregate=is_aggregate, is_distinct=is_distinct)
    filters = FilterReader(sources, registry, language)
    query = _query(sources, columns, filters, is_distinct=is_distinct and not is_aggregate)
    entity = sources.root.entity
    has_version = not (is_aggregate or is_distinct) and VERSION in entity.field_by_name
    shown = ShownRecord(entity.name, tuple(columns.shown), has_version=has_version)
    return replace(_paged(root, query, shown), children=tuple(columns.children))


def _query(
    sources: Sources, columns: Columns, filters: FilterReader, *, is_distinct: bool
) -> Query:
    root = sources.root
    paths = dict(columns.paths)
    version = root.entity.field_by_name.get(VERSION)
    if paths and version is not None and not is_distinct:
        kind = kind_of(version)
        assert kind is not None
        paths.setdefault(VERSION, FieldPath((), root.entity.name, version, kind))
    joins = [_join(source, filters) for source in sources.found[1:] if source.is_row]
    return Query(
        root.entity.name,
        tuple(paths.values()),
        filters.condition_of(root),
        tuple(columns.order),
        joins=tuple(joins),
        groups=tuple(columns.groups),
        aggregates=tuple(columns.aggregates),
        distinct=is_distinct,
    )


def _join(source: Source, filters: FilterReader) -> Join:
    assert source.parent is not None and source.via is not None
    terms: list[TypedCondition] = []
    condition = filters.condition_of(source)
    if condition is not None:
        terms.append(condition)
    if source.link_type == FIRST_ROW and not source.is_to_one and source.entity.primary_id:
        terms.append(filters.is_first_match(source))
    return Join(
        source.variable,
        source.entity.name,
        source.via,
        source.parent.variable,
        source.link_type == "outer",
        joined(terms),
    )


def _paged(root: Element, query: Query, shown: ShownRecord) -> FetchQuery:
    top = whole(root, "top", least=1, most=MOST_ROWS)
    count = whole(root, "count", least=1, most=MOST_ROWS)
    page = whole(root, "page", least=1, most=10**9)
    cookie_text = root.attributes.get("paging-cookie", "")
    if top is not None and (count is not None or (page or 1) > 1 or cookie_text):
        raise fetch_error(root, "top does not go with count, page or paging-cookie")
    cookie = None
    if cookie_text and (page or 1) > 1:
        cookie = _cookie(root, cookie_text)
    limit = whole(root, "aggregatelimit", least=1, most=10**9) or MOST_AGGREGATED
    return FetchQuery(
        query,
        shown,
        page or 1,
        count or 0,
        top or 0,
        cookie,
        is_set(root, "returntotalrecordcount"),
        min(limit, MOST_AGGREGATED),
    )


def _cookie(root: Element, text: str) -> PagingCookie:
    try:
        return read_cookie(text)
    except QueryError as error:
        raise fetch_error(root, f"paging-cookie: {error.message}") from None
