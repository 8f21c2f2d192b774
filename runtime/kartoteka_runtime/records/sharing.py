"""Sharing: gives users, teams and the organization privileges on one record, and takes them back.

Whoever shares needs Share and Read on the record, and can give only what they have themselves.
Source: reference platform, sections 2.3 and 6.5; decisions/0034.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.access.rights import RIGHTS, mask_of, privileges_of
from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound, Violation
from kartoteka.plugin_api.contexts import SharedWith
from kartoteka.record_values import Reference
from kartoteka_runtime.records import inherited_shares
from kartoteka_runtime.records.access_audit import note_share
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.receivers import TEAM, facts_of, missing_of_receiver
from kartoteka_runtime.records.record_access import allowed, require_record
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.shares import Share, ids_parameter, in_ids
from kartoteka_runtime.validation.value_checks import shorten


async def share(
    op: Operation, name: str, record_id: str, principal: Reference, privileges: Sequence[str]
) -> None:
    """Give privileges on a record, beside those that the principal has been given.

    Raises:
        RecordNotFound: There is no such record, or it may not be read.
        AccessDenied: Share is missing, or one of the privileges that are given.
        RecordInvalid: Such records are not shared, or not with that principal.
    """
    mask = _mask(name, privileges)
    if not mask:
        raise RecordInvalid(name, [Violation(None, "violation.share_without_rights")])
    await _prepare(op, name, record_id, principal)
    stored = await _stored(op, name, record_id, principal)
    await _require_receiver(op, name, principal)
    await _write(op, stored, principal, stored.explicit_rights | mask)


async def change_share(
    op: Operation, name: str, record_id: str, principal: Reference, privileges: Sequence[str]
) -> None:
    """Let a principal's share of a record give exactly these privileges; none end it.

    Raises:
        RecordNotFound: There is no such record, or it may not be read.
        AccessDenied: Share is missing, or a privilege that is given anew.
        RecordInvalid: Such records are not shared, or not with that principal.
    """
    mask = _mask(name, privileges)
    await _prepare(op, name, record_id, principal)
    stored = await _stored(op, name, record_id, principal)
    if mask & ~stored.explicit_rights:
        await _require_receiver(op, name, principal)
    await _write(op, stored, principal, mask)


async def unshare(op: Operation, name: str, record_id: str, principal: Reference) -> None:
    """Take back what a principal was given of a record; what it inherits stays.

    Raises:
        RecordNotFound: There is no such record, or it may not be read.
        AccessDenied: Share is missing.
    """
    await _prepare(op, name, record_id, principal)
    stored = await _stored(op, name, record_id, principal)
    await _write(op, stored, principal, 0)


async def shares_of(op: Operation, name: str, record_id: str) -> list[SharedWith]:
    """Return whom a record is shared with, by name.

    Raises:
        RecordNotFound: There is no such record, or it may not be read.
    """
    await require_record(op, name, record_id, "read")
    found = await op.model.shares.of_record(op.connection, name, record_id)
    names: dict[str, str] = {}
    for kind in {item.principal_type for item in found}:
        ids = [item.principal_id for item in found if item.principal_type == kind]
        names |= await _names(op, kind, ids)
    shared = [
        SharedWith(
            Reference(item.principal_type, item.principal_id, names.get(item.principal_id, "")),
            privileges_of(item.explicit_rights),
            privileges_of(item.inherited_rights),
        )
        for item in found
    ]
    return sorted(shared, key=lambda item: (item.principal.name.casefold(), item.principal.id))


async def principal_access(
    op: Operation, principal: Reference, name: str, record_id: str
) -> frozenset[str]:
    """Return the privileges that a user or team has on a record, whatever they come from.

    Raises:
        RecordNotFound: There is no such record, or whoever asks may not read it.
    """
    await require_record(op, name, record_id, "read")
    facts = await facts_of(op, principal)
    if facts is None:
        return frozenset()
    access = Access(op.model.registry, facts, op.model.tables.engine)
    found = await op.entity(name).queries.allowed(
        op.connection, record_id, ("read", *(item for item in RIGHTS if item != "read")), access
    )
    return found or frozenset()


async def write_explicit(
    op: Operation, name: str, record_id: str, principal: Reference, mask: int
) -> None:
    """Let a share give exactly a mask, as the platform itself does: nobody's rights are asked."""
    stored = await _stored(op, name, record_id, principal)
    await _change(op, stored, mask)


