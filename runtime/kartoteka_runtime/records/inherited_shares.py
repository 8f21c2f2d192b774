"""Inherited shares: what a record's shares and owner give of the records that hang below it.

What is inherited always equals what working it out from nothing would give, as long as every rule
of a relationship is ``all`` or ``none``; ``active`` and ``user_owned`` are looked at when something
happens, as for other cascades. Source: reference platform, sections 2.2 and 2.3; decisions/0034.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.access.rights import ALL_RIGHTS, share_bit
from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.record_values import Reference
from kartoteka_runtime.records.compiled_model import POINTER, CompiledEntity, CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.share_marks import mark_shared
from kartoteka_runtime.storage.shares import Share, ids_parameter, in_ids
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX

MOST_RECORDS = 100_000  # that one change of access may reach
SHARE, UNSHARE, REPARENT = "share", "unshare", "reparent"
_PRINCIPALS = ("systemuser", "team", "organization")
Node = tuple[str, str]  # entity and id of a record
Rights = dict[str, tuple[str, int]]  # {principal id: (type, rights)}


@dataclass(frozen=True, slots=True)
class _Known:
    """What decides over the access that a record inherits or passes on."""

    owner: Reference | None
    state: int | None = None
    parents: tuple[tuple[Field, Node], ...] = ()


@dataclass(slots=True)
class _Reached:
    """The records whose inheritance is worked out, and the records right above them."""

    records: dict[Node, _Known] = field(default_factory=dict)
    above: dict[Node, _Known] = field(default_factory=dict)
    shares: dict[Node, dict[str, Share]] = field(default_factory=dict)

    def known(self, node: Node) -> _Known | None:
        return self.records.get(node) or self.above.get(node)


async def created(
    op: Operation, compiled: CompiledEntity, records: Iterable[Mapping[str, Any]]
) -> None:
    """Give new records what they inherit; nothing hangs below them yet, nor they one another."""
    name, primary_id = compiled.entity.name, compiled.entity.primary_id
    fields = op.model.share_paths.up(name)
    if not fields:
        return
    new: dict[Node, _Known] = {}
    for values in records:
        known = _known_of(op.model, fields, values)
        if known.parents:
            new[name, values[primary_id]] = known
    if new:
        await _refresh(op, new, REPARENT)


async def updated(
    op: Operation,
    compiled: CompiledEntity,
    record_id: str,
    values: Mapping[str, Any],
) -> None:
    """Work out anew what a record inherits and passes on when its owner or parents change."""
    paths, name = op.model.share_paths, compiled.entity.name
    is_moved = any(item.name in values for item in paths.up(name))
    if is_moved or ("ownerid" in values and (paths.up(name) or paths.down(name))):
        await refresh(op, [(name, record_id)], REPARENT)


async def deleted(op: Operation, compiled: CompiledEntity, record_id: str) -> None:
    """Forget whom a record that is gone was shared with."""
    name = compiled.entity.name
    if name in _PRINCIPALS:
        await op.model.shares.remove_principal(op.connection, record_id)
    if not op.model.share_paths.is_shareable(name):
        return
    await _delete_hidden_teams(op, name, record_id)
    await op.model.shares.remove_records(op.connection, name, [record_id])
    if compiled.entity.is_activity:
        await op.model.shares.remove_records(op.connection, POINTER, [record_id])


async def _delete_hidden_teams(op: Operation, name: str, record_id: str) -> None:
    """Delete the access teams of a record; members are those of this record alone."""
    team = op.model.registry.entities.get("team")
    if team is None or "regardingid" not in team.field_by_name:
        return
    system = op.records_for(op.as_system())
    for share in await op.model.shares.of_record(op.connection, name, record_id):
        if share.principal_type == "team":
            found = await system.read("team", share.principal_id)
            if found.get("regardingid") == record_id:
                await system.delete("team", share.principal_id)


async def share_changed(op: Operation, node: Node, *, is_less: bool) -> None:
    """Pass a change of a record's explicit shares on; ``is_less``: rights were taken away."""
    if op.model.share_paths.down(node[0]):
        await refresh(op, [node], UNSHARE if is_less else SHARE)


async def refresh(op: Operation, nodes: Iterable[Node], verb: str) -> None:
    """Work out anew what records inherit, and what hangs below them.

    ``verb`` names the cascade rule that picks the records below: ``share`` adds, ``unshare`` takes
    away, ``reparent`` does both.
    """
    wanted: dict[Node, _Known] = {}
    for entity, ids in _by_entity(nodes).items():
        wanted.update(await _read(op, entity, ids))
    found = dict(wanted)
    level: Mapping[Node, _Known] = wanted
    while level:
        level = await _below(op, level, found, verb)
        found.update(level)
        if len(found) > MOST_RECORDS:
            violation = Violation(None, "violation.share_reaches_too_many", {"max": MOST_RECORDS})
            raise RecordInvalid(next(iter(wanted))[0], [violation])
    await _refresh(op, found, verb)


