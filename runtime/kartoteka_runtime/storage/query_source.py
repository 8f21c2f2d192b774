"""QuerySource: the FROM of one query, joining what the paths of its parts reach.

Every table of records enters a statement here, and is narrowed here to what the asker may read.
"""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from kartoteka.conditions.typed import (
    Collection,
    FieldPath,
    Linked,
    LookupStep,
    Match,
    ValueKind,
    kind_of,
)
from kartoteka.model.field import Field
from kartoteka.registry import Registry
from kartoteka_runtime.storage.calculated_columns import calculated_column
from kartoteka_runtime.storage.reach_sql import ReachSql
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX, Tables, folded, link_columns

Column = sa.ColumnElement[Any]


class QuerySource:
    """A table of records, what is joined to it, and for inner queries what lies around it.

    ``identity`` is the primary id of the records asked for (None for a link table, which has
    none). Of a record that a lookup names and that may not be read there is the primary field
    alone, which the lookup shows; everything else of it is empty. What formulas work out of other
    records does not depend on who asks.
    """

    def __init__(
        self,
        entity: str,
        registry: Registry,
        tables: Tables,
        *,
        variable: str = "",
        outer: QuerySource | None = None,
        reach: ReachSql | None = None,
    ) -> None:
        """Begin at the table of ``entity``, whose paths carry ``variable``.

        ``reach`` says what may be read; without it, what the source around it says.
        """
        self.registry = registry
        self.tables = tables
        self.engine = tables.engine
        self.entity = entity
        self.variable = variable
        table = self.table_of_entity(entity)
        self.root: sa.FromClause = table if outer is None else table.alias()
        self.identity: Column | None = None
        if entity in registry.entities:
            self.identity = self.root.c[registry.entities[entity].primary_id]
        self._outer = outer
        self._reach: ReachSql | None = reach or (outer._reach if outer is not None else None)
        self._prefix = ""  # of the keys of joins: the alias of the root, when it is a join itself
        self._roots: dict[str, sa.FromClause] = {variable: self.root}
        self._entities = {variable: entity}
        self._joins: dict[tuple[str, ...], tuple[sa.FromClause, Column, bool]] = {}

    @property
    def primary_id(self) -> str:
        """Return the name of the primary id of the records asked for."""
        return self.registry.entities[self.entity].primary_id

    def table_of_entity(self, name: str) -> sa.Table:
        """Return the table of an entity, or of the N:N relationship with that link entity."""
        if name in self.tables.entities:
            return self.tables.entities[name]
        return self.tables.links[_relationship_of(name, self.registry)]

    def table_of(self, path: FieldPath) -> sa.FromClause:
        """Return the table that has the path's field, joining it when it is new."""
        entity = self.registry.entities.get(path.entity)
        shown = entity is not None and path.field.name in (entity.primary_field, entity.primary_id)
        return self._reached(path.variable, path.steps, is_shown=shown)

    def own_condition(self) -> Column | None:
        """Return what the records asked for must meet to be read; None when it is nothing."""
        return self.within(self.entity, self.root)

    def within(self, entity: str, table: sa.FromClause) -> Column | None:
        """Return what records of a table must meet to be read; None when it is nothing."""
        return None if self._reach is None else self._reach.condition(entity, table)

    def _reached(
        self, variable: str, steps: tuple[LookupStep, ...], *, is_shown: bool = False
    ) -> sa.FromClause:
        """Return the table at the end of lookups from a root, joining it when it is new.

        ``is_shown`` when only what the last lookup shows anyhow is asked of it.
        """
        if variable not in self._roots:
            if self._outer is None:
                raise KeyError(variable)
            return self._outer._reached(variable, steps, is_shown=is_shown)
        table = self._roots[variable]
        for depth, step in enumerate(steps):
            begin = variable or self._prefix
            key = (begin, *(part.key for part in steps[: depth + 1]))
            if is_shown and depth == len(steps) - 1 and self._reach is not None:
                key = (*key, "shown")
            if key not in self._joins:
                target = self.tables.entities[step.target].alias()
                primary_id = self.registry.entities[step.target].primary_id
                on = target.c[primary_id] == table.c[step.field.name]
                if step.field.is_multi_target:
                    on = sa.and_(on, _names(table, step.field, step.target))
                within = None if key[-1] == "shown" else self.within(step.target, target)
                if within is not None:
                    on = sa.and_(on, within)
                self._joins[key] = (target, on, True)
            table = self._joins[key][0]
        return table

    def column(self, path: FieldPath) -> Column:
        """Return the column of a path."""
        return self.column_in(self.table_of(path), path.field, path.entity)

    def column_in(self, table: sa.FromClause, field: Field, entity: str) -> Column:
        """Return the column of a field in a table of its entity, or what is calculated for it."""
        if not field.is_on_read:
            return table.c[field.name]
        return calculated_column(field, RecordSource(entity, table, self.registry, self.tables))

    def join(
        self, alias: str, parent: str, entity: str, via: Match | Linked, *, is_outer: bool
    ) -> sa.FromClause:
        """Begin another root named ``alias`` that ``via`` ties to the root ``parent``.

        ``is_outer`` keeps what has no match.
        """
        table = self.table_of_entity(entity).alias()
        on = self._tie(via, self._roots[parent], self._entities[parent], table, entity)
        within = self.within(entity, table)
        if within is not None:
            on = sa.and_(on, within)
        self._roots[alias] = table
        self._entities[alias] = entity
        self._joins[(alias,)] = (table, on, is_outer)
        return table

    def restrict_join(self, alias: str, condition: Column) -> None:
        """Add what else must hold for a record to take part in a join made before."""
        table, on, is_outer = self._joins[(alias,)]
        self._joins[(alias,)] = (table, sa.and_(on, condition), is_outer)

    def call_root(self, variable: str) -> None:
        """Let paths that carry ``variable`` begin at the root too."""
        self._roots[variable] = self.root
        self._entities[variable] = self.entity

    def seen_from(self, alias: str) -> QuerySource:
        """Return this source as what is about the records of a join sees it: they are its root."""
        seen = copy(self)
        seen.root = self._roots[alias]
        seen.entity = self._entities[alias]
        seen.identity = seen.root.c[self.registry.entities[seen.entity].primary_id]
        seen._roots = {**self._roots, self.variable: seen.root}
        seen._entities = {**self._entities, self.variable: seen.entity}
        seen._prefix = alias
        return seen

    def entity_of(self, alias: str) -> str:
        """Return the entity of a join."""
        return self._entities[alias]

    def ids_of(self, alias: str) -> list[Column]:
        """Return what identifies the records of a join; of a link table, both of its columns."""
        entity = self.registry.entities.get(self._entities[alias])
        table = self._roots[alias]
        return [table.c[entity.primary_id]] if entity else list(table.c)

    def join_link(self, via: Linked) -> Column:
        """Join the link table of an N:N relationship to the root; return its owner column."""
        own, other = _sides(via)
        link = self.tables.links[via.relationship.name].alias()
        assert self.identity is not None
        self._joins[(f"{via.relationship.name} link",)] = (
            link, link.c[other] == self.identity, False
        )  # fmt: skip
        return link.c[own]

    def names(self, lookup: Field, entity: str) -> Column:
        """Return the condition that a lookup of the root names a record of ``entity``."""
        return _names(self.root, lookup, entity)

    def inside(self, collection: Collection, variable: str) -> tuple[QuerySource, Column]:
        """Return the source of a collection's items, and what ties them to their owner."""
        inner = QuerySource(
            collection.entity, self.registry, self.tables, variable=variable, outer=self
        )
        owner = self._owner_table(collection)
        tie = self._tie(collection.via, owner, collection.owner, inner.root, collection.entity)
        within = inner.own_condition()
        return inner, tie if within is None else sa.and_(tie, within)

    def from_clause(self) -> sa.FromClause:
        """Return the root with every join that was asked for."""
        source: sa.FromClause = self.root
        for target, on, is_outer in self._joins.values():
            source = source.outerjoin(target, on) if is_outer else source.join(target, on)
        return source

    def own_tables(self) -> list[sa.FromClause]:
        """Return the tables that belong to this query and not to one around it."""
        return [self.root, *(target for target, _, _ in self._joins.values())]

    def _owner_table(self, collection: Collection) -> sa.FromClause:
        """Return the table of the record that has a collection."""
        return self._reached(collection.variable, collection.steps)

    def _tie(
        self,
        via: Match | Linked,
        owner: sa.FromClause,
        owner_entity: str,
        item: sa.FromClause,
        item_entity: str,
    ) -> Column:
        if isinstance(via, Linked):
            return self._linked(via, owner, item)
        sides: list[Column] = [item.c[via.item_field.name], owner.c[via.owner_field.name]]
        if kind_of(via.item_field) is ValueKind.TEXT:
            sides = [folded(side, self.engine) for side in sides]
        found: list[Column] = [sides[0] == sides[1]]
        if via.item_field.is_lookup and via.owner_field.is_lookup:
            return found[0]  # what both name is of neither entity
        if via.item_field.is_multi_target and owner_entity:
            found.append(_names(item, via.item_field, owner_entity))
        if via.owner_field.is_multi_target:
            found.append(_names(owner, via.owner_field, item_entity))
        return sa.and_(*found)

    def _linked(self, via: Linked, owner: sa.FromClause, item: sa.FromClause) -> Column:
        """Return the condition that a link table holds the pair."""
        relationship = via.relationship
        own, other = _sides(via)
        sides = (relationship.left, relationship.right)
        owner_name, item_name = sides if via.owner_is_left else sides[::-1]
        entities = self.registry.entities
        link = self.tables.links[relationship.name].alias()
        items = sa.select(link.c[other]).where(
            link.c[own] == owner.c[entities[owner_name].primary_id]
        )
        return item.c[entities[item_name].primary_id].in_(items.correlate_except(link))


