"""Pages of jobs: what runs, waits and failed; one job with its steps; run it again or cancel it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from starlette.responses import Response

from kartoteka.errors import AccessDenied, Violation
from kartoteka.record_values import Reference
from kartoteka_runtime.localization.format_value import instant_writer
from kartoteka_runtime.records.jobs import (
    Jobs,
    JobsOverview,
    job_json,
    names_of_records,
    record_of,
)
from kartoteka_runtime.storage.stored_job import (
    PARKED,
    REPEATABLE,
    RUNNING,
    STATES,
    UNREADABLE,
    WAITING,
    StoredJob,
    unreadable_columns,
)
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import PostRefused
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.violation_texts import violation_text

SEE_JOBS = "see_jobs"
_COUNTED = 10_000  # above this a count is only said to be more
_MOST = 50
_OPEN = (RUNNING, WAITING)  # jobs that change while one looks


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as the list shows it."""

    id: str
    label: str
    name: str
    state: str
    chip: str
    who: str
    when: str
    progress: str
    text: str
    about: str = ""
    about_address: str = ""  # empty where the record is gone, or not for whoever looks


@dataclass(frozen=True, slots=True)
class StateTab:
    """One state with how many jobs are in it."""

    name: str
    label: str
    count: str
    address: str


async def show_jobs(page: PageRequest) -> Response:
    """Show jobs, the newest first; a fragment of the list asks again while something is open."""
    _require(page)
    query = {key: _asked(page, key) for key in ("state", "job", "before")}
    state, job = query["state"], query["job"]
    if state not in STATES:
        state = ""
    jobs = Jobs(page.client.parts.database)
    found = await jobs.list(state=state, job=job, before=query["before"], most=_MOST)
    overview = await jobs.overview()
    who = await _people(page, found.jobs)
    names = await names_of_records(page.records, map(record_of, found.jobs))
    return page.render(
        "fragments/_jobs.html" if page.is_fragment else "pages/jobs.html",
        title=page.text("jobs.title"),
        tabs=[_tab(page, "", overview), *(_tab(page, name, overview) for name in STATES)],
        state=state,
        rows=[_row(page, one, who, names) for one in found.jobs],
        again=_address(**query),
        older=_address(state=state, job=job, before=found.more) if found.more else "",
        is_open=any(overview.counts[name] for name in _OPEN),
        is_idle=bool(overview.counts[WAITING]) and not overview.workers,
        workers=[(worker.place, _moment(page, worker.started_on)) for worker in overview.workers],
        schedules=[
            (one.name, one.cron, _moment(page, one.next_on), _moment(page, one.last_on))
            for one in overview.schedules
        ],
    )


async def show_job(page: PageRequest) -> Response:
    """Show one job."""
    _require(page)
    return await _render(page)


async def change_job(page: PageRequest) -> Response:
    """Run a job again from the step that failed, or cancel it."""
    _require(page)
    post = await page.post()
    post.check_names({TOKEN, "_do"})
    jobs, job_id = Jobs(page.client.parts.database), _job_id(page)
    await jobs.read(job_id)
    match post.text("_do"):
        case "again":
            done, notice = await jobs.run_again(job_id), "jobs.runs_again"
        case "cancel":
            done, notice = await jobs.cancel(job_id), "jobs.is_canceled"
        case _:
            raise PostRefused(400, "error.bad_request", "no such button")
    return page.redirect(f"/jobs/{job_id}", notice if done else "jobs.not_possible")


async def _render(page: PageRequest) -> Response:
    detail = await Jobs(page.client.parts.database).read(_job_id(page))
    job, shown = detail.job, job_json(detail.job, detail.steps)
    text = page.text
    facts = [
        ("jobs.id", job.id),
        ("jobs.name", job.job),
        ("jobs.queue", job.queue),
        ("jobs.who", _who(page, job, await _people(page, [job]))),
        ("jobs.created", _moment_of(page, job, "created_on")),
        ("jobs.run_at", _moment_of(page, job, "run_at") if job.state == WAITING else ""),
        ("jobs.started", _moment(page, job.started_on)),
        ("jobs.ended", _moment(page, job.ended_on)),
        ("jobs.attempts", str(job.attempts) if job.claims else ""),
        ("jobs.progress", _progress(job)),
    ]
    return page.render(
        "fragments/_job.html" if page.is_fragment else "pages/job.html",
        title=_label(page, job),
        row=_row(page, job, {}, await names_of_records(page.records, [record_of(job)])),
        facts=[(text(key), value) for key, value in facts if value],
        input=json.dumps(shown["arguments"], ensure_ascii=False, indent=2),
        steps=[
            (
                text("jobs.sleep") if step["kind"] == "sleep" else step["name"],
                json.dumps(step["result"], ensure_ascii=False),
                _moment(page, stored.done_on),
            )
            for step, stored in zip(shown["steps"], detail.steps, strict=True)
        ],
        why=list(_why(page, job)),
        error=shown["error"],
        can_run_again=job.state in REPEATABLE,
        can_cancel=job.state in (*_OPEN, PARKED) and not job.is_cancel_asked,
        is_open=job.state in _OPEN,
    )


