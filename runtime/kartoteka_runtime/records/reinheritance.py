"""The job that works out anew what records inherit, after a publish changed what they name.

Values of a lookup that passes access on leave it, or come back to it, without the pipeline: a
target is lost, the lookup is retired or returns. See ``inherited_shares``.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from kartoteka.plugin_api.contexts import Records
from kartoteka.plugin_api.jobs import DEFAULT_QUEUE, JobContext, JobHandler, Json
from kartoteka_runtime.records import inherited_shares
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.identifiers import new_id
from kartoteka_runtime.records.recalculation import ids_after
from kartoteka_runtime.storage.job_outbox import NewJob

INHERIT_JOB = "kartoteka.inherit"
_ATTEMPTS = 4


def reinheritance(entity: str, *, publication: int) -> NewJob:
    """Return the job that works out what all records of an entity inherit, after a publish."""
    now, job_id = datetime.now(UTC), new_id()
    return NewJob(
        id=job_id, job=INHERIT_JOB, arguments=json.dumps({"entity": entity}), queue=DEFAULT_QUEUE,
        key=None, run_at=now, user_id="", is_system=True, publication=publication, depth=1,
        correlation_id=job_id, chain_on=now, created_on=now,
    )  # fmt: skip


async def _inherit(job: JobContext) -> None:
    """Work out what all records of an entity inherit, in batches."""
    entity = job.arguments["entity"]
    done, after = 0, ""
    while entity in job.registry.entities:  # else it was unpublished meanwhile

        async def batch(records: Records, after: str = after) -> Json:
            op = operation_of(records)
            ids, has_more = await ids_after(op, entity, after)
            nodes = [(entity, record_id) for record_id in ids]
            await inherited_shares.refresh(op, nodes, inherited_shares.REPARENT)
            return {"done": len(ids), "after": ids[-1] if has_more else ""}

        found = await job.step("batch", batch)
        done, after = done + found["done"], found["after"]
        await job.progress(done, done, entity)
        if not after:
            return


REINHERITANCE = JobHandler(
    INHERIT_JOB, _inherit, most_attempts=_ATTEMPTS, as_system=True, label="sharing.inheritance_job"
)
