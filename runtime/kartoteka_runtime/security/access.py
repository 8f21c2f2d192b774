"""The access decision: the one place that every read and write of records asks.

Whoever is signed in may do everything for now; roles are loaded and checked, and decide here once
they are enforced (decisions/0010).
"""

from __future__ import annotations

from kartoteka.conditions.typed import TypedCondition
from kartoteka.errors import AccessDenied
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.contexts import Principal


def require(principal: Principal, privilege: str, entity: Entity) -> None:
    """Return when the principal holds the privilege on the entity at all.

    Raises:
        AccessDenied: Nobody is signed in.
    """
    if not principal.user_id and not principal.is_system:
        raise AccessDenied("error.access_denied", {"privilege": privilege, "entity": entity.name})


def predicate(principal: Principal, privilege: str, entity: Entity) -> TypedCondition | None:
    """Return the condition that records must meet for the principal, or None for all of them."""
    require(principal, privilege, entity)
    return None
