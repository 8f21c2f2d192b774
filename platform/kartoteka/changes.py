"""Changes: what turns the live registry into the wanted one, as data that others carry out."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.registry import Registry


@dataclass(frozen=True, slots=True)
class CreateEntity:
    """A new entity with everything in it."""

    entity: str


@dataclass(frozen=True, slots=True)
class AddField:
    """A new field of an entity that exists."""

    entity: str
    field: str


@dataclass(frozen=True, slots=True)
class ChangeField:
    """A field that is stored differently from now on.

    ``keeps_values`` says that every stored value means the same afterwards (longer text, another
    target for a lookup that already carries its entity).
    """

    entity: str
    field: str
    what: str
    keeps_values: bool


@dataclass(frozen=True, slots=True)
class RetireField:
    """A field that is gone from the metadata; its values stay where they are."""

    entity: str
    field: str


@dataclass(frozen=True, slots=True)
class RetireEntity:
    """An entity that is gone from the metadata; its records stay where they are."""

    entity: str


@dataclass(frozen=True, slots=True)
class CreateRelationship:
    """A new N:N relationship."""

    relationship: str


@dataclass(frozen=True, slots=True)
class RetireRelationship:
    """An N:N relationship that is gone from the metadata; its links stay where they are."""

    relationship: str


@dataclass(frozen=True, slots=True)
class UpdateDefinition:
    """Only meaning or looks change (labels, forms, views, roles): nothing is stored otherwise."""

    kind: str
    name: str


Change = (
    CreateEntity
    | AddField
    | ChangeField
    | RetireField
    | RetireEntity
    | CreateRelationship
    | RetireRelationship
    | UpdateDefinition
)

_PARTS = ("entities", "choices", "relationships", "forms", "views", "roles", "areas", "messages")


def diff(live: Registry, wanted: Registry) -> tuple[Change, ...]:
    """Return the changes that turn ``live`` into ``wanted``, in the order to apply them.

    Creations come before what refers to them, removals last.

    Args:
        live: What the database holds now (an empty registry before the first publish).
        wanted: What the bundles say; already checked.

    Returns:
        Zero or more changes; empty exactly when both registries mean the same.
    """
    changes: list[Change] = [
        CreateEntity(name) for name in wanted.entities if name not in live.entities
    ]
    for name, entity in wanted.entities.items():
        if name in live.entities:
            changes += _field_changes(live.entities[name], entity)
    changes += [
        CreateRelationship(name) for name in wanted.relationships if name not in live.relationships
    ]
    for part in _PARTS:
        before, after = getattr(live, part), getattr(wanted, part)
        changes += [
            UpdateDefinition(part, name)
            for name in after
            if name not in before or before[name] != after[name]
        ]
        changes += [UpdateDefinition(part, name) for name in before if name not in after]
    if (live.bundles, live.languages, live.base_language) != (
        wanted.bundles,
        wanted.languages,
        wanted.base_language,
    ):
        changes.append(UpdateDefinition("bundles", "bundles"))
    changes += [
        RetireRelationship(name) for name in live.relationships if name not in wanted.relationships
    ]
    changes += [RetireEntity(name) for name in live.entities if name not in wanted.entities]
    return tuple(changes)


def _field_changes(live: Entity, wanted: Entity) -> list[Change]:
    changes: list[Change] = []
    for name, item in wanted.field_by_name.items():
        before = live.field_by_name.get(name)
        if before is None:
            changes.append(AddField(wanted.name, name))
        elif before != item:
            change = _storage_change(wanted.name, before, item)
            if change is not None:
                changes.append(change)
    changes += [
        RetireField(wanted.name, name)
        for name in live.field_by_name
        if name not in wanted.field_by_name
    ]
    return changes


def _storage_change(entity: str, before: Field, after: Field) -> ChangeField | None:
    """Return how the stored form of a field changes, or None when it stays as it is."""
    if _stored_as(before) != _stored_as(after):
        what = f"type {before.type} becomes {after.type}"
        return ChangeField(entity, after.name, what, keeps_values=False)
    if before.type == "decimal" and before.precision != after.precision:
        what = f"precision {before.precision} becomes {after.precision}"
        return ChangeField(entity, after.name, what, keeps_values=False)
    if (before.max_length or 0) != (after.max_length or 0):
        what = f"length {before.max_length} becomes {after.max_length}"
        longer = (after.max_length or 0) > (before.max_length or 0)
        return ChangeField(entity, after.name, what, keeps_values=longer)
    if before.is_lookup and set(before.targets) != set(after.targets):
        what = f"targets {', '.join(before.targets)} become {', '.join(after.targets)}"
        keeps = before.is_multi_target and after.is_multi_target  # each value says its entity
        return ChangeField(entity, after.name, what, keeps_values=keeps)
    return None


def _stored_as(field: Field) -> tuple[str, str, bool]:
    kind = {"autonumber": "text", "customer": "lookup", "owner": "lookup", "regarding": "lookup",
            "state": "choice", "status": "choice"}.get(field.type, field.type)  # fmt: skip
    return kind, field.behavior if field.type == "date_time" else "", field.is_multi_target
