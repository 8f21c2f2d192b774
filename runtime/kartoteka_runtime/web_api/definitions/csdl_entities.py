"""Entities → entity types and sets of ``$metadata``; every member of a record's JSON has its type.

Names of members are those that answers and bodies use: ``raw_name``, ``navigation_name`` and
``collections_of``. Source: reference web-api, sections 3 and 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.typed import Collection, Match
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import decimal_scale, storage_of
from kartoteka.query.navigation_names import navigation_name
from kartoteka.query.shown import raw_name
from kartoteka.registry import Registry
from kartoteka_runtime.web_api.definitions.csdl_model import (
    BASE_TYPE,
    NAMESPACE,
    EntitySet,
    EntityType,
    Navigation,
    Property,
    TypeOf,
    of_schema,
)

_Ways = Mapping[tuple[str, str, str], str]  # collection by entity, lookup and target

OWNER_TYPE = "principal"  # what owns records: each entity with the feature "owner"

EDM_TYPES: Mapping[str, str] = MappingProxyType(
    {
        "text": "Edm.String",
        "integer": "Edm.Int32",
        "big_integer": "Edm.Int64",
        "decimal": "Edm.Decimal",
        "float": "Edm.Double",
        "boolean": "Edm.Boolean",
        "date": "Edm.Date",
        "instant": "Edm.DateTimeOffset",
        "local_time": "Edm.DateTimeOffset",
        "id": "Edm.Guid",
        "reference": "Edm.Guid",
        "options": "Edm.String",
    }
)


def entity_types(registry: Registry) -> Iterator[EntityType]:
    """Yield the types of all entities, and before them those that they extend."""
    yield EntityType(BASE_TYPE, is_abstract=True)
    if any(item.type == "owner" for entity in registry.entities.values() for item in entity.fields):
        yield EntityType(OWNER_TYPE, BASE_TYPE, is_abstract=True)
    back = _ways_back(registry)
    for entity in registry.entities.values():
        base = OWNER_TYPE if "owner" in entity.features else BASE_TYPE
        properties = tuple(_properties(entity))
        taken = {item.name for item in properties}
        navigations = tuple(
            item for item in _navigations(registry, back, entity) if item.name not in taken
        )
        yield EntityType(
            entity.name, base, key=entity.primary_id, properties=properties, navigations=navigations
        )


def entity_sets(registry: Registry, types: Mapping[str, EntityType]) -> Iterator[EntitySet]:
    """Yield the sets of all entities; ``types`` are the entity types by name."""
    owners = {
        name: entity for name, entity in registry.entities.items() if "owner" in entity.features
    }
    for entity in registry.entities.values():
        targets: list[tuple[str, str]] = []
        for item in types[entity.name].navigations:
            target = item.type.name.partition(".")[2]
            if target in registry.entities:
                targets.append((item.name, registry.entities[target].set_name))
            else:
                targets += [
                    (f"{item.name}/{NAMESPACE}.{name}", owner.set_name)
                    for name, owner in owners.items()
                ]
        yield EntitySet(entity.set_name, f"{NAMESPACE}.{entity.name}", tuple(targets))


def type_of_field(field: Field) -> TypeOf:
    """Return the type of a field's value in JSON."""
    if field.type == "image":  # in JSON the picture itself, not the id of the stored file
        return TypeOf("Edm.Binary")
    storage = storage_of(field)
    scale = decimal_scale(field) if storage == "decimal" else None
    length = field.max_length if storage == "text" else None
    return TypeOf(EDM_TYPES[storage], max_length=length, scale=scale)


def _navigations(registry: Registry, back: _Ways, entity: Entity) -> Iterator[Navigation]:
    """Yield what is reached from a record: lookups first, then what belongs to it."""
    told = set()
    for item in entity.fields:
        if not item.is_lookup:
            continue
        if item.type == "owner":
            told.add(item.name)
            target = TypeOf(of_schema(OWNER_TYPE))
            yield Navigation(navigation_name(item, "", entity), target, column=raw_name(item))
            continue
        for target_name in item.targets:
            name = navigation_name(item, target_name, entity)
            if name not in told:
                told.add(name)
                yield _lookup(registry, back, entity, item, name, target_name)
    for name, collection in collections_of(registry, entity.name).items():
        if name == collection.name and name not in told:
            told.add(name)
            yield _collection(registry, collection)


def _properties(entity: Entity) -> Iterator[Property]:
    for item in entity.fields:
        if item.type == "party_list":
            continue
        if item.name == entity.primary_id:  # clients may choose it
            yield Property(item.name, TypeOf(type_of_field(item).name, is_nullable=False))
        else:
            yield Property(raw_name(item), type_of_field(item), is_computed=item.read_only)


def _lookup(
    registry: Registry, back: _Ways, entity: Entity, field: Field, name: str, target: str
) -> Navigation:
    return Navigation(
        name,
        TypeOf(of_schema(target)),
        partner=back.get((entity.name, field.name, target), ""),
        column=raw_name(field),
        referenced=registry.entities[target].primary_id,
    )


def _ways_back(registry: Registry) -> _Ways:
    """Return the collection that holds the records with a lookup to a target, by the lookup."""
    return {
        (collection.entity, collection.via.item_field.name, target): collection.name
        for target in registry.entities
        for collection in collections_of(registry, target).values()
        if isinstance(collection.via, Match)
    }


def _collection(registry: Registry, collection: Collection) -> Navigation:
    """Return what belongs to a record; the way back is the lookup, or the other side's name."""
    via, other = collection.via, registry.entities[collection.entity]
    partner = ""
    if isinstance(via, Match):
        if via.item_field.type != "owner" and collection.owner in via.item_field.targets:
            partner = navigation_name(via.item_field, collection.owner, other)
    else:
        partner = next(
            (
                back.name
                for back in collections_of(registry, other.name).values()
                if not isinstance(back.via, Match)
                and back.via.relationship is via.relationship
                and back.via.owner_is_left is not via.owner_is_left
            ),
            "",
        )
    type_of = TypeOf(of_schema(collection.entity), is_list=True)
    return Navigation(collection.name, type_of, partner=partner)
