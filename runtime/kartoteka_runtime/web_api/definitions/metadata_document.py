"""The endpoints of ``$metadata`` and of the service document, written once a publication.

Source: reference web-api, section 12.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from starlette.responses import Response

from kartoteka.plugin_api.operations import ApiOperation
from kartoteka.query.query_error import QueryError
from kartoteka.registry import Registry
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.compression import takes_gzip
from kartoteka_runtime.web_api.definitions.csdl_entities import entity_sets, entity_types
from kartoteka_runtime.web_api.definitions.csdl_json import to_csdl_json
from kartoteka_runtime.web_api.definitions.csdl_model import Schema
from kartoteka_runtime.web_api.definitions.csdl_operations import OperationTypes
from kartoteka_runtime.web_api.definitions.csdl_xml import to_xml
from kartoteka_runtime.web_api.definitions.definition_types import definition_schema
from kartoteka_runtime.web_api.serialize import to_json

_T = TypeVar("_T")
Declared = Callable[[Registry], Sequence[ApiOperation]]

_KEPT_AS = "metadata_document"
_XML, _JSON = "application/xml", "application/json"
_FORMATS = {"xml": _XML, _XML: _XML, "json": _JSON, _JSON: _JSON}
_ODATA = {"OData-Version": "4.0"}
_GZIP_LEVEL = 6


@dataclass(frozen=True, slots=True)
class Document:
    """A document as bytes, plain and compressed, and its tag."""

    media_type: str
    plain: bytes
    compressed: bytes
    tag: str


class MetadataEndpoint:
    """Answers ``$metadata``."""

    def __init__(self, declared: Declared) -> None:
        """Tell the operations that ``declared`` gives beside the entities."""
        self._declared = declared
        self._lock = asyncio.Lock()

    async def answer(self, call: ApiCall) -> Response:
        """Answer one call.

        Raises:
            NoSuchAddress: The path goes on.
            QueryError: A format is asked for that there is not.
        """
        _only_read(call)
        document = await self._document(call, _wanted(call))
        headers = {
            **_ODATA,
            "ETag": document.tag,
            "Cache-Control": "private, no-cache",
            "Vary": "Accept, Accept-Encoding, Authorization",
        }
        if _has_tag(call.header("if-none-match"), document.tag):
            return Response(status_code=304, headers=headers)
        if takes_gzip(call.header("accept-encoding")):
            headers["Content-Encoding"] = "gzip"
            return Response(document.compressed, 200, headers, media_type=document.media_type)
        return Response(document.plain, 200, headers, media_type=document.media_type)

    async def _document(self, call: ApiCall, media_type: str) -> Document:
        kept: dict[str, Any] = call.registry.kept
        key = f"{_KEPT_AS} {media_type}"
        if key not in kept:
            async with self._lock:  # many clients begin with this question
                if key not in kept:
                    kept[key] = await asyncio.to_thread(self._written, call.registry, media_type)
        document: Document = kept[key]
        return document

    def _written(self, registry: Registry, media_type: str) -> Document:
        schema = schema_of(registry, self._declared(registry))
        plain = to_xml(schema) if media_type == _XML else to_csdl_json(schema)
        tag = f'"{hashlib.sha256(plain).hexdigest()[:32]}"'
        return Document(media_type, plain, gzip.compress(plain, _GZIP_LEVEL, mtime=0), tag)


async def service_document(call: ApiCall) -> Response:
    """Answer the address of the API itself: the sets that there are."""
    _only_read(call)
    sets = [
        {"name": entity.set_name, "kind": "EntitySet", "url": entity.set_name}
        for entity in call.registry.entities.values()
    ]
    said = {"@odata.context": f"{call.root}$metadata", "value": sets}
    return Response(
        to_json(said), 200, _ODATA, media_type="application/json; odata.metadata=minimal"
    )


def schema_of(registry: Registry, operations: Sequence[ApiOperation]) -> Schema:
    """Return what ``$metadata`` tells of a registry, of operations and of definitions."""
    types = tuple(entity_types(registry))
    found = OperationTypes(registry.entities)
    told = tuple(found.operation(operation) for operation in operations)
    own = definition_schema()
    names = {
        *(item.name for item in own.entity_types),
        *(item.name for item in own.complex_types),
        *(item.name for item in own.enum_types),
    }
    return Schema(
        (*types, *own.entity_types),
        (*own.complex_types, *_others(found.complex_types, names)),
        (*own.enum_types, *_others(found.enum_types, names)),
        (*told, *own.operations),
        (*entity_sets(registry, {item.name: item for item in types}), *own.entity_sets),
    )


def _others(found: Mapping[str, _T], names: Collection[str]) -> Iterator[_T]:
    """Yield the types whose names are not those of definitions' types."""
    return (item for name, item in found.items() if name not in names)


def _only_read(call: ApiCall) -> None:
    if len(call.segments) > 1 or (call.segments and call.segments[0].arguments is not None):
        raise NoSuchAddress(call.segments[0].name)
    if call.method not in ("GET", "HEAD"):
        raise MethodNotTaken("GET")


def _wanted(call: ApiCall) -> str:
    """Return the media type to answer with: XML unless JSON is asked for.

    Clients of OData 4.0, which knows no JSON of ``$metadata``, ask for JSON wherever they go and
    expect XML.
    """
    asked = call.request.query_params.get("$format")
    if asked is not None:
        found = _FORMATS.get(asked.partition(";")[0].strip().lower())
        if found is None:
            raise QueryError("write xml or json", part="$format")
        return found
    if call.header("odata-maxversion").strip() == "4.0":
        return _XML
    accepted = call.header("accept").lower()
    json_at, xml_at = accepted.find(_JSON), accepted.find("xml")
    prefers_json = json_at >= 0 and (xml_at < 0 or json_at < xml_at) and "*/*" not in accepted
    return _JSON if prefers_json else _XML


def _has_tag(header: str, tag: str) -> bool:
    """Return whether ``If-None-Match`` names a tag; the word null is how some say nothing."""
    tags = [item.strip().removeprefix("W/") for item in header.split(",")]
    return tag in tags or tags == ["*"]
