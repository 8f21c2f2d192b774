"""Merging two records: one goes on with what belongs to both, the other stays behind, inactive.

Both are read first, and locked. The values come by the usual update of the target, what belongs to
the subordinate by updates of its own, the subordinate's end by one too: hooks, rules, webhooks and
access see nothing unusual. Source: reference platform, section 9.2; decisions/0052.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound, Violation
from kartoteka.model.merging import (
    MASTER,
    MERGE,
    MERGED,
    is_mergeable,
    parent_fields,
    state_after_merge,
)
from kartoteka.plugin_api.contexts import WriteContext
from kartoteka.record_values import Reference
from kartoteka_runtime.records import pipeline
from kartoteka_runtime.records.compiled_model import CompiledEntity
from kartoteka_runtime.records.hook_context import hook_context
from kartoteka_runtime.records.merged_children import Merge, move_children
from kartoteka_runtime.records.merged_links import move_links
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.record_access import require_all
from kartoteka_runtime.records.state_model import REASON, STATE

_NEEDED = ("write", "append", "append_to")  # on both records


async def merge(
    op: Operation,
    name: str,
    target_id: str,
    subordinate_id: str,
    supplied: Mapping[str, Any],
    *,
    checks_parents: bool,
) -> None:
    """Merge the subordinate into the target, which gets ``supplied`` and nothing else of it.

    Raises:
        RecordNotFound: One of them is not there.
        RecordInvalid: The two cannot be merged, the values, a hook or what belongs to the
            subordinate refuses it, or that is too much.
        AccessDenied: The principal may not merge, or not change one of them or what would move.
    """
    compiled = op.entity(name)
    op.require("read", name)
    if not op.is_system and not op.access.has(MERGE):
        raise AccessDenied("error.access_denied", {"privilege": MERGE, "entity": name})
    entity = compiled.entity
    after = state_after_merge(entity) if is_mergeable(entity) else None
    if after is None:
        raise _refused(name, None, "never", entities=entity.plural_label)
    if target_id == subordinate_id:
        raise _refused(name, None, "same")
    # In the same order whoever is merged into whom, so that two merges cannot wait for each other.
    found = {item: await _read(op, compiled, item) for item in sorted((target_id, subordinate_id))}
    target, subordinate = found[target_id], found[subordinate_id]
    for record in (target, subordinate):
        if record[STATE] != entity.states[0].value:
            raise _refused(name, STATE, "not_active", value=record.get(entity.primary_field) or "")
    values = dict(supplied)
    if checks_parents:
        hidden = op.columns.limits(name).hidden  # what they hold must not show
        fields = [item.name for item in parent_fields(entity) if item.name not in hidden]
        _check_parents(name, fields, target | values, target_id, subordinate, subordinate_id)
    context = await _run_before(op, compiled, target_id, values, target, subordinate)
    if values.get(STATE, target[STATE]) != target[STATE]:
        raise _refused(name, STATE, "not_active", value=target.get(entity.primary_field) or "")
    if op.watch is not None:
        op.watch.ran(name, target_id, MERGE)
    if values:
        await pipeline.update(op, name, target_id, values)
    merging = Merge(name, Reference(name, target_id), Reference(name, subordinate_id), subordinate)
    await move_children(op, merging)
    await move_links(op, merging)
    state, reason = after
    ended: dict[str, Any] = {STATE: state.value, REASON: reason.value}
    if MASTER in compiled.names:
        ended[MASTER] = merging.target
    if MERGED in compiled.names:
        ended[MERGED] = True
    await pipeline.update(op.as_command(), name, subordinate_id, ended)
    if context is not None:
        for handler in compiled.handlers.get(f"after_{MERGE}", ()):
            await handler.run(context)


async def _read(op: Operation, compiled: CompiledEntity, record_id: str) -> dict[str, Any]:
    """Return a record as it is stored, for whoever may change it, and attach it and to it."""
    name = compiled.entity.name
    found = await compiled.queries.read_allowed(
        op.connection, record_id, _NEEDED, for_update=True, asker=op.asker
    )
    if found is None:
        raise RecordNotFound(name, record_id)
    record, may = found
    require_all(name, _NEEDED, may)
    return record


def _check_parents(
    name: str,
    fields: Sequence[str],
    target: Mapping[str, Any],
    target_id: str,
    subordinate: Mapping[str, Any],
    subordinate_id: str,
) -> None:
    """Return when both records belong to the same ones, and neither to the other.

    Raises:
        RecordInvalid: They do not; the first lookup that says so is named.
    """
    for field in fields:
        above, below = _named(target, field), _named(subordinate, field)
        if above == (name, subordinate_id) or below == (name, target_id):
            raise _refused(name, field, "parent")
        if above != below:
            raise _refused(name, field, "parents_differ")


def _named(record: Mapping[str, Any], field: str) -> tuple[str, str] | None:
    value = record.get(field)
    return (value.entity, value.id) if isinstance(value, Reference) else None


async def _run_before(
    op: Operation,
    compiled: CompiledEntity,
    target_id: str,
    values: dict[str, Any],
    target: Mapping[str, Any],
    subordinate: Mapping[str, Any],
) -> WriteContext | None:
    """Run the before-hooks; what they add to the values is checked with them."""
    if not compiled.handlers:
        return None
    name = compiled.entity.name
    context = hook_context(op, name, MERGE, target_id, values, target, subordinate)
    for handler in compiled.handlers.get(f"before_{MERGE}", ()):
        await handler.run(context)
    return context


def _refused(name: str, field: str | None, rule: str, **params: object) -> RecordInvalid:
    return RecordInvalid(name, [Violation(field, f"violation.merge_{rule}", params)])
