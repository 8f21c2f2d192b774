"""The platform's own job: forget what was done long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kartoteka.plugin_api.contexts import Records
from kartoteka.plugin_api.jobs import JobContext, JobHandler, Schedule
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.changes import GONE_KEPT_DAYS
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.gone_records import forget_gone
from kartoteka_runtime.storage.job_lists import JobLists

_KEPT = timedelta(days=30)  # jobs that were done or canceled; others stay until somebody looks
_AT_ONCE = 500


async def forget_old_jobs(job: JobContext) -> None:
    """Delete jobs that were done or canceled long ago, and what went away before any token.

    Some of them at a time.
    """

    async def forget(records: Records) -> int:
        operation = operation_of(records)
        lists = JobLists(operation.model.dialect)
        before = datetime.now(UTC) - _KEPT
        old = await lists.old(operation.connection, before, most=_AT_ONCE)
        for job_id in old:
            await lists.forget(operation.connection, job_id)
        return len(old)

    async def forget_changes(records: Records) -> int:
        operation = operation_of(records)
        before = encode_instant(datetime.now(UTC) - timedelta(days=GONE_KEPT_DAYS))
        dialect = operation.model.dialect
        return await forget_gone(operation.connection, dialect, before, _AT_ONCE)

    forgotten = 0
    for name, step in (("forget", forget), ("forget changes", forget_changes)):
        while found := await job.step(name, step):
            forgotten += found
            await job.progress(forgotten)


FORGET_JOBS = JobHandler(
    "kartoteka.forget_jobs", forget_old_jobs, as_system=True, label="jobs.forget"
)
FORGET_DAILY = Schedule("kartoteka.forget_jobs", FORGET_JOBS.name, "20 3 * * *")
