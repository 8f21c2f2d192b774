"""The jobs of webhooks: send what waits for one, and forget what is old.

One job sends everything that waits for a webhook, however many records changed. What it takes is
marked first, so that nobody else takes it too; what became of it is written after. A worker that
dies between the two makes a message be sent again, under the id that it had.

Source of the waits and answers: standard-webhooks specification, sections on retries.
"""

from __future__ import annotations

import asyncio
import secrets as randomness
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kartoteka.errors import RecordConflict, RecordNotFound
from kartoteka.plugin_api.contexts import Records
from kartoteka.plugin_api.jobs import JobContext, JobHandler, JobQueue, Schedule
from kartoteka_runtime.jobs.webhook_sender import Answer, WebhookSender
from kartoteka_runtime.records import outbox
from kartoteka_runtime.records.acting_records import ActingRecords, operation_of
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.webhook_messages import (
    DELIVERED,
    FAILED,
    NOT_SENT,
    SEND,
    enqueue_sending,
)
from kartoteka_runtime.records.webhooks import DELIVERY, WEBHOOK
from kartoteka_runtime.security.webhook_secrets import WebhookSecrets, signatures
from kartoteka_runtime.storage.access_facts import SUBSCRIPTIONS
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.job_outbox import JobOutbox

KEEP = "kartoteka.webhooks_keep"
QUEUE = JobQueue("webhooks", concurrency=4)  # slow systems do not take every place of the workers
# Seconds to wait after each failed attempt but the last.
WAITS = (5, 300, 1800, 7200, 28_800, 86_400, 172_800)
MOST_ATTEMPTS = len(WAITS) + 1
KEPT = timedelta(days=30)  # messages, to be looked at and sent again
_GIVEN_UP = timedelta(days=5)  # of nothing but failures, then a webhook is disabled
_LONGEST_WAIT = 86_400.0 * 2  # that a system may ask for
_JITTER = 0.2
_LEASE = timedelta(minutes=10)  # for which a message counts as being sent
_LOT, _AT_ONCE = 50, 8
_TURN_SECONDS = 60.0  # then it is another webhook's turn
_UNREACHABLE = 3  # attempts without any answer, then the rest of a lot waits
_LONGEST_LOG, _LONGEST_RESPONSE = 8000, 2000
_GONE = 410
_FORGOTTEN_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where messages of a webhook go, and what they are signed with."""

    url: str
    secrets: tuple[bytes, ...]


def webhook_jobs(secrets: WebhookSecrets, sender: WebhookSender) -> tuple[JobHandler, ...]:
    """Return what carries the jobs out."""

    async def send(job: JobContext) -> None:
        await _Sending(job, secrets, sender).run()

    return (
        JobHandler(SEND, send, queue=QUEUE.name, as_system=True, label="jobs.webhooks_send"),
        JobHandler(KEEP, keep, as_system=True, label="jobs.webhooks_keep"),
    )


KEEP_HOURLY = Schedule(KEEP, KEEP, "17 * * * *")


class _Sending:
    """One run of the job that sends what waits for a webhook."""

    def __init__(self, job: JobContext, secrets: WebhookSecrets, sender: WebhookSender) -> None:
        self._job = job
        self._secrets = secrets
        self._sender = sender
        self._webhook = str(job.arguments.get("webhook", ""))

    async def run(self) -> None:
        """Send lot after lot, for as long as it is this webhook's turn."""
        until = time.monotonic() + _TURN_SECONDS
        while lot := await self._job.step("take", self._take):
            answers = await self._send(lot)
            is_over = await self._job.step("keep", partial(self._keep, answers=answers))
            if is_over or time.monotonic() >= until:
                break
        await self._job.step("go on", self._go_on)

    async def _take(self, records: Records) -> list[list[Any]]:
        """Mark messages whose time has come and return their ids, with how often they were tried.

        Those of a webhook that is disabled, or gone meanwhile, are not sent at all.
        """
        op = operation_of(records)
        if WEBHOOK not in op.model.registry.entities:
            return []
        try:
            webhook = await records.read(WEBHOOK, self._webhook)
        except RecordNotFound:
            return []
        rows = await records.list(
            DELIVERY,
            filter=f"{_waiting(self._webhook)} and nextattempton le {encode_instant(op.now)}",
            fields=("webhookdeliveryid", "attempts", "versionnumber"),
            order=("nextattempton", "webhookdeliveryid"),
            limit=_LOT,
        )
        taken = []
        is_sent = bool(webhook["isenabled"])
        mark = {"nextattempton": op.now + _LEASE} if is_sent else {"deliverystate": NOT_SENT}
        for row in rows:
            record_id = str(row["webhookdeliveryid"])
            try:
                await records.update(DELIVERY, record_id, mark, version=row["versionnumber"])
            except (RecordConflict, RecordNotFound):
                continue  # another worker was faster
            taken.append([record_id, row["attempts"]])
        return taken if is_sent else []

    async def _send(self, lot: Sequence[Sequence[Any]]) -> dict[str, Answer]:
        """Send what was taken, some at a time; return what came of each.

        A run that goes on after a worker died leaves out what it had kept an answer for.
        """
        records = self._job.system_records
        assert isinstance(records, ActingRecords)
        endpoint = await _endpoint(records, self._secrets, self._webhook)
        attempts = {record_id: tried for record_id, tried in lot}
        ids = ",".join(attempts)
        rows = await records.list(
            DELIVERY,
            filter=f"{_waiting(self._webhook)} and webhookdeliveryid in ({ids})",
            fields=("webhookdeliveryid", "eventid", "payload", "attempts"),
            order=("webhookdeliveryid",),
            limit=_LOT,
        )
        turns, silent = asyncio.Semaphore(_AT_ONCE), 0

        async def post(row: Mapping[str, Any]) -> tuple[str, Answer] | None:
            nonlocal silent
            async with turns:
                if silent >= _UNREACHABLE:
                    return None
                answer = await self._post(endpoint, str(row["eventid"]), str(row["payload"]))
                silent = silent + 1 if answer.status is None else 0
                return str(row["webhookdeliveryid"]), answer

        due = [row for row in rows if row["attempts"] == attempts[str(row["webhookdeliveryid"])]]
        found = await asyncio.gather(*(post(row) for row in due))
        return dict(one for one in found if one is not None)

    async def _post(self, endpoint: Endpoint | None, event_id: str, payload: str) -> Answer:
        if endpoint is None:
            return Answer(None, "the webhook is gone")
        if not endpoint.secrets:
            return Answer(None, "the webhook has no secret to sign with")
        body, now = payload.encode(), int(time.time())
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(now),
            "webhook-signature": signatures(endpoint.secrets, event_id, now, body),
        }
        return await self._sender.post(endpoint.url, headers, body)

    async def _keep(self, records: Records, answers: Mapping[str, Answer]) -> bool:
        """Write what came of each; return whether the rest has to wait.

        What was taken and not tried waits as long as what was tried in vain.
        """
        op = operation_of(records)
        for record_id, answer in answers.items():
            try:
                row = await records.read(DELIVERY, record_id)
            except RecordNotFound:
                continue
            await records.update(DELIVERY, record_id, outcome(row, answer, op.now))
        is_over = await _keep_health(records, self._webhook, tuple(answers.values()))
        silent = [one for one in answers.values() if one.status is None]
        if len(silent) < _UNREACHABLE:
            return is_over
        later = op.now + timedelta(seconds=WAITS[0] * 12)
        taken = f"nextattempton gt {encode_instant(op.now)} and attempts eq 0"
        rows = await records.list(
            DELIVERY, filter=f"{_waiting(self._webhook)} and {taken}",
            fields=("webhookdeliveryid",), limit=_LOT,
        )  # fmt: skip
        for row in rows:
            await records.update(DELIVERY, str(row["webhookdeliveryid"]), {"nextattempton": later})
        return True

    async def _go_on(self, records: Records) -> None:
        """Have the next message sent when its time comes."""
        op = operation_of(records)
        if DELIVERY not in op.model.registry.entities:
            return
        rows = await records.list(
            DELIVERY, filter=_waiting(self._webhook), fields=("nextattempton",),
            order=("nextattempton",), limit=1,
        )  # fmt: skip
        for row in rows:
            # Not a link of this job's chain: how often a message is tried has an end of its own.
            await outbox.enqueue(
                _without_origin(op), JobOutbox(op.model.dialect), SEND,
                {"webhook": self._webhook}, run_at=row["nextattempton"], key=self._webhook,
            )  # fmt: skip


