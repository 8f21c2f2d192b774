"""Who really acts: events name them, whoever they act as."""

from __future__ import annotations

from kartoteka.plugin_api.contexts import Principal, SeenBy


def actor_of(principal: Principal) -> tuple[Principal | SeenBy, dict[str, str]]:
    """Return who really acts, and what an event says beside that of whom they act as."""
    as_whom = f"{principal.name} ({principal.user_id})"
    if principal.seen_by is not None:
        return principal.seen_by, {"seen_as": as_whom}
    if principal.on_behalf_of is not None:
        return principal.on_behalf_of, {"acting_as": as_whom}
    return principal, {}
