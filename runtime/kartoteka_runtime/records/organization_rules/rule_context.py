"""What the rules of the organization know of whom they look at, and how they refuse."""

from __future__ import annotations

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.plugin_api.contexts import WriteContext
from kartoteka_runtime.records.acting_records import operation_of
from kartoteka_runtime.records.operation import Operation


def has_entity(op: Operation, entity: str) -> bool:
    """Return whether the publication has an entity: an app may do without teams."""
    return entity in op.model.registry.entities


def is_by_people(context: WriteContext) -> bool:
    """Return whether somebody asked for it, and not the platform."""
    return not operation_of(context.records).is_system


def refused(entity: str, code: str, *, field: str | None = None) -> RecordInvalid:
    """Return the refusal of a write by one rule."""
    return RecordInvalid(entity, [Violation(field, code)])
