"""N:N link entities as entities that queries may go over: two lookups and nothing else."""

from __future__ import annotations

from dataclasses import replace

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.label import NO_LABEL
from kartoteka.model.relationship import Relationship
from kartoteka.registry import Registry

_KEPT = "registry_with_link_entities"


def with_link_entities(registry: Registry) -> Registry:
    """Return the registry with the link entity of every N:N relationship among its entities."""
    if _KEPT not in registry.kept:
        links = {item.intersect: link_entity(item) for item in registry.relationships.values()}
        registry.kept[_KEPT] = replace(registry, entities={**links, **registry.entities})
    found: Registry = registry.kept[_KEPT]
    return found


def link_entity(relationship: Relationship) -> Entity:
    """Return a relationship's link entity, which has no primary id.

    Its fields are called after the linked entities, as the columns of its table are.
    """
    left, right = relationship.left, relationship.right
    return Entity(
        name=relationship.intersect,
        set_name="",
        label=NO_LABEL,
        plural_label=NO_LABEL,
        primary_id="",
        primary_field="",
        ownership="none",
        fields=(
            Field(f"{left}id", "lookup", NO_LABEL, targets=(left,)),
            Field(
                f"{right}id" + ("2" if left == right else ""), "lookup", NO_LABEL, targets=(right,)
            ),
        ),
    )
