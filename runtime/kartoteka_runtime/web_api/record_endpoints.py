"""The endpoints of records: read, create, update and delete; lists are in ``list_endpoint``.

The part of the wire contract that is there: addressing by id, ``$select``, ``Prefer:
return=representation`` and ``odata.include-annotations``, ``If-Match`` with a version. Source:
reference web-api, section 4.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from functools import lru_cache

from starlette.requests import Request
from starlette.responses import Response

from kartoteka.errors import AccessDenied, KartotekaError, RecordInvalid, RecordNotFound, Violation
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.publication_refresh import is_last_try
from kartoteka_runtime.records.record_service import ActingRecords
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.column_access import without_masked_numbers
from kartoteka_runtime.security.refusals import client_address, record_limited, record_refusal
from kartoteka_runtime.security.request_limits import RequestLimit, address_key, retry_after
from kartoteka_runtime.security.tokens import TokenRefused
from kartoteka_runtime.storage.database import SchemaMoved
from kartoteka_runtime.storage.json_rows import JsonShape
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten
from kartoteka_runtime.web_api.addresses import link_to, root_of
from kartoteka_runtime.web_api.list_endpoint import ListEndpoint, OneQuestion
from kartoteka_runtime.web_api.problem import BodyTooLarge, problem, problem_of, unauthorized
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

    async def one(self, request: Request) -> Response:
        """Answer GET, PATCH and DELETE of one record."""
        return await self.answered(request, self._one)

    async def many(self, request: Request) -> Response:
        """Answer GET and POST of an entity set."""
        return await self.answered(request, self._many)

    async def answered(self, request: Request, handle: Handler) -> Response:
        """Answer what is asked about the entity set of an address, for who has a token."""
        published = self._parts.live_registry.current
        language = published.registry.base_language
        limits, address = self._parts.limits, address_key(client_address(request.scope))
        if wait := limits.addresses.take(address):
            return await self._too_many(request, limits.addresses, address, wait)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        principal: Principal | None = None
        refusal = "token.missing"
        try:
            if scheme.lower() == "bearer" and token.strip():
                try:
                    principal = await self._parts.sessions.tokens.principal(token.strip())
                except TokenRefused as refused:
                    refusal = refused.code
            if principal is None:
                if token and (wait := limits.visitors.take(address)):
                    return await self._too_many(request, limits.visitors, address, wait)
                return unauthorized(refusal, published.labels, language)
            language = principal.language
            if wait := limits.users.take(principal.user_id):
                user = principal.user_id
                return await self._too_many(request, limits.users, user, wait, principal)
            if not principal.roles:
                return problem(403, published.labels.message("sign_in.no_role", language))
            published = self._parts.live_registry.current
            set_name = request.path_params["set_name"]
            entity = published.registry.entity_by_set_name.get(set_name)
            if entity is None:
                return problem(404, f"There is no entity set {shorten(set_name)!r}.")
            response = await handle(request, entity, principal)
            remaining = limits.users.remaining(principal.user_id)
            response.raw_headers.append((_REMAINING, str(remaining).encode()))
            return response
        except SchemaMoved as moved:
            if not is_last_try(request.scope):
                raise
            return problem_of(moved, published.registry, published.labels, language)
        except KartotekaError as error:
            if isinstance(error, AccessDenied) and principal is not None:
                events = self._parts.security_events
                await record_refusal(events, error, principal, request.scope)
            return problem_of(error, published.registry, published.labels, language)

    async def _too_many(
        self,
        request: Request,
        limit: RequestLimit,
        key: str,
        wait: float,
        principal: Principal | None = None,
    ) -> Response:
        await record_limited(self._parts.security_events, limit, key, request.scope, principal)
        seconds = retry_after(wait)
        published = self._parts.live_registry.current
        language = principal.language if principal else published.registry.base_language
        text = published.labels.message("error.too_many_requests", language, seconds=seconds)
        response = problem(429, text)
        response.headers["Retry-After"] = seconds
        response.raw_headers.append((_REMAINING, b"0"))
        return response

    async def _one(self, request: Request, entity: Entity, principal: Principal) -> Response:
        records = self._parts.records.bound_to_publication(principal)
        try:
            record_id = _check_id(request.path_params["record_id"].strip("{}"))
        except Refused:
            raise RecordNotFound(entity.name, request.path_params["record_id"][:80]) from None
        version = _version(request, entity)
        if request.method == "DELETE":
            await records.delete(entity.name, record_id, version=version)
            return Response(status_code=204, headers=_ODATA)
        if request.method == "PATCH":
            self._question(request, entity, records, principal)  # wrong options write nothing
            values = read_body(await _body(request, entity), entity, records.model.registry)
            await records.update(entity.name, record_id, values, version=version)
            return await self._written(request, entity, records, principal, record_id, 200)
        return await self._record(request, entity, records, principal, record_id, 200)

    async def _many(self, request: Request, entity: Entity, principal: Principal) -> Response:
        records = self._parts.records.bound_to_publication(principal)
        if request.method == "POST":
            self._question(request, entity, records, principal)
            values = read_body(await _body(request, entity), entity, records.model.registry)
            record_id = await records.create(entity.name, values)
            return await self._written(request, entity, records, principal, record_id, 201)
        return await self._lists.answer(
            request, entity, unmasked_if_asked(request, records), principal
        )

    async def _record(
        self,
        request: Request,
        entity: Entity,
        records: ActingRecords,
        principal: Principal,
        record_id: str,
        status: int,
    ) -> Response:
        records = unmasked_if_asked(request, records)
        question = self._question(request, entity, records, principal)
        if question is not None and not question.is_plain:
            record = await self._lists.one(question, record_id)
            text, tag = to_json(record), record.get("@odata.etag")
        else:
            names = None if question is None else question.names
            text, tag = await self._stored(entity, records, record_id, names)
        root = root_of(request)
        context = to_json(f"{root}$metadata#{entity.set_name}/$entity")
        headers = dict(_ODATA)
        if tag is not None:
            headers["ETag"] = tag
        if status == 201:
            headers["OData-EntityId"] = headers["Location"] = link_to(request, entity, record_id)
        body = b'%b,"@odata.context":%b}' % (text[:-1], context)
        return Response(body, status, headers, media_type=_JSON)

    def _question(
        self, request: Request, entity: Entity, records: ActingRecords, principal: Principal
    ) -> OneQuestion | None:
        """Return what a request wants to know of a record; None for its stored fields, all of them.

        Raises:
            QueryError: An option is unknown or wrong.
        """
        if not request.scope["query_string"] and not _wants_annotations(request):
            return None
        return self._lists.question_of_one(request, entity, records, principal)

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
        self,
        request: Request,
        entity: Entity,
        records: ActingRecords,
        principal: Principal,
        record_id: str,
        status: int,
    ) -> Response:
        if "return=representation" in request.headers.get("prefer", ""):
            try:
                return await self._record(request, entity, records, principal, record_id, status)
            except SchemaMoved as moved:  # it is written, and must not be written again
                _log.warning("no representation of %s: %s", entity.name, moved)
        link = link_to(request, entity, record_id)
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
_REMAINING = b"x-ms-ratelimit-burst-remaining-xrm-requests"


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


def unmasked_if_asked(request: Request, records: ActingRecords) -> ActingRecords:
    """Return the records without masks where the request says ``UnMaskedData=true``."""
    if b"unmaskeddata" not in request.scope["query_string"].lower():
        return records
    for name, text in request.query_params.multi_items():
        if name.lower() == "unmaskeddata" and text.lower() == "true":
            return records.unmasked()
    return records


def _wants_annotations(request: Request) -> bool:
    return "odata.include-annotations" in request.headers.get("prefer", "")


def _bad(entity: Entity, code: str, value: object, part: str | None = None) -> RecordInvalid:
    """Return the refusal of a part of the request, such as ``$top``."""
    return RecordInvalid(entity.name, [Violation(part, code, {"value": shorten(value)})])