class RecordSource(QuerySource):
    """The records of a table that some statement reads: nothing is joined to them.

    What paths reach over lookups are subqueries, so that it stands wherever a column does.
    """

    def __init__(
        self, entity: str, table: sa.FromClause, registry: Registry, tables: Tables
    ) -> None:
        """Begin at ``table``, which holds records of ``entity``."""
        super().__init__(entity, registry, tables)
        self.root = table
        self._roots = {"": table}
        self.identity = table.c[self.primary_id]

    def column(self, path: FieldPath) -> Column:
        """Return the column of a path, or the subquery that follows its first lookup."""
        if not path.steps:
            return self.column_in(self.root, path.field, path.entity)
        step, *others = path.steps
        target = self.tables.entities[step.target].alias()
        inner = RecordSource(step.target, target, self.registry, self.tables)
        assert inner.identity is not None
        condition = inner.identity == self.root.c[step.field.name]
        if step.field.is_multi_target:
            condition = sa.and_(condition, _names(self.root, step.field, step.target))
        value = inner.column(replace(path, steps=tuple(others)))
        return sa.select(value).where(condition).correlate(self.root).scalar_subquery()


def _sides(via: Linked) -> tuple[str, str]:
    """Return the columns of a link table that hold the owner and the item."""
    left, right = link_columns(via.relationship.left, via.relationship.right)
    return (left, right) if via.owner_is_left else (right, left)


def _names(table: sa.FromClause, lookup: Field, entity: str) -> Column:
    """Return the condition that a lookup with several targets names a record of ``entity``."""
    return table.c[lookup.name + ENTITY_SUFFIX] == sa.literal_column(f"'{entity}'")


def _relationship_of(link_entity: str, registry: Registry) -> str:
    for relationship in registry.relationships.values():
        if relationship.intersect == link_entity:
            return relationship.name
    raise KeyError(link_entity)
