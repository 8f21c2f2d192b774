"""Parties of activities: party-list fields are rows of ``activityparty``, one a party.

The owner and the regarding record are parties too, so that one question finds everything a
contact took part in. Source: reference crm, section 2.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.record_values import Party, Reference
from kartoteka_runtime.records.compiled_model import CompiledEntity, CompiledModel
from kartoteka_runtime.records.identifiers import new_id
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.references import check_references
from kartoteka_runtime.storage.record_queries import EntityQueries
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX

PARTY = "activityparty"
_REGARDING, _OWNER = 8, 9
OF_OTHER_FIELDS = frozenset({_REGARDING, _OWNER})  # parts that follow lookups of the activity


async def write_parties(
    op: Operation, compiled: CompiledEntity, record_id: str, values: Mapping[str, Any]
) -> None:
    """Store the parties of the named party-list fields, of owner and regarding, anew."""
    wanted: list[tuple[int, tuple[Party, ...]]] = []
    for item in compiled.parties:
        if item.name in values:
            await _check_parties(op, compiled, item.name, values[item.name] or ())
            wanted.append((item.participation or 0, values[item.name] or ()))
    for name, mask in (("regardingobjectid", _REGARDING), ("ownerid", _OWNER)):
        if name in values:
            wanted.append((mask, (Party(values[name]),) if values[name] else ()))
    if PARTY not in op.model.entities:
        return
    queries = op.model.entities[PARTY].queries
    for mask, parties in wanted:
        sql = op.model.text("forget parties", lambda: _forget(op.model))
        await op.connection.execute(sql, {"activity": record_id, "mask": mask})
        for party in parties:
            await queries.insert(
                op.connection,
                {
                    queries.entity.primary_id: new_id(),
                    "activityid": Reference("activitypointer", record_id),
                    "partyid": party.reference,
                    "participationtypemask": mask,
                    "addressused": party.address or None,
                },
            )


async def _check_parties(
    op: Operation, compiled: CompiledEntity, name: str, parties: Iterable[Party]
) -> None:
    """Refuse parties that are no party, are not there, or have an impossible address."""
    party = op.model.entities.get(PARTY)
    if party is None:
        return
    for item in parties:
        said = {"partyid": item.reference, "addressused": item.address}
        checked, violations = party.validator.check_values(said, may_write_read_only=True)
        violations += await check_references(op, party, checked, checked)
        if violations:
            first = violations[0]
            raise RecordInvalid(compiled.entity.name, [Violation(name, first.code, first.params)])


async def delete_parties(op: Operation, record_id: str) -> None:
    """Delete every party of an activity."""
    if PARTY in op.model.entities:
        sql = op.model.text("forget all parties", lambda: _forget_all(op.model))
        await op.connection.execute(sql, {"activity": record_id})


async def read_parties(
    op: Operation, compiled: CompiledEntity, record_id: str
) -> dict[str, tuple[Party, ...] | None]:
    """Return the value of every party-list field of an activity."""
    if not compiled.parties or PARTY not in op.model.entities:
        return {}
    sql = op.model.text("parties", lambda: _select(op.model))
    rows = await op.connection.fetch_all(sql, {"activity": record_id})
    found: dict[int, list[Party]] = {}
    for mask, party_id, entity, name, address in rows:
        if party_id is None and not address:
            continue  # somebody who was deleted since
        reference = None if party_id is None else Reference(entity, party_id, name or "")
        found.setdefault(mask, []).append(Party(reference, address or ""))
    return {
        item.name: tuple(found.get(item.participation or 0, ())) or None
        for item in compiled.parties
    }


def _activity(model: CompiledModel) -> sa.ColumnElement[bool]:
    column = model.tables.entities[PARTY].c.activityid
    return column == sa.bindparam("activity", type_=column.type)


def _forget(model: CompiledModel) -> sa.Delete:
    table = model.tables.entities[PARTY]
    mask = table.c.participationtypemask == sa.bindparam("mask", type_=sa.Integer())
    return sa.delete(table).where(_activity(model), mask)


def _forget_all(model: CompiledModel) -> sa.Delete:
    return sa.delete(model.tables.entities[PARTY]).where(_activity(model))


def _select(model: CompiledModel) -> sa.Select[Any]:
    table = model.tables.entities[PARTY]
    queries: EntityQueries = model.entities[PARTY].queries
    party = queries.entity.field_by_name["partyid"]
    name = queries.reference_name(party, table)
    return (
        sa.select(
            table.c.participationtypemask,
            table.c.partyid,
            table.c["partyid" + ENTITY_SUFFIX],
            name if name is not None else sa.null(),
            table.c.addressused,
        )
        .where(_activity(model))
        .order_by(table.c[queries.entity.primary_id])
    )
