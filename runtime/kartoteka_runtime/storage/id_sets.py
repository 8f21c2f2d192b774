"""Sets of ids that conditions ask for: teams of the asker, people below, a record's hierarchy."""

from __future__ import annotations

from typing import Any, Protocol

import sqlalchemy as sa

from kartoteka.conditions.typed import MOST_LEVELS, AskedSetName, InHierarchy
from kartoteka.registry import Registry
from kartoteka_runtime.storage.tables import link_columns

Column = sa.ColumnElement[Any]
Ids = sa.Select[Any] | sa.CompoundSelect[Any]

USER, TEAM = "systemuser", "team"
MEMBERSHIP = "teammembership"  # the link table of users and their teams


class KnowsTables(Protocol):
    """What a set of ids is looked up in."""

    @property
    def registry(self) -> Registry:
        """Return the definitions."""

    def table_of_entity(self, name: str) -> sa.Table:
        """Return the table of an entity or of a link entity."""

    def within(self, entity: str, table: sa.FromClause) -> Column | None:
        """Return what records of a table must meet to be read; None when it is nothing."""


def asked_ids(name: AskedSetName, me: Column, source: KnowsTables) -> Ids:
    """Return the ids of the users and teams of a set; ``me`` is the id of the user who asks."""
    match name:
        case AskedSetName.MY_TEAMS:
            return _teams_of(sa.select(me.label("id")), source)
        case AskedSetName.ME_AND_MY_TEAMS:
            mine = sa.select(me.label("id"))
            return sa.union_all(mine, _teams_of(mine, source))
        case AskedSetName.ME_AND_MY_PEOPLE:
            return _people(me, source)
        case AskedSetName.ME_MY_PEOPLE_AND_TEAMS:
            return sa.union_all(_people(me, source), _teams_of(_people(me, source), source))


def hierarchy_ids(node: InHierarchy, value: Column, source: KnowsTables) -> Ids:
    """Return the ids of the records above or below the one whose id is ``value``.

    The way to them goes over records that whoever asks may read: each says itself what is above.
    """
    found = _reached(
        node.entity, node.parent.name, value, source, is_under=node.is_under, is_narrowed=True
    )
    if node.includes_itself:
        return sa.select(found.c.id)
    return sa.select(found.c.id).where(found.c.id != value)


def _people(me: Column, source: KnowsTables) -> Ids:
    """Return the ids of a user and of everybody below."""
    user = source.registry.entities.get(USER)
    parent = next((item for item in user.fields if item.hierarchical), None) if user else None
    if parent is None:
        return sa.select(me.label("id"))
    return sa.select(_reached(USER, parent.name, me, source, is_under=True).c.id)


def _teams_of(users: Ids, source: KnowsTables) -> Ids:
    """Return the ids of the teams that users are members of."""
    for relationship in source.registry.relationships.values():
        sides = (relationship.left, relationship.right)
        if relationship.intersect == MEMBERSHIP and set(sides) == {USER, TEAM}:
            names = dict(zip(sides, link_columns(*sides), strict=True))
            link = source.table_of_entity(MEMBERSHIP).alias()
            return sa.select(link.c[names[TEAM]]).where(link.c[names[USER]].in_(users))
    return sa.select(sa.null()).where(sa.false())


def _reached(
    entity: str,
    parent: str,
    value: Column,
    source: KnowsTables,
    *,
    is_under: bool,
    is_narrowed: bool = False,
) -> sa.CTE:
    """Return the ids of a record and of those that at most ``MOST_LEVELS`` steps reach.

    Levels end the walk where a hierarchy goes in a circle.
    """
    table = source.table_of_entity(entity).alias()
    identity = table.c[source.registry.entities[entity].primary_id]
    begin, end = (table.c[parent], identity) if is_under else (identity, table.c[parent])
    levels = sa.literal_column("0", sa.Integer()).label("level")
    reached = sa.select(value.label("id"), levels).cte(recursive=True, nesting=True)
    most = sa.literal_column(str(MOST_LEVELS), sa.Integer())
    one = sa.literal_column("1", sa.Integer())
    step = sa.select(end, reached.c.level + one).where(
        begin == reached.c.id, end.is_not(None), reached.c.level < most
    )
    within = source.within(entity, table) if is_narrowed else None
    if within is not None:
        step = step.where(within)
    return reached.union(step)
