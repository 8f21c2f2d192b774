"""Owners: who may become one, and what the one before keeps.

Source: reference platform, sections 6.2 and 6.5.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import sqlalchemy as sa

from kartoteka.access.rights import ALL_RIGHTS
from kartoteka.errors import Violation
from kartoteka.record_values import Reference
from kartoteka_runtime.records import inherited_shares
from kartoteka_runtime.records.compiled_model import CompiledEntity, CompiledModel
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.receivers import missing_of_receiver
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.shares import Share

ORGANIZATION = "organization"


async def check_new(
    op: Operation, compiled: CompiledEntity, values: Mapping[str, Any]
) -> list[Violation]:
    """Return why somebody cannot become a record's owner: disabled, or may not read such records.

    Whoever creates for themselves needs no look at the database, but has to be allowed to read
    such records too; the platform may choose anybody.

    Raises:
        AccessDenied: They are not.
    """
    owner = values.get("ownerid")
    if op.is_system or not compiled.is_owned or owner is None:
        return []
    if owner.id == op.principal.user_id:
        op.require("read", compiled.entity.name)
        return []
    missing = await missing_of_receiver(op, owner, compiled.entity, is_owner=True)
    return [Violation("ownerid", missing, {"value": owner.name or owner.id})] if missing else []


async def keep_previous(
    op: Operation, compiled: CompiledEntity, record_id: str, before: Reference | None
) -> None:
    """Share a record with its owner before, where the organization wants that on assign."""
    name = compiled.entity.name
    if before is None or not op.model.share_paths.is_shareable(name):
        return
    if not await organization_setting(op, "sharetopreviousowneronassign"):
        return
    shares = await op.model.shares.of_record(op.connection, name, record_id)
    inherited = sum(item.inherited_rights for item in shares if item.principal_id == before.id)
    share = Share(
        name, record_id, before.id, before.entity, ALL_RIGHTS, inherited,
        op.principal.user_id, encode_instant(op.now),
    )  # fmt: skip
    await inherited_shares.write(op, [share])


async def organization_setting(op: Operation, field: str) -> Any:
    """Return a field of the organization as it is stored; None when the app has no such field."""
    entity = op.model.registry.entities.get(ORGANIZATION)
    if entity is None or field not in entity.field_by_name:
        return None
    sql = op.model.text(("organization setting", field), partial(_setting, op.model, field))
    row = await op.connection.fetch_one(sql, {})
    return None if row is None else row[0]


def _setting(model: CompiledModel, field: str) -> sa.Select[Any]:
    table = model.tables.entities[ORGANIZATION]
    return sa.select(table.c[field])  # of the one that there is
