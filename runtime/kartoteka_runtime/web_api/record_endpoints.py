"""The endpoints of records: read, create, update and delete; lists are in ``list_endpoint``.

The part of the wire contract that is there: addressing by id, ``$select``, ``Prefer:
return=representation`` and ``odata.include-annotations``, ``If-Match`` with a version. Source:
reference web-api, section 4.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from kartoteka.errors import RecordInvalid, RecordNotFound, Violation
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.records.record_service import ActingRecords
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.column_access import without_masked_numbers
from kartoteka_runtime.storage.database import SchemaMoved
from kartoteka_runtime.storage.json_rows import JsonShape
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten
from kartoteka_runtime.web_api.addresses import link_to
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.list_endpoint import ListEndpoint, OneQuestion
from kartoteka_runtime.web_api.problem import BodyTooLarge
from kartoteka_runtime.web_api.serialize import (
    Serialize,
    build_serializer,
    read_body,
    stored_shape,
    to_json,
)

_log = logging.getLogger(__name__)
_MOST_BYTES = 4 * 1024 * 1024  # of a request body
_JSON = "application/json; odata.metadata=minimal"
_WHOLE = re.compile(r"[0-9]{1,9}")
Handler = Callable[[Request, Entity, Principal], Awaitable[Response]]
_check_id = compile_check({"type": "string", "format": "uuid"})


class RecordEndpoints:
    """Answers requests for records of one app."""

    def __init__(self, parts: RuntimeParts) -> None:
        """Serve the app that ``parts`` make up."""
        self._parts = parts
        self._lists = ListEndpoint(parts)
        self._serializer = lru_cache(512)(self._build_serializer)
        self._shape = lru_cache(512)(self._build_shape)

    async def answer(self, call: ApiCall, entity: Entity) -> Response:
        """Answer a call for an entity set or one of its records.

        Raises:
            NoSuchAddress: The path goes on to something that there is not.
            MethodNotTaken: The address does not take the method.
        """
        if len(call.segments) > 1:
            raise NoSuchAddress(shorten(call.request.url.path))
        if call.segments[0].arguments is None:
            if call.method not in ("GET", "HEAD", "POST"):
                raise MethodNotTaken("GET, POST")
            return await self._many(call, entity)
        if call.method not in ("GET", "HEAD", "PATCH", "DELETE"):
            raise MethodNotTaken("GET, PATCH, DELETE")
        return await self._one(call, entity)

    async def _one(self, call: ApiCall, entity: Entity) -> Response:
        request, records = call.request, call.records
        said = call.segments[0].arguments or ""
        try:
            record_id = _check_id(said.strip("{}"))
        except Refused:
            raise RecordNotFound(entity.name, said[:80]) from None
        version = _version(request, entity)
        if request.method == "DELETE":
            await records.delete(entity.name, record_id, version=version)
            return Response(status_code=204, headers=_ODATA)
        if request.method == "PATCH":
            self._question(call, entity)  # wrong options write nothing
            values = read_body(await _body(request, entity), entity, records.model.registry)
            await records.update(entity.name, record_id, values, version=version)
            return await self._written(call, entity, record_id, 200)
        return await self._record(call, entity, record_id, 200)

    async def _many(self, call: ApiCall, entity: Entity) -> Response:
        request, records = call.request, call.records
        if request.method == "POST":
            self._question(call, entity)
            values = read_body(await _body(request, entity), entity, records.model.registry)
            record_id = await records.create(entity.name, values)
            return await self._written(call, entity, record_id, 201)
        return await self._lists.answer(unmasked_if_asked(call), entity)

    async def _record(self, call: ApiCall, entity: Entity, record_id: str, status: int) -> Response:
        call = unmasked_if_asked(call)
        records = call.records
        question = self._question(call, entity)
        if question is not None and not question.is_plain:
            record = await self._lists.one(question, record_id)
            text, tag = to_json(record), record.get("@odata.etag")
        else:
            names = None if question is None else question.names
            text, tag = await self._stored(entity, records, record_id, names)
        context = to_json(f"{call.root}$metadata#{entity.set_name}/$entity")
        headers = dict(_ODATA)
        if tag is not None:
            headers["ETag"] = tag
        if status == 201:
            headers["OData-EntityId"] = headers["Location"] = link_to(call.root, entity, record_id)
        body = b'%b,"@odata.context":%b}' % (text[:-1], context)
        return Response(body, status, headers, media_type=_JSON)

    def _question(self, call: ApiCall, entity: Entity) -> OneQuestion | None:
        """Return what a request wants to know of a record; None for its stored fields, all of them.

        Raises:
            QueryError: An option is unknown or wrong.
        """
        if not call.request.scope["query_string"] and not _wants_annotations(call.request):
            return None
        return self._lists.question_of_one(call, entity)

    async def _stored(
        self, entity: Entity, records: ActingRecords, record_id: str, names: tuple[str, ...] | None
    ) -> tuple[bytes, str | None]:
        """Return a record's stored fields as JSON without annotations, and its ETag."""
        shape = self._shape_of(records, entity, names)
        version: object
        if shape is not None:
            text, version = await records.read_json(entity.name, record_id, shape)
        else:
            record = await records.read_fields(entity.name, record_id)
            without_masked_numbers((record,))
            text = to_json(self._serializer_of(records, entity, names)(record))
            version = record.get("versionnumber")
        return text, None if version is None else f'W/"{version}"'

    async def _written(
        self, call: ApiCall, entity: Entity, record_id: str, status: int
    ) -> Response:
        if "return=representation" in call.header("prefer"):
            try:
                return await self._record(call, entity, record_id, status)
            except SchemaMoved as moved:  # it is written, and must not be written again
                _log.warning("no representation of %s: %s", entity.name, moved)
        link = link_to(call.root, entity, record_id)
        headers = {**_ODATA, "OData-EntityId": link}
        if status == 201:
            headers["Location"] = link
        return Response(status_code=204, headers=headers)

    def _shape_of(
        self,
        records: ActingRecords,
        entity: Entity,
        names: tuple[str, ...] | None,
    ) -> JsonShape | None:
        """Return what the JSON of a record holds; None where not all of it is stored."""
        number = self._parts.live_registry.current.number
        if records.model.number != number:  # another publication came while this request ran
            return stored_shape(entity, names)
        return self._shape(number, entity.name, names)

    def _build_shape(
        self, number: int, name: str, names: tuple[str, ...] | None
    ) -> JsonShape | None:
        entity = self._parts.live_registry.current.registry.entities[name]
        return stored_shape(entity, names)

    def _serializer_of(
        self,
        records: ActingRecords,
        entity: Entity,
        names: tuple[str, ...] | None,
    ) -> Serialize:
        number = self._parts.live_registry.current.number
        if records.model.number != number:  # another publication came while this request ran
            return build_serializer(entity, names)
        return self._serializer(number, entity.name, names)

    def _build_serializer(self, number: int, name: str, names: tuple[str, ...] | None) -> Serialize:
        entity = self._parts.live_registry.current.registry.entities[name]
        return build_serializer(entity, names)


