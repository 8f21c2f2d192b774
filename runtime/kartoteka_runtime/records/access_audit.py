"""What writes change of anybody's access, noted in the operation until it is committed.

Roles, members and places in the trees of units, managers and positions; shares tell of themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kartoteka.model.relationship import Relationship
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.security.actors import actor_of
from kartoteka_runtime.security.events import AccessChange, SecurityEvents

# What decides over access, with the fields that do.
_DECIDING: Mapping[str, frozenset[str]] = {
    "systemuser": frozenset(
        {"businessunitid", "parentsystemuserid", "positionid", "isdisabled", "domainname"}
    ),
    "team": frozenset({"businessunitid", "administratorid", "teamtype"}),
    "role": frozenset({"businessunitid", "isinherited", "logicalname"}),
    "businessunit": frozenset({"parentbusinessunitid", "isdisabled"}),
    "position": frozenset({"parentpositionid"}),
    "organization": frozenset(
        {"ishierarchicalsecuritymodelenabled", "maxdepthforhierarchicalsecuritymodel",
         "usepositionhierarchy"}
    ),
    "fieldsecurityprofile": frozenset(),
}  # fmt: skip
_DISABLED = "isdisabled"


async def note_link(
    op: Operation, relationship: Relationship, left_id: str, right_id: str, change: str
) -> None:
    """Note that two records were linked (``added``) or not any more (``removed``)."""
    left, right = relationship.left, relationship.right
    if left not in _DECIDING or right not in _DECIDING:
        return
    detail = {
        "relationship": relationship.name,
        "change": change,
        left: await _label(op, left, left_id),
        right: await _label(op, right, right_id),
    }
    op.access_changes.append(AccessChange("role_changed", left, left_id, detail))


def note_update(
    op: Operation,
    name: str,
    record_id: str,
    values: Mapping[str, Any],
    before: Mapping[str, Any],
) -> None:
    """Note which deciding fields of a record were changed, from what to what."""
    deciding = _DECIDING.get(name)
    if not deciding or deciding.isdisjoint(values):
        return
    detail = {
        field: f"{_text(before.get(field))} → {_text(values[field])}"
        for field in sorted(deciding.intersection(values))
    }
    is_disabled = name == "systemuser" and bool(values.get(_DISABLED))
    kind = "user_disabled" if is_disabled else "role_changed"
    op.access_changes.append(AccessChange(kind, name, record_id, detail))


def note_delete(op: Operation, name: str, record_id: str, before: Mapping[str, Any]) -> None:
    """Note that something which decided over access is gone."""
    if name in _DECIDING:
        primary_field = op.entity(name).entity.primary_field
        detail = {"change": "deleted", "name": _text(before.get(primary_field))}
        op.access_changes.append(AccessChange("role_changed", name, record_id, detail))


def note_share(
    op: Operation, entity: str, record_id: str, principal: Reference, rights: str, before: str = ""
) -> None:
    """Note with whom a record is shared now, with which rights, and with which it was before."""
    detail = {
        "with": f"{principal.entity} {principal.name or principal.id}",
        "rights": f"{before or '–'} → {rights or '–'}",
    }
    op.access_changes.append(AccessChange("share_changed", entity, record_id, detail))


def note_unmasked(op: Operation, entity: str, record_id: str, columns: Iterable[str]) -> None:
    """Note that somebody read columns without their masks; of several records without an id."""
    if names := sorted(columns):
        detail = {"columns": ", ".join(names)}
        op.access_changes.append(AccessChange("unmasked_read", entity, record_id, detail))


async def report(
    events: SecurityEvents | None, principal: Principal, changes: list[AccessChange]
) -> None:
    """Record what a committed transaction changed."""
    if events is None:
        return
    who, as_whom = actor_of(principal)
    for change in changes:
        await events.record(
            change.kind,
            user_id=who.user_id,
            user_name=who.name,
            entity=change.entity,
            record_id=change.record_id,
            detail={**change.detail, **as_whom},
        )


async def _label(op: Operation, name: str, record_id: str) -> str:
    """Return a record's name with its id."""
    compiled = op.entity(name)
    field = compiled.entity.primary_field
    found = await compiled.queries.read(op.connection, record_id, names=(field,))
    return f"{found[field] if found else ''} ({record_id})"


def _text(value: object) -> str:
    if isinstance(value, Reference):
        return f"{value.name} ({value.id})" if value.name else value.id
    return "–" if value is None else str(value)
