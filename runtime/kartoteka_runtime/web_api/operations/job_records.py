"""``asyncoperations(<id>)``: how far a job is, as clients read what ``BulkDelete`` began.

Jobs are no records: one is read by its id, by whoever began it or may see all jobs.
"""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka_runtime.records.bulk_delete import BULK_DELETE_JOB
from kartoteka_runtime.records.jobs import Jobs
from kartoteka_runtime.storage.database import Database
from kartoteka_runtime.storage.stored_job import StoredJob, dataverse_state
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.record_keys import primary_id_of
from kartoteka_runtime.web_api.serialize import to_json

JOBS = "asyncoperations"
SEE_JOBS = "see_jobs"
_ENTITY = "asyncoperation"
_BULK_DELETE, _OTHER = 13, 1  # operation types of Dataverse


class JobRecords:
    """Answers reads of single jobs."""

    def __init__(self, database: Database) -> None:
        """Read the jobs of ``database``."""
        self._jobs = Jobs(database)

    async def __call__(self, call: ApiCall) -> Response:
        """Answer a call.

        Raises:
            NoSuchAddress: It asks for more than one job.
            MethodNotTaken: It is no GET.
            RecordNotFound: There is no such job, or not for whoever asks.
        """
        said = call.segments[0].arguments
        if len(call.segments) > 1 or said is None:
            raise NoSuchAddress(shorten(call.request.url.path))
        if call.method not in ("GET", "HEAD"):
            raise MethodNotTaken("GET")
        job_id = primary_id_of(said.rpartition("=")[2].strip("'").lower())
        if not job_id:
            raise RecordNotFound(_ENTITY, shorten(said))
        try:
            job = (await self._jobs.read(job_id)).job
        except RecordNotFound:
            raise RecordNotFound(_ENTITY, job_id) from None
        is_own = bool(job.user_id) and job.user_id == call.principal.user_id
        if not is_own and not (await call.records.access()).has(SEE_JOBS):
            raise RecordNotFound(_ENTITY, job_id)
        context = f"{call.root}$metadata#{JOBS}/$entity"
        return Response(
            to_json({"@odata.context": context, **_told(job)}), 200, {"OData-Version": "4.0"},
            media_type="application/json; odata.metadata=minimal",
        )  # fmt: skip


def _told(job: StoredJob) -> dict[str, object]:
    state, reason = dataverse_state(job, datetime.now(UTC))

    def moment(name: str) -> str | None:
        value = None if name in job.unreadable else getattr(job, name)
        return None if value is None else f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    return {
        "asyncoperationid": job.id,
        "name": job.job,
        "operationtype": _BULK_DELETE if job.job == BULK_DELETE_JOB else _OTHER,
        "statecode": state,
        "statuscode": reason,
        "_ownerid_value": job.user_id or None,
        "createdon": moment("created_on"),
        "startedon": moment("started_on"),
        "completedon": moment("ended_on"),
        "retrycount": max(0, job.attempts - 1),
        "message": job.progress_text,
        "progress": job.progress_done,
        "progresstotal": job.progress_total,
    }
