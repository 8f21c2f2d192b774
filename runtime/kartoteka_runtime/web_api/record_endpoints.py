"""The endpoints of records: which one answers a call that begins with an entity set.

Lists are in ``list_endpoint``, what lies behind a record in ``related_endpoint``. Source: reference
web-api, sections 2 and 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from starlette.responses import Response

from kartoteka.model.entity import Entity
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.list_endpoint import ListEndpoint
from kartoteka_runtime.web_api.property_endpoint import PropertyHandler
from kartoteka_runtime.web_api.record_keys import primary_id_of, record_id_of
from kartoteka_runtime.web_api.record_reads import RecordReads
from kartoteka_runtime.web_api.record_writes import RecordWrites
from kartoteka_runtime.web_api.related_endpoint import RelatedEndpoint
from kartoteka_runtime.web_api.unmasked import unmasked_if_asked

_NONE: Mapping[str, PropertyHandler] = MappingProxyType({})


class RecordEndpoints:
    """Answers requests for records of one app."""

    def __init__(
        self, parts: RuntimeParts, property_handlers: Mapping[str, PropertyHandler] = _NONE
    ) -> None:
        """Serve the app that ``parts`` make up.

        ``property_handlers`` answer for the properties of field types, by the type's name.
        """
        self._lists = ListEndpoint(parts)
        self._reads = RecordReads(parts, self._lists)
        self._writes = RecordWrites(self._reads)
        self._related = RelatedEndpoint(self._reads, self._writes, self._lists, property_handlers)

    async def answer(self, call: ApiCall, entity: Entity) -> Response:
        """Answer a call for an entity set, one of its records, or what lies behind that.

        Raises:
            NoSuchAddress: The path goes on to something that there is not.
            MethodNotTaken: The address does not take the method.
        """
        segments = call.segments
        arguments = segments[0].arguments
        if len(segments) > 1:
            if arguments is not None:
                return await self._related.answer(call, entity)
            if len(segments) == 2 and segments[1].name == "$count":
                return await self._count(call, entity)
            raise NoSuchAddress(shorten(call.request.url.path))
        if arguments is None:
            return await self._many(call, entity)
        return await self._one(call, entity, arguments)

    async def _one(self, call: ApiCall, entity: Entity, arguments: str) -> Response:
        match call.method:
            case "GET" | "HEAD":
                record_id = primary_id_of(arguments) or await record_id_of(call, entity, arguments)
                return await self._reads.record(call, entity, record_id)
            case "PATCH":
                return await self._writes.patch(call, entity, arguments)
            case "DELETE":
                return await self._writes.delete(call, entity, arguments)
        raise MethodNotTaken("GET, PATCH, DELETE")

    async def _many(self, call: ApiCall, entity: Entity) -> Response:
        match call.method:
            case "GET" | "HEAD":
                return await self._lists.answer(unmasked_if_asked(call), entity)
            case "POST":
                return await self._writes.create(call, entity)
        raise MethodNotTaken("GET, POST")

    async def _count(self, call: ApiCall, entity: Entity) -> Response:
        if call.method not in ("GET", "HEAD"):
            raise MethodNotTaken("GET")
        return await self._lists.count(call, entity)
