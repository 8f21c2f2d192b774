"""What holds of webhooks: who may set one up, what it may say, and its commands and secrets.

A webhook reads as the user it runs as and posts wherever it was told: so nobody but administrators
lets one run as somebody else, or changes one that does (decisions/0049).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.errors import AccessDenied, RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.contexts import (
    CommandContext,
    CommandHandler,
    CommandResult,
    RecordHandler,
    Records,
    WriteContext,
)
from kartoteka.query.of_view import condition_of
from kartoteka.record_values import Reference
from kartoteka_runtime.records import webhook_messages
from kartoteka_runtime.records.acting_records import ActingRecords, operation_of
from kartoteka_runtime.records.compiled_model import POINTER
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.record_access import require_record
from kartoteka_runtime.records.watch import MESSAGES, Told, Webhook
from kartoteka_runtime.records.webhook_messages import PENDING, SEND, write_delivery
from kartoteka_runtime.records.webhooks import DELIVERY, WEBHOOK, names_in
from kartoteka_runtime.security.webhook_secrets import FORMER_HOLDS, WebhookSecrets
from kartoteka_runtime.storage.access_facts import SUBSCRIPTIONS

TEST = "test"  # the message of a webhook that tells nothing
_NEVER_TOLD = frozenset({WEBHOOK, DELIVERY, POINTER})
_DECIDING = (
    "name", "url", "entityname", "messages", "condition", "fieldnames", "runasid", "isenabled",
    "ownerid",
)  # fmt: skip


def webhook_handlers(secrets: WebhookSecrets, *, allows_http: bool) -> tuple[RecordHandler, ...]:
    """Return what takes part in writes of webhooks."""
    schemes = ("https://", "http://") if allows_http else ("https://",)

    async def check(context: WriteContext) -> None:
        op = operation_of(context.records)
        _require_trusted(op)
        if context.message == "create" and context.value("runasid") is None:
            if op.principal.user_id:
                context.values["runasid"] = Reference("systemuser", op.principal.user_id)
        _require_own(op, context)
        _check_url(context, schemes)
        await _check_subscription(op, context)
        if context.values.get("isenabled") and context.before is not None:
            context.values |= {"failures": 0, "failingsince": None, "lastresult": None}
        op.written.add(SUBSCRIPTIONS)

    async def goes(context: WriteContext) -> None:
        op = operation_of(context.records)
        op.written.add(SUBSCRIPTIONS)
        await secrets.forget(op.connection, context.record_id)

    return (
        RecordHandler(WEBHOOK, "before_create", check, rank=10),
        RecordHandler(WEBHOOK, "before_update", check, _DECIDING, rank=10),
        RecordHandler(WEBHOOK, "after_delete", goes, rank=10),
    )


async def make_secret(records: ActingRecords, secrets: WebhookSecrets, webhook_id: str) -> str:
    """Return a new secret of a webhook, shown this once.

    Raises:
        AccessDenied: Who asks may not change the webhook.
        RecordInvalid: It runs as somebody else, and who asks is no administrator.
    """
    async with records.transaction() as inside:
        op = await _of_own(inside, webhook_id)
        had_one = bool(await secrets.of(op.connection, webhook_id, op.now))
        secret = await secrets.make(op.connection, webhook_id, op.now)
        until = op.now + FORMER_HOLDS if had_one else None
        values = {"secretcreatedon": op.now, "formersecretendson": until}
        await inside.as_system().update(WEBHOOK, webhook_id, values)
        return secret


async def end_former_secret(
    records: ActingRecords, secrets: WebhookSecrets, webhook_id: str
) -> None:
    """Let the former secret of a webhook hold no more."""
    async with records.transaction() as inside:
        op = await _of_own(inside, webhook_id)
        await secrets.end_former(op.connection, webhook_id)
        await inside.as_system().update(WEBHOOK, webhook_id, {"formersecretendson": None})


async def _send_test(context: CommandContext) -> CommandResult:
    record = context.record
    webhook = Webhook(
        context.record_id, WEBHOOK, frozenset(), None, frozenset(), "", record["ownerid"]
    )
    values = {"name": record["name"]}
    op = operation_of(context.system_records)
    await write_delivery(op, Told(webhook, TEST, WEBHOOK, context.record_id, values))
    await _enqueue(context.system_records, context.record_id)
    return CommandResult(message="webhook.test_sent")


async def _send_again(context: CommandContext) -> CommandResult:
    """Let a message wait to be sent, as if it had never been tried."""
    op = operation_of(context.system_records)
    values = {"deliverystate": PENDING, "attempts": 0, "nextattempton": op.now}
    await context.system_records.update(DELIVERY, context.record_id, values)
    await _enqueue(context.system_records, context.record["webhookid"].id)
    return CommandResult(message="webhook.sent_again")


COMMAND_HANDLERS: tuple[CommandHandler, ...] = (
    CommandHandler(WEBHOOK, "send_test", _send_test),
    CommandHandler(DELIVERY, "send_again", _send_again),
)


async def _enqueue(records: Records, webhook_id: str) -> None:
    await records.enqueue(SEND, {"webhook": webhook_id}, key=webhook_id)


async def _of_own(records: ActingRecords, webhook_id: str) -> Operation:
    """Return the open operation, once it is sure that it may touch the webhook's secrets."""
    op = records.operation
    _require_trusted(op)
    await require_record(op, WEBHOOK, webhook_id, "write")
    found = await records.as_system().read_fields(WEBHOOK, webhook_id)
    _require_run_as(op, found["runasid"])
    return op