_ODATA = {"OData-Version": "4.0"}


async def _body(request: Request, entity: Entity) -> bytes:
    """Return the body, which is never held when it is too long.

    Raises:
        BodyTooLarge: It is.
    """
    chunks = bytearray()
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:18]) > _MOST_BYTES:
        raise BodyTooLarge(entity.name, _too_large())
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > _MOST_BYTES:
            raise BodyTooLarge(entity.name, _too_large())
    return bytes(chunks)


def _too_large() -> list[Violation]:
    return [Violation(None, "violation.body_too_large", {"value": shorten(_MOST_BYTES)})]


def _version(request: Request, entity: Entity) -> int | None:
    """Return the version that an ``If-Match`` insists on."""
    tag = request.headers.get("if-match", "")
    if not tag or tag == "*":
        return None
    try:
        return int(tag.removeprefix("W/").strip('"'))
    except ValueError:
        raise _bad(entity, "violation.wrong_type", tag, "If-Match") from None


def unmasked_if_asked(call: ApiCall) -> ApiCall:
    """Return the call with records without masks where it says ``UnMaskedData=true``."""
    request = call.request
    if b"unmaskeddata" not in request.scope["query_string"].lower():
        return call
    for name, text in request.query_params.multi_items():
        if name.lower() == "unmaskeddata" and text.lower() == "true":
            return replace(call, records=call.records.unmasked())
    return call


def _wants_annotations(request: Request) -> bool:
    return "odata.include-annotations" in request.headers.get("prefer", "")


def _bad(entity: Entity, code: str, value: object, part: str | None = None) -> RecordInvalid:
    """Return the refusal of a part of the request, such as ``$top``."""
    return RecordInvalid(entity.name, [Violation(part, code, {"value": shorten(value)})])
