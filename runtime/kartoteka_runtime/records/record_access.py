"""What may be done with one record: not there (404), there but not to be changed (403), or allowed.

A record that may not be read does not exist for whoever asks. Sources: reference platform,
sections 6.2 to 6.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.access.reach import (
    PARENT_PRIVILEGE,
    Everything,
    ParentReach,
    RecordReach,
    unit_field_of,
)
from kartoteka.errors import AccessDenied, RecordNotFound
from kartoteka.record_values import Reference
from kartoteka_runtime.records.compiled_model import CompiledEntity
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.storage.database import BadParameter

# Lookups that the platform keeps, or that have a privilege of their own.
_NOT_APPENDED = frozenset({
    "ownerid", "owninguser", "owningteam", "owningbusinessunit", "organizationid",
    "createdby", "createdonbehalfby", "modifiedby", "modifiedonbehalfby",
})  # fmt: skip


async def allowed(
    op: Operation, name: str, record_id: str, privileges: tuple[str, ...]
) -> frozenset[str] | None:
    """Return which privileges the principal has on a record; None when it may not be read."""
    queries = op.entity(name).queries
    try:
        return await queries.allowed(op.connection, record_id, privileges, op.reaches)
    except BadParameter:
        return None


async def require_record(op: Operation, name: str, record_id: str, *privileges: str) -> None:
    """Return when a record may be read and every privilege reaches it.

    Raises:
        RecordNotFound: There is no such record, or it may not be read.
        AccessDenied: It may be read, but a privilege does not reach it.
    """
    op.require("read", name)
    found = await allowed(op, name, record_id, privileges)
    if found is None:
        raise RecordNotFound(name, record_id)
    require_all(name, privileges, found)


def require_all(name: str, privileges: tuple[str, ...], found: frozenset[str]) -> None:
    """Return when all privileges on a record were found.

    Raises:
        AccessDenied: One was not.
    """
    for privilege in privileges:
        if privilege not in found:
            raise denied(privilege, name)


def denied(privilege: str, name: str) -> AccessDenied:
    """Return the refusal of a privilege on an entity."""
    return AccessDenied("error.access_denied", {"privilege": privilege, "entity": name})


def default_owner(op: Operation, name: str) -> Reference | None:
    """Return who owns what the principal creates without saying so.

    Whoever may create for a team alone creates for the team.
    """
    user_id = op.principal.user_id
    if not user_id:
        return None
    if not op.is_system:
        reach = op.access.reach(name, "create")
        if isinstance(reach, RecordReach) and reach.owner_ids and user_id not in reach.owner_ids:
            return Reference("team", min(reach.owner_ids))
    return Reference("systemuser", user_id)


async def require_new(
    op: Operation, compiled: CompiledEntity, values: Mapping[str, Any], *privileges: str
) -> None:
    """Return when privileges reach a record that is about to be created with ``values``.

    Raises:
        AccessDenied: One does not.
    """
    if op.is_system:
        return
    name = compiled.entity.name
    for privilege in privileges:
        match op.access.reach(name, privilege):
            case Everything():
                continue
            case RecordReach() as reach:
                if _covers(reach, compiled, values):
                    continue
            case ParentReach(parent_field=field):
                parent = values.get(field)
                wanted = PARENT_PRIVILEGE.get(privilege, privilege)
                if isinstance(parent, Reference):
                    found = await allowed(op, parent.entity, parent.id, (wanted,))
                    if found is not None and wanted in found:
                        continue
        raise denied(privilege, name)


async def require_moved(op: Operation, compiled: CompiledEntity, values: Mapping[str, Any]) -> None:
    """Return when a change may put a record below the parent, or into the unit, that it names.

    Whoever may not create it there, or change it once it is there, puts nothing there.

    Raises:
        AccessDenied: It may not.
    """
    parent_field = compiled.entity.parent_field
    if parent_field and isinstance(values.get(parent_field), Reference):
        await require_new(op, compiled, values, "create")
    elif compiled.entity.ownership == "business_unit" and isinstance(
        values.get(_unit_of_new(compiled)), Reference
    ):
        await require_new(op, compiled, values, "write")


async def require_owner_given(
    op: Operation, compiled: CompiledEntity, values: Mapping[str, Any]
) -> None:
    """Return when a new record may have its owner: oneself, a team of one's own, or by ``assign``.

    Raises:
        AccessDenied: It may not.
    """
    owner = values.get("ownerid")
    if op.is_system or not isinstance(owner, Reference):
        return
    facts = op.access.facts
    if owner.id != facts.user_id and owner.id not in facts.owner_team_ids:
        await require_new(op, compiled, values, "assign")


def appended(compiled: CompiledEntity, values: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the lookups in ``values`` that attach the record to another one."""
    return tuple(
        name
        for name in values
        if name in compiled.references
        and name not in _NOT_APPENDED
        and isinstance(values[name], Reference)
    )


def _covers(reach: RecordReach, compiled: CompiledEntity, values: Mapping[str, Any]) -> bool:
    owner = values.get("ownerid")
    unit = values.get(_unit_of_new(compiled))
    return reach.covers_new(
        owner.id if isinstance(owner, Reference) else "",
        unit.id if isinstance(unit, Reference) else "",
    )


def _unit_of_new(compiled: CompiledEntity) -> str:
    """Return the field with the unit that a new record belongs to; a unit belongs to its parent."""
    name = unit_field_of(compiled.entity)
    return f"parent{name}" if name == compiled.entity.primary_id else name
