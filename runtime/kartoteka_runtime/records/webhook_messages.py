"""What webhooks are told: the messages of one transaction, written with it, sent by a job later.

A transaction is told as it ends, once a record: with the values that are left then, as the user
whom the webhook runs as sees them. What that user may not read is not told.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kartoteka.conditions.typed import AllOf, OneOf, TypedCondition
from kartoteka.errors import AccessDenied, RecordInvalid
from kartoteka.model.field import Field
from kartoteka.plugin_api.contexts import Principal
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Query
from kartoteka.query.shown import raw_name
from kartoteka.record_values import Reference
from kartoteka_runtime.records import outbox, reading
from kartoteka_runtime.records.identifiers import new_id
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.watch import (
    ASSIGN,
    CREATE,
    DELETE,
    SET_STATE,
    UPDATE,
    Change,
    LinkChange,
    Told,
    Webhook,
)
from kartoteka_runtime.records.webhooks import DELIVERY, WEBHOOK
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.job_outbox import JobOutbox
from kartoteka_runtime.storage.json_rows import to_json

SEND = "kartoteka.webhooks_send"  # the job that sends what waits for one webhook
PENDING, DELIVERED, FAILED, NOT_SENT = 1, 2, 3, 4  # options of webhookdelivery.deliverystate
MOST_BYTES = 256 * 1024  # of a message; a longer one names the record without its values
_LOTS = (1, 10, 100)  # records that one statement reads: few shapes, so that texts are used again
_TARGET = "@Microsoft.Dynamics.CRM.lookuplogicalname"
_log = logging.getLogger(__name__)


async def before_delete(op: Operation, entity: str, record_id: str) -> None:
    """Keep what webhooks will be told of a record that goes, while it is there."""
    watch = op.watch
    if watch is None or entity not in watch.webhooks or not watch.leaves(entity, record_id):
        return
    told = []
    for webhook in watch.webhooks[entity]:
        if DELETE in webhook.messages:
            for row in await _seen(op, webhook, [record_id]):
                values = _values(op, entity, row)
                told.append(Told(webhook, DELETE, entity, record_id, values))
    if told:
        watch.deleted[entity, record_id] = told


async def tell(op: Operation, job_outbox: JobOutbox) -> None:
    """Write the messages of a transaction that is about to end, and the jobs that send them."""
    watch = op.watch
    if watch is None or not watch.has_seen:
        return
    told = [one for found in watch.deleted.values() for one in found]
    told += [one async for one in _changes_told(op, tuple(watch.changes.values()))]
    for link in watch.links:
        told += [one async for one in _link_told(op, link)]
    for one in told:
        await write_delivery(op, one)
    for webhook_id in dict.fromkeys(one.webhook.id for one in told):
        await enqueue_sending(op, job_outbox, webhook_id)


async def write_delivery(op: Operation, told: Told) -> str:
    """Write one message, to be sent; return its record's id."""
    event_id = f"msg_{new_id().replace('-', '')}"
    values = {
        "name": f"{told.entity}.{told.message}",
        "webhookid": Reference(WEBHOOK, told.webhook.id),
        "ownerid": told.webhook.owner,
        "eventid": event_id,
        "entityname": told.entity,
        "recordid": told.record_id,
        "deliverystate": PENDING,
        "attempts": 0,
        "nextattempton": op.now,
        "payload": _payload(op, told, event_id).decode(),
    }
    return await op.records_for(op.as_system()).create(DELIVERY, values)


async def enqueue_sending(op: Operation, job_outbox: JobOutbox, webhook_id: str) -> None:
    """Have what waits for a webhook sent after this transaction, by one job for all of it.

    It changes no record that people know, so it is no link of a chain of jobs.
    """
    alone = replace(op.as_system(), origin=None)
    await outbox.enqueue(alone, job_outbox, SEND, {"webhook": webhook_id}, key=webhook_id)


async def check_readable(op: Operation, webhook: Webhook) -> None:
    """Return when the user whom a webhook runs as may decide by its condition.

    Raises:
        RecordInvalid: It looks at columns that are kept from that user.
    """
    await _seen(op, webhook, [webhook.id], is_trial=True)


async def _changes_told(op: Operation, changes: Sequence[Change]) -> AsyncIterator[Told]:
    """Yield what each webhook is told of new and changed records, and of commands."""
    assert op.watch is not None
    by_entity: dict[str, dict[str, Change]] = {}
    for change in changes:
        by_entity.setdefault(change.entity, {})[change.record_id] = change
    for entity, found in by_entity.items():
        for webhook in op.watch.webhooks[entity]:
            wanted = [item.record_id for item in found.values() if _message(webhook, item)]
            hidden = await _hidden(op, webhook)
            for row in await _seen(op, webhook, wanted):
                change = found[str(row[op.entity(entity).entity.primary_id])]
                message = _message(webhook, change)
                if message in (UPDATE, SET_STATE, ASSIGN):
                    changed = change.fields - hidden
                    if not changed or (webhook.fields and webhook.fields.isdisjoint(changed)):
                        continue
                    values = _values(op, entity, row, changed)
                else:
                    values = _values(op, entity, row)
                yield Told(webhook, message, entity, change.record_id, values)


