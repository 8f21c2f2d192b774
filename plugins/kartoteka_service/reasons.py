"""Status reasons by number: what a dialog's choice of a reason means."""

from __future__ import annotations

from kartoteka import Registry


def reason_name(registry: Registry, entity: str, value: int) -> str:
    """Return the name of the status reason with this ``statuscode`` value."""
    reasons = (reason for state in registry.entities[entity].states for reason in state.reasons)
    return next(reason.name for reason in reasons if reason.value == value)