async def children_by(
    op: Operation, entity: Entity, item: Field, parent: str, record_id: str
) -> list[Node]:
    """Return the records that inherit from a record by one lookup, before it is emptied."""
    if (entity, item) not in op.model.share_paths.down(parent):
        return []
    rows = await _rows_below(op, entity, item, parent, [record_id])
    return [(entity.name, str(row[0])) for row in rows]


async def _refresh(op: Operation, records: dict[Node, _Known], verb: str) -> None:
    """Work out what records inherit, from least to most, and write what is different."""
    reached = _Reached(records=records)
    above = {node for known in records.values() for _, node in known.parents} - records.keys()
    for entity, ids in _by_entity(above).items():
        reached.above.update(await _read(op, entity, ids))
    for entity, ids in _by_entity([*records, *reached.above]).items():
        for record_id, shares in (
            await op.model.shares.of_records(op.connection, entity, ids)
        ).items():
            reached.shares[entity, record_id] = shares
    wanted = _least(reached, verb)
    changed: list[Share] = []
    for node in records:
        changed += _differences(op, node, reached.shares.get(node, {}), wanted.get(node, {}))
    await write(op, changed)


async def write(op: Operation, shares: Collection[Share]) -> None:
    """Store shares, those of activities for their pointers too."""
    pointers = [
        replace(share, entity=POINTER)
        for share in shares
        if op.model.registry.entities[share.entity].is_activity
        and POINTER in op.model.registry.entities
    ]
    written = [*shares, *pointers]
    await op.model.shares.write(op.connection, written)
    masks: dict[str, dict[str, int]] = {}
    for share in written:
        of_entity = masks.setdefault(share.entity, {})
        of_entity[share.record_id] = of_entity.get(share.record_id, 0) | share_bit(
            share.principal_id
        )
    for entity, bits in masks.items():
        table = op.model.tables.entities[entity]
        primary_id = op.model.registry.entities[entity].primary_id
        await mark_shared(op.connection, table, primary_id, bits, op.model.tables.engine)


def _least(reached: _Reached, verb: str) -> dict[Node, Rights]:
    """Return the least inheritance in which every record has what those above it pass on.

    Beginning with nothing, circles of records cannot keep alive what nobody gives any more.
    """
    children: dict[Node, list[Node]] = {}
    for node, known in reached.records.items():
        for _, parent in known.parents:
            if parent in reached.records:
                children.setdefault(parent, []).append(node)
    wanted: dict[Node, Rights] = {}
    waiting = dict.fromkeys(reached.records)
    while waiting:
        node = next(iter(waiting))
        del waiting[node]
        found = _inherited(reached, node, wanted, verb)
        if found != wanted.get(node, {}):
            wanted[node] = found
            waiting.update(dict.fromkeys(children.get(node, ())))
    return wanted


def _inherited(reached: _Reached, node: Node, wanted: Mapping[Node, Rights], verb: str) -> Rights:
    known = reached.records[node]
    stored = reached.shares.get(node, {})
    found: Rights = {}
    for item, parent in known.parents:
        above = reached.known(parent)
        if above is None:
            continue
        holds = verb != UNSHARE and (
            _holds(item.cascade.share, known, above) or _holds(item.cascade.reparent, known, above)
        )
        passes = item.cascade.share != "none" or item.cascade.reparent != "none"
        if passes:
            for principal, (kind, rights) in _rights_of(reached, parent, wanted).items():
                _add(found, stored, principal, kind, rights, is_new=holds)
        if item.cascade.reparent != "none" and above.owner is not None:
            is_new = verb != UNSHARE and _holds(item.cascade.reparent, known, above)
            owner = above.owner
            _add(found, stored, owner.id, owner.entity, ALL_RIGHTS, is_new=is_new)
    if known.owner is not None:
        found.pop(known.owner.id, None)  # an owner needs no share
    if verb == SHARE:
        for principal, share in stored.items():
            _add(found, stored, principal, share.principal_type, ALL_RIGHTS, is_new=False)
    return found


def _add(
    found: Rights,
    stored: Mapping[str, Share],
    principal: str,
    kind: str,
    rights: int,
    *,
    is_new: bool,
) -> None:
    """Add what a rule passes on now, or of it what was inherited earlier."""
    if not is_new:
        share = stored.get(principal)
        rights &= share.inherited_rights if share is not None else 0
    if rights:
        found[principal] = (kind, rights | found.get(principal, ("", 0))[1])


def _rights_of(reached: _Reached, node: Node, wanted: Mapping[Node, Rights]) -> Rights:
    """Return what a record is shared with, its inheritance as far as it is worked out."""
    stored = reached.shares.get(node, {})
    if node not in reached.records:
        return {key: (share.principal_type, share.rights) for key, share in stored.items()}
    rights = dict(wanted.get(node, {}))
    for principal, share in stored.items():
        if share.explicit_rights:
            inherited = rights.get(principal, ("", 0))[1]
            rights[principal] = (share.principal_type, share.explicit_rights | inherited)
    return rights


def _holds(rule: str, child: _Known, parent: _Known) -> bool:
    match rule:
        case "all":
            return True
        case "active":
            return child.state == 0
        case "user_owned":
            return child.owner is not None and child.owner.is_same(parent.owner)
    return False


