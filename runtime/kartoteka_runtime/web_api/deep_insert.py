"""New records with the records inside of their bodies, all of them or none.

Source: reference web-api, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kartoteka.conditions.typed import Collection, Match
from kartoteka.errors import RecordNotFound
from kartoteka.model.entity import Entity
from kartoteka.record_values import Reference
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.body_values import BodyValues, read_body
from kartoteka_runtime.web_api.record_links import link
from kartoteka_runtime.web_api.request_body import BAD_PAYLOAD

MOST_LEVELS = 6  # of records inside one another
MOST_RECORDS = 1_000  # that one body makes or binds


async def create_record(
    call: ApiCall,
    entity: Entity,
    mapping: Mapping[str, Any],
    key_values: Mapping[str, Any] | None = None,
) -> str:
    """Create the record that a body describes, with those inside it, and return its id.

    Args:
        call: Whose call it is.
        entity: What the record is.
        mapping: The body.
        key_values: Values that the address says; the body does not say them otherwise.

    Raises:
        RecordInvalid: Values are refused.
        CallRefused: The body cannot be understood, or holds too many records.
    """
    body = await read_body(call, entity, mapping, is_new=True)
    if key_values:
        body.values |= key_values
    if body.is_flat:
        return await call.records.create(entity.name, body.values)
    async with call.records.transaction() as records:
        return await _DeepInsert(replace(call, records=records)).create(entity, body, 1)


@dataclass(slots=True)
class _DeepInsert:
    """One such body under way; ``count`` is how many records it made or bound."""

    call: ApiCall
    count: int = 0

    async def create(self, entity: Entity, body: BodyValues, level: int) -> str:
        """Create a record after those that it names and before those that belong to it."""
        if level > MOST_LEVELS:
            raise _too_many(f"{MOST_LEVELS} levels of records")
        self._count()
        for step, mapping in body.above:
            record_id = await self._inside(step.target, mapping, level)
            body.values[step.field.name] = Reference(step.target, record_id)
        record_id = await self.call.records.create(entity.name, body.values)
        owner = Reference(entity.name, record_id)
        for collection, items in body.items:
            for item in items:
                await self._item(collection, owner, item, level)
        return record_id

    async def _inside(self, name: str, mapping: Mapping[str, Any], level: int) -> str:
        entity = self.call.registry.entities[name]
        body = await read_body(self.call, entity, mapping, is_new=True)
        return await self.create(entity, body, level + 1)

    async def _item(
        self,
        collection: Collection,
        owner: Reference,
        item: Mapping[str, Any] | Reference,
        level: int,
    ) -> None:
        if isinstance(item, Reference):
            self._count()
            try:
                await link(self.call.records, collection, owner, item)
            except RecordNotFound as error:  # not what the address of the call names: no 404
                raise CallRefused(400, str(error), code=BAD_PAYLOAD) from None
            return
        entity = self.call.registry.entities[collection.entity]
        body = await read_body(self.call, entity, item, is_new=True)
        if isinstance(collection.via, Match):
            body.values[collection.via.item_field.name] = owner
            await self.create(entity, body, level + 1)
            return
        record_id = await self.create(entity, body, level + 1)
        await link(self.call.records, collection, owner, Reference(entity.name, record_id))

    def _count(self) -> None:
        self.count += 1
        if self.count > MOST_RECORDS:
            raise _too_many(f"{MOST_RECORDS} records")


def _too_many(what: str) -> CallRefused:
    return CallRefused(400, f"One body makes at most {what}.", code=BAD_PAYLOAD)
