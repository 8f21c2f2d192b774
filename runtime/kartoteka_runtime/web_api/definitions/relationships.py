"""Relationships as the Web API defines them: each lookup with each of its targets, and N:N ones.

Source: reference web-api, section 12.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kartoteka.conditions.entity_collections import OTHER_DIRECTION, collections_of
from kartoteka.conditions.typed import Match
from kartoteka.model.entity import Entity
from kartoteka.model.field import Cascade, Field
from kartoteka.model.label import NO_LABEL
from kartoteka.model.merging import rule_on_merge
from kartoteka.model.relationship import Relationship
from kartoteka.query.navigation_names import navigation_name
from kartoteka.registry import Registry
from kartoteka_runtime.storage.tables import link_columns
from kartoteka_runtime.web_api.definitions.definition import Definition, LabelText, managed
from kartoteka_runtime.web_api.metadata_ids import MANY_TO_MANY, ONE_TO_MANY, MetadataIds
from kartoteka_runtime.web_api.metadata_names import SchemaNames

_BASES = ("RelationshipMetadataBase", "MetadataBase")
_ON_DELETE = {"cascade": "Cascade", "clear": "RemoveLink", "restrict": "Restrict"}
_ON_OTHERS = {
    "none": "NoCascade",
    "all": "Cascade",
    "active": "Active",
    "user_owned": "UserOwned",
}


def one_to_many(registry: Registry, ids: MetadataIds, names: SchemaNames) -> Iterator[Definition]:
    """Yield a relationship for every lookup and each entity that it may name."""
    for referenced in registry.entities.values():
        seen = set()
        for collection in collections_of(registry, referenced.name).values():
            if isinstance(collection.via, Match) and collection.name not in seen:
                seen.add(collection.name)
                item, field = registry.entities[collection.entity], collection.via.item_field
                yield _one_to_many(collection.name, referenced, item, field, ids, names)


def many_to_many(registry: Registry, ids: MetadataIds, names: SchemaNames) -> Iterator[Definition]:
    """Yield the N:N relationships."""
    for relationship in registry.relationships.values():
        if {relationship.left, relationship.right} <= registry.entities.keys():
            yield _many_to_many(relationship, ids, names)


def _one_to_many(
    name: str,
    referenced: Entity,
    referencing: Entity,
    field: Field,
    ids: MetadataIds,
    names: SchemaNames,
) -> Definition:
    identity = ids.of(ONE_TO_MANY, referencing.name, f"{field.name}/{referenced.name}")
    said = {
        **_of_all(identity, name, "OneToManyRelationship"),
        "IsCustomRelationship": names.is_custom_field(field, referencing),
        "SecurityTypes": "ParentChild" if field.cascade.delete == "cascade" else "Append",
        "ReferencedEntity": referenced.name,
        "ReferencedAttribute": referenced.primary_id,
        "ReferencingEntity": referencing.name,
        "ReferencingAttribute": field.name,
        "ReferencingEntityNavigationPropertyName": navigation_name(
            field, referenced.name, referencing
        ),
        "ReferencedEntityNavigationPropertyName": name,
        "IsHierarchical": field.hierarchical and referenced.name == referencing.name,
        "RelationshipBehavior": 1,
        "EntityKey": None,
        "IsRelationshipAttributeDenormalized": False,
        "DenormalizedAttributeName": None,
        "RelationshipAttributes": [],
        "CascadeConfiguration": _cascades(
            field.cascade, rule_on_merge(referenced, referencing, field)
        ),
        "AssociatedMenuConfiguration": _menu(LabelText(f"{identity}/menu", NO_LABEL)),
    }
    return Definition("OneToManyRelationshipMetadata", _BASES, said)


def _many_to_many(relationship: Relationship, ids: MetadataIds, names: SchemaNames) -> Definition:
    identity = ids.of(MANY_TO_MANY, "", relationship.name)
    name = names.relationship(relationship)
    left, right = link_columns(relationship.left, relationship.right)
    other = name if relationship.left != relationship.right else OTHER_DIRECTION + name
    said = {
        **_of_all(identity, name, "ManyToManyRelationship"),
        "IsCustomRelationship": names.is_custom(relationship),
        "SecurityTypes": "None",
        "Entity1LogicalName": relationship.left,
        "Entity2LogicalName": relationship.right,
        "Entity1IntersectAttribute": left,
        "Entity2IntersectAttribute": right,
        "Entity1NavigationPropertyName": name,
        "Entity2NavigationPropertyName": other,
        "IntersectEntityName": relationship.intersect,
        "Entity1AssociatedMenuConfiguration": _menu(
            LabelText(f"{identity}/1", relationship.right_label)
        ),
        "Entity2AssociatedMenuConfiguration": _menu(
            LabelText(f"{identity}/2", relationship.left_label)
        ),
    }
    return Definition("ManyToManyRelationshipMetadata", _BASES, said)


def _of_all(identity: str, name: str, kind: str) -> dict[str, Any]:
    return {
        "MetadataId": identity,
        "HasChanged": None,
        "SchemaName": name,
        "RelationshipType": kind,
        "IntroducedVersion": "1.0.0.0",
        "IsManaged": False,
        "IsValidForAdvancedFind": True,
        "IsCustomizable": managed(True, "iscustomizable"),
    }


def _cascades(cascade: Cascade, merge: str) -> dict[str, str]:
    return {
        "Assign": _ON_OTHERS[cascade.assign],
        "Delete": _ON_DELETE[cascade.delete],
        "Archive": "RemoveLink",
        "Merge": _ON_OTHERS[merge],
        "Reparent": _ON_OTHERS[cascade.reparent],
        "Share": _ON_OTHERS[cascade.share],
        "Unshare": _ON_OTHERS[cascade.unshare],
        "RollupView": "NoCascade",
    }


def _menu(label: LabelText) -> dict[str, Any]:
    return {
        "Behavior": "UseLabel" if label.label else "UseCollectionName",
        "Group": "Details",
        "Order": 10000,
        "IsCustomizable": True,
        "Icon": None,
        "ViewId": "00000000-0000-0000-0000-000000000000",
        "AvailableOffline": True,
        "MenuId": None,
        "QueryApi": None,
        "Label": label,
    }
