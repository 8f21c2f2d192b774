"""Create, update and delete: the one pipeline that every write runs through.

access → validation → before-hooks → rules → derived values → SQL → cascades → after-hooks, all
inside one transaction that the caller opened. The first refusal ends it, and nothing is written.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from kartoteka.access.grants import is_kept
from kartoteka.errors import RecordConflict, RecordInvalid, RecordNotFound, Violation
from kartoteka.plugin_api.contexts import WriteContext
from kartoteka.record_values import Reference
from kartoteka_runtime.records import (
    access_audit,
    activities,
    cascades,
    changes,
    derived_values,
    inherited_shares,
    kept_files,
    owners,
    parties,
    rollups,
    webhook_messages,
)
from kartoteka_runtime.records.compiled_model import POINTER, CompiledEntity
from kartoteka_runtime.records.hook_context import hook_context
from kartoteka_runtime.records.identifiers import new_id
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.record_access import (
    appended,
    default_owner,
    denied,
    require_all,
    require_moved,
    require_new,
    require_owner_given,
)
from kartoteka_runtime.records.references import check_hierarchy, check_references
from kartoteka_runtime.records.rules import run_rules
from kartoteka_runtime.records.state_model import REASON, STATE
from kartoteka_runtime.storage.database import UniqueViolation
from kartoteka_runtime.storage.record_queries import VERSION

_UPDATING = ("write", "append", "assign")  # privileges that an update may need
_ALLOWED_WHEN_READ_ONLY = frozenset({"ownerid", STATE, REASON})


async def create(op: Operation, name: str, supplied: Mapping[str, Any]) -> str:
    """Create a record and return its id.

    ``bulk_create`` goes the same way with many at once; what is added here is added there too.

    Raises:
        RecordInvalid: The values, a hook or the database refused; every violation is listed.
        AccessDenied: The principal may not create records of this entity.
    """
    compiled = op.entity(name)
    require_creating(op, name)
    values = new_values(op, compiled, supplied)
    record_id: str = values[compiled.entity.primary_id]
    context = await _run_before(op, compiled, "create", record_id, values, None)
    violations = decide_new(op, compiled, values)
    violations += await check_references(op, compiled, values, values)
    violations += await owners.check_new(op, compiled, values)
    violations += await check_hierarchy(op, compiled, record_id, values)
    if not compiled.files.isdisjoint(values):
        violations += await kept_files.complete(op, compiled, record_id, values)
    if violations:
        raise RecordInvalid(name, violations)
    if compiled.is_owned:
        await derived_values.write_owner(op, compiled, values)
    await require_new_allowed(op, compiled, values)
    derived_values.stamp_new(op, compiled, values)
    await derived_values.write_autonumbers(op, compiled, [values])
    await derived_values.write_base_amounts(op, compiled, values, None)
    calculate_new(op, compiled, values)
    try:
        await compiled.queries.insert(op.connection, values)
    except UniqueViolation as refused:
        raise not_unique(compiled, refused, values) from refused
    await follow_new(op, compiled, [values])
    await _run_after(op, compiled, "create", context)
    return record_id


def require_creating(op: Operation, name: str) -> None:
    """Return when records of an entity may be created at all; it is noted that some will be.

    Raises:
        AccessDenied: The principal may not.
        RecordInvalid: They follow others and are never written by themselves.
    """
    op.require("create", name)
    op.written.add(name)
    _refuse_pointer(op, name)


def new_values(
    op: Operation, compiled: CompiledEntity, supplied: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the values of a new record as supplied, checked, with its id and defaults.

    Raises:
        RecordInvalid: One is wrong or may not be written; what is missing is told with it.
    """
    name = compiled.entity.name
    if secured := op.columns.refused_new(name, supplied):
        raise RecordInvalid(name, secured)
    values, violations = compiled.validator.check_values(supplied, may_write_read_only=op.is_system)
    if violations:
        _fill_defaults(op, compiled, values)
        named = {violation.field for violation in violations}
        violations += [v for v in compiled.validator.missing(values, False) if v.field not in named]
        raise RecordInvalid(name, violations)
    values[compiled.entity.primary_id] = values.get(compiled.entity.primary_id) or new_id()
    _fill_defaults(op, compiled, values)
    activities.write_kind(compiled, values)
    return values


