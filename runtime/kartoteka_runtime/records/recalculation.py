"""Jobs that work out calculated values: of one record, and of all records of an entity."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kartoteka.calculated.rollups import rollups_of
from kartoteka.conditions.asker import Asker
from kartoteka.conditions.typed import FieldPath, ValueKind
from kartoteka.errors import KartotekaError
from kartoteka.model.field import RollupState
from kartoteka.plugin_api.contexts import Records
from kartoteka.plugin_api.jobs import DEFAULT_QUEUE, JobContext, JobHandler, Json
from kartoteka.query.query import Query
from kartoteka_runtime.records import rollups
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.identifiers import new_id
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.rollup_changes import ROLLUPS_JOB
from kartoteka_runtime.storage.job_outbox import NewJob

RECALCULATE_JOB = "kartoteka.recalculate"
_ATTEMPTS = 4
_BATCH = 200


def recalculation_jobs() -> tuple[JobHandler, ...]:
    """Return the handlers of both jobs."""
    return (
        JobHandler(
            ROLLUPS_JOB, _work_out_rollups, most_attempts=_ATTEMPTS, as_system=True,
            label="rollup.job",
        ),
        JobHandler(
            RECALCULATE_JOB, _recalculate, most_attempts=_ATTEMPTS, as_system=True,
            label="rollup.recalculation_job",
        ),
    )  # fmt: skip


def recalculation(entity: str, fields: Sequence[str], *, publication: int) -> NewJob:
    """Return the job that works out fields of all records of an entity, after a publish."""
    now, job_id = datetime.now(UTC), new_id()
    arguments = json.dumps({"entity": entity, "fields": sorted(fields)})
    return NewJob(
        id=job_id, job=RECALCULATE_JOB, arguments=arguments, queue=DEFAULT_QUEUE, key=None,
        run_at=now, user_id="", is_system=True, publication=publication, depth=1,
        correlation_id=job_id, chain_on=now, created_on=now,
    )  # fmt: skip


async def _work_out_rollups(job: JobContext) -> None:
    """Work out the rollups of one record, then those over the tree of everything above it."""
    entity, record_id = job.arguments["entity"], job.arguments["id"]
    if entity not in job.registry.entities:
        return  # it was unpublished meanwhile
    try:
        above = await job.step(entity, _in_step(_one, entity, record_id))
        for parent in above:
            await job.step(entity, _in_step(_over_the_tree, entity, parent))
    except KartotekaError:
        state = RollupState.OTHER_ERROR
        if job.attempt >= _ATTEMPTS:
            state = RollupState.RETRY_LIMIT
        await job.step(f"mark {job.attempt}", _in_step(_mark, entity, record_id, state))
        raise


async def _recalculate(job: JobContext) -> None:
    """Work out stored formulas and rollups of all records of an entity, in batches."""
    entity = job.arguments["entity"]
    found = job.registry.entities.get(entity)
    if found is None:
        return
    wanted = job.arguments["fields"]
    names = [name for name in wanted if name in found.field_by_name]
    formulas = [name for name in names if found.field_by_name[name].stored]
    totals = [name for name in names if found.field_by_name[name].rollup is not None]
    if not formulas and not totals:
        return
    total = await job.step("count", _in_step(_count, entity))
    done, after = 0, ""
    while True:
        batch = await job.step("batch", _in_step(_batch, entity, formulas, totals, after))
        done, after = done + batch["done"], batch["after"]
        await job.progress(done, max(total, done), entity)
        if not after:
            return


_Work = Callable[..., Awaitable[Json]]


def _in_step(work: _Work, *arguments: Any) -> Callable[[Records], Awaitable[Json]]:
    """Return the function that a step calls: ``work`` in the step's transaction."""

    async def call(records: Records) -> Json:
        return await work(operation_of(records), *arguments)

    return call


async def _one(op: Operation, entity: str, record_id: str) -> list[str]:
    await rollups.calculate(op, entity, [record_id])
    return await rollups.parents_of(op, entity, record_id)


async def _over_the_tree(op: Operation, entity: str, record_id: str) -> None:
    names = [
        item.field.name for item in rollups_of(op.model.registry, entity) if item.parent is not None
    ]
    await rollups.calculate(op, entity, [record_id], names=names)


async def _mark(op: Operation, entity: str, record_id: str, state: RollupState) -> None:
    await rollups.mark(op, entity, record_id, state)


async def _count(op: Operation, entity: str) -> int:
    return await op.model.queries.count(op.connection, Query(entity), Asker(), 2**31 - 1)


async def _batch(
    op: Operation, entity: str, formulas: Sequence[str], totals: Sequence[str], after: str
) -> Mapping[str, Json]:
    """Work out the records that follow ``after`` by their ids, and return the last of them."""
    ids, has_more = await ids_after(op, entity, after)
    for record_id in ids if formulas else ():
        await _store_formulas(op, entity, record_id)
    if totals and ids:
        await rollups.calculate(op, entity, ids, names=totals)
    return {"done": len(ids), "after": ids[-1] if has_more else ""}


async def ids_after(op: Operation, entity: str, after: str) -> tuple[list[str], bool]:
    """Return the ids that follow one, some at a time, and whether there are more."""
    definition = op.entity(entity).entity
    path = FieldPath((), entity, definition.field_by_name[definition.primary_id], ValueKind.ID)
    query = Query(entity, (path,), after=(after,) if after else (), limit=_BATCH, with_labels=False)
    rows, _, has_more = await op.model.queries.page(op.connection, query, Asker())
    return [str(row[path.key]) for row in rows], has_more


async def _store_formulas(op: Operation, entity: str, record_id: str) -> None:
    compiled = op.entity(entity)
    needed = tuple(sorted(compiled.formulas.needed))
    before = await compiled.queries.read(
        op.connection, record_id, names=needed, for_update=True, keeps_id=True
    )
    if before is None:
        return
    values = compiled.formulas.anew(before)
    changed = {
        name: value for name, value in values.items()
        if value != before.get(name) or (value is None) != (before.get(name) is None)
    }  # fmt: skip
    if changed:
        await compiled.queries.write_calculated(op.connection, record_id, changed)
        await compiled.rollup_changes.updated(op, record_id, changed, before)
