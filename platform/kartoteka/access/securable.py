"""What keeps a field from being secured: others could not do without it, or would tell it."""

from __future__ import annotations

from kartoteka.access.grants import ACTIVITIES
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.names import PLATFORM_FIELDS
from kartoteka.registry import Registry

_TYPES = {
    "party_list": "parties are records of their own",
    "state": "it is the state of records",
    "status": "it is the status reason of records",
    "unique_id": "it is an id",
}


def what_keeps_from_securing(registry: Registry, entity: Entity, field: Field) -> str:
    """Return why a field cannot be secured; "" when it can.

    Source: reference platform, section 6.8, and what would tell a value all the same.
    """
    name = field.name
    if name == entity.primary_field:
        return "it is the name of records, which lookups show to everybody"
    if name in PLATFORM_FIELDS or name == entity.primary_id:
        return "the platform itself needs it"
    if field.is_lookup:
        return "lookups tie records together, which their roles decide about"
    if field.type in _TYPES:
        return _TYPES[field.type]
    if field.is_calculated or field.joined_from:
        return "its value is made of others; secure those"
    if name in entity.rollup_marks:
        return f'it belongs to the rollup "{entity.rollup_marks[name]}"'
    if name in entity.file_marks:
        return f'it follows "{entity.file_marks[name]}", and is secured with it'
    if field.base_of:
        return f'it follows "{field.base_of}", and is secured with it'
    if field.unique:
        return "it is unique, so anybody could find out which values there are"
    for key in entity.keys:
        if name in key.fields:
            return f'it is part of the key "{key.name}"'
    pointer = registry.entities.get(ACTIVITIES)
    if entity.name == ACTIVITIES or (
        entity.is_activity and pointer is not None and name in pointer.field_by_name
    ):
        return "all activities have it in common"
    return ""
