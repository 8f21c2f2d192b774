"""Generated functions that turn a row into a record, without deciding anything per row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kartoteka.model.field import Field
from kartoteka.record_values import Reference
from kartoteka_runtime.storage.column_types import DECODE_NAMES, codec

RowReader = Callable[[Sequence[Any]], dict[str, Any]]

VALUE_NAMES: Mapping[str, Any] = {**DECODE_NAMES, "Reference": Reference}


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """Where in a row the value for ``key`` lies.

    ``entity_at`` is the position of the entity of a multi-target lookup, ``name_at`` that of the
    referenced record's primary field; both -1 when the row has none.
    """

    key: str
    field: Field
    at: int
    entity_at: int = -1
    name_at: int = -1


def build_reader(columns: Sequence[ReadColumn], engine: str) -> RowReader:
    """Return a function from a row to ``{key: record value}``; empty columns give None."""
    names = dict(VALUE_NAMES)
    items = ",".join(f"{column.key!r}:{value_source(column, engine)}" for column in columns)
    source = f"def read_row(r): return {{{items}}}"
    exec(compile(source, "<row reader>", "exec"), names)  # noqa: S102 - built from names alone
    reader: RowReader = names["read_row"]
    return reader


def value_source(column: ReadColumn, engine: str) -> str:
    """Return the Python expression of a record value over the row ``r``; see ``VALUE_NAMES``."""
    cell = f"r[{column.at}]"
    if column.field.is_lookup:
        entity = (
            f"r[{column.entity_at}]"
            if column.entity_at >= 0
            else repr(column.field.targets[0] if column.field.targets else "")
        )
        name = f"r[{column.name_at}] or ''" if column.name_at >= 0 else "''"
        return f"None if {cell} is None else Reference({entity},{cell},{name})"
    decode = codec(column.field, engine).decode_source
    if decode == "{}":
        return cell
    return f"None if {cell} is None else {decode.format(cell)}"