def _require_trusted(op: Operation) -> None:
    """Refuse tokens and callers that may do less than the user: a webhook would outlast them."""
    principal = op.principal
    if op.is_system:
        return
    is_less = principal.scopes is not None or principal.on_behalf_of is not None
    if is_less and not op.access.is_administrator:
        raise RecordInvalid(WEBHOOK, [Violation(None, "violation.webhook_token")])


def _require_own(op: Operation, context: WriteContext) -> None:
    _require_run_as(op, context.value("runasid"))
    if context.before is not None:
        _require_run_as(op, context.before["runasid"])


def _require_run_as(op: Operation, run_as: object) -> None:
    if op.is_system and isinstance(run_as, Reference):
        return
    if run_as is None:
        raise RecordInvalid(WEBHOOK, [Violation("runasid", "violation.required")])
    is_own = isinstance(run_as, Reference) and run_as.id == op.principal.user_id
    if not is_own and not op.access.is_administrator:
        raise RecordInvalid(WEBHOOK, [Violation("runasid", "violation.webhook_run_as")])


def _check_url(context: WriteContext, schemes: tuple[str, ...]) -> None:
    text = str(context.value("url") or "")
    try:
        parts = urlsplit(text)
        fits = bool(parts.hostname) and not parts.username and parts.port != 0
    except ValueError:
        fits = False
    if not fits or "#" in text or not text.lower().startswith(schemes):
        params = {"schemes": " / ".join(schemes)}
        raise RecordInvalid(WEBHOOK, [Violation("url", "violation.webhook_url", params)])


async def _check_subscription(op: Operation, context: WriteContext) -> None:
    """Check what a webhook is about; names are kept as lists, each once."""
    name = str(context.value("entityname") or "")
    entity = op.model.registry.entities.get(name)
    if entity is None or name in _NEVER_TOLD:
        raise _refused("entityname", "entity", value=name)
    messages = names_in(context.value("messages"))
    known = (*MESSAGES, *(command.name for command in entity.commands))
    for message in messages:
        if message not in known:
            raise _refused("messages", "message", value=message, known=", ".join(known))
    if not messages:
        raise RecordInvalid(WEBHOOK, [Violation("messages", "violation.required")])
    fields = names_in(context.value("fieldnames"))
    for field in fields:
        if field not in entity.field_by_name:
            raise _refused("fieldnames", "field", value=field)
    for item, names in (("messages", messages), ("fieldnames", fields)):
        if item in context.values and context.values[item]:
            context.values[item] = ", ".join(names)
    await _check_condition(op, context, entity)


async def _check_condition(op: Operation, context: WriteContext, entity: Entity) -> None:
    text = str(context.value("condition") or "")
    try:
        condition = condition_of(op.model.registry, entity.name, text)
    except ConditionError as error:
        raise _refused("condition", "condition", value=str(error)) from error
    run_as = context.value("runasid")
    trial = Webhook(
        context.record_id, entity.name, frozenset(), condition, frozenset(), run_as.id, run_as
    )
    try:
        await webhook_messages.check_readable(op, trial)
    except AccessDenied:
        pass  # what may not be read yet is not told yet


def _refused(field: str, what: str, **params: object) -> RecordInvalid:
    return RecordInvalid(WEBHOOK, [Violation(field, f"violation.webhook_{what}", params)])
