"""The platform's own job: forget what was done long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kartoteka.plugin_api.contexts import Records
from kartoteka.plugin_api.jobs import JobContext, JobHandler, Schedule
from kartoteka_runtime.records.record_service import ActingRecords
from kartoteka_runtime.storage.job_lists import JobLists

_KEPT = timedelta(days=30)  # jobs that were done or canceled; others stay until somebody looks
_AT_ONCE = 500


async def forget_old_jobs(job: JobContext) -> None:
    """Delete jobs that were done or canceled long ago, some of them at a time."""

    async def forget(records: Records) -> int:
        assert isinstance(records, ActingRecords)
        operation = records.open_operation
        assert operation is not None
        lists = JobLists(operation.model.dialect)
        before = datetime.now(UTC) - _KEPT
        old = await lists.old(operation.connection, before, most=_AT_ONCE)
        for job_id in old:
            await lists.forget(operation.connection, job_id)
        return len(old)

    forgotten = 0
    while found := await job.step("forget", forget):
        forgotten += found
        await job.progress(forgotten)


FORGET_JOBS = JobHandler(
    "kartoteka.forget_jobs", forget_old_jobs, as_system=True, label="jobs.forget"
)
FORGET_DAILY = Schedule("kartoteka.forget_jobs", FORGET_JOBS.name, "20 3 * * *")