def _require(page: PageRequest) -> None:
    if not page.may(SEE_JOBS):
        raise AccessDenied("error.forbidden", {"privilege": SEE_JOBS})


def _asked(page: PageRequest, name: str) -> str:
    """Return what an address says, without what no database takes."""
    return page.query.get(name, "").replace("\0", "")


def _job_id(page: PageRequest) -> str:
    return str(page.request.path_params["job_id"]).replace("\0", "")


def _tab(page: PageRequest, state: str, overview: JobsOverview) -> StateTab:
    if not state:
        return StateTab("", page.text("jobs.all"), "", _address())
    count = overview.counts[state]
    shown = f"{_COUNTED}+" if count > _COUNTED else str(count) if count else ""
    return StateTab(state, page.text(f"jobs.state.{state}"), shown, _address(state=state))


def _row(
    page: PageRequest,
    job: StoredJob,
    who: Mapping[str, str],
    names: Mapping[tuple[str, str], str],
) -> JobRow:
    state, chip = job.state, ""
    about, about_address = _about(page, record_of(job), names)
    if job.state == RUNNING and job.is_cancel_asked:
        state = "canceling"
    elif job.state == WAITING and job.run_at > datetime.now(UTC):
        state = "scheduled"
    if job.state in _OPEN:
        chip = "k-chip--open"
    elif job.state not in ("failed", PARKED):
        chip = "k-chip--closed"
    return JobRow(
        id=job.id,
        label=_label(page, job),
        name=job.job,
        state=page.text(f"jobs.state.{state}") if state else job.unreadable["state"],
        chip=chip,
        who=_who(page, job, who),
        when=_moment_of(page, job, "run_at" if state == "scheduled" else "created_on"),
        progress=_progress(job),
        text="; ".join(_why(page, job)),
        about=about,
        about_address=about_address,
    )


def _about(
    page: PageRequest, record: Reference | None, names: Mapping[tuple[str, str], str]
) -> tuple[str, str]:
    """Return what the record of a job is called, and where it is for who may read it."""
    if record is None:
        return "", ""
    key = (record.entity, record.id)
    kind = page.words.labels.entity(record.entity, page.language)
    shown = f"{kind}: {names.get(key) or record.id}"
    return shown, address_of(*key) if key in names else ""


def _label(page: PageRequest, job: StoredJob) -> str:
    handler = page.client.parts.records.hooks.job_handlers.get(job.job)
    return page.text(handler.label) if handler is not None and handler.label else job.job


def _who(page: PageRequest, job: StoredJob, names: Mapping[str, str]) -> str:
    if job.is_system:
        return page.text("jobs.platform")
    return names.get(job.user_id, job.user_id)


async def _people(page: PageRequest, jobs: Iterable[StoredJob]) -> dict[str, str]:
    """Return the names of those as whom jobs run, by id; who is gone has none."""
    sessions = page.client.parts.sessions
    ids = {job.user_id for job in jobs if not job.is_system}
    users = [await sessions.known_user(user_id) for user_id in sorted(ids)]
    return {user.user_id: user.name for user in users if user is not None}


def _why(page: PageRequest, job: StoredJob) -> Iterable[str]:
    """Yield why a job is where it is: a message each, else what the error says."""
    shown = job_json(job)
    reason, error = shown["reason"], shown["error"]
    if job.unreadable:
        yield page.text(UNREADABLE, columns=unreadable_columns(job))
    elif reason is not None:
        yield page.text(reason["code"], **reason.get("params", {}))
    elif error is not None:
        for message in error["messages"]:
            violation = Violation(None, message["code"], message.get("params", {}))
            yield violation_text(violation, "", page.words)
        if not error["messages"]:
            yield f"{error['type']}: {error['text']}"
    elif shown["progress"] and shown["progress"]["text"]:
        yield str(shown["progress"]["text"])


def _progress(job: StoredJob) -> str:
    if job.progress_done is None:
        return ""
    if not job.progress_total:
        return str(job.progress_done)
    return f"{job.progress_done} / {job.progress_total}"


def _moment_of(page: PageRequest, job: StoredJob, name: str) -> str:
    return "" if name in job.unreadable else _moment(page, getattr(job, name))


def _moment(page: PageRequest, moment: datetime | None) -> str:
    return "" if moment is None else instant_writer(page.language, page.zone)(moment)


def _address(**query: str) -> str:
    filled = {key: value for key, value in query.items() if value}
    return f"/jobs?{urlencode(filled)}" if filled else "/jobs"
