"""The job that deletes many records: those of an id list, or all that a query finds.

It deletes as whoever asked for it, and what whoever acts for them may too, with the access they
have by then. A record that is refused stays and is counted; the others go. See decisions/0045.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound
from kartoteka.plugin_api.contexts import Principal, Records
from kartoteka.plugin_api.jobs import JobContext, JobFailed, JobHandler, Json
from kartoteka.query.fetch_xml import read_fetch
from kartoteka.query.of_view import path_of
from kartoteka.query.query_error import QueryError
from kartoteka_runtime.records.acting_records import ActingRecords

BULK_DELETE_JOB = "kartoteka.bulk_delete"
MOST_IDS = 10_000
_AT_ONCE = 100  # records that one step deletes
_FOUND = 1_000  # records that one step looks for
_REFUSALS = (AccessDenied, RecordInvalid)
_ID_BYTES = 16


def packed(ids: Iterable[str]) -> str:
    """Return ids as a short text, as the job's arguments hold them."""
    return base64.b64encode(b"".join(UUID(record_id).bytes for record_id in ids)).decode()


def unpacked(text: str) -> list[str]:
    """Return the ids that a text of ``packed`` holds."""
    data = base64.b64decode(text)
    return [
        str(UUID(bytes=data[start : start + _ID_BYTES])) for start in range(0, len(data), _ID_BYTES)
    ]


async def delete_in_bulk(job: JobContext) -> None:
    """Delete what the arguments name: ``ids`` of an ``of`` entity, and what ``queries`` find."""
    work = _Work(job)
    if "ids" in job.arguments:
        ids = unpacked(job.arguments["ids"])
        work.total = len(ids)
        await work.delete(job.arguments["of"], ids)
    for text in job.arguments.get("queries", ()):
        await work.delete_found(text)


class _Work:
    """One run of the job; ``done`` counts records that were tried, ``refused`` those that stay."""

    def __init__(self, job: JobContext) -> None:
        self._job = job
        self._caller = str(job.arguments.get("caller", ""))
        self.total = self.done = self.refused = 0

    async def delete_found(self, text: str) -> None:
        """Delete what a FetchXML query finds, in the order of ids."""
        entity, after, has_more = "", "", True
        while has_more:
            try:
                found = await self._job.step("find", _finding(self._caller, text, after))
            except QueryError as error:  # a type or field is gone since
                raise JobFailed("bulk_delete.query", {"reason": str(error)}) from error
            entity, after, has_more = found["entity"], found["after"], bool(found["after"])
            self.total += len(found["ids"])
            await self.delete(entity, found["ids"])

    async def delete(self, entity: str, ids: Sequence[str]) -> None:
        for start in range(0, len(ids), _AT_ONCE):
            batch = ids[start : start + _AT_ONCE]
            try:
                await self._job.step("delete", _deleting(self._caller, entity, batch))
            except _REFUSALS:
                for record_id in batch:
                    await self._delete_one(entity, record_id)
            self.done += len(batch)
            text = f"{entity}: {self.refused} refused" if self.refused else entity
            await self._job.progress(self.done, max(self.total, self.done), text)

    async def _delete_one(self, entity: str, record_id: str) -> None:
        try:
            await self._job.step("delete one", _deleting(self._caller, entity, [record_id]))
        except _REFUSALS:
            self.refused += 1


async def _acting(records: Records, caller: str) -> ActingRecords:
    """Return the record service of a step, allowed what the user and who acts for them both may."""
    assert isinstance(records, ActingRecords)
    if not caller:
        return records
    op = records.operation
    principal = replace(op.principal, on_behalf_of=Principal(caller, ""))
    access = await op.model.accesses.of(op.connection, principal)
    acting = op.records_for(replace(op, principal=principal, access=access))
    assert isinstance(acting, ActingRecords)
    return acting


def _finding(caller: str, text: str, after: str) -> Any:
    async def find(given: Records) -> Mapping[str, Json]:
        records = await _acting(given, caller)
        registry = records.model.registry
        query = read_fetch(text, registry).query
        identity = path_of(registry, query.entity, registry.entities[query.entity].primary_id)
        query = replace(query, columns=(identity,), order=(), with_labels=False)
        page = await records.query(query, after=after, limit=_FOUND)
        ids = [str(row[identity.key]) for row in page.rows]
        return {"entity": query.entity, "ids": ids, "after": page.next_after}

    return find


def _deleting(caller: str, entity: str, ids: Sequence[str]) -> Any:
    async def delete(given: Records) -> None:
        records = await _acting(given, caller)
        for record_id in ids:
            try:
                await records.delete(entity, record_id)
            except RecordNotFound as gone:
                if (gone.entity, gone.record_id) != (entity, record_id):
                    raise

    return delete


def arguments_of(
    entity: str, ids: Sequence[str], queries: Sequence[str], caller: Principal | None = None
) -> dict[str, Any]:
    """Return the arguments of a job that deletes these records and what these queries find.

    ``caller`` is who acts on behalf of the user whose job it is.
    """
    arguments: dict[str, Any] = {} if caller is None else {"caller": caller.user_id}
    if ids:
        arguments |= {"of": entity, "ids": packed(ids)}
    if queries:
        arguments["queries"] = list(queries)
    return arguments


BULK_DELETE = JobHandler(BULK_DELETE_JOB, delete_in_bulk, most_attempts=4, label="bulk_delete.job")
