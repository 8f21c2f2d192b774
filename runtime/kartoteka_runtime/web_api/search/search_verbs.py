"""What ``query``, ``suggest`` and ``autocomplete`` answer, as objects of either version.

Source: reference web-api, section 16.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.definitions.entities import type_code
from kartoteka_runtime.web_api.formatted_values import Reader
from kartoteka_runtime.web_api.metadata_ids import ENTITY, definition_id
from kartoteka_runtime.web_api.search.facets import Facets
from kartoteka_runtime.web_api.search.patience import let_others, patience
from kartoteka_runtime.web_api.search.ranking import Found, Hit, find_hits, ordered_hits
from kartoteka_runtime.web_api.search.search_answers import (
    attributes,
    completed,
    highlights,
    read_rows,
)
from kartoteka_runtime.web_api.search.search_body import ENTITY_NAME, SearchBody, read_search_body
from kartoteka_runtime.web_api.search.searched import searched_entities

_LOOKED_AT = 50  # records that a word is completed from


@dataclass(frozen=True, slots=True)
class _Search:
    """One search under way."""

    call: ApiCall
    body: SearchBody
    access: Access
    reader: Reader

    def code(self, entity: Entity) -> int:
        return type_code(definition_id(self.call.records.model, ENTITY, entity.name))

    async def found(self, need: int, *, with_count: bool) -> list[Found]:
        """Return the best records of each record type; others get their turn between two."""
        found = []
        for searched in searched_entities(self.body, self.call.records.model, self.access):
            await let_others()
            one = await find_hits(
                self.call.records, searched, self.body.text, need=need, with_count=with_count
            )
            found.append(one)
        return found

    async def rows(self, found: list[Found]) -> list[tuple[Hit, dict[str, Any]]]:
        hits = ordered_hits(found, skip=self.body.skip, top=self.body.top)
        return await read_rows(self.call.records, hits)


async def answer_to(
    call: ApiCall, verb: str, said: Mapping[str, Any], *, is_second: bool
) -> dict[str, Any]:
    """Return what one of ``VERBS`` answers to a body, in the words of version 1.0 or 2.0.

    Raises:
        QueryError: The body is wrong.
        AccessDenied: Who asks may not read a record type that was named.
        CallRefused: It takes too long.
    """
    principal = call.principal
    reader = Reader(call.labels, principal.language, principal.time_zone)
    body = read_search_body(said, verb)
    search = _Search(call, body, await call.records.access(), reader)
    async with patience():
        return await _RUN[verb](search, is_second)


async def _query(search: _Search, is_second: bool) -> dict[str, Any]:
    body = search.body
    with_count = body.is_counted or any(facet.name == ENTITY_NAME for facet in body.facets)
    found = await search.found(body.skip + body.top, with_count=with_count)
    facets = await Facets(search.call.records, found, body.text).told(
        body.facets, search.access, search.reader
    )
    rows = await search.rows(found)
    count = sum(one.count for one in found) if body.is_counted else -1
    if is_second:
        told = [_in_parts(search, hit, row) for hit, row in rows]
        return {
            "Error": None, "Value": told, "Facets": facets, "QueryContext": None, "Count": count,
        }  # fmt: skip
    value = [_flat(search, hit, row) for hit, row in rows]
    return {"value": value, "facets": facets, "totalrecordcount": count, "querycontext": None}


async def _suggest(search: _Search, is_second: bool) -> dict[str, Any]:
    rows = await search.rows(await search.found(search.body.top, with_count=False))
    value = []
    for hit, row in rows:
        marks = highlights(hit.searched, row, search.body.text)
        name = hit.searched.entity.primary_field
        shown = next(iter(marks.values()), [str(row.get(name) or "")])[0]
        document = _document(search, hit, row)
        keys = ("Text", "Document") if is_second else ("text", "document")
        value.append(dict(zip(keys, (shown, document), strict=True)))
    return _told(value, is_second)


async def _autocomplete(search: _Search, is_second: bool) -> dict[str, Any]:
    search = replace(search, body=replace(search.body, top=_LOOKED_AT))
    rows = await search.rows(await search.found(_LOOKED_AT, with_count=False))
    return _told(completed(rows, search.body.text), is_second)


_RUN: Mapping[str, Callable[[_Search, bool], Awaitable[dict[str, Any]]]] = {
    "query": _query,
    "suggest": _suggest,
    "autocomplete": _autocomplete,
}
VERBS = tuple(_RUN)


def _told(value: Any, is_second: bool) -> dict[str, Any]:
    if is_second:
        return {"Error": None, "Value": value, "QueryContext": None}
    return {"value": value, "querycontext": None}


def _flat(search: _Search, hit: Hit, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "@search.score": float(hit.score),
        "@search.highlights": highlights(hit.searched, row, search.body.text),
        **_document(search, hit, row),
    }


def _document(search: _Search, hit: Hit, row: Mapping[str, Any]) -> dict[str, Any]:
    entity = hit.searched.entity
    return {
        ENTITY_NAME: entity.name,
        "@search.objectid": hit.record_id,
        "@search.objecttypecode": search.code(entity),
        **attributes(hit.searched, row, search.reader),
    }


def _in_parts(search: _Search, hit: Hit, row: Mapping[str, Any]) -> dict[str, Any]:
    entity = hit.searched.entity
    return {
        "Id": hit.record_id,
        "EntityName": entity.name,
        "ObjectTypeCode": search.code(entity),
        "Attributes": attributes(hit.searched, row, search.reader),
        "Highlights": highlights(hit.searched, row, search.body.text),
        "Score": float(hit.score),
    }
