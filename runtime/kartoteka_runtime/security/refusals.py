"""What pages and endpoints record when they refuse: access, and too many requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.errors import AccessDenied
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.security.actors import actor_of
from kartoteka_runtime.security.events import SecurityEvents
from kartoteka_runtime.security.request_limits import RequestLimit

Scope = Mapping[str, Any]  # of ASGI


def client_address(scope: Scope) -> str:
    """Return where a request comes from; "" when nobody knows."""
    client = scope.get("client")
    return client[0] if client else ""


async def record_refusal(
    events: SecurityEvents, denied: AccessDenied, principal: Principal, scope: Scope
) -> None:
    """Record that somebody who is signed in wanted what they may not."""
    params = {key: str(value) for key, value in denied.params.items()}
    entity, record_id = params.pop("entity", ""), params.pop("record", "")
    who, as_whom = actor_of(principal)
    await events.record(
        "access_refused",
        user_id=who.user_id,
        user_name=who.name,
        address=client_address(scope),
        entity=entity,
        record_id=record_id,
        detail={"reason": denied.code, **params, **as_whom, **_request(scope)},
    )


async def record_forged(
    events: SecurityEvents, reason: str, principal: Principal, scope: Scope
) -> None:
    """Record a post in the name of somebody who is signed in that no page of ours sent."""
    who, as_whom = actor_of(principal)
    await events.record(
        "access_refused",
        user_id=who.user_id,
        user_name=who.name,
        address=client_address(scope),
        detail={"reason": reason, **as_whom, **_request(scope)},
    )


async def record_limited(
    events: SecurityEvents,
    limit: RequestLimit,
    key: str,
    scope: Scope,
    principal: Principal | None = None,
) -> None:
    """Record that there were too many requests, once in every window for each who sends them."""
    if limit.is_news(key):
        who = actor_of(principal)[0] if principal else None
        await events.record(
            "rate_limited",
            user_id=who.user_id if who else "",
            user_name=who.name if who else "",
            address=client_address(scope),
            detail=_request(scope),
        )


def _request(scope: Scope) -> dict[str, str]:
    """Return what was asked for, without what was sent along."""
    return {"request": f"{scope['method']} {scope['path']}"}
