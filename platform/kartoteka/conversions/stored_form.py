"""``stores_alike``: whether a changed field leaves its columns as they are."""

from __future__ import annotations

from kartoteka.model.field import Field
from kartoteka.model.field_types import decimal_scale, storage_of


def stores_alike(before: Field, after: Field) -> bool:
    """Return whether the columns of both are the same: type, length, scale and foreign key.

    Names of entities are compared as they stand: give a field of before with its targets under
    their present names.
    """
    return _stored_form(before) == _stored_form(after)


def _stored_form(field: Field) -> tuple[object, ...]:
    storage = storage_of(field)
    match storage:
        case "text":
            return storage, field.max_length if field.format != "multi_line" else None
        case "decimal":
            return storage, decimal_scale(field)
        case "reference":
            return storage, None if field.is_multi_target else field.targets
        case _:
            return (storage,)
