"""One property of a record: ``accounts(…)/name`` and ``accounts(…)/name/$value``.

Source: reference web-api, sections 2 and 4.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.responses import Response

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.query.shown import raw_name
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused, MethodNotTaken
from kartoteka_runtime.web_api.body_values import read_values
from kartoteka_runtime.web_api.preconditions import preconditions
from kartoteka_runtime.web_api.record_reads import JSON, ODATA, RecordReads, text_of
from kartoteka_runtime.web_api.request_body import BAD_PAYLOAD, read_object
from kartoteka_runtime.web_api.serialize import to_json

# Answers for properties of one field type: of a record's id; whether ``$value`` is asked for.
PropertyHandler = Callable[[ApiCall, Entity, str, Field, bool], Awaitable[Response]]

_EMPTY = b"null"


class PropertyEndpoint:
    """Answers requests for one property of a record."""

    def __init__(self, reads: RecordReads, by_type: Mapping[str, PropertyHandler]) -> None:
        """Read with ``reads``; field types in ``by_type`` have handlers of their own."""
        self._reads = reads
        self._by_type = by_type

    async def answer(
        self, call: ApiCall, entity: Entity, record_id: str, item: Field, *, is_raw: bool
    ) -> Response:
        """Answer one request; ``is_raw`` is what stands at ``$value``.

        Raises:
            RecordNotFound: There is no such record.
            MethodNotTaken: The property does not take the method.
        """
        handler = self._by_type.get(item.type)
        if handler is not None:
            return await handler(call, entity, record_id, item, is_raw)
        if call.method in ("GET", "HEAD"):
            return await self._read(call, entity, record_id, item, is_raw=is_raw)
        if is_raw:
            raise MethodNotTaken("GET")
        if call.method == "PUT":
            body = await read_object(call, entity.name)
            if "value" not in body:
                raise CallRefused(400, 'The body is {"value": …}.', code=BAD_PAYLOAD)
            return await self._write(call, entity, record_id, raw_name(item), body["value"])
        if call.method == "DELETE":
            return await self._write(call, entity, record_id, item.name, None)
        raise MethodNotTaken("GET, PUT, DELETE")

    async def _read(
        self, call: ApiCall, entity: Entity, record_id: str, item: Field, *, is_raw: bool
    ) -> Response:
        value = await self._reads.value(call, entity, item, record_id)
        if value == _EMPTY:
            return Response(status_code=204, headers=ODATA)
        if is_raw:
            return Response(text_of(value), 200, ODATA, media_type="text/plain")
        address = f"{call.root}$metadata#{entity.set_name}({record_id})/{raw_name(item)}"
        body = b'{"@odata.context":%b,"value":%b}' % (to_json(address), value)
        return Response(body, 200, ODATA, media_type=JSON)

    async def _write(
        self, call: ApiCall, entity: Entity, record_id: str, name: str, value: object
    ) -> Response:
        taken = preconditions(call, entity)
        values = await read_values(call, entity, {name: value})
        await call.records.update(entity.name, record_id, values, version=taken.version)
        return Response(status_code=204, headers=ODATA)
