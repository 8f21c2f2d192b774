"""The stored columns of one field as a record value, and back: for conversions at publish time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.record_values import Reference
from kartoteka_runtime.storage.column_types import codec
from kartoteka_runtime.storage.row_readers import ReadColumn, build_reader
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX

Cells = tuple[Any, ...]


def column_names(field: Field) -> tuple[str, ...]:
    """Return the names of the columns that store a field: none, one, or two."""
    if not has_column(field):
        return ()
    return (field.name, field.name + ENTITY_SUFFIX) if field.is_multi_target else (field.name,)


def cell_reader(field: Field, engine: str) -> Callable[[Sequence[Any]], Any]:
    """Return the function from a field's cells, as the driver gives them, to its record value."""
    entity_at = 1 if field.is_multi_target else -1
    read = build_reader([ReadColumn("value", field, 0, entity_at)], engine)
    return lambda cells: read(cells)["value"]


def cell_writer(field: Field, engine: str) -> Callable[[Any], Cells]:
    """Return the function from a record value to a field's cells, as the driver wants them."""
    width = len(column_names(field))
    encode = codec(field, engine).encode

    def write(value: Any) -> Cells:
        if value is None:
            return (None,) * width
        if isinstance(value, Reference):
            return (value.id, value.entity)[:width]
        return (encode(value) if encode else value,)

    return write