def _differences(
    op: Operation, node: Node, stored: Mapping[str, Share], wanted: Rights
) -> list[Share]:
    now = encode_instant(op.now)
    changed = [
        replace(share, inherited_rights=wanted.get(principal, ("", 0))[1], changed_on=now)
        for principal, share in stored.items()
        if share.inherited_rights != wanted.get(principal, ("", 0))[1]
    ]
    changed += [
        Share(*node, principal, kind, inherited_rights=rights, changed_on=now)
        for principal, (kind, rights) in wanted.items()
        if principal not in stored
    ]
    return changed


async def _below(
    op: Operation, level: Mapping[Node, _Known], found: Mapping[Node, _Known], verb: str
) -> dict[Node, _Known]:
    """Return the records right below those of a level that the rules pick, and that are new."""
    picked: dict[str, dict[str, None]] = {}
    for parent, ids in _by_entity(level).items():
        for entity, item in op.model.share_paths.down(parent):
            cascade = item.cascade
            rules = {
                SHARE: (cascade.share,),
                UNSHARE: (cascade.unshare,),
                REPARENT: (cascade.reparent, cascade.share, cascade.unshare),
            }[verb]
            if all(rule == "none" for rule in rules):
                continue
            for row in await _rows_below(op, entity, item, parent, ids):
                child, above = str(row[0]), level[parent, str(row[1])]
                known = _Known(_owner(row[2], row[3]), row[4])
                if (entity.name, child) not in found and any(
                    _holds(rule, known, above) for rule in rules
                ):
                    picked.setdefault(entity.name, {})[child] = None
    reached: dict[Node, _Known] = {}
    for name, children in picked.items():
        reached.update(await _read(op, name, children))
    return reached


async def _rows_below(
    op: Operation, entity: Entity, item: Field, parent: str, ids: Collection[str]
) -> list[tuple[Any, ...]]:
    build = partial(_below_query, op.model, entity, item)
    sql = op.model.text(("inheriting", entity.name, item.name), build)
    params = {"ids": ids_parameter(ids, op.model.tables.engine), "parent_entity": parent}
    return list(await op.connection.fetch_all(sql, params))


def _below_query(model: CompiledModel, entity: Entity, item: Field) -> sa.Select[Any]:
    table = model.tables.entities[entity.name]
    lookup = table.c[item.name]
    query = sa.select(
        table.c[entity.primary_id], lookup, *_owner_columns(table), _state(table)
    ).where(in_ids(lookup, "ids", model.tables.engine))
    if item.is_multi_target:
        kind = table.c[item.name + ENTITY_SUFFIX]
        query = query.where(kind == sa.bindparam("parent_entity", type_=kind.type))
    return query


async def _read(op: Operation, entity: str, ids: Collection[str]) -> dict[Node, _Known]:
    """Return what is known of records of one entity that exist."""
    fields = op.model.share_paths.up(entity)
    sql = op.model.text(("inherits", entity), partial(_read_query, op.model, entity, fields))
    params = {"ids": ids_parameter(ids, op.model.tables.engine)}
    found: dict[Node, _Known] = {}
    for row in await op.connection.fetch_all(sql, params):
        parents = []
        for number, item in enumerate(fields):
            target, kind = row[4 + 2 * number], row[5 + 2 * number]
            above = kind or item.targets[0]
            if target is not None and op.model.share_paths.is_shareable(above):
                parents.append((item, (above, str(target))))
        found[entity, str(row[0])] = _Known(_owner(row[1], row[2]), row[3], tuple(parents))
    return found


def _read_query(model: CompiledModel, entity: str, fields: tuple[Field, ...]) -> sa.Select[Any]:
    table = model.tables.entities[entity]
    identity = table.c[model.registry.entities[entity].primary_id]
    columns: list[sa.ColumnElement[Any]] = [identity, *_owner_columns(table), _state(table)]
    for item in fields:
        kind = table.c[item.name + ENTITY_SUFFIX] if item.is_multi_target else sa.null()
        columns += [table.c[item.name], kind]
    return sa.select(*columns).where(in_ids(identity, "ids", model.tables.engine))


def _known_of(model: CompiledModel, fields: tuple[Field, ...], values: Mapping[str, Any]) -> _Known:
    parents = tuple(
        (item, (value.entity, value.id))
        for item in fields
        if (value := values.get(item.name)) is not None
        and model.share_paths.is_shareable(value.entity)
    )
    return _Known(values.get("ownerid"), values.get("statecode"), parents)


def _owner_columns(table: sa.Table) -> tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]:
    kind = f"ownerid{ENTITY_SUFFIX}"
    return table.c["ownerid"], table.c[kind] if kind in table.c else sa.literal_column(
        "'systemuser'"
    )


def _state(table: sa.Table) -> sa.ColumnElement[Any]:
    return table.c["statecode"] if "statecode" in table.c else sa.literal_column("0")


def _owner(owner_id: Any, entity: Any) -> Reference | None:
    return None if owner_id is None else Reference(entity, str(owner_id))


def _by_entity(nodes: Iterable[Node]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entity, record_id in nodes:
        found.setdefault(entity, []).append(record_id)
    return found