async def _prepare(op: Operation, name: str, record_id: str, principal: Reference) -> None:
    """Hold the record, and refuse whoever may not share it."""
    compiled = op.entity(name)
    if not op.model.share_paths.is_shareable(name):
        follows = "violation.shared_with_parent" if compiled.entity.parent_field else ""
        params = {"entities": compiled.entity.plural_label}
        raise RecordInvalid(name, [Violation(None, follows or "violation.never_shared", params)])
    await require_record(op, name, record_id, "read", "share")
    if await is_hidden_team(op, principal):
        raise RecordInvalid(name, [Violation(None, "violation.team_of_record")])
    op.written.add(name)
    names = (compiled.entity.primary_id,)
    if await compiled.queries.read(op.connection, record_id, names=names, for_update=True) is None:
        raise RecordNotFound(name, record_id)


async def is_hidden_team(op: Operation, principal: Reference) -> bool:
    """Return whether a principal is the access team of one record, which its members end."""
    if principal.entity != TEAM or "systemmanaged" not in op.entity(TEAM).names:
        return False
    names = ("systemmanaged",)
    found = await op.entity(TEAM).queries.read(op.connection, principal.id, names=names)
    return bool(found and found["systemmanaged"])


async def _require_receiver(op: Operation, name: str, principal: Reference) -> None:
    missing = await missing_of_receiver(op, principal, op.entity(name).entity)
    if missing:
        entity = op.entity(name).entity
        params = {"value": principal.name or principal.id, "entities": entity.plural_label}
        raise RecordInvalid(name, [Violation(None, missing, params)])


async def _stored(op: Operation, name: str, record_id: str, principal: Reference) -> Share:
    for item in await op.model.shares.of_record(op.connection, name, record_id):
        if item.principal_id == principal.id:
            return item
    return Share(name, record_id, principal.id, principal.entity)


async def _write(op: Operation, stored: Share, principal: Reference, mask: int) -> None:
    """Store a changed mask; what is new in it must be the sharer's own."""
    given = privileges_of(mask & ~stored.explicit_rights)
    if given and not op.is_system:
        found = await allowed(op, stored.entity, stored.record_id, given) or frozenset()
        for privilege in given:
            if privilege not in found:
                params = {"privilege": privilege, "entity": stored.entity}
                raise AccessDenied("error.share_of_missing_right", params)
    if mask == stored.explicit_rights:
        return
    note_share(
        op,
        stored.entity,
        stored.record_id,
        principal,
        ", ".join(privileges_of(mask)),
        ", ".join(privileges_of(stored.explicit_rights)),
    )
    await _change(op, stored, mask)


async def _change(op: Operation, stored: Share, mask: int) -> None:
    before = stored.explicit_rights
    if mask == before:
        return
    changed = replace(
        stored,
        explicit_rights=mask,
        shared_by=op.principal.user_id,
        changed_on=encode_instant(op.now),
    )
    await inherited_shares.write(op, [changed])
    node = (stored.entity, stored.record_id)
    if before & ~mask:
        await inherited_shares.share_changed(op, node, is_less=True)
    if mask & ~before:
        await inherited_shares.share_changed(op, node, is_less=False)


def _mask(name: str, privileges: Sequence[str]) -> int:
    unknown = [item for item in privileges if item not in RIGHTS]
    if unknown:
        params = {"value": shorten(unknown[0])}
        raise RecordInvalid(name, [Violation(None, "violation.not_a_right", params)])
    return mask_of(privileges)


async def _names(op: Operation, kind: str, ids: Collection[str]) -> dict[str, str]:
    """Return the names of principals by id."""
    if kind not in op.model.registry.entities:
        return {}
    sql = op.model.text(("principal names", kind), partial(_names_query, op.model, kind))
    params = {"ids": ids_parameter(ids, op.model.tables.engine)}
    return {str(row[0]): row[1] or "" for row in await op.connection.fetch_all(sql, params)}


def _names_query(model: CompiledModel, kind: str) -> sa.Select[Any]:
    entity, table = model.registry.entities[kind], model.tables.entities[kind]
    identity = table.c[entity.primary_id]
    return sa.select(identity, table.c[entity.primary_field]).where(
        in_ids(identity, "ids", model.tables.engine)
    )
