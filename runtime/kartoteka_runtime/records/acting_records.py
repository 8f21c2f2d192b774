"""ActingRecords: everything that can be done with records, as one principal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from kartoteka.errors import AccessDenied
from kartoteka.plugin_api.contexts import CommandResult, Records
from kartoteka.record_values import Record, Reference
from kartoteka_runtime.records import (
    access_teams,
    commands,
    links,
    merging,
    outbox,
    pipeline,
    rollups,
    sharing,
)
from kartoteka_runtime.records.acting_reads import ActingReads
from kartoteka_runtime.records.bulk_create import create_many
from kartoteka_runtime.records.file_values import with_files
from kartoteka_runtime.records.kept_files import require_changeable
from kartoteka_runtime.records.operation import Operation


class ActingRecords(ActingReads):
    """The record service as one principal; every write is a transaction of its own.

    Inside ``transaction()``, and in hooks, calls share the transaction that is open.
    """

    async def create(self, entity: str, values: Record) -> str:
        """Create a record and return its id."""
        values = await self._with_files(entity, values)
        async with self._writing() as op:
            return await pipeline.create(op, entity, values)

    async def create_many(self, entity: str, values: Sequence[Record]) -> list[str]:
        """Create records, all of them or none, and return their ids in order.

        What refuses one says which by its ``place``.
        """
        values = [await self._with_files(entity, item) for item in values]
        async with self._writing() as op:
            return await create_many(op, entity, values)

    async def update(
        self, entity: str, record_id: str, values: Record, *, version: int | None = None
    ) -> None:
        """Change fields of a record."""
        values = await self._with_files(entity, values, record_id)
        async with self._writing() as op:
            await pipeline.update(op, entity, record_id, values, version)

    async def delete(self, entity: str, record_id: str, *, version: int | None = None) -> None:
        """Delete a record with what its relationships say goes with it."""
        async with self._writing() as op:
            await pipeline.delete(op, entity, record_id, version)

    async def associate(self, relationship: str, left_id: str, right_id: str) -> None:
        """Link two records by an N:N relationship."""
        async with self._writing() as op:
            await links.associate(op, relationship, left_id, right_id)

    async def disassociate(self, relationship: str, left_id: str, right_id: str) -> None:
        """Remove a link."""
        async with self._writing() as op:
            await links.disassociate(op, relationship, left_id, right_id)

    async def merge(
        self,
        entity: str,
        target_id: str,
        subordinate_id: str,
        values: Record | None = None,
        *,
        checks_parents: bool = False,
    ) -> None:
        """Merge one record into another, which goes on with ``values`` as well."""
        given = await self._with_files(entity, values or {}, target_id)
        async with self._writing() as op:
            await merging.merge(
                op, entity, target_id, subordinate_id, given, checks_parents=checks_parents
            )

    async def set_state(
        self,
        entity: str,
        record_id: str,
        *,
        state: str,
        reason: str = "",
        values: Record | None = None,
    ) -> None:
        """Change state and reason by name, with further values in the same write."""
        async with self._writing() as op:
            await commands.set_state(op, entity, record_id, state, reason, values or {})

    async def execute(
        self, entity: str, record_id: str, command: str, parameters: Record
    ) -> CommandResult:
        """Run a command on a record."""
        async with self._writing() as op:
            return await commands.execute(op, entity, record_id, command, parameters)

    async def share(
        self, entity: str, record_id: str, principal: Reference, privileges: Sequence[str]
    ) -> None:
        """Give a user, team or the organization privileges on a record, beside what it has."""
        async with self._writing() as op:
            await sharing.share(op, entity, record_id, principal, privileges)

    async def change_share(
        self, entity: str, record_id: str, principal: Reference, privileges: Sequence[str]
    ) -> None:
        """Let a share give exactly these privileges; what is inherited stays."""
        async with self._writing() as op:
            await sharing.change_share(op, entity, record_id, principal, privileges)

    async def unshare(self, entity: str, record_id: str, principal: Reference) -> None:
        """Take back what somebody was given of a record; what is inherited stays."""
        async with self._writing() as op:
            await sharing.unshare(op, entity, record_id, principal)

    async def add_member(self, entity: str, record_id: str, template_id: str, user_id: str) -> None:
        """Make a user a member of a record's access team."""
        async with self._writing() as op:
            await access_teams.add_member(op, entity, record_id, template_id, user_id)

    async def remove_member(
        self, entity: str, record_id: str, template_id: str, user_id: str
    ) -> None:
        """Let a user leave a record's access team."""
        async with self._writing() as op:
            await access_teams.remove_member(op, entity, record_id, template_id, user_id)

    async def calculate_rollup(self, entity: str, record_id: str, field: str) -> dict[str, object]:
        """Work out a rollup of a record now, and return what was written.

        Raises:
            RecordNotFound: There is no such record, or no such rollup.
            RecordInvalid: The tree below the record is too deep to be looked through now.
            AccessDenied: The principal may not change the record.
        """
        async with self._writing() as op:
            return await rollups.calculate_on_demand(op, entity, record_id, field)

    async def enqueue(
        self,
        job: str,
        arguments: Mapping[str, Any],
        *,
        run_at: datetime | None = None,
        key: str = "",
    ) -> str:
        """Have a job run once this transaction is committed, and return the job's id."""
        async with self._writing() as op:
            return await outbox.enqueue(
                op, self._parts.outbox, job, arguments, run_at=run_at, key=key
            )

    async def require_changeable(self, entity: str, record_id: str, field: str) -> Record:
        """Return what an update would look at first, when the principal may change a field.

        Raises:
            RecordNotFound: There is no such record, or it may not be read.
            AccessDenied: It may not be changed.
            RecordInvalid: The field or the record is read-only, or the column is secured.
        """
        if self._principal.seen_by is not None:
            raise AccessDenied("error.only_looking")
        async with self._reading() as op:
            return await require_changeable(op, entity, record_id, field)

    async def _with_files(self, entity: str, values: Record, record_id: str = "") -> Record:
        """Return values with the ids of files instead of contents, which are kept by then."""
        compiled = self.model.entities[entity] if entity in self.model.entities else None
        if compiled is None or compiled.contents.isdisjoint(values) or self._parts.files is None:
            return values
        return await with_files(self._parts.files, self, compiled.entity, values, record_id)

    def _inside(self, operation: Operation) -> ActingRecords:
        return ActingRecords(self._parts, operation.principal, operation)


def operation_of(records: Records) -> Operation:
    """Return the operation whose transaction is open, for the platform's own handlers and jobs."""
    assert isinstance(records, ActingRecords)
    return records.operation
