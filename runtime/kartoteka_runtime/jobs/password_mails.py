"""The platform's own jobs that send mail about passwords: a server that is down delays them.

What a job is handed names whom, never what opens anything: the way to a new password is made when
its mail is sent, so that it holds for an hour from then, and no list of jobs shows it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kartoteka.plugin_api.contexts import Records
from kartoteka.plugin_api.jobs import JobContext, JobFailed, JobHandler
from kartoteka_runtime.mail import MailRefused
from kartoteka_runtime.security.password_resets import ASKED, CHANGED, RESET, PasswordResets

_ATTEMPTS, _WAIT_SECONDS = 30, 15.0  # more than a day in all


def password_mail_jobs(resets: PasswordResets) -> tuple[JobHandler, ...]:
    """Return what carries the jobs out."""

    async def asked(job: JobContext) -> None:
        """Look for whom somebody meant, and send each of them a mail by a job of its own."""
        people = await resets.people_at(str(job.arguments.get("asked", "")))

        async def enqueue(records: Records) -> None:
            for person in people:
                await records.enqueue(RESET, {"user_id": person.user_id}, key=person.user_id)

        await job.step("enqueue", enqueue)

    async def send_reset(job: JobContext) -> None:
        await _send(resets.send(str(job.arguments.get("user_id", ""))))

    async def send_changed(job: JobContext) -> None:
        await _send(resets.tell_changed(str(job.arguments.get("user_id", ""))))

    return (
        JobHandler(ASKED, asked, as_system=True, label="jobs.password_asked"),
        _mail(RESET, send_reset, "jobs.password_reset"),
        _mail(CHANGED, send_changed, "jobs.password_changed"),
    )


def _mail(name: str, run: Callable[[JobContext], Awaitable[None]], label: str) -> JobHandler:
    return JobHandler(
        name,
        run,
        most_attempts=_ATTEMPTS,
        wait_seconds=_WAIT_SECONDS,
        as_system=True,
        label=label,
    )


async def _send(sending: Awaitable[bool]) -> None:
    """Send outside of any step: a transaction that waits for a mail server holds up others."""
    try:
        await sending
    except MailRefused as refused:
        raise JobFailed("job.error.mail_refused", {"detail": str(refused)}) from refused
