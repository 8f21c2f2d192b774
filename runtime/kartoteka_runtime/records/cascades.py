"""What follows from deleting or assigning a record, as the lookups that name it declare.

Whoever deletes or assigns needs the privilege on every record that goes along; without it on one of
them nothing is done. What the platform keeps goes along whoever deletes, and lookups are emptied by
the platform. What sharing and reparenting pass on is in ``inherited_shares``.

Source: reference platform, section 2.2.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.access.grants import is_kept
from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound, Violation
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.record_values import Reference
from kartoteka_runtime.records import inherited_shares, unlinked
from kartoteka_runtime.records.compiled_model import POINTER, CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.parties import PARTY
from kartoteka_runtime.storage.record_queries import VERSION, next_version
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX, link_columns

Delete = Callable[[Operation, str, str], Awaitable[None]]
Update = Callable[[Operation, str, str, dict[str, Any]], Awaitable[None]]


async def delete_children(op: Operation, name: str, record_id: str, delete: Delete) -> None:
    """Refuse, delete or unlink what names the record, then remove its N:N links.

    Raises:
        RecordInvalid: A restricting relationship has children; their types are named.
    """
    incoming = [
        (entity, item)
        for entity, item in op.model.incoming(name)
        if has_column(item) and not (entity.name == PARTY and item.name == "activityid")
    ]
    restricting = [
        entity
        for entity, item in incoming
        if item.cascade.delete == "restrict" and await _children(op, entity, item, name, record_id)
    ]
    if restricting:
        labels = {entity.name: entity.plural_label for entity in restricting}
        raise RecordInvalid(
            name, [Violation(None, "violation.referenced_by", {"entities": tuple(labels.values())})]
        )
    bereft: list[tuple[str, str]] = []  # what inherits nothing from the record any more
    await op.entity(name).queries.raise_version(op.connection)  # for what is unlinked below
    for entity, item in incoming:
        if item.cascade.delete == "cascade" and entity.name != POINTER:
            deletes = op.as_system() if is_kept(entity) else op
            for child in await _children(op, entity, item, name, record_id, locked=True):
                if entity.parent_field == item.name:  # it has no privileges of its own
                    op.visited.add(("delete with parent", entity.name, child))
                with needs(op, "delete", entity.name, child):
                    await delete(deletes, entity.name, child)
        bereft += await inherited_shares.children_by(op, entity, item, name, record_id)
        if unlinked.is_looked_at(op, entity, item):
            children = await _children(op, entity, item, name, record_id)
            await unlinked.write_calculated(op, entity, item, children)
        # After a cascade too: in a circle, what names this record is being deleted further up.
        build = partial(_unlink_query, op.model, entity, item)
        sql = op.model.text(("unlink", entity.name, item.name), build)
        await op.connection.execute(sql, {"parent": record_id, "parent_entity": name})
    await inherited_shares.refresh(op, bereft, inherited_shares.REPARENT)
    for relationship in op.model.registry.relationships.values():
        left, right = link_columns(relationship.left, relationship.right)
        for side, column in ((relationship.left, left), (relationship.right, right)):
            if side == name:
                await _remove_links(op, relationship.name, column, record_id)


async def assign_children(
    op: Operation,
    name: str,
    record_id: str,
    moved: tuple[Reference | None, Reference],
    update: Update,
) -> None:
    """Give the children that the relationships name to the record's new owner.

    ``moved`` is the owner before and now; ``user_owned`` compares with the owner before.
    """
    if ("assign", name, record_id) in op.visited:
        return
    op.visited.add(("assign", name, record_id))
    before, now = moved
    for entity, item in op.model.incoming(name):
        rule = item.cascade.assign
        if rule == "none" or entity.name == POINTER or not has_column(item):
            continue
        child_model = op.model.entities[entity.name]
        if not child_model.is_owned:
            continue
        for child in await _children(op, entity, item, name, record_id, locked=True):
            stored = await child_model.queries.read(
                op.connection, child, names=child_model.ownership_names
            )
            if stored is None or ("assign", entity.name, child) in op.visited:
                continue
            if rule == "active" and stored.get("statecode") != 0:
                continue
            if rule == "user_owned" and not (before and before.is_same(stored["ownerid"])):
                continue
            with needs(op, "assign", entity.name, child):
                await update(op, entity.name, child, {"ownerid": now})


@contextmanager
def needs(op: Operation, privilege: str, entity: str, record_id: str) -> Iterator[None]:
    """Say that a privilege is missing where a record below is not even to be seen."""
    try:
        yield
    except RecordNotFound as error:
        if op.is_system or (error.entity, error.record_id) != (entity, record_id):
            raise
        params = {"privilege": privilege, "entity": entity}
        raise AccessDenied("error.access_denied_below", params) from error


async def _children(
    op: Operation, entity: Entity, item: Field, parent: str, record_id: str, *, locked: bool = False
) -> list[str]:
    """Return what names a record; ``locked``: what others delete or move meanwhile is left out."""
    build = partial(_children_query, op.model, entity, item, locked=locked)
    sql = op.model.text(("children", entity.name, item.name, locked), build)
    rows = await op.connection.fetch_all(sql, {"parent": record_id, "parent_entity": parent})
    return [str(row[0]) for row in rows]


def _names_parent(
    model: CompiledModel, entity: Entity, item: Field
) -> tuple[sa.Table, sa.ColumnElement[bool]]:
    table = model.tables.entities[entity.name]
    column = table.c[item.name]
    condition = column == sa.bindparam("parent", type_=column.type)
    if item.is_multi_target:
        kind = table.c[item.name + ENTITY_SUFFIX]
        condition = sa.and_(condition, kind == sa.bindparam("parent_entity", type_=kind.type))
    return table, condition


def _children_query(
    model: CompiledModel, entity: Entity, item: Field, *, locked: bool
) -> sa.Select[Any]:
    table, condition = _names_parent(model, entity, item)
    query = sa.select(table.c[entity.primary_id]).where(condition)
    return query.with_for_update(of=table) if locked else query  # SQLite has but one writer


def _unlink_query(model: CompiledModel, entity: Entity, item: Field) -> sa.Update:
    table, condition = _names_parent(model, entity, item)
    values: dict[str, Any] = {item.name: sa.null()}
    if item.is_multi_target:
        values[item.name + ENTITY_SUFFIX] = sa.null()
    if VERSION in table.c:  # it is a change like any other, for whoever keeps copies
        version = next_version(model.tables.version_name, model.tables.engine)
        values[VERSION] = sa.literal_column(version)
    return sa.update(table).values(values).where(condition)


async def _remove_links(op: Operation, relationship: str, column: str, record_id: str) -> None:
    def build() -> sa.Delete:
        table = op.model.tables.links[relationship]
        bound = sa.bindparam("id_", type_=table.c[column].type)
        return sa.delete(table).where(table.c[column] == bound)

    sql = op.model.text(("remove links", relationship, column), build)
    await op.connection.execute(sql, {"id_": record_id})
