"""The platform's own jobs about files: remove what no record names, and what was abandoned."""

from __future__ import annotations

from kartoteka.plugin_api.jobs import JobContext, JobHandler, Schedule
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.kept_files import REMOVE_JOB
from kartoteka_runtime.records.record_files import RecordFiles

FORGET_UPLOADS = "kartoteka.forget_uploads"
FORGET_HOURLY = Schedule(FORGET_UPLOADS, FORGET_UPLOADS, "40 * * * *")
_ATTEMPTS, _WAIT_SECONDS = 30, 15.0  # more than a day in all, as long as storage may be away


def file_jobs(files: RecordFiles) -> tuple[JobHandler, ...]:
    """Return what carries the jobs out.

    Bytes are removed outside of steps: to do so twice does no harm, and a transaction that waits
    for storage holds up others.
    """

    async def remove(job: JobContext) -> None:
        records = job.system_records
        assert isinstance(records, ActingRecords)
        removed = 0
        while found := await files.remove_unnamed(records):
            removed += found
            await job.progress(removed)

    async def forget(job: JobContext) -> None:
        records = job.system_records
        assert isinstance(records, ActingRecords)
        await files.retire_abandoned(records)
        await remove(job)  # a purge leaves some too

    return (
        JobHandler(
            REMOVE_JOB, remove, most_attempts=_ATTEMPTS, wait_seconds=_WAIT_SECONDS,
            as_system=True, label="jobs.remove_files",
        ),
        JobHandler(FORGET_UPLOADS, forget, as_system=True, label="jobs.forget_uploads"),
    )  # fmt: skip
