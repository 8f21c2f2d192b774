"""Column security: what one user may do with the secured columns of entities.

Source: reference platform, section 6.8. Profiles add up, there is no deny, and none of them
reaches a record. Masks are for those who are no administrators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from kartoteka.access.facts import UserFacts
from kartoteka.access.grants import is_administrator
from kartoteka.model.column_profile import UNMASKED
from kartoteka.model.entity import Entity
from kartoteka.model.field import Mask
from kartoteka.registry import Registry


@dataclass(frozen=True, slots=True)
class ColumnRights:
    """What a user may do with one column; ``unmasked`` is ``none``, or of how many records."""

    read: bool = False
    create: bool = False
    update: bool = False
    unmasked: str = "none"


@dataclass(frozen=True, slots=True)
class ColumnLimits:
    """What a user sees of an entity's columns: these not at all, and those behind a mask."""

    hidden: frozenset[str] = frozenset()
    masked: Mapping[str, Mask] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Return whether there is a limit."""
        return bool(self.hidden or self.masked)


NO_RIGHTS = ColumnRights()
EVERY_RIGHT = ColumnRights(True, True, True, "all_records")
NO_LIMITS = ColumnLimits()


def secured_entities(registry: Registry) -> tuple[Entity, ...]:
    """Return the entities that have secured columns; worked out once a registry."""
    if "secured entities" not in registry.kept:
        registry.kept["secured entities"] = tuple(
            entity for entity in registry.entities.values() if entity.secured_fields
        )
    found: tuple[Entity, ...] = registry.kept["secured entities"]
    return found


def column_rights(registry: Registry, facts: UserFacts, entity: Entity, field: str) -> ColumnRights:
    """Return what a user may do with a column: what all profiles together grant."""
    if field not in entity.secured_fields or _is_free(registry, facts):
        return EVERY_RIGHT
    if facts.is_disabled:
        return NO_RIGHTS
    name = deciding_column(entity, field)
    found = NO_RIGHTS
    for profile_name in facts.profiles:
        profile = registry.column_profiles.get(profile_name)
        for granted in profile.privileges if profile is not None else ():
            if granted.entity != entity.name:
                continue
            for column in granted.columns:
                if column.field == name:
                    unmasked = max(found.unmasked, column.read_unmasked, key=UNMASKED.index)
                    found = ColumnRights(
                        found.read or column.read,
                        found.create or column.create,
                        found.update or column.update,
                        unmasked,
                    )
    if not found.read:
        return replace(found, unmasked="none")
    return found


def both_rights(one: ColumnRights, other: ColumnRights) -> ColumnRights:
    """Return what two users may both do with a column."""
    return ColumnRights(
        one.read and other.read,
        one.create and other.create,
        one.update and other.update,
        min(one.unmasked, other.unmasked, key=UNMASKED.index),
    )


def both_limits(one: ColumnLimits, other: ColumnLimits) -> ColumnLimits:
    """Return the limits of who sees only what two users both see."""
    hidden = one.hidden | other.hidden
    masks = {**one.masked, **other.masked}
    return ColumnLimits(
        hidden, MappingProxyType({name: masks[name] for name in masks if name not in hidden})
    )


def hidden_columns(registry: Registry, facts: UserFacts, entity: Entity) -> frozenset[str]:
    """Return the columns that a user may not read."""
    return column_limits(registry, facts, entity).hidden


def masked_columns(registry: Registry, facts: UserFacts, entity: Entity) -> Mapping[str, Mask]:
    """Return the masks of the columns of which a user sees only a part unless he asks."""
    return column_limits(registry, facts, entity).masked


def column_limits(
    registry: Registry, facts: UserFacts, entity: Entity, *, unmasking: frozenset[str] = frozenset()
) -> ColumnLimits:
    """Return the limits of an entity's columns for a user.

    Args:
        registry: Whose profiles decide.
        facts: Who asks.
        entity: Whose columns.
        unmasking: For which ``read_unmasked`` the masks are lifted, because that was asked for.
    """
    if not entity.secured_fields or _is_free(registry, facts):
        return NO_LIMITS
    hidden, masks = set(), {}
    for name in entity.secured_fields:
        rights = column_rights(registry, facts, entity, name)
        mask = mask_of(entity, name)
        if not rights.read:
            hidden.add(name)
        elif mask is not None and rights.unmasked not in unmasking:
            masks[name] = mask
    return ColumnLimits(frozenset(hidden), MappingProxyType(masks))


def mask_of(entity: Entity, field: str) -> Mask | None:
    """Return the mask of a secured column; an amount in base currency has that of its amount."""
    return entity.field_by_name[deciding_column(entity, field)].mask


def deciding_column(entity: Entity, field: str) -> str:
    """Return the column that profiles grant of a secured one.

    Of an amount in base currency that is its amount, of what tells of a file the file.
    """
    found = entity.field_by_name[field]
    if found.secured:
        return field
    return found.base_of or entity.file_marks.get(field, "")


def _is_free(registry: Registry, facts: UserFacts) -> bool:
    return not facts.is_disabled and is_administrator(registry, facts)
