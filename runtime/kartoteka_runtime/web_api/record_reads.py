"""RecordReads: one record, or one value of it, as the answer to a request.

Source: reference web-api, sections 2 to 4.
"""

from __future__ import annotations

from functools import lru_cache

import orjson
from starlette.requests import Request
from starlette.responses import Response

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.file_values import contents_among, give_contents
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.column_access import without_masked_numbers
from kartoteka_runtime.storage.json_rows import JsonMember, JsonShape, record_json
from kartoteka_runtime.web_api.addresses import link_to
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.list_endpoint import ListEndpoint, OneQuestion
from kartoteka_runtime.web_api.preconditions import is_unchanged
from kartoteka_runtime.web_api.serialize import (
    Serialize,
    build_serializer,
    stored_shape,
    to_json,
)
from kartoteka_runtime.web_api.unmasked import unmasked_if_asked

ODATA = {"OData-Version": "4.0"}
JSON = "application/json; odata.metadata=minimal"
_VALUE = "value"
_SHAPES = 512  # of records and single values, kept for the publication that is live


class RecordReads:
    """Answers with single records of one app."""

    def __init__(self, parts: RuntimeParts, lists: ListEndpoint) -> None:
        """Serve the app that ``parts`` make up; ``lists`` reads options and annotated records."""
        self._parts = parts
        self._lists = lists
        self._serializer = lru_cache(_SHAPES)(self._build_serializer)
        self._shape = lru_cache(_SHAPES)(self._build_shape)
        self._value_shape = lru_cache(_SHAPES)(self._build_value_shape)

    async def record(
        self, call: ApiCall, entity: Entity, record_id: str, status: int = 200
    ) -> Response:
        """Return a record as the options and preferences of a call want it.

        A reader that has its version already gets 304, where it asks for no more than the record.

        Raises:
            RecordNotFound: There is no such record.
            QueryError: An option is unknown or wrong.
        """
        call = unmasked_if_asked(call)
        records = call.records
        question = self.question(call, entity)
        if question is not None and not question.is_plain:
            record = await self._lists.one(question, record_id)
            text, tag = to_json(record), record.get("@odata.etag")
        else:
            names = None if question is None else question.names
            text, tag = await self._stored(entity, records, record_id, names)
            if status == 200 and call.method != "PATCH" and is_unchanged(call, tag):
                return Response(status_code=304, headers={**ODATA, "ETag": tag or ""})
        headers = dict(ODATA)
        if tag is not None:
            headers["ETag"] = tag
        if status == 201:
            headers["OData-EntityId"] = headers["Location"] = link_to(call.root, entity, record_id)
        if question is not None and (applied := question.asked.sent.preferences.applied()):
            headers["Preference-Applied"] = applied
        context = to_json(f"{call.root}$metadata#{entity.set_name}/$entity")
        body = b'%b,"@odata.context":%b}' % (text[:-1], context)
        return Response(body, status, headers, media_type=JSON)

    def question(self, call: ApiCall, entity: Entity) -> OneQuestion | None:
        """Return what a request wants to know of a record; None for its stored fields, all of them.

        Raises:
            QueryError: An option is unknown or wrong.
        """
        if not call.request.scope["query_string"] and not _wants_annotations(call.request):
            return None
        return self._lists.question_of_one(call, entity)

    async def value(self, call: ApiCall, entity: Entity, item: Field, record_id: str) -> bytes:
        """Return one value of a record as JSON.

        Raises:
            RecordNotFound: There is no such record.
        """
        call = unmasked_if_asked(call)
        records = call.records
        shape = self._value_shape_of(records, entity, item)
        contents = contents_among(records.model.entities[entity.name], (item.name,))
        if has_column(item) and not contents:
            text, _ = await records.read_json(entity.name, record_id, shape)
        else:
            record = await records.read_fields(entity.name, record_id)
            without_masked_numbers((record,))
            await give_contents(self._parts.files, records, entity, (record,), contents)
            text = record_json(shape, record)
        return text.removeprefix(b'{"value":').removesuffix(b"}")

    async def _stored(
        self, entity: Entity, records: ActingRecords, record_id: str, names: tuple[str, ...] | None
    ) -> tuple[bytes, str | None]:
        """Return a record's stored fields as JSON without annotations, and its ETag."""
        shape = self._shape_of(records, entity, names)
        contents = contents_among(records.model.entities[entity.name], names)
        version: object
        if shape is not None and not contents:
            text, version = await records.read_json(entity.name, record_id, shape)
        else:
            record = await records.read_fields(entity.name, record_id)
            without_masked_numbers((record,))
            await give_contents(self._parts.files, records, entity, (record,), contents)
            text = to_json(self._serializer_of(records, entity, names)(record))
            version = record.get("versionnumber")
        return text, None if version is None else f'W/"{version}"'

    def _shape_of(
        self, records: ActingRecords, entity: Entity, names: tuple[str, ...] | None
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

    def _value_shape_of(self, records: ActingRecords, entity: Entity, item: Field) -> JsonShape:
        number = self._parts.live_registry.current.number
        if records.model.number != number:
            return JsonShape((JsonMember(_VALUE, item),))
        return self._value_shape(number, entity.name, item.name)

    def _build_value_shape(self, number: int, name: str, field: str) -> JsonShape:
        entity = self._parts.live_registry.current.registry.entities[name]
        return JsonShape((JsonMember(_VALUE, entity.field_by_name[field]),))

    def _serializer_of(
        self, records: ActingRecords, entity: Entity, names: tuple[str, ...] | None
    ) -> Serialize:
        number = self._parts.live_registry.current.number
        if records.model.number != number:  # another publication came while this request ran
            return build_serializer(entity, names)
        return self._serializer(number, entity.name, names)

    def _build_serializer(self, number: int, name: str, names: tuple[str, ...] | None) -> Serialize:
        entity = self._parts.live_registry.current.registry.entities[name]
        return build_serializer(entity, names)


def text_of(value: bytes) -> str:
    """Return a value of JSON as ``$value`` tells it: a text without its quotes."""
    return str(orjson.loads(value)) if value[:1] == b'"' else value.decode()


def _wants_annotations(request: Request) -> bool:
    return "odata.include-annotations" in request.headers.get("prefer", "")
