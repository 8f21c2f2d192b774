"""What pages and endpoints record when they refuse: access, and too many requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.errors import AccessDenied
from kartoteka.plugin_api.contexts import Principal, SeenBy
from kartoteka_runtime.security.events import SecurityEvents
from kartoteka_runtime.security.request_limits import RequestLimit

Scope = Mapping[str, Any]  # of ASGI


def client_address(scope: Scope) -> str:
    """Return where a request comes from; "" when nobody knows."""
    client = scope.get("client")
    return client[0] if client else ""


def _who(principal: Principal) -> Principal | SeenBy:
    """Return who really acts, also where an administrator sees the app as somebody else."""
    return principal.seen_by or principal


async def record_refusal(
    events: SecurityEvents, denied: AccessDenied, principal: Principal, scope: Scope
) -> None:
    """Record that somebody who is signed in wanted what they may not."""
    params = {key: str(value) for key, value in denied.params.items()}
    entity, record_id = params.pop("entity", ""), params.pop("record", "")
    await events.record(
        "access_refused",
        user_id=_who(principal).user_id,
        user_name=_who(principal).name,
        address=client_address(scope),
        entity=entity,
        record_id=record_id,
        detail={"reason": denied.code, **params, **_request(scope)},
    )


async def record_forged(
    events: SecurityEvents, reason: str, principal: Principal, scope: Scope
) -> None:
    """Record a post in the name of somebody who is signed in that no page of ours sent."""
    await events.record(
        "access_refused",
        user_id=_who(principal).user_id,
        user_name=_who(principal).name,
        address=client_address(scope),
        detail={"reason": reason, **_request(scope)},
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
        who = _actor(principal)[0] if principal else None
        await events.record(
            "rate_limited",
            user_id=who.user_id if who else "",
            user_name=who.name if who else "",
            address=client_address(scope),
            detail=_request(scope),
        )


def _actor(principal: Principal) -> tuple[Principal | SeenBy, dict[str, str]]:
    """Return who really acts, with the one as whom they look at things."""
    if principal.seen_by is None:
        return principal, {}
    return principal.seen_by, {"seen_as": f"{principal.name} ({principal.user_id})"}


def _request(scope: Scope) -> dict[str, str]:
    """Return what was asked for, without what was sent along."""
    return {"request": f"{scope['method']} {scope['path']}"}
