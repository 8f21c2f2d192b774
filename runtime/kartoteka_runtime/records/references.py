"""Lookups: the records they name must exist, and hierarchies must not bite their own tail.

To set a lookup needs ``append`` on the record and ``append_to`` on the one it names. Source:
reference platform, section 6.4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.access.reach import Asked
from kartoteka.errors import Violation
from kartoteka.record_values import Reference
from kartoteka_runtime.records.compiled_model import CompiledEntity
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.record_access import appended, denied
from kartoteka_runtime.storage.reach_sql import ReachSql
from kartoteka_runtime.storage.shares import ids_parameter, in_ids

_MOST_LEVELS = 100  # Source: reference platform, section 2.4


async def check_references(
    op: Operation, compiled: CompiledEntity, values: Mapping[str, Any], names: Iterable[str]
) -> list[Violation]:
    """Return a violation for each named lookup whose record does not exist: one statement.

    What may not be read does not exist.

    Raises:
        AccessDenied: One exists that nothing may be attached to.
    """
    wanted = named_records(op, compiled, values, names)
    if not wanted:
        return []
    params = {f"r{number}": value.id for number, (_, value) in enumerate(wanted)}
    attached = frozenset(appended(compiled, values))
    targets = dict.fromkeys(
        (value.entity, privilege)
        for name, value in wanted
        for privilege in (("read", "append_to") if name in attached else ("read",))
    )
    asked: Asked = () if op.reaches is None else tuple(targets)
    key = None if op.reaches is None else op.reaches.key(asked)
    if op.reaches is not None:
        params |= op.reaches.parameters(asked)
    shape = tuple(
        (f"r{number}", value.entity, name in attached)
        for number, (name, value) in enumerate(wanted)
    )
    sql = op.model.text(("references", shape, key), partial(_existence, op, shape))
    row = await op.connection.fetch_one(sql, params)
    assert row is not None
    violations = []
    for number, (name, value) in enumerate(wanted):
        if not row[2 * number]:
            said = {"value": value.name or value.id}
            violations.append(Violation(name, "violation.not_found", said))
        elif not row[2 * number + 1]:
            raise denied("append_to", value.entity)
    return violations


def named_records(
    op: Operation, compiled: CompiledEntity, values: Mapping[str, Any], names: Iterable[str]
) -> list[tuple[str, Reference]]:
    """Return the named lookups that have to be looked at, with the records that they name."""
    return [
        (name, values[name])
        for name in names
        if name in compiled.references
        and values.get(name) is not None
        and not _is_own(op, name, values[name])
    ]


Seen = Mapping[tuple[str, str], bool]  # {(entity, id) that may be read: may be appended to}


async def seen_records(op: Operation, wanted: Iterable[Reference]) -> Seen:
    """Return which records are there for the principal, and which may be attached to."""
    ids: dict[str, set[str]] = {}
    for value in wanted:
        ids.setdefault(value.entity, set()).add(value.id)
    found: dict[tuple[str, str], bool] = {}
    for entity, of_entity in ids.items():
        asked: Asked = ((entity, "read"), (entity, "append_to"))
        key = None if op.reaches is None else op.reaches.key(asked)
        sql = op.model.text(("seen records", entity, key), partial(_seen, op, entity))
        params: dict[str, Any] = {"ids": ids_parameter(of_entity, op.model.tables.engine)}
        if op.reaches is not None:
            params |= op.reaches.parameters(asked)
        for record_id, may_append in await op.connection.fetch_all(sql, params):
            found[entity, str(record_id)] = bool(may_append)
    return found


def check_seen(
    op: Operation, compiled: CompiledEntity, values: Mapping[str, Any], seen: Seen
) -> list[Violation]:
    """Return the same as ``check_references`` of all values, from what was looked up before.

    Raises:
        AccessDenied: A record exists that nothing may be attached to.
    """
    attached = frozenset(appended(compiled, values))
    violations = []
    for name, value in named_records(op, compiled, values, values):
        may_append = seen.get((value.entity, value.id))
        if may_append is None:
            said = {"value": value.name or value.id}
            violations.append(Violation(name, "violation.not_found", said))
        elif name in attached and not may_append:
            raise denied("append_to", value.entity)
    return violations


def _seen(op: Operation, entity: str) -> sa.ClauseElement:
    table = op.model.tables.entities[entity]
    column = table.c[op.model.registry.entities[entity].primary_id]
    reach = ReachSql(op.reaches, op.model.registry, op.model.tables)
    may_append = reach.condition(entity, table, "append_to")
    statement = sa.select(
        column, sa.true() if may_append is None else sa.func.coalesce(may_append, sa.false())
    ).where(in_ids(column, "ids", op.model.tables.engine))
    within = reach.condition(entity, table, "read")
    return statement if within is None else statement.where(within)


def _is_own(op: Operation, name: str, value: Reference) -> bool:
    """Return whether a lookup names oneself or one's own team as owner: that needs no look."""
    if op.is_system or name != "ownerid":
        return False
    facts = op.access.facts
    return value.id == facts.user_id or value.id in facts.owner_team_ids


def _existence(op: Operation, shape: tuple[tuple[str, str, bool], ...]) -> sa.ClauseElement:
    """Return a statement that says of each lookup whether its record is there, and may be named."""
    model, checks = op.model, []
    reach = ReachSql(op.reaches, model.registry, model.tables)
    for parameter, target, is_appended in shape:
        table = model.tables.entities[target]
        column = table.c[model.registry.entities[target].primary_id]
        there: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
            column == sa.bindparam(parameter, type_=column.type)
        )
        for privilege, is_asked in (("read", True), ("append_to", is_appended)):
            within = reach.condition(target, table, privilege) if is_asked else None
            if within is not None:
                there = there.where(within)
            is_plain = privilege == "append_to" and within is None
            checks.append(sa.true() if is_plain else sa.exists(there))
    return sa.select(*checks)


async def check_hierarchy(
    op: Operation, compiled: CompiledEntity, record_id: str, values: Mapping[str, Any]
) -> list[Violation]:
    """Return a violation when a record would become its own ancestor, or the tree too deep."""
    name = compiled.hierarchical
    if not name or not isinstance(values.get(name), Reference):
        return []
    above: Reference | None = values[name]
    for _ in range(_MOST_LEVELS):
        if above is None:
            return []
        if above.id == record_id:
            return [Violation(name, "violation.cycle")]
        found = await compiled.queries.read(op.connection, above.id, names=(name,))
        above = found[name] if found else None
    return [Violation(name, "violation.too_many", {"max": _MOST_LEVELS})]