async def _link_told(op: Operation, link: LinkChange) -> AsyncIterator[Told]:
    """Yield what webhooks of both sides are told, as far as both records may be read."""
    assert op.watch is not None
    sides = [(link.left, link.right)]
    if link.left[0] != link.right[0]:
        sides.append((link.right, link.left))
    for (entity, record_id), (other, other_id) in sides:
        for webhook in op.watch.webhooks.get(entity, ()):
            if link.message not in webhook.messages:
                continue
            as_other = replace(webhook, entity=other, condition=None)
            if not await _seen(op, webhook, [record_id]):
                continue
            if not await _seen(op, as_other, [other_id]):
                continue
            more = {
                "relationship": link.relationship,
                "other": {"entity": other, "id": other_id},
            }
            yield Told(webhook, link.message, entity, record_id, {}, more)


def _message(webhook: Webhook, change: Change) -> str:
    """Return what a webhook is told of: the most telling of what happened, "" for nothing."""
    own = [name for name in change.messages if name in webhook.messages]
    for name in own:
        if name not in (CREATE, UPDATE, SET_STATE, ASSIGN):
            return name  # a command
    return next((name for name in (CREATE, SET_STATE, ASSIGN, UPDATE) if name in own), "")


async def _acting(op: Operation, webhook: Webhook) -> Operation:
    """Return the operation as the user whom a webhook runs as sees it."""
    principal = Principal(webhook.run_as)
    access = await op.model.accesses.of(op.connection, principal)
    unit = access.facts.unit_id
    return replace(
        op, principal=replace(principal, business_unit_id=unit), access=access, is_system=False,
        is_unmasked=False, is_command=False,
    )  # fmt: skip


async def _hidden(op: Operation, webhook: Webhook) -> frozenset[str]:
    acting = await _acting(op, webhook)
    return acting.access.hidden(webhook.entity)


async def _seen(
    op: Operation, webhook: Webhook, ids: Sequence[str], *, is_trial: bool = False
) -> list[dict[str, Any]]:
    """Return those of the records that a webhook's user may read and its condition holds for."""
    if not ids:
        return []
    acting = await _acting(op, webhook)
    entity = op.entity(webhook.entity)
    identity = path_of(op.model.registry, webhook.entity, entity.entity.primary_id)
    names = dict.fromkeys((entity.entity.primary_id, *entity.queries.all_names))
    columns = tuple(path_of(op.model.registry, webhook.entity, name) for name in names)
    rows: list[dict[str, Any]] = []
    for lot in _lots(ids):
        condition: TypedCondition = OneOf(identity, tuple(lot))
        if webhook.condition is not None:
            condition = AllOf((condition, webhook.condition))
        query = Query(webhook.entity, columns, condition, with_labels=False)
        try:
            page = await reading.list_page(acting, query, limit=len(lot), with_count=False)
        except AccessDenied:
            return []
        except RecordInvalid as refused:
            if is_trial:
                raise
            _log.warning("webhook %s tells nothing: %s", webhook.id, refused)
            return []
        rows += page.rows
    return rows


def _lots(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield ids by a few sizes; what is too short repeats its last id."""
    for start in range(0, len(ids), _LOTS[-1]):
        lot = list(ids[start : start + _LOTS[-1]])
        size = next(size for size in _LOTS if size >= len(lot))
        yield lot + lot[-1:] * (size - len(lot))


def _values(
    op: Operation, entity: str, row: Mapping[str, Any], changed: Collection[str] | None = None
) -> dict[str, Any]:
    """Return values of a record by their names in the Web API: the changed ones, or all there are.

    Of all, empty ones are left out.
    """
    found: dict[str, Any] = {}
    for item in op.entity(entity).entity.fields:
        if item.name not in row or (changed is not None and item.name not in changed):
            continue
        value = row[item.name]
        if changed is None and value is None:
            continue
        found.update(_members(item, value))
    return found


def _members(item: Field, value: Any) -> Iterable[tuple[str, Any]]:
    name = raw_name(item)
    if isinstance(value, Reference):
        yield name, value.id
        if item.is_multi_target:
            yield f"{name}{_TARGET}", value.entity
    elif isinstance(value, (list, tuple)):
        yield name, ",".join(map(str, value)) or None
    else:
        yield name, value


def _payload(op: Operation, told: Told, event_id: str) -> bytes:
    definition = op.model.registry.entities[told.entity]
    data: dict[str, Any] = {
        "entity": told.entity,
        "set": definition.set_name,
        "id": told.record_id,
        "message": told.message,
        "user": op.principal.user_id or None,
        **told.more,
        "values": told.values,
    }
    payload: dict[str, Any] = {
        "id": event_id,
        "type": f"{told.entity}.{told.message}",
        "timestamp": encode_instant(op.now),
        "data": data,
    }
    text = to_json(payload)
    if len(text) > MOST_BYTES:
        payload["data"] = {**data, "values": {}, "valuesLeftOut": True}
        text = to_json(payload)
    return text