def decide_new(op: Operation, compiled: CompiledEntity, values: dict[str, Any]) -> list[Violation]:
    """Let rules, joined texts and states have their say; return what is wrong by then.

    Raises:
        RecordInvalid: A rule refuses the record.
    """
    if compiled.rules is not None:
        run_rules(op, compiled.rules, compiled.entity, compiled.validator, values, None)
    derived_values.write_joined(compiled, values, None)
    violations = [*compiled.validator.missing(values, False)]
    violations += compiled.states.complete_new(values, any_state=op.is_system)
    return violations


async def require_new_allowed(
    op: Operation, compiled: CompiledEntity, values: Mapping[str, Any]
) -> None:
    """Return when the principal may create this very record.

    Raises:
        AccessDenied: Not for that owner, or not attached to what it names.
    """
    await require_owner_given(op, compiled, values)
    needed = ("create", "append") if appended(compiled, values) else ("create",)
    await require_new(op, compiled, values, *needed)


def calculate_new(op: Operation, compiled: CompiledEntity, values: dict[str, Any]) -> None:
    """Write the rollups and formulas that a new record is stored with."""
    if compiled.rollup_changes.has_own:
        values |= rollups.first_values(op, compiled.entity.name)
    if compiled.formulas:
        compiled.formulas.write(values, None)


async def follow_new(
    op: Operation, compiled: CompiledEntity, created: Sequence[Mapping[str, Any]]
) -> None:
    """Keep everything in step with records that were just stored."""
    primary_id = compiled.entity.primary_id
    if op.watch is not None:
        for values in created:
            op.watch.created(compiled.entity.name, values[primary_id])
    for values in created if compiled.files else ():
        if not compiled.files.isdisjoint(values):
            await kept_files.keep(op, compiled, values[primary_id], values, None)
    if compiled.entity.is_activity:
        for values in created:
            await activities.write_pointer(op, compiled, values[primary_id], values, is_new=True)
    await inherited_shares.created(op, compiled, created)
    if compiled.entity.is_activity:
        for values in created:
            await parties.write_parties(op, compiled, values[primary_id], values)
    if compiled.rollup_changes:
        await compiled.rollup_changes.created(op, created)


