"""ActingReads: everything that can be asked of records, as one principal."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kartoteka.model.view import SortKey, View
from kartoteka.plugin_api.contexts import AccessTeam, SharedWith
from kartoteka.query.of_view import condition_of, query_of_view
from kartoteka.query.query import LinkedTo, Query
from kartoteka.record_values import Record, Reference
from kartoteka_runtime.records import (
    access_teams,
    changes,
    groups,
    one_record,
    reading,
    sharing,
)
from kartoteka_runtime.records.acting_scope import ActingScope
from kartoteka_runtime.records.changes import GonePage
from kartoteka_runtime.records.reading import RecordPage, TextPage
from kartoteka_runtime.records.record_access import allowed
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.storage.json_rows import JsonShape, RowText


class ActingReads(ActingScope):
    """The reading half of the record service; outside of a transaction each call is one."""

    async def read(self, entity: str, record_id: str) -> dict[str, object]:
        """Return every field of one record, lookups with names and parties included."""
        async with self._reading() as op:
            return await one_record.read(op, entity, record_id)

    async def read_fields(
        self, entity: str, record_id: str, *, with_labels: bool = False
    ) -> dict[str, object]:
        """Return the stored fields of one record, lookups without names unless asked for."""
        async with self._reading() as op:
            return await one_record.read_fields(op, entity, record_id, with_labels=with_labels)

    async def read_json(
        self, entity: str, record_id: str, shape: JsonShape
    ) -> tuple[bytes, int | None]:
        """Return one record as a JSON object of stored fields, and its version (None: it has none).

        Raises:
            RecordNotFound: There is no such record.
        """
        async with self._reading() as op:
            return await one_record.read_json(op, entity, record_id, shape)

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

    async def find(self, entity: str, text: str, limit: int = 10) -> builtins.list[Reference]:
        """Return the records that a lookup offers for what was typed."""
        async with self._reading() as op:
            return await reading.find(op, entity, text, limit)

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
