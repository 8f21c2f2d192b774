"""Links between a record and one of a collection of its: made and taken away, whatever stores them.

A link is the lookup of the item, or a pair of an N:N relationship. Source: reference web-api,
section 4.
"""

from __future__ import annotations

from kartoteka.conditions.typed import Collection, Linked, Match
from kartoteka.errors import RecordNotFound
from kartoteka.record_values import Reference
from kartoteka_runtime.records.acting_records import ActingRecords


async def link(
    records: ActingRecords, collection: Collection, owner: Reference, item: Reference
) -> None:
    """Let a record belong to another one's collection.

    Raises:
        RecordNotFound: One of them is not there.
        RecordInvalid: They are linked already by an N:N relationship, or one may not be changed.
    """
    match collection.via:
        case Match(item_field=field):
            await records.update(item.entity, item.id, {field.name: owner})
        case Linked(relationship=relationship, owner_is_left=owner_is_left):
            pair = (owner.id, item.id) if owner_is_left else (item.id, owner.id)
            await records.associate(relationship.name, *pair)


async def unlink(
    records: ActingRecords, collection: Collection, owner: Reference, item: Reference
) -> None:
    """Let a record belong to another one's collection no more.

    Raises:
        RecordNotFound: One of them is not there, or it does not belong to it.
        RecordInvalid: The record may not be changed.
    """
    match collection.via:
        case Match(item_field=field):
            async with records.transaction() as inside:
                found = await inside.read_fields(item.entity, item.id)
                named = found[field.name]
                if not isinstance(named, Reference) or not owner.is_same(named):
                    raise RecordNotFound(item.entity, item.id)
                await inside.update(item.entity, item.id, {field.name: None})
        case Linked(relationship=relationship, owner_is_left=owner_is_left):
            pair = (owner.id, item.id) if owner_is_left else (item.id, owner.id)
            await records.disassociate(relationship.name, *pair)
