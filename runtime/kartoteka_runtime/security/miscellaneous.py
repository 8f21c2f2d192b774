"""Privileges that belong to no entity, such as ``customize`` and ``publish``."""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka.registry import Registry


def has_miscellaneous(registry: Registry, role_names: Iterable[str], name: str) -> bool:
    """Return whether one of the roles grants the privilege ``name``, or everything."""
    for role_name in role_names:
        role = registry.roles.get(role_name)
        if role is not None and (role.grants_all or name in role.miscellaneous):
            return True
    return False
