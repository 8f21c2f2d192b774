"""The endpoints of records: read, list, create, update and delete.

The part of the wire contract that is there: addressing by id, ``$select $filter $orderby $top
$count``, paging by ``@odata.nextLink``, ``Prefer: return=representation`` and
``odata.include-annotations``, ``If-Match`` with a version. Source: reference web-api, section 4.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from functools import lru_cache
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from kartoteka.errors import KartotekaError, RecordInvalid, RecordNotFound, Violation
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.publication_refresh import is_last_try
from kartoteka_runtime.records.record_service import ActingRecords
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.storage.database import SchemaMoved
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten
from kartoteka_runtime.web_api.problem import problem, problem_of
from kartoteka_runtime.web_api.serialize import Serialize, build_serializer, read_body, to_json

_log = logging.getLogger(__name__)
_MOST_BYTES = 4 * 1024 * 1024  # of a request body
_PAGE = 5000
_OPTIONS = {"$select", "$filter", "$orderby", "$top", "$count", "$skiptoken"}
_JSON = "application/json; odata.metadata=minimal"
_WHOLE = re.compile(r"[0-9]{1,9}")
Handler = Callable[[Request, Entity, Principal], Awaitable[Response]]
_check_id = compile_check({"type": "string", "format": "uuid"})


class RecordEndpoints:
    """Answers requests for records of one app."""

    def __init__(self, parts: RuntimeParts) -> None:
        """Serve the app that ``parts`` make up."""
        self._parts = parts
        self._serializer = lru_cache(512)(self._build_serializer)

    async def one(self, request: Request) -> Response:
        """Answer GET, PATCH and DELETE of one record."""
        return await self._answered(request, self._one)

    async def many(self, request: Request) -> Response:
        """Answer GET and POST of an entity set."""
        return await self._answered(request, self._many)

    async def _answered(self, request: Request, handle: Handler) -> Response:
        published = self._parts.live_registry.current
        language = published.registry.base_language
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            principal = None
            if scheme.lower() == "bearer":
                principal = await self._parts.sessions.token_principal(token.strip())
            if principal is None:
                return problem(401, "A bearer token is needed: Authorization: Bearer …")
            language = principal.language
            published = self._parts.live_registry.current
            set_name = request.path_params["set_name"]
            entity = published.registry.entity_by_set_name.get(set_name)
            if entity is None:
                return problem(404, f"There is no entity set {shorten(set_name)!r}.")
            return await handle(request, entity, principal)
        except SchemaMoved as moved:
            if not is_last_try(request.scope):
                raise
            return problem_of(moved, published.registry, published.labels, language)
        except KartotekaError as error:
            return problem_of(error, published.registry, published.labels, language)

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
            values = read_body(await _body(request, entity), entity, records.model.registry)
            await records.update(entity.name, record_id, values, version=version)
            return await self._written(request, entity, records, record_id, 200)
        return await self._record(request, entity, records, record_id, 200)

    async def _many(self, request: Request, entity: Entity, principal: Principal) -> Response:
        records = self._parts.records.bound_to_publication(principal)
        if request.method == "POST":
            values = read_body(await _body(request, entity), entity, records.model.registry)
            record_id = await records.create(entity.name, values)
            return await self._written(request, entity, records, record_id, 201)
        return await self._list(request, entity, records)

    async def _list(self, request: Request, entity: Entity, records: ActingRecords) -> Response:
        options = request.query_params
        unknown = [key for key in options if key.startswith("$") and key not in _OPTIONS]
        if unknown:
            raise _bad(entity, "violation.unknown_option", unknown[0])
        names = _selected(options.get("$select", ""), entity)
        annotations = _wants_annotations(request)
        top = _top(entity, options.get("$top"))
        limit = _preferred_page(request) if top is None else top
        fields = tuple(names) if names else ()
        if fields and "versionnumber" in entity.field_by_name:
            fields = (*fields, "versionnumber")
        page = await records.select(
            entity.name,
            fields=fields,
            filter=options.get("$filter", ""),
            order=_ordering(entity, options.get("$orderby", "")),
            after=options.get("$skiptoken", ""),
            limit=max(1, limit),
            with_labels=annotations,
            with_count=options.get("$count") == "true",
        )
        serialize = self._serializer_of(records, entity, fields or None, annotations)
        answer: dict[str, object] = {
            "@odata.context": f"{_root(request)}$metadata#{entity.set_name}"
        }
        if options.get("$count") == "true":
            answer["@odata.count"] = page.count
        answer["value"] = [serialize(row) for row in page.rows[:limit]]
        if page.next_after and top is None:
            query = {**dict(options), "$skiptoken": page.next_after}
            answer["@odata.nextLink"] = f"{_root(request)}{entity.set_name}?{urlencode(query)}"
        return Response(to_json(answer), 200, _ODATA, media_type=_JSON)

    async def _record(
        self,
        request: Request,
        entity: Entity,
        records: ActingRecords,
        record_id: str,
        status: int,
    ) -> Response:
        annotations = _wants_annotations(request)
        names = _selected(request.query_params.get("$select", ""), entity)
        record = await records.read_fields(entity.name, record_id, with_labels=annotations)
        chosen = tuple(names) if names else None
        body = self._serializer_of(records, entity, chosen, annotations)(record)
        body["@odata.context"] = f"{_root(request)}$metadata#{entity.set_name}/$entity"
        headers = dict(_ODATA)
        if "@odata.etag" in body:
            headers["ETag"] = body["@odata.etag"]
        if status == 201:
            headers["OData-EntityId"] = headers["Location"] = _link(request, entity, record_id)
        return Response(to_json(body), status, headers, media_type=_JSON)

    async def _written(
        self,
        request: Request,
        entity: Entity,
        records: ActingRecords,
        record_id: str,
        status: int,
    ) -> Response:
        if "return=representation" in request.headers.get("prefer", ""):
            try:
                return await self._record(request, entity, records, record_id, status)
            except SchemaMoved as moved:  # it is written, and must not be written again
                _log.warning("no representation of %s: %s", entity.name, moved)
        link = _link(request, entity, record_id)
        headers = {**_ODATA, "OData-EntityId": link}
        if status == 201:
            headers["Location"] = link
        return Response(status_code=204, headers=headers)

    def _serializer_of(
        self,
        records: ActingRecords,
        entity: Entity,
        names: tuple[str, ...] | None,
        annotations: bool,
    ) -> Serialize:
        number = self._parts.live_registry.current.number
        if records.model.number != number:  # another publication came while this request ran
            return build_serializer(entity, names, with_annotations=annotations)
        return self._serializer(number, entity.name, names, annotations)

    def _build_serializer(
        self, number: int, name: str, names: tuple[str, ...] | None, annotations: bool
    ) -> Serialize:
        entity = self._parts.live_registry.current.registry.entities[name]
        return build_serializer(entity, names, with_annotations=annotations)


_ODATA = {"OData-Version": "4.0"}


async def _body(request: Request, entity: Entity) -> bytes:
    chunks = bytearray()
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > _MOST_BYTES:
            raise _bad(entity, "violation.body_too_large", _MOST_BYTES)
    return bytes(chunks)


def _version(request: Request, entity: Entity) -> int | None:
    """Return the version that an ``If-Match`` insists on."""
    tag = request.headers.get("if-match", "")
    if not tag or tag == "*":
        return None
    try:
        return int(tag.removeprefix("W/").strip('"'))
    except ValueError:
        raise _bad(entity, "violation.wrong_type", tag, "If-Match") from None


def _selected(text: str, entity: Entity) -> list[str]:
    """Return the logical names of a ``$select``; lookups may be written ``_name_value``."""
    names = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name = part
        if name not in entity.field_by_name and part.startswith("_") and part.endswith("_value"):
            name = part[1:-6]
        if name not in entity.field_by_name:
            raise _bad(entity, "violation.unknown_field", part)
        names.append(name)
    if names and entity.primary_id not in names:
        names.insert(0, entity.primary_id)
    return names


def _ordering(entity: Entity, text: str) -> list[str]:
    order = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, direction = part.partition(" ")
        if direction.strip() not in ("", "asc", "desc"):
            raise _bad(entity, "violation.unknown_option", direction)
        order.append(f"{_selected(name, entity)[-1]} {direction.strip() or 'asc'}")
    return order


def _top(entity: Entity, text: str | None) -> int | None:
    """Return how many records a ``$top`` asks for at most, or None without one."""
    if text is None:
        return None
    if not _WHOLE.fullmatch(text):
        raise _bad(entity, "violation.not_a_number", text, "$top")
    return int(text)


def _preferred_page(request: Request) -> int:
    for part in request.headers.get("prefer", "").split(","):
        name, _, value = part.strip().partition("=")
        if name == "odata.maxpagesize" and _WHOLE.fullmatch(value):
            return max(1, min(int(value), _PAGE))
    return _PAGE


def _wants_annotations(request: Request) -> bool:
    return "odata.include-annotations" in request.headers.get("prefer", "")


def _root(request: Request) -> str:
    return (
        f"{request.url.scheme}://{request.url.netloc}/api/data/v9.{request.path_params['minor']}/"
    )


def _link(request: Request, entity: Entity, record_id: str) -> str:
    return f"{_root(request)}{entity.set_name}({record_id})"


def _bad(entity: Entity, code: str, value: object, part: str | None = None) -> RecordInvalid:
    """Return the refusal of a part of the request, such as ``$top``."""
    return RecordInvalid(entity.name, [Violation(part, code, {"value": shorten(value)})])
