"""Filters of groups: the condition language about what groups are called, not about records."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from kartoteka.conditions.typed import (
    FieldPath,
    InAskedSet,
    InHierarchy,
    InPeriod,
    Quantified,
    TypedCondition,
)
from kartoteka.conditions.walk import parts_of
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.label import NO_LABEL
from kartoteka.query.odata_filter import Aliases, names_in, read_filter
from kartoteka.query.option_text import Piece
from kartoteka.registry import Registry

_GROUPS = "$apply"  # the name of what groups are; no entity has such a one


def read_group_filter(
    piece: Piece,
    registry: Registry,
    entity: str,
    fields: Sequence[Field],
    aliases: Aliases,
) -> TypedCondition:
    """Return a condition on groups of an entity's records, for ``conditions.compile_closure``.

    ``fields`` hold what groups do, under the names that rows have for it.

    Raises:
        QueryError: It does not parse, or asks for what groups do not have.
    """
    groups = Entity(
        name=_GROUPS,
        set_name="",
        label=NO_LABEL,
        plural_label=NO_LABEL,
        primary_id="",
        primary_field="",
        ownership="none",
        fields=tuple(fields),
        states=registry.entities[entity].states,
    )
    known = replace(registry, entities={**registry.entities, _GROUPS: groups})
    condition = read_filter(piece, known, _GROUPS, aliases)
    for part in parts_of(condition):
        if (
            isinstance(part, InAskedSet | InHierarchy | Quantified)
            or (isinstance(part, InPeriod) and "Fiscal" in part.name)
            or (isinstance(part, FieldPath) and part.steps)
        ):
            hint = "ask it of the records, in a filter before groupby"
            raise piece.error("this cannot be asked of groups", hint)
    return condition


def is_about_groups(piece: Piece, names: Collection[str], entity: Entity, aliases: Aliases) -> bool:
    """Return whether a filter names what only groups have."""
    only = set(names) - entity.field_by_name.keys()
    return not only.isdisjoint(names_in(piece, aliases))