async def update(
    op: Operation,
    name: str,
    record_id: str,
    supplied: Mapping[str, Any],
    version: int | None = None,
) -> None:
    """Change fields of a record; values equal to the stored ones count as not supplied.

    Raises:
        RecordNotFound: There is no such record.
        RecordConflict: ``version`` is no longer the stored one.
        RecordInvalid: The values, the record's state, a hook or the database refused.
        AccessDenied: The principal may not change it.
    """
    compiled = op.entity(name)
    op.require("read", name)
    op.written.add(name)
    _refuse_pointer(op, name)
    if is_kept(compiled.entity) and not op.is_free:
        raise denied("write", name)
    needed = compiled.read_before_update(supplied)
    found = await compiled.queries.read_allowed(
        op.connection, record_id, _UPDATING, names=needed, for_update=True, asker=op.asker
    )
    if found is None:
        raise RecordNotFound(name, record_id)
    before, may = found
    require_all(name, ("write",), may)
    if secured := op.columns.refused_changes(name, supplied):
        raise RecordInvalid(name, secured)
    supplied = op.columns.without_masks(name, supplied, before)
    unseen = op.columns.limits(name).hidden  # whether they change must not show
    if version is not None and before.get(VERSION) != version:
        raise RecordConflict(name, record_id, before.get(VERSION) or 0)
    values, violations = compiled.validator.check_values(
        _without_id(compiled, supplied, record_id), may_write_read_only=op.is_free
    )
    if violations:
        raise RecordInvalid(name, violations)
    _drop_unchanged(values, before, unseen)
    if not values:
        return
    if not op.is_free and compiled.states.is_read_only(before):
        locked = [field for field in values if field not in _ALLOWED_WHEN_READ_ONLY]
        if locked and STATE not in values:
            raise RecordInvalid(name, [Violation(None, "violation.record_read_only")])
    context = await _run_before(op, compiled, "update", record_id, values, before)
    if compiled.rules is not None:
        run_rules(op, compiled.rules, compiled.entity, compiled.validator, values, before)
    _drop_unchanged(values, before, unseen)
    derived_values.write_joined(compiled, values, before)
    violations = [*compiled.validator.missing(values, True)]
    chose_reason = REASON in values
    violations += compiled.states.complete_change(before, values, any_state=op.is_free)
    activities.write_completion(op, compiled, values, before, chose_reason=chose_reason)
    violations += await check_references(op, compiled, values, values)
    violations += await owners.check_new(op, compiled, values)
    violations += await check_hierarchy(op, compiled, record_id, values)
    has_files = not compiled.files.isdisjoint(values)
    if has_files:
        violations += await kept_files.complete(op, compiled, record_id, values)
    elif compiled.files:
        violations += kept_files.rename_attachment(compiled, values)
    if "ownerid" in values and values["ownerid"] is None:
        violations.append(Violation("ownerid", "violation.required"))
    if violations:
        raise RecordInvalid(name, violations)
    if appended(compiled, values):
        require_all(name, ("append",), may)
    if isinstance(values.get(compiled.entity.parent_field), Reference):
        await require_new(op, compiled, values, "create")  # to move a child is to give it anew
        await require_moved(op, compiled, values)
    if "ownerid" in values:
        require_all(name, ("assign",), may)
        await derived_values.write_owner(op, compiled, values)
    derived_values.stamp_change(op, compiled, values)
    await derived_values.write_base_amounts(op, compiled, values, before)
    if compiled.formulas:
        compiled.formulas.write(values, before)
    await changes.note_moved(op, compiled, record_id, values, before)
    try:
        await compiled.queries.update(op.connection, record_id, values)
    except UniqueViolation as refused:
        raise not_unique(compiled, refused, values) from refused
    if has_files:
        await kept_files.keep(op, compiled, record_id, values, before)
    access_audit.note_update(op, name, record_id, values, before)
    if op.watch is not None:
        op.watch.updated(name, record_id, values)
    await activities.write_pointer(op, compiled, record_id, values, is_new=False)
    if compiled.entity.is_activity:
        await parties.write_parties(op, compiled, record_id, values)
    if compiled.rollup_changes:
        await compiled.rollup_changes.updated(op, record_id, values, before)
    if "ownerid" in values:
        moved = (before["ownerid"], values["ownerid"])
        await owners.keep_previous(op, compiled, record_id, before["ownerid"])
        await cascades.assign_children(op, name, record_id, moved, update)
    await inherited_shares.updated(op, compiled, record_id, values)
    await _run_after(op, compiled, "update", context)


async def delete(op: Operation, name: str, record_id: str, version: int | None = None) -> None:
    """Delete a record with what its relationships say goes with it.

    Raises:
        RecordNotFound: There is no such record.
        RecordConflict: ``version`` is no longer the stored one.
        RecordInvalid: A relationship restricts it, or a hook refused.
        AccessDenied: The principal may not delete it.
    """
    if ("delete", name, record_id) in op.visited:
        return
    op.visited.add(("delete", name, record_id))
    compiled = op.entity(name)
    op.require("read", name)
    op.written.add(name)
    _refuse_pointer(op, name)
    found = await compiled.queries.read_allowed(
        op.connection, record_id, ("delete",), for_update=True, asker=op.asker
    )
    if found is None:
        raise RecordNotFound(name, record_id)
    before, may = found
    if ("delete with parent", name, record_id) not in op.visited:
        require_all(name, ("delete",), may)
    if version is not None and before.get(VERSION) != version:
        raise RecordConflict(name, record_id, before.get(VERSION) or 0)
    context = await _run_before(op, compiled, "delete", record_id, {}, before)
    if op.watch is not None:
        await webhook_messages.before_delete(op, name, record_id)
    await cascades.delete_children(op, name, record_id, delete)
    if compiled.entity.is_activity:
        await parties.delete_parties(op, record_id)
    await changes.note_gone(op, compiled, record_id, before)
    await activities.delete_pointer(op, compiled, record_id, before)
    await compiled.queries.delete(op.connection, record_id)
    await inherited_shares.deleted(op, compiled, record_id)
    if compiled.files:
        await kept_files.released(op, compiled, before)
    access_audit.note_delete(op, name, record_id, before)
    if compiled.rollup_changes:
        await compiled.rollup_changes.deleted(op, before)
    await _run_after(op, compiled, "delete", context)


