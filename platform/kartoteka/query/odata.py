"""``read_options``: the options of an OData request → the query that they mean.

Source: reference web-api, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kartoteka.model.entity import Entity
from kartoteka.names import did_you_mean
from kartoteka.query.group_filter import is_about_groups, read_group_filter
from kartoteka.query.odata_apply import joined_orders, read_apply
from kartoteka.query.odata_expand import ExpandReader
from kartoteka.query.odata_filter import Aliases, both, read_filter
from kartoteka.query.odata_select import (
    VERSION,
    ordered,
    ordered_by_names,
    selected,
    with_version,
)
from kartoteka.query.option_text import Piece, piece_of
from kartoteka.query.query import Query
from kartoteka.query.query_error import QueryError
from kartoteka.query.saved_list import SavedList
from kartoteka.query.shown import ShownRecord, raw_name, shown_path
from kartoteka.registry import Registry

OPTIONS = (
    "$select", "$filter", "$orderby", "$top", "$count", "$expand", "$apply", "$skiptoken",
)  # fmt: skip
_WITH_APPLY = ("$apply", "$filter", "$orderby", "$top", "$count", "$skiptoken")


@dataclass(frozen=True, slots=True)
class ODataQuery:
    """What the options of a request ask for.

    ``top`` is how many records at most, None without a limit; ``token`` is the ``$skiptoken``.
    """

    query: Query
    shown: ShownRecord
    top: int | None = None
    with_count: bool = False
    token: str = ""


def read_options(
    options: Mapping[str, str],
    registry: Registry,
    entity: Entity,
    *,
    saved: SavedList | None = None,
) -> ODataQuery:
    """Return what options ask of an entity's records, or of a list that somebody saved.

    ``options`` are names as they are sent and their decoded texts; those that begin with neither
    ``$`` nor ``@`` are not looked at.

    Raises:
        QueryError: An option is unknown, or its text is wrong; the error names the option.
    """
    pieces = _pieces(options)
    aliases = {name: text for name, text in options.items() if name.startswith("@")}
    asked = ODataQuery(
        Query(entity.name),
        ShownRecord(entity.name, ()),
        pieces["$top"].number("records") if "$top" in pieces else None,
        _is_counted(pieces.get("$count")),
        options.get("$skiptoken", ""),
    )
    if "$apply" in pieces:
        return _applied(asked, pieces, registry, entity, aliases, saved)
    return _listed(asked, pieces, registry, entity, aliases, saved)


def _listed(
    asked: ODataQuery,
    pieces: Mapping[str, Piece],
    registry: Registry,
    entity: Entity,
    aliases: Aliases,
    saved: SavedList | None,
) -> ODataQuery:
    order = ordered(pieces.get("$orderby"), registry, entity.name)
    query, is_plain = Query(entity.name), True
    if saved is not None:
        query, is_plain = saved.query, saved.is_plain
        if not is_plain:
            _refuse_over_rows(pieces)
    if saved is not None and "$select" not in pieces:
        columns, shown = query.columns, saved.shown
    else:
        columns = selected(pieces.get("$select"), entity)
        values = tuple(shown_path(path, raw_name(path.field)) for path in columns)
        shown = ShownRecord(entity.name, values, has_version=VERSION in entity.field_by_name)
    condition = query.condition
    if "$filter" in pieces:
        asked_for = read_filter(pieces["$filter"], registry, entity.name, aliases)
        condition = both(condition, asked_for)
    if is_plain:
        columns = with_version(columns, entity)
    query = replace(query, columns=columns, condition=condition, order=order or query.order)
    if "$expand" in pieces:
        expands, inside = ExpandReader(registry, aliases).read(pieces["$expand"], entity)
        query, shown = replace(query, expands=expands), replace(shown, inside=inside)
    top = asked.top
    if saved is not None and saved.top and (top is None or top > saved.top):
        top = saved.top
    return replace(asked, query=query, shown=shown, top=top)


def _refuse_over_rows(pieces: Mapping[str, Piece]) -> None:
    """Refuse what would change the rows of a list whose rows are no records."""
    for name in ("$select", "$orderby", "$expand"):
        if name in pieces:
            raise QueryError("the rows of this list are no records, but distinct", part=name)


def _applied(
    asked: ODataQuery,
    pieces: Mapping[str, Piece],
    registry: Registry,
    entity: Entity,
    aliases: Aliases,
    saved: SavedList | None,
) -> ODataQuery:
    for name, piece in pieces.items():
        if name not in _WITH_APPLY:
            raise QueryError("this does not go with $apply", part=piece.option)
    applied = read_apply(pieces["$apply"], registry, entity.name, aliases)
    if saved is not None and not saved.is_plain:
        raise QueryError("the rows of this list are no records", part="$apply")
    if applied.top is not None:
        for name in ("$orderby", "$count"):
            if name in pieces:
                raise QueryError("this does not go with top inside $apply", part=name)
    base = saved.query if saved is not None else Query(entity.name)
    condition, having = base.condition, applied.having
    if "$filter" in pieces:
        piece = pieces["$filter"]
        if is_about_groups(piece, applied.names, entity, aliases):
            held = applied.holders()
            found = read_group_filter(piece, registry, entity.name, held, aliases)
            having = both(having, found)
        else:
            condition = both(condition, read_filter(piece, registry, entity.name, aliases))
    order = ordered_by_names(pieces.get("$orderby"), applied.names)
    query = Query(
        entity.name,
        joins=base.joins,
        condition=both(condition, applied.condition),
        order=joined_orders(order, applied.order),
        groups=tuple(applied.groups),
        aggregates=tuple(applied.aggregates),
        having=having,
    )
    shown = ShownRecord(entity.name, tuple(applied.shown))
    tops = [top for top in (asked.top, applied.top) if top is not None]
    return replace(asked, query=query, shown=shown, top=min(tops, default=None))


def _pieces(options: Mapping[str, str]) -> dict[str, Piece]:
    found = {}
    for name, text in options.items():
        if not name.startswith("$"):
            continue
        if name == "$skip":
            hint = "follow @odata.nextLink, or say how many records one page has"
            raise QueryError("$skip is not supported", part=name, hint=hint)
        if name not in OPTIONS:
            hint = did_you_mean(name, OPTIONS)
            raise QueryError("there is no such option", part=name[:60], hint=hint)
        found[name] = piece_of(name, text)
    for name in ("$filter", "$apply", "$expand"):
        if name in found and not found[name].text:
            if name == "$expand":
                del found[name]
                continue
            raise found[name].error("the text is empty")
    return found


def _is_counted(piece: Piece | None) -> bool:
    if piece is None:
        return False
    if piece.text.lower() not in ("true", "false"):
        raise piece.error(f'"{piece.text[:40]}" is neither true nor false')
    return piece.text.lower() == "true"
