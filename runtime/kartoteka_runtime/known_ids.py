"""Ids of the records that every organization has, the same wherever they are made."""

from __future__ import annotations

import uuid

from kartoteka_runtime.live_registry import Published

_NAMESPACE = uuid.UUID("6f1c2b0e-6c1b-5d0c-9d2a-0b6d5a6f7c11")


def known_id(kind: str, name: str) -> str:
    """Return the id of a record that every organization has."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


ORGANIZATION = known_id("organization", "")
ROOT_UNIT = known_id("businessunit", "root")


def role_id(published: Published, name: str) -> str:
    """Return the id of the record of a role; it stays when the role is renamed."""
    return known_id("role", published.identities.of("role", name))


def profile_id(published: Published, name: str) -> str:
    """Return the id of the record of a column profile; it stays when the profile is renamed."""
    return known_id("fieldsecurityprofile", published.identities.of("column_profile", name))


def view_id(published: Published, name: str) -> str:
    """Return the id by which clients ask for a view; it stays when the view is renamed."""
    return known_id("savedquery", published.identities.of("view", name))