def outcome(row: Mapping[str, Any], answer: Answer, now: datetime) -> dict[str, Any]:
    """Return what is written of a message after an attempt."""
    attempts = int(row["attempts"]) + 1
    shown = answer.status if answer.status is not None else answer.text
    line = f"{encode_instant(now)}  {shown}  {answer.milliseconds} ms"
    log = "\n".join(filter(None, (row["attemptlog"], line)))
    values: dict[str, Any] = {
        "attempts": attempts,
        "lastattempton": now,
        "laststatus": answer.status,
        "response": answer.text[:_LONGEST_RESPONSE] or None,
        "attemptlog": log[-_LONGEST_LOG:],
        "nextattempton": None,
    }
    if answer.is_taken:
        return values | {"deliverystate": DELIVERED}
    if answer.status == _GONE or attempts >= MOST_ATTEMPTS:
        return values | {"deliverystate": FAILED}
    return values | {"nextattempton": now + wait_after(attempts, answer.wait_seconds)}


def wait_after(attempts: int, asked: float | None = None) -> timedelta:
    """Return how long to wait after so many failed attempts, at least as long as was asked for."""
    seconds = WAITS[min(attempts, len(WAITS)) - 1]
    spread = 1 + _JITTER * (2 * randomness.randbelow(1001) / 1000 - 1)
    return timedelta(seconds=max(seconds * spread, min(asked or 0.0, _LONGEST_WAIT)))


