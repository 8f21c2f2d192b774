"""What collections are called that are named after what a rename changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.typed import Match
from kartoteka.loading.read_field import default_relationship
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.references.reference import ObjectName
from kartoteka.registry import Registry


def renamed_collections(
    names: Mapping[ObjectName, str], registry: Registry
) -> dict[ObjectName, str]:
    """Return ``{collection: its new name}`` of those that rollups sum up.

    Args:
        names: New names of entities and fields.
        registry: With the old ones.
    """
    owners = [
        (entity, item.rollup.over)
        for entity in registry.entities.values()
        for item in entity.fields
        if item.rollup is not None
    ]
    if not owners:
        return {}
    entities = [_renamed(entity, names) for entity in registry.entities.values()]
    wanted = replace(registry, entities={entity.name: entity for entity in entities})
    found = {}
    for owner, over in owners:
        collection = collections_of(registry, owner.name).get(over)
        if collection is None or not isinstance(collection.via, Match):
            continue
        items, lookup = collection.entity, collection.via.item_field.name
        tie = (
            names.get(ObjectName("entity", items), items),
            names.get(ObjectName("field", lookup, items), lookup),
        )
        owner_name = names.get(ObjectName("entity", owner.name), owner.name)
        for name, other in collections_of(wanted, owner_name).items():
            via = other.via
            if isinstance(via, Match) and (other.entity, via.item_field.name) == tie:
                if name != over:
                    found[ObjectName("collection", over, owner.name)] = name
                break
    return found


def _renamed(entity: Entity, names: Mapping[ObjectName, str]) -> Entity:
    """Return an entity with new names, as far as names of collections are made of them."""
    name = names.get(ObjectName("entity", entity.name), entity.name)

    def field(item: Field) -> Field:
        changed = replace(
            item,
            name=names.get(ObjectName("field", item.name, entity.name), item.name),
            targets=tuple(names.get(ObjectName("entity", one), one) for one in item.targets),
        )
        if item.relationship and item.relationship == default_relationship(item, entity.name):
            changed = replace(changed, relationship=default_relationship(changed, name))
        return changed

    own_id = ObjectName("field", entity.primary_id, entity.name)
    return replace(
        entity,
        name=name,
        primary_id=names.get(own_id, entity.primary_id),
        fields=tuple(map(field, entity.fields)),
    )
