"""Entities, with their states and commands, and relationships as documents have them."""

from __future__ import annotations

from typing import Any

from kartoteka.model.entity import Command, Entity, State
from kartoteka.model.relationship import Relationship
from kartoteka.registry_documents.field_map import FieldMaps
from kartoteka.registry_documents.sparse_map import Map, Said, label_map, sparse


def entity_map(entity: Entity, fields: FieldMaps) -> Map:
    """Return the content of an entity, everything written out that the loader would add."""
    default_id = "activityid" if entity.is_activity else f"{entity.name}id"
    return {
        "label": label_map(entity.label),
        "plural_label": label_map(entity.plural_label),
        "help": label_map(entity.help),
        "set_name": entity.set_name,
        "icon": entity.icon,
        "color": entity.color,
        "primary_field": entity.primary_field,
        "primary_image": entity.primary_image,
        "primary_id": entity.primary_id if entity.primary_id != default_id else "",
        "ownership": entity.ownership,
        "activity": entity.is_activity,
        "parent": entity.parent_field,
        "features": sorted(entity.features),
        "fields": [fields.map_of(field, entity) for field in entity.fields],
        "keys": [
            sparse(
                {
                    "name": key.name,
                    "schema_name": key.schema_name,
                    "label": label_map(key.label),
                    "fields": list(key.fields),
                }
            )
            for key in entity.keys
        ],
        "states": _states(entity),
        "transitions": _transitions(entity),
        "commands": [_command(command, fields) for command in entity.commands],
        "schema_name": entity.schema_name,
    }


def _command(command: Command, fields: FieldMaps) -> Map:
    return sparse({
        "name": command.name,
        "label": label_map(command.label),
        "help": label_map(command.help),
        "icon": command.icon,
        "from": list(command.from_states),
        "to": command.to_state,
        "reason": command.to_reason,
        "confirm": label_map(command.confirm),
        "parameters": [fields.map_of(field, None) for field in command.parameters],
    })  # fmt: skip


def _states(entity: Entity) -> Any:
    if not entity.states:
        return Said([]) if entity.ownership != "none" else None
    return [_state(state) for state in entity.states]


def _state(state: State) -> Map:
    return sparse({
        "name": state.name,
        "value": Said(state.value),
        "label": label_map(state.label),
        "read_only": state.read_only,
        "reasons": [
            sparse({
                "name": reason.name,
                "value": Said(reason.value),
                "label": label_map(reason.label),
                "color": reason.color,
                "next": None if reason.next is None else Said(list(reason.next)),
            })
            for reason in state.reasons
        ],
    })  # fmt: skip


def _transitions(entity: Entity) -> Any:
    if entity.transitions is None:
        return None
    has_moves = any(command.to_state for command in entity.commands)
    if not entity.transitions and has_moves:
        return None
    return Said([{"from": item.from_state, "to": item.to_state} for item in entity.transitions])


def relationship_map(relationship: Relationship) -> Map:
    """Return the content of an N:N relationship."""
    return {
        "schema_name": relationship.schema_name,
        "left": relationship.left,
        "right": relationship.right,
        "intersect": relationship.intersect,
        "left_label": label_map(relationship.left_label),
        "right_label": label_map(relationship.right_label),
    }