async def _keep_health(records: Records, webhook_id: str, answers: Sequence[Answer]) -> bool:
    """Write how a webhook does; return whether it was disabled by that."""
    if not answers:
        return False
    op = operation_of(records)
    try:
        webhook = await records.read(WEBHOOK, webhook_id)
    except RecordNotFound:
        return True
    last = answers[-1]
    result = f"{last.status} {last.text}" if last.status is not None else last.text
    values: dict[str, Any] = {"lastresult": result[:400].strip()}
    failed = sum(not one.is_taken for one in answers)
    if failed < len(answers):
        values |= {"failures": 0, "failingsince": None}
    else:
        since = webhook["failingsince"] or op.now
        values |= {"failures": int(webhook["failures"] or 0) + failed, "failingsince": since}
        is_gone = any(one.status == _GONE for one in answers)
        if is_gone or op.now - since >= _GIVEN_UP:
            values["isenabled"] = False
            op.written.add(SUBSCRIPTIONS)
    await records.update(WEBHOOK, webhook_id, values)
    return values.get("isenabled") is False


async def keep(job: JobContext) -> None:
    """Forget messages that are old, and have those sent that nobody is about to send."""

    async def forget(records: Records) -> int:
        op = operation_of(records)
        if DELIVERY not in op.model.registry.entities:
            return 0
        before = encode_instant(op.now - KEPT)
        rows = await records.list(
            DELIVERY, filter=f"createdon lt {before}", fields=("webhookdeliveryid",),
            limit=_FORGOTTEN_AT_ONCE,
        )  # fmt: skip
        for row in rows:
            await records.delete(DELIVERY, str(row["webhookdeliveryid"]))
        return len(rows)

    async def look_for_strays(records: Records) -> int:
        op = operation_of(records)
        if DELIVERY not in op.model.registry.entities:
            return 0
        before = encode_instant(op.now - _LEASE)
        rows = await records.list(
            DELIVERY, filter=f"deliverystate eq 'pending' and nextattempton lt {before}",
            fields=("webhookid",), limit=1000,
        )  # fmt: skip
        found = {row["webhookid"].id for row in rows}
        for webhook_id in sorted(found):
            await enqueue_sending(op, JobOutbox(op.model.dialect), webhook_id)
        return len(found)

    while await job.step("forget", forget):
        pass
    await job.step("look for strays", look_for_strays)


async def _endpoint(
    records: ActingRecords, secrets: WebhookSecrets, webhook_id: str
) -> Endpoint | None:
    async with records.transaction() as inside:
        op = operation_of(inside)
        try:
            webhook = await inside.read_fields(WEBHOOK, webhook_id)
        except RecordNotFound:
            return None
        holding = await secrets.of(op.connection, webhook_id, op.now)
        return Endpoint(str(webhook["url"]), holding)


def _waiting(webhook_id: str) -> str:
    return f"webhookid eq {webhook_id} and deliverystate eq 'pending'"


def _without_origin(op: Operation) -> Operation:
    """Return the operation as if no job had begun it."""
    return replace(op.as_system(), origin=None)
