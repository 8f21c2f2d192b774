"""RecordWrites: records created, changed, put where a key says, and deleted.

Source: reference web-api, section 4.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from kartoteka.conditions.typed import Collection, Match
from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound, Violation
from kartoteka.model.entity import Entity
from kartoteka.record_values import Reference
from kartoteka_runtime.storage.database import SchemaMoved
from kartoteka_runtime.web_api.addresses import link_to
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import NoRecordOfKey
from kartoteka_runtime.web_api.body_values import read_values
from kartoteka_runtime.web_api.deep_insert import create_record
from kartoteka_runtime.web_api.preconditions import NONE, Preconditions, preconditions
from kartoteka_runtime.web_api.record_keys import RecordKey, find_record, read_key
from kartoteka_runtime.web_api.record_links import link
from kartoteka_runtime.web_api.record_reads import ODATA, RecordReads
from kartoteka_runtime.web_api.request_body import read_object

_log = logging.getLogger(__name__)
_MOST_TRIES = 5  # of writing what others create or delete at the same time
_REPRESENTATION = "return=representation"


class RecordWrites:
    """Answers requests that write single records of one app."""

    def __init__(self, reads: RecordReads) -> None:
        """Answer with records that ``reads`` reads."""
        self._reads = reads

    async def create(self, call: ApiCall, entity: Entity) -> Response:
        """Create the record that the body describes.

        Raises:
            RecordInvalid: Values are refused.
            QueryError: An option about the answer is wrong: nothing is written then.
        """
        self._reads.question(call, entity)
        body = await read_object(call, entity.name)
        record_id = await create_record(call, entity, body)
        return await self.written(call, entity, record_id, 201)

    async def create_in(self, call: ApiCall, collection: Collection, owner: Reference) -> Response:
        """Create the record that the body describes, as one of another record's collection.

        Raises:
            RecordInvalid: Values are refused.
            QueryError: An option about the answer is wrong: nothing is written then.
        """
        entity = call.registry.entities[collection.entity]
        self._reads.question(call, entity)
        body = await read_object(call, entity.name)
        async with call.records.transaction() as records:
            inside = replace(call, records=records)
            if isinstance(collection.via, Match):
                said = {collection.via.item_field.name: owner}
                record_id = await create_record(inside, entity, body, said)
            else:
                record_id = await create_record(inside, entity, body)
                await link(records, collection, owner, Reference(entity.name, record_id))
        return await self.written(call, entity, record_id, 201)

    async def patch(self, call: ApiCall, entity: Entity, arguments: str) -> Response:
        """Change the record that a key names, or create it where the headers allow that.

        Raises:
            RecordNotFound: It is not there, and is not to be created.
            RecordInvalid: Values are refused, or it is there and was not to be.
            RecordConflict: Another version of it is stored.
        """
        self._reads.question(call, entity)  # wrong options write nothing
        key = read_key(call, entity, arguments)
        taken = preconditions(call, entity)
        body = await read_object(call, entity.name)
        record_id, is_new = await put_record(call, entity, key, body, taken)
        return await self.written(call, entity, record_id, 201 if is_new else 200)

    async def delete(self, call: ApiCall, entity: Entity, arguments: str) -> Response:
        """Delete the record that a key names.

        Raises:
            RecordNotFound: It is not there.
            RecordConflict: Another version of it is stored.
        """
        key = read_key(call, entity, arguments)
        taken = preconditions(call, entity)
        record_id = await find_record(call, entity, key)
        if not record_id:
            raise NoRecordOfKey(entity.name, arguments)
        await call.records.delete(entity.name, record_id, version=taken.version)
        return Response(status_code=204, headers=ODATA)

    async def written(self, call: ApiCall, entity: Entity, record_id: str, status: int) -> Response:
        """Answer a write, with what is stored now where that is preferred."""
        if _REPRESENTATION in call.header("prefer"):
            try:
                response = await self._reads.record(call, entity, record_id, status)
            except SchemaMoved as moved:  # it is written, and must not be written again
                if call.records.open_operation is not None:
                    raise  # in a change set, which is undone and runs again
                _log.warning("no representation of %s: %s", entity.name, moved)
            else:
                applied = response.headers.get("Preference-Applied", "")
                applied = f"{_REPRESENTATION},{applied}" if applied else _REPRESENTATION
                response.headers["Preference-Applied"] = applied
                return response
        address = link_to(call.root, entity, record_id)
        headers = {**ODATA, "OData-EntityId": address}
        if status == 201:
            headers["Location"] = address
        return Response(status_code=204, headers=headers)


async def put_record(
    call: ApiCall,
    entity: Entity,
    key: RecordKey,
    body: Mapping[str, Any],
    taken: Preconditions = NONE,
) -> tuple[str, bool]:
    """Change the record that a key names, else create it; return its id and whether it is new.

    When somebody else creates or deletes it at the same moment, it is tried again: of several who
    put the same record, one creates it and the others change it.

    Args:
        call: Whose call it is.
        entity: What the record is.
        key: Its id, or values of an alternate key.
        body: What to write; the key's own values are not taken from it.
        taken: What is taken for granted: with ``exists`` nothing is created, with ``is_absent``
            nothing changed.

    Raises:
        RecordNotFound: It is not there, and is not to be created.
        RecordInvalid: Values are refused, or it is there and was not to be.
        RecordConflict: Another version of it is stored.
    """
    if key.values:
        body = {name: value for name, value in body.items() if name not in key.values}
    if taken.is_absent and await _is_there(call, entity, key):
        raise RecordInvalid(entity.name, [_taken(entity, key)])
    for tries in range(1, _MOST_TRIES + 1):
        record_id = "" if taken.is_absent else await find_record(call, entity, key)
        if record_id:
            try:
                values = await read_values(call, entity, body)
                await call.records.update(entity.name, record_id, values, version=taken.version)
                return record_id, False
            except RecordNotFound as error:
                if taken.exists or (error.entity, error.record_id) != (entity.name, record_id):
                    raise
        elif taken.exists:
            raise NoRecordOfKey(entity.name, ", ".join(map(str, key.values.values())))
        try:
            said = {entity.primary_id: key.record_id} if key.record_id else key.values
            _require_same_id(entity, key, body)
            return await create_record(call, entity, body, said), True
        except RecordInvalid as error:
            is_last = tries == _MOST_TRIES or call.records.open_operation is not None
            if taken.is_absent or is_last or not is_taken(error, entity, key):
                raise
    raise AssertionError("the last try returns or raises")


async def _is_there(call: ApiCall, entity: Entity, key: RecordKey) -> bool:
    """Return whether a record has the key, as far as the caller may see it."""
    try:
        if not key.record_id:
            return bool(await find_record(call, entity, key))
        await call.records.read_fields(entity.name, key.record_id)
    except (AccessDenied, RecordNotFound):
        return False
    return True


def _taken(entity: Entity, key: RecordKey) -> Violation:
    name, value = next(iter(key.values.items()), (entity.primary_id, key.record_id))
    return Violation(name, "violation.not_unique", {"value": value})


def _require_same_id(entity: Entity, key: RecordKey, body: Mapping[str, Any]) -> None:
    """Refuse a body that gives another id than the address of what it creates."""
    said = body.get(entity.primary_id)
    if key.record_id and said is not None and str(said).strip("{}").lower() != key.record_id:
        raise RecordInvalid(entity.name, [Violation(entity.primary_id, "violation.read_only")])


def is_taken(error: RecordInvalid, entity: Entity, key: RecordKey) -> bool:
    """Return whether a record was refused because one with its key is there already."""
    names = set(key.values) or {entity.primary_id}
    return all(
        violation.code == "violation.not_unique" and violation.field in names
        for violation in error.violations
    )
