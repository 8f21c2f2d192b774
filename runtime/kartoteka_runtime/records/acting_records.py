"""ActingRecords: everything that can be done with records, as one principal."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound, Violation
from kartoteka.model.field import ROLLUP_STATE, RollupState
from kartoteka.model.view import SortKey, View
from kartoteka.plugin_api.contexts import AccessTeam, CommandResult, SharedWith
from kartoteka.query.of_view import condition_of, query_of_view
from kartoteka.query.query import LinkedTo, Query
from kartoteka.record_values import Record, Reference
from kartoteka_runtime.records import (
    access_audit,
    access_teams,
    changes,
    commands,
    groups,
    links,
    merging,
    outbox,
    pipeline,
    reading,
    rollups,
    sharing,
)
from kartoteka_runtime.records.acting_scope import ActingScope
from kartoteka_runtime.records.bulk_create import create_many
from kartoteka_runtime.records.changes import GonePage
from kartoteka_runtime.records.compiled_model import CompiledEntity
from kartoteka_runtime.records.file_values import with_files
from kartoteka_runtime.records.kept_files import require_changeable
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.parties import read_parties
from kartoteka_runtime.records.reading import RecordPage, TextPage
from kartoteka_runtime.records.record_access import allowed, require_record
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.security.column_access import ONE_RECORD, without_masked_numbers
from kartoteka_runtime.storage.database import (
    BadParameter,
)
from kartoteka_runtime.storage.json_rows import JsonShape, RowText, record_json
from kartoteka_runtime.storage.record_queries import VERSION


class ActingRecords(ActingScope):
    """The record service as one principal; every write is a transaction of its own.

    Inside ``transaction()``, and in hooks, calls share the transaction that is open.
    """

    async def create(self, entity: str, values: Record) -> str:
        """Create a record and return its id."""
        values = await self._with_files(entity, values)
        async with self._writing() as op:
            return await pipeline.create(op, entity, values)

    async def create_many(self, entity: str, values: Sequence[Record]) -> builtins.list[str]:
        """Create records, all of them or none, and return their ids in order.

        What refuses one says which by its ``place``.
        """
        values = [await self._with_files(entity, item) for item in values]
        async with self._writing() as op:
            return await create_many(op, entity, values)

    async def read(self, entity: str, record_id: str) -> dict[str, object]:
        """Return every field of one record, lookups with names and parties included."""
        async with self._reading() as op:
            compiled = op.entity(entity)
            op.require("read", entity)
            record = _visible(op, await _stored(op, compiled, record_id, with_labels=True), entity)
            if compiled.parties:
                record.update(await read_parties(op, compiled, record_id))
            return record

    async def read_fields(
        self, entity: str, record_id: str, *, with_labels: bool = False
    ) -> dict[str, object]:
        """Return the stored fields of one record, lookups without names unless asked for."""
        async with self._reading() as op:
            compiled = op.entity(entity)
            op.require("read", entity)
            record = await _stored(op, compiled, record_id, with_labels=with_labels)
            return _visible(op, record, entity)

    async def read_json(
        self, entity: str, record_id: str, shape: JsonShape
    ) -> tuple[bytes, int | None]:
        """Return one record as a JSON object of stored fields, and its version (None: it has none).

        Raises:
            RecordNotFound: There is no such record.
        """
        async with self._reading() as op:
            compiled = op.entity(entity)
            op.require("read", entity)
            if op.columns.limits(entity):
                record = await _stored(op, compiled, record_id, with_labels=False)
                record = _visible(op, record, entity)
                without_masked_numbers((record,))
                return record_json(shape, record), cast("int | None", record.get(VERSION))
            try:
                found = await compiled.queries.read_json(
                    op.connection, record_id, shape, op.reaches
                )
            except BadParameter:
                found = None
            if found is None:
                raise RecordNotFound(entity, record_id)
            return found

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

    async def list(
        self,
        entity: str,
        *,
        filter: str = "",
        linked_to: LinkedTo | None = None,
        fields: Sequence[str] = (),
        order: Sequence[str] = (),
        limit: int = 1000,
    ) -> builtins.list[Record]:
        """Return records that meet a condition, at most ``limit``."""
        async with self._reading() as op:
            op.entity(entity)
            condition = condition_of(op.model.registry, entity, filter)
            query = reading.plain_query(
                op.model, entity, fields, condition, order, with_labels=True
            )
            query = reading.with_link(op, query, linked_to)
            page = await reading.list_page(op, query, limit=limit, with_count=False)
            return list(page.rows)

    async def count(
        self, entity: str, *, filter: str = "", linked_to: LinkedTo | None = None
    ) -> int:
        """Return how many records meet a condition."""
        async with self._reading() as op:
            op.entity(entity)
            condition = condition_of(op.model.registry, entity, filter)
            query = reading.with_link(op, Query(entity, (), condition), linked_to)
            return await reading.count(op, query)

    async def page(
        self,
        entity: str,
        *,
        view: View,
        search: str = "",
        sort: tuple[SortKey, ...] = (),
        after: str = "",
        limit: int = 50,
        condition: str = "",
        linked_to: LinkedTo | None = None,
    ) -> RecordPage:
        """Return one page of a view, searched, sorted otherwise or narrowed by a condition."""
        async with self._reading() as op:
            op.entity(entity)
            query = query_of_view(op.model.registry, view, sort)
            query = reading.with_condition(
                query, reading.search_condition(op.model, entity, search)
            )
            query = reading.with_condition(
                query, condition_of(op.model.registry, entity, condition)
            )
            query = reading.with_link(op, query, linked_to)
            return await reading.list_page(op, query, after=after, limit=limit)

    async def select(
        self,
        entity: str,
        *,
        fields: Sequence[str] = (),
        filter: str = "",
        order: Sequence[str] = (),
        after: str = "",
        limit: int = 50,
        with_labels: bool = False,
        with_count: bool = False,
    ) -> RecordPage:
        """Return one page of named fields, as endpoints ask for it."""
        async with self._reading() as op:
            op.entity(entity)
            condition = condition_of(op.model.registry, entity, filter)
            query = reading.plain_query(
                op.model, entity, fields, condition, order, with_labels=with_labels
            )
            return await reading.list_page(
                op, query, after=after, limit=limit, with_count=with_count
            )

    async def query(
        self,
        query: Query,
        *,
        after: str = "",
        limit: int = 50,
        with_count: bool = False,
        most_input: int = reading.MOST_INPUT,
    ) -> RecordPage:
        """Return one page of a query; of one with groups or aggregates, its groups.

        ``most_input`` is how many records groups and aggregates look at, at most.

        Raises:
            RecordInvalid: ``after`` is no token of a page of this query.
            TooManyRecords: A query with aggregates would look at too many records.
        """
        async with self._reading() as op:
            op.entity(query.entity)
            if query.is_aggregate:
                grouped = replace(query, limit=limit)
                return await groups.aggregate(
                    op, grouped, most_input=most_input, with_count=with_count
                )
            return await reading.list_page(
                op, query, after=after, limit=limit, with_count=with_count
            )

    async def query_text(
        self,
        query: Query,
        writer: RowText,
        given: Any,
        *,
        after: str = "",
        limit: int = 50,
        with_count: bool = False,
        goes_on: bool = True,
    ) -> TextPage:
        """Return one page of a query without groups, expands and ``distinct`` as JSON.

        ``writer`` says how records are written, and gets ``given`` for it. Without ``goes_on`` the
        page has no next one.

        Raises:
            RecordInvalid: ``after`` is no token of a page of this query.
        """
        async with self._reading() as op:
            op.entity(query.entity)
            return await reading.text_page(
                op, query, writer, given,
                after=after, limit=limit, with_count=with_count, goes_on=goes_on,
            )  # fmt: skip

    async def change_horizon(self) -> int:
        """Return a version up to which every change can be seen already."""
        async with self._reading() as op:
            return await changes.horizon(op)

    async def is_version_reached(self, version: int) -> bool:
        """Return whether a version was ever given in this database."""
        async with self._reading() as op:
            return await changes.is_reached(op, version)

    async def gone_since(self, entity: str, version: int, most: int) -> GonePage:
        """Return records that went away since a version, as far as the principal could read them.

        Raises:
            AccessDenied: The principal may not read such records.
        """
        async with self._reading() as op:
            return await changes.gone_since(op, entity, version, most)

    async def find(self, entity: str, text: str, limit: int = 10) -> builtins.list[Reference]:
        """Return the records that a lookup offers for what was typed."""
        async with self._reading() as op:
            return await reading.find(op, entity, text, limit)

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

    async def shares_of(self, entity: str, record_id: str) -> builtins.list[SharedWith]:
        """Return whom a record is shared with, by name."""
        async with self._reading() as op:
            return await sharing.shares_of(op, entity, record_id)

    async def principal_access(
        self, principal: Reference, entity: str, record_id: str
    ) -> frozenset[str]:
        """Return the privileges that a user or team has on a record, whatever they come from."""
        async with self._reading() as op:
            return await sharing.principal_access(op, principal, entity, record_id)

    async def access_teams(self, entity: str, record_id: str) -> builtins.list[AccessTeam]:
        """Return the templates for records of an entity, with the members that a record has."""
        async with self._reading() as op:
            return await access_teams.teams_of(op, entity, record_id)

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

    async def execute(
        self, entity: str, record_id: str, command: str, parameters: Record
    ) -> CommandResult:
        """Run a command on a record."""
        async with self._writing() as op:
            return await commands.execute(op, entity, record_id, command, parameters)

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

    async def calculate_rollup(self, entity: str, record_id: str, field: str) -> dict[str, object]:
        """Work out a rollup of a record now, and return what was written.

        Raises:
            RecordNotFound: There is no such record, or no such rollup.
            RecordInvalid: The tree below the record is too deep to be looked through now.
            AccessDenied: The principal may not change the record.
        """
        async with self._writing() as op:
            compiled = op.entity(entity)
            await require_record(op, entity, record_id, "write")
            item = compiled.entity.field_by_name.get(field)
            if item is None or item.rollup is None:
                raise RecordNotFound(entity, field)
            try:
                written = await rollups.calculate(
                    op, entity, [record_id], names=[field],
                    most_levels=rollups.MOST_LEVELS_ON_DEMAND,
                )  # fmt: skip
            except BadParameter:
                raise RecordNotFound(entity, record_id) from None
            if record_id not in written:
                raise RecordNotFound(entity, record_id)
            values = written[record_id]
            if values[f"{field}{ROLLUP_STATE}"] == RollupState.HIERARCHY_LIMIT:
                params = {"max": rollups.MOST_LEVELS_ON_DEMAND}
                raise RecordInvalid(entity, [Violation(field, "violation.tree_too_deep", params)])
            return values

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

    async def allowed(
        self, entity: str, record_id: str, privileges: Sequence[str]
    ) -> frozenset[str]:
        """Return which privileges the principal has on a record; none when it may not be read."""
        async with self._reading() as op:
            op.entity(entity)
            return await allowed(op, entity, record_id, tuple(privileges)) or frozenset()

    async def access(self) -> Access:
        """Return what the principal may do: for buttons, menus and explanations."""
        async with self._reading() as op:
            return op.model.system_access if op.is_system else op.access

    def _inside(self, operation: Operation) -> ActingRecords:
        return ActingRecords(self._parts, operation.principal, operation)


def _visible(op: Operation, record: dict[str, Any], entity: str) -> dict[str, Any]:
    """Return a record as the principal may see it; unmasked reads are noted for auditors."""
    columns = op.columns
    if columns.is_free:
        return record
    if not op.is_unmasked:
        return columns.record(entity, record)
    record_id = str(record[op.entity(entity).entity.primary_id])
    access_audit.note_unmasked(op, entity, record_id, columns.unmasked(entity, ONE_RECORD))
    return columns.record(entity, record, ONE_RECORD)


async def _stored(
    op: Operation, compiled: CompiledEntity, record_id: str, *, with_labels: bool
) -> dict[str, Any]:
    """Return a record's stored fields; an id of another shape names no record."""
    try:
        record = await compiled.queries.read(
            op.connection, record_id, with_labels=with_labels, asker=op.asker
        )
    except BadParameter:
        record = None
    if record is None:
        raise RecordNotFound(compiled.entity.name, record_id)
    return record
