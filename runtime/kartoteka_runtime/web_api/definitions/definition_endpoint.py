"""The endpoint that reads definitions: EntityDefinitions and their like.

Everybody who may call the API may read every definition, as in Dataverse: forms and lists show
the same names to all. Source: reference web-api, section 12.
"""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response

from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.definitions.catalogue import Catalogue, catalogue_of
from kartoteka_runtime.web_api.definitions.definition import Collection, Definition
from kartoteka_runtime.web_api.definitions.definition_address import find_place, without_aliases
from kartoteka_runtime.web_api.definitions.definition_query import (
    list_written,
    one_written,
    read_asked,
)
from kartoteka_runtime.web_api.resource_path import Segment
from kartoteka_runtime.web_api.serialize import to_json

_JSON = "application/json; odata.metadata=minimal"
_HEADERS = {"OData-Version": "4.0"}
_COUNT = "$count"


async def definitions(call: ApiCall) -> Response:
    """Answer one call.

    Raises:
        KartotekaError: The address or an option is wrong.
    """
    if call.method not in ("GET", "HEAD"):
        raise MethodNotTaken("GET")
    catalogue = catalogue_of(call.records.model)
    query: bytes = call.request.scope["query_string"]
    language = call.principal.language
    key = (language, call.root, call.segments, query)
    body = catalogue.answers.get(key)
    if body is None:
        body = await asyncio.to_thread(_body, catalogue, call.segments, query, language, call.root)
        catalogue.answers.keep(key, body)
    if not body:
        return Response(status_code=204, headers=_HEADERS)
    if call.segments[-1].name == _COUNT:
        return Response(body, 200, _HEADERS, media_type="text/plain")
    return Response(body, 200, _HEADERS, media_type=_JSON)


def _body(
    catalogue: Catalogue, segments: tuple[Segment, ...], query: bytes, language: str, root: str
) -> bytes:
    """Return the answer to an address; empty where there is no value."""
    writer = catalogue.writer(language)
    options = QueryParams(query).multi_items()
    asked = read_asked(options)
    segments = without_aliases(segments, options)
    is_count = segments[-1] == Segment(_COUNT)
    place = find_place(catalogue.sets(), segments[:-1] if is_count else segments)
    if is_count and not isinstance(place.value, Collection):
        raise NoSuchAddress(_COUNT)
    said: dict[str, Any] = {"@odata.context": f"{root}$metadata#{place.context}"}
    match place.value:
        case None:
            return b""
        case Collection() as found:
            items, count = list_written(found, asked, writer)
            if is_count:
                return b"%d" % count
            if asked.select is not None:
                said["@odata.context"] += f"({','.join(asked.select)})"
            if asked.is_counted:
                said["@odata.count"] = count
            said["value"] = items
        case Definition() as item:
            said |= one_written(item, asked, writer, place.declared)
        case value:
            plain = writer.plain(value)
            said |= plain if isinstance(plain, dict) else {"value": plain}
    return to_json(said)