def _fill_defaults(op: Operation, compiled: CompiledEntity, values: dict[str, Any]) -> None:
    for field, default in compiled.defaults.items():
        if field not in values:
            values[field] = default
    if compiled.is_owned and values.get("ownerid") is None:
        owner = default_owner(op, compiled.entity.name)
        if owner is not None:
            values["ownerid"] = owner


def _without_id(
    compiled: CompiledEntity, supplied: Mapping[str, Any], record_id: str
) -> Mapping[str, Any]:
    """Return the values without the record's own id, which may be said but not changed."""
    primary_id = compiled.entity.primary_id
    if primary_id not in supplied:
        return supplied
    if str(supplied[primary_id]).lower() != record_id:
        raise RecordInvalid(compiled.entity.name, [Violation(primary_id, "violation.read_only")])
    return {field: value for field, value in supplied.items() if field != primary_id}


def _drop_unchanged(
    values: dict[str, Any], before: Mapping[str, Any], unseen: Collection[str]
) -> None:
    for field in [field for field in values if field in before and field not in unseen]:
        old, new = before[field], values[field]
        same = new.is_same(old) if isinstance(new, Reference) else new == old
        if same:
            del values[field]


def _refuse_pointer(op: Operation, name: str) -> None:
    """Refuse direct writes of activity pointers: they follow their activity."""
    if name == POINTER:
        raise RecordInvalid(name, [Violation(None, "violation.record_read_only")])


def not_unique(
    compiled: CompiledEntity, refused: UniqueViolation, values: Mapping[str, Any]
) -> RecordInvalid:
    """Return the violations of a unique index, a field each."""
    fields = compiled.unique_fields.get(refused.index, (compiled.entity.primary_id,))
    violations = [
        Violation(field, "violation.not_unique", {"value": values.get(field)})
        for field in fields
        if field in values
    ]
    return RecordInvalid(
        compiled.entity.name,
        violations or [Violation(fields[0], "violation.not_unique", {"value": ""})],
    )


async def _run_before(
    op: Operation,
    compiled: CompiledEntity,
    message: str,
    record_id: str,
    values: dict[str, Any],
    before: Mapping[str, Any] | None,
) -> WriteContext | None:
    """Run the before-hooks; what they wrote is validated like everything else."""
    if not compiled.handlers:
        return None
    context = hook_context(op, compiled.entity.name, message, record_id, values, before)
    handlers = compiled.handlers.get(f"before_{message}", ())
    if not handlers:
        return context
    known = dict(values)
    for handler in handlers:
        if handler.fields and not any(field in values for field in handler.fields):
            continue
        await handler.run(context)
    written = {
        field: value
        for field, value in values.items()
        if field not in known or known[field] is not value
    }
    checked, violations = compiled.validator.check_values(written, may_write_read_only=True)
    if violations:
        raise RecordInvalid(compiled.entity.name, violations)
    values.update(checked)
    return context


async def _run_after(
    op: Operation, compiled: CompiledEntity, message: str, context: WriteContext | None
) -> None:
    if context is None:
        return
    for handler in compiled.handlers.get(f"after_{message}", ()):
        if handler.fields and not any(field in context.values for field in handler.fields):
            continue
        await handler.run(context)
