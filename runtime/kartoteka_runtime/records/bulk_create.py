"""Many records of one entity created at once: as one after the other, with fewer statements.

What decides over a record alone is done for each; what the database has to be asked, and what is
stored, is done for some hundred at a time. Records that hooks take part in, and those that decide
over access or other records, are created one by one. See decisions/0045.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kartoteka.errors import KartotekaError, RecordInvalid, Violation
from kartoteka.record_values import Reference
from kartoteka_runtime.records import derived_values, kept_files, owners, pipeline
from kartoteka_runtime.records.compiled_model import CompiledEntity
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.references import (
    check_hierarchy,
    check_seen,
    named_records,
    seen_records,
)
from kartoteka_runtime.storage.database import BadParameter, ReferenceViolation, UniqueViolation

_AT_ONCE = 500  # records that are stored together
_LOOKED_AT = frozenset({"organization", "transactioncurrency"})  # by creates of other records


async def create_many(op: Operation, name: str, supplied: Sequence[Mapping[str, Any]]) -> list[str]:
    """Create records and return their ids, in order.

    Raises:
        RecordInvalid: One is refused, with all that is wrong with it; ``place`` says which one.
        AccessDenied: The principal may not create one; ``place`` likewise.
    """
    compiled = op.entity(name)
    if not _go_together(op, compiled):
        return await _one_by_one(op, name, supplied)
    batch = _Batch(op, compiled)
    ids: list[str] = []
    for place, item in enumerate(supplied):
        try:
            pipeline.require_creating(op, name)
            values = pipeline.new_values(op, compiled, item)
            violations = pipeline.decide_new(op, compiled, values)
        except KartotekaError as error:
            await batch.store()  # one before it may be refused, which is told first
            raise _at(error, place) from error.__cause__
        if len(batch.waiting) >= _AT_ONCE or batch.is_named_in(values):
            await batch.store()
            await asyncio.sleep(0)  # others get their turn
        batch.add(_Waiting(place, values, violations))
        ids.append(values[compiled.entity.primary_id])
    await batch.store()
    return ids


def _go_together(op: Operation, compiled: CompiledEntity) -> bool:
    name = compiled.entity.name
    return not (
        compiled.entity.is_activity
        or name in _LOOKED_AT
        or op.model.accesses.decides({name})
        or compiled.handlers.get("before_create")
        or compiled.handlers.get("after_create")
    )


async def _one_by_one(op: Operation, name: str, supplied: Sequence[Mapping[str, Any]]) -> list[str]:
    ids = []
    for place, item in enumerate(supplied):
        try:
            ids.append(await pipeline.create(op, name, item))
        except KartotekaError as error:
            raise _at(error, place) from error.__cause__
    return ids


def _at(error: KartotekaError, place: int) -> KartotekaError:
    error.place = place
    return error


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A record that is not stored yet, and what is known to be wrong with it."""

    place: int
    values: dict[str, Any]
    violations: list[Violation]


@dataclass(slots=True)
class _Batch:
    """Records that wait to be stored together, and what was looked up for those before."""

    op: Operation
    compiled: CompiledEntity
    waiting: list[_Waiting] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _rates: derived_values.Rates = field(default_factory=derived_values.Rates)
    _units: dict[str, Reference | None] = field(default_factory=dict)
    _owners: dict[Reference, list[Violation]] = field(default_factory=dict)

    def add(self, item: _Waiting) -> None:
        """Let one more wait."""
        self.waiting.append(item)
        self._ids.add(item.values[self.compiled.entity.primary_id])

    def is_named_in(self, values: Mapping[str, Any]) -> bool:
        """Return whether a record names, or is, one that waits: that has to be stored first."""
        if values[self.compiled.entity.primary_id] in self._ids:
            return True
        for name in self.compiled.references:
            value = values.get(name)
            if value is not None and value.id in self._ids:
                return True
        return False

    async def store(self) -> None:
        """Store what waits, or refuse the first of them that cannot be.

        Raises:
            KartotekaError: As a create of that one raises it; ``place`` says which.
        """
        waiting, self.waiting, self._ids = self.waiting, [], set()
        if not waiting:
            return
        op, compiled = self.op, self.compiled
        seen = await seen_records(op, (
            value
            for item in waiting
            for _, value in named_records(op, compiled, item.values, item.values)
        ))  # fmt: skip
        for number, item in enumerate(waiting):
            try:
                await self._admit(item, seen)
            except KartotekaError as error:
                await self._finish(waiting[:number])
                raise _at(error, item.place) from error.__cause__
        await self._finish(waiting)

    async def _admit(self, item: _Waiting, seen: Mapping[tuple[str, str], bool]) -> None:
        """Go with one record as far as the numbers that it is given."""
        op, compiled, values = self.op, self.compiled, item.values
        name, record_id = compiled.entity.name, values[compiled.entity.primary_id]
        violations = item.violations + check_seen(op, compiled, values, seen)
        violations += await self._wrong_owner(values)
        violations += await check_hierarchy(op, compiled, record_id, values)
        if not compiled.files.isdisjoint(values):
            violations += await kept_files.complete(op, compiled, record_id, values)
        if violations:
            raise RecordInvalid(name, violations)
        if compiled.is_owned:
            await derived_values.write_owner(op, compiled, values, self._units)
        await pipeline.require_new_allowed(op, compiled, values)
        derived_values.stamp_new(op, compiled, values)

    async def _wrong_owner(self, values: Mapping[str, Any]) -> list[Violation]:
        owner = values.get("ownerid")
        if not isinstance(owner, Reference):
            return await owners.check_new(self.op, self.compiled, values)
        if owner not in self._owners:
            self._owners[owner] = await owners.check_new(self.op, self.compiled, values)
        return self._owners[owner]

    async def _finish(self, admitted: Sequence[_Waiting]) -> None:
        """Number, calculate and store records that were admitted."""
        op, compiled = self.op, self.compiled
        await derived_values.write_autonumbers(op, compiled, [item.values for item in admitted])
        for number, item in enumerate(admitted):
            try:
                await derived_values.write_base_amounts(
                    op, compiled, item.values, None, self._rates
                )
                pipeline.calculate_new(op, compiled, item.values)
            except KartotekaError as error:
                await self._insert(admitted[:number])
                raise _at(error, item.place) from error.__cause__
        await self._insert(admitted)
        await pipeline.follow_new(op, compiled, [item.values for item in admitted])

    async def _insert(self, finished: Sequence[_Waiting]) -> None:
        if not finished:
            return
        queries, connection = self.compiled.queries, self.op.connection
        await connection.execute("SAVEPOINT before_many", {})
        try:
            await queries.insert_many(connection, [item.values for item in finished])
        except (BadParameter, ReferenceViolation, UniqueViolation):
            await connection.execute("ROLLBACK TO SAVEPOINT before_many", {})
        else:
            await connection.execute("RELEASE SAVEPOINT before_many", {})
            return
        for item in finished:  # the one that is refused says why
            try:
                await queries.insert(connection, item.values)
            except UniqueViolation as refused:
                found = pipeline.not_unique(self.compiled, refused, item.values)
                raise _at(found, item.place) from refused
            except (BadParameter, ReferenceViolation) as refused:
                raise _at(refused, item.place) from refused.__cause__
