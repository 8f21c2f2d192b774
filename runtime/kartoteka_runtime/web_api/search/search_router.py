"""SearchRouter: answers ``query``, ``suggest`` and ``autocomplete`` of both versions.

Source: reference web-api, section 16.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from kartoteka.model.entity import Entity
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.accepted import require_json
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.definitions.entities import type_code
from kartoteka_runtime.web_api.formatted_values import Reader
from kartoteka_runtime.web_api.metadata_ids import ENTITY, definition_id
from kartoteka_runtime.web_api.request_body import parse_object, read_bytes
from kartoteka_runtime.web_api.search.facets import Facets
from kartoteka_runtime.web_api.search.patience import let_others, patience
from kartoteka_runtime.web_api.search.ranking import Found, Hit, find_hits, ordered_hits
from kartoteka_runtime.web_api.search.search_answers import (
    answer,
    answer_in_text,
    attributes,
    completed,
    highlights,
    read_rows,
)
from kartoteka_runtime.web_api.search.search_body import ENTITY_NAME, SearchBody, read_search_body
from kartoteka_runtime.web_api.search.searched import searchable_entities, searched_entities

MOST_BODY_BYTES = 128 * 1024
_LOOKED_AT = 50  # records that a word is completed from
_STATUS = "status"
_IN_TEXT = "2.0"


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


class SearchRouter:
    """Dispatches the calls below ``/api/search/v1.0`` and ``v2.0``."""

    def __init__(self) -> None:
        """Know the verbs."""
        self._verbs: Mapping[str, Callable[[_Search, bool], Awaitable[Response]]] = {
            "query": _query,
            "suggest": _suggest,
            "autocomplete": _autocomplete,
        }

    async def dispatch(self, call: ApiCall) -> Response:
        """Return the answer to a call.

        Raises:
            KartotekaError: It is refused; ``ApiEndpoint`` tells how.
        """
        version = call.request.path_params["version"]
        names = [segment.name for segment in call.segments if segment.arguments is None]
        name = names[0] if len(names) == len(call.segments) == 1 else ""
        if name == _STATUS and version == _IN_TEXT:
            return await _status(call)
        verb = self._verbs.get(name)
        if verb is None:
            raise NoSuchAddress(shorten(call.request.path_params["path"]))
        if call.method != "POST":
            raise MethodNotTaken("POST")
        require_json(call.request)
        said = parse_object(await read_bytes(call.request, most=MOST_BODY_BYTES))
        principal = call.principal
        reader = Reader(call.labels, principal.language, principal.time_zone)
        body = read_search_body(said, name)
        search = _Search(call, body, await call.records.access(), reader)
        async with patience():
            return await verb(search, version == _IN_TEXT)


async def _query(search: _Search, in_text: bool) -> Response:
    body = search.body
    with_count = body.is_counted or any(facet.name == ENTITY_NAME for facet in body.facets)
    found = await search.found(body.skip + body.top, with_count=with_count)
    facets = await Facets(search.call.records, found, body.text).told(
        body.facets, search.access, search.reader
    )
    rows = await search.rows(found)
    count = sum(one.count for one in found) if body.is_counted else -1
    if in_text:
        told = [_in_parts(search, hit, row) for hit, row in rows]
        return answer_in_text({
            "Error": None, "Value": told, "Facets": facets, "QueryContext": None, "Count": count,
        })  # fmt: skip
    value = [_flat(search, hit, row) for hit, row in rows]
    return answer(
        {"value": value, "facets": facets, "totalrecordcount": count, "querycontext": None}
    )


async def _suggest(search: _Search, in_text: bool) -> Response:
    rows = await search.rows(await search.found(search.body.top, with_count=False))
    value = []
    for hit, row in rows:
        marks = highlights(hit.searched, row, search.body.text)
        name = hit.searched.entity.primary_field
        shown = next(iter(marks.values()), [str(row.get(name) or "")])[0]
        document = _document(search, hit, row)
        keys = ("Text", "Document") if in_text else ("text", "document")
        value.append(dict(zip(keys, (shown, document), strict=True)))
    if in_text:
        return answer_in_text({"Error": None, "Value": value, "QueryContext": None})
    return answer({"value": value, "querycontext": None})


async def _autocomplete(search: _Search, in_text: bool) -> Response:
    search = replace(search, body=replace(search.body, top=_LOOKED_AT))
    rows = await search.rows(await search.found(_LOOKED_AT, with_count=False))
    value = completed(rows, search.body.text)
    if in_text:
        return answer_in_text({"Error": None, "Value": value, "QueryContext": None})
    return answer({"value": value, "querycontext": None})


async def _status(call: ApiCall) -> Response:
    """Answer with the record types that who asks can search: there is no index to wait for."""
    if call.method not in ("GET", "HEAD"):
        raise MethodNotTaken("GET, HEAD")
    registry, model = call.registry, call.records.model
    results = [
        {
            "entitylogicalname": name,
            "objecttypecode": str(type_code(definition_id(model, ENTITY, name))),
            "primarynamefield": registry.entities[name].primary_field,
            "entitystatus": "EntitySyncComplete",
        }
        for name in searchable_entities(registry, await call.records.access())
    ]
    return answer_in_text({
        "status": "provisioned", "lockboxstatus": "Disabled", "cmkstatus": "Disabled",
        "entitystatusresults": results,
    })  # fmt: skip


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
