"""Work: everything a publish has to carry out, worked out before anything is done."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from kartoteka.changes import (
    Changes,
    EntityChange,
    FieldChange,
    RelationshipChange,
    retired_with_renamed_ends,
)
from kartoteka.identities import Identities, Retired
from kartoteka.model.entity import Entity
from kartoteka.registry import Registry
from kartoteka_runtime.publishing.recalculations import recalculations
from kartoteka_runtime.publishing.world import World
from kartoteka_runtime.storage.schema import Schema
from kartoteka_runtime.storage.table_changes import TableChange, aside, table_change
from kartoteka_runtime.storage.tables import index_specs, link_columns


@dataclass(frozen=True, slots=True)
class LinkChange:
    """How the link table of one relationship becomes what is wanted.

    ``live_table`` is "" when it has to be created; ``renames`` are of its two columns.
    """

    change: RelationshipChange
    live_table: str
    renames: Mapping[str, str]
    retired: tuple[Retired, ...] = ()
    forgotten: tuple[Retired, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done, and to what.

    ``moved_tables`` are tables in the way of others: ``{name: name they get}``. ``recalculated``
    are the fields that have to be worked out for the records that are there, by entity.
    """

    world: World
    wanted: Registry
    identities: Identities
    number: int
    changes: Changes
    tables: tuple[TableChange, ...] = ()
    links: tuple[LinkChange, ...] = ()
    moved_tables: Mapping[str, str] | None = None
    recalculated: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)

    @property
    def stores_otherwise(self) -> bool:
        """Return whether statements written for what is live would do harm or fail."""
        return bool(self.recalculated) or any(
            table.converted
            or table.narrowed
            or table.taken_back
            or table.moved
            or any(old != new for old, new in table.renames.items())
            or (table.live_table and table.after and table.live_table != table.table)
            for table in self.tables
        )


def work_for(
    world: World,
    wanted: Registry,
    identities: Identities,
    changes: Changes,
    *,
    losing: Collection[tuple[str, str]] = (),
    unreturned: Collection[tuple[str, str]] = (),
) -> Work:
    """Return the work that turns the world into ``wanted``.

    Args:
        world: What there is.
        wanted: What shall be.
        identities: Who the wanted objects are.
        changes: The difference, from ``kartoteka.changes.diff``.
        losing: ``(entity, field)`` as wanted, of fields some of whose values do not convert.
        unreturned: The same of fields some of whose values from before do not return.
    """
    number = world.live.number + 1
    tables = [
        _table_change(change, world, identities, number, losing, unreturned, changes.entity_names)
        for change in changes.entities
    ]
    touched = {table.after.name for table in tables if table.after is not None}
    drifted = {item.table for item in world.drift if not item.is_harmless}
    for name, entity in wanted.entities.items():
        if name in touched:
            continue
        if name in drifted:
            same = tuple(FieldChange(item, item) for item in entity.fields)
            change = EntityChange(entity, entity, same)
            tables.append(_table_change(change, world, identities, number, (), (), {}))
        elif _is_indexed_otherwise(entity, world.live.registry, wanted):
            tables.append(TableChange(entity, entity, name, {}))
    links = tuple(
        _link_change(change, world, identities, number) for change in changes.relationships
    )
    moved = _moved_tables(tables, links, world.schema, number)
    kept = {table.after.name for table in tables if table.after is not None and table.live_table}
    recalculated = {
        name: fields
        for name, fields in recalculations(
            world.live.registry, wanted, changes.entity_names
        ).items()
        if name in kept or name in world.live.registry.entities
    }
    return Work(
        world, wanted, identities, number, changes, tuple(tables), links, moved, recalculated
    )


def _table_change(
    change: EntityChange,
    world: World,
    identities: Identities,
    number: int,
    losing: Collection[tuple[str, str]],
    unreturned: Collection[tuple[str, str]],
    entity_names: Mapping[str, str],
) -> TableChange:
    live_ids = world.live.identities
    if change.after is not None:
        identity = identities.of("entity", change.after.name)
    else:
        assert change.before is not None
        identity = live_ids.of("entity", change.before.name)
    stored = change.stored_as
    field_identity = {}
    if change.retired is not None:
        field_identity = dict(change.retired.identities)
    elif stored is not None:
        field_identity = {
            item.name: live_ids.of_field(stored.name, item.name) for item in stored.fields
        }
    wanted_name = change.after.name if change.after is not None else ""
    return table_change(
        change,
        identity=identity,
        number=number,
        schema=world.schema,
        kept=[
            retired_with_renamed_ends(item, entity_names)
            for item in world.retired
            if item.kind == "field" and item.entity == identity
        ],
        losing={field for entity, field in losing if entity == wanted_name},
        unreturned={field for entity, field in unreturned if entity == wanted_name},
        field_identity=field_identity,
        entity_names=entity_names,
    )


def _is_indexed_otherwise(entity: Entity, live: Registry, wanted: Registry) -> bool:
    """Return whether an entity that did not change gets other indexes, because its views did."""
    if live.views_of.get(entity.name) == wanted.views_of[entity.name]:
        return False
    return set(index_specs(entity, live)) != set(index_specs(entity, wanted))


def _link_change(
    change: RelationshipChange, world: World, identities: Identities, number: int
) -> LinkChange:
    stored = change.stored_as
    table = "" if stored is None else stored.intersect
    if change.retired is not None:
        table = change.retired.table
    if table not in world.schema:
        table = ""
    if change.after is None:
        assert stored is not None
        identity = world.live.identities.of("relationship", stored.name)
        columns = link_columns(stored.left, stored.right)
        gone = Retired("relationship", "", identity, stored.name, number, table, columns, stored)
        return LinkChange(change, table, {}, retired=(gone,) if table else ())
    forgotten = (change.retired,) if change.retired is not None else ()
    if not table or stored is None:
        return LinkChange(change, "", {}, forgotten=forgotten)
    old = link_columns(stored.left, stored.right)
    if change.retired is not None:
        left, right = change.retired.columns
        old = (left, right)
    new = link_columns(change.after.left, change.after.right)
    present = world.schema[table].columns
    renames = {a: b for a, b in zip(old, new, strict=True) if a in present}
    return LinkChange(change, table, renames, forgotten=forgotten)


def _moved_tables(
    tables: Collection[TableChange],
    links: Collection[LinkChange],
    schema: Schema,
    number: int,
) -> dict[str, str]:
    """Return the tables that stand where others are to stand, with the names they get."""
    going = {table.live_table for table in tables if table.after is not None}
    going |= {link.live_table for link in links if link.change.after is not None}
    wanted = {table.table for table in tables if table.after is not None}
    wanted |= {link.change.after.intersect for link in links if link.change.after is not None}
    return {
        name: aside(name, number) for name in sorted(wanted) if name in schema and name not in going
    }
