"""Webhooks as the record service knows them: read once, until somebody changes one.

The access version (``security.access_cache``) counts changes of webhooks too, so that every process
knows of them before who made one has an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.query.of_view import condition_of, path_of
from kartoteka.query.query import Query
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.watch import Watch, Webhook
from kartoteka_runtime.storage.database import Connection

WEBHOOK, DELIVERY = "webhook", "webhookdelivery"
_log = logging.getLogger(__name__)
_FIELDS = (
    "webhookid", "name", "entityname", "messages", "condition", "fieldnames", "runasid", "ownerid",
)  # fmt: skip
_MOST = 1000


def names_in(text: str | None) -> tuple[str, ...]:
    """Return names that are divided by commas or blanks, each once."""
    return tuple(dict.fromkeys((text or "").replace(",", " ").split()))


async def watch_of(model: CompiledModel, connection: Connection) -> Watch | None:
    """Return what looks at the transaction that begins; None when nothing does."""
    known = model.webhooks
    if not known.are_offered:
        return None
    version = await model.accesses.version(connection)
    if version != known.version:
        known.by_entity = await _load(model, connection)
        known.version = version
    return Watch(known.by_entity) if known.by_entity else None


async def _load(model: CompiledModel, connection: Connection) -> Mapping[str, tuple[Webhook, ...]]:
    registry = model.registry
    columns = tuple(path_of(registry, WEBHOOK, name) for name in _FIELDS)
    condition = condition_of(registry, WEBHOOK, "isenabled eq true")
    query = Query(WEBHOOK, columns, condition, limit=_MOST, with_labels=False)
    rows, _, _ = await model.queries.page(connection, query, Asker())
    found: dict[str, list[Webhook]] = {}
    for row in rows:
        webhook = _webhook(registry, row)
        if webhook is not None:
            found.setdefault(webhook.entity, []).append(webhook)
    return {entity: tuple(webhooks) for entity, webhooks in found.items()}


def _webhook(registry: Registry, row: Mapping[str, Any]) -> Webhook | None:
    """Return a webhook; None when what it is about is no longer there."""
    entity, text = str(row["entityname"]), row["condition"] or ""
    run_as, owner = row["runasid"], row["ownerid"]
    if entity not in registry.entities or run_as is None:
        _log.warning("webhook %s tells nothing: no entity or user", row["name"])
        return None
    try:
        condition = condition_of(registry, entity, text)
    except ConditionError as error:
        _log.warning("webhook %s tells nothing: its condition: %s", row["name"], error)
        return None
    return Webhook(
        id=str(row["webhookid"]),
        entity=entity,
        messages=frozenset(names_in(row["messages"])),
        condition=condition,
        fields=frozenset(names_in(row["fieldnames"])),
        run_as=run_as.id,
        owner=Reference(owner.entity, owner.id),
    )
