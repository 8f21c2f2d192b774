"""Records as JSON text: what to select for it, and how rows become it; built once a shape.

Of many members the database writes the text itself; for few a generated function makes values that
orjson writes. Both give the same bytes (decisions/0032).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import orjson
import sqlalchemy as sa

from kartoteka.model.field import Field
from kartoteka.model.field_types import decimal_scale, has_column, storage_of
from kartoteka.record_values import Reference
from kartoteka_runtime.storage.column_types import DECODE_NAMES
from kartoteka_runtime.storage.database import Row
from kartoteka_runtime.storage.json_expressions import PostgresqlJson, SqliteJson
from kartoteka_runtime.storage.row_readers import ReadColumn

Column = sa.ColumnElement[Any]
Encode = Callable[[Sequence[Row]], bytes]

_FEW = 24  # members up to which Python is as fast as the database (decisions/0032)


@dataclass(frozen=True, slots=True)
class JsonMember:
    """One member of a record's JSON object; ``around`` is written about its value, as a text.

    A lookup's value is its id, a multi-choice's a text of whole numbers.
    """

    key: str
    field: Field
    around: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class JsonShape:
    """The members of a record's JSON object, in order.

    A shape is only ever the same as itself, which makes it a cheap key: keep it and use it again.
    """

    members: tuple[JsonMember, ...]

    @property
    def is_stored(self) -> bool:
        """Return whether every member lies in the record's own columns."""
        return all(has_column(member.field) for member in self.members)

    @property
    def is_wide(self) -> bool:
        """Return whether the database writes the text of such records faster than Python."""
        return len(self.members) > _FEW


@dataclass(frozen=True, slots=True)
class JsonSelection:
    """What to select first in each row, and the function from rows to the JSON text of an array."""

    columns: tuple[Column, ...]
    encode: Encode


class RowText(Protocol):
    """Writes the rows of a page as JSON.

    ``shape`` is what the rows hold, if the database may write them. Otherwise ``encoder`` gives the
    function from rows, and what they cannot be written without, to the text of an array; ``record``
    makes the JSON values of one record of them.
    """

    @property
    def record(self) -> Callable[[Mapping[str, Any], Any], Mapping[str, Any]]:
        """Return the function from a record, and what it cannot be written without."""

    @property
    def shape(self) -> JsonShape | None:
        """Return what every row holds; None where the database cannot write it."""

    def encoder(
        self, columns: Sequence[ReadColumn], engine: str
    ) -> Callable[[Sequence[Row], Any], bytes]:
        """Return the function for rows with these columns."""


def record_json(shape: JsonShape, record: Mapping[str, Any]) -> bytes:
    """Return one record in a shape, from values that Python has; the bytes are the same."""
    found: dict[str, Any] = {}
    for member in shape.members:
        value = record[member.field.name]
        if member.around is not None:
            before, after = member.around
            value = f"{before}{value}{after}"
        elif isinstance(value, Reference):
            value = value.id
        elif storage_of(member.field) == "options":
            value = ",".join(map(str, value)) if value else None
        found[member.key] = value
    return to_json(found)


def to_json(value: Any) -> bytes:
    """Return a value as JSON: date-times with ``Z``, decimals as plain numbers.

    Those that mean the same clock everywhere have the ``Z`` too. Source: reference web-api, 3.
    """
    return orjson.dumps(value, default=_default, option=orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC)


def _default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f").encode())
    raise TypeError(type(value).__name__)


def select_json(shape: JsonShape, table: sa.FromClause, *, engine: str) -> JsonSelection:
    """Return how to read records of ``table`` in a shape."""
    return (_in_database if shape.is_wide else _in_python)(shape, table, engine)


def _in_python(shape: JsonShape, table: sa.FromClause, engine: str) -> JsonSelection:
    """Return the columns as they are, and a generated function."""
    columns = tuple(table.c[member.field.name] for member in shape.members)
    parts = [
        f"{member.key!r}:{_python_value(member, f'r[{at}]', engine)}"
        for at, member in enumerate(shape.members)
    ]
    names: dict[str, Any] = {**DECODE_NAMES, "to_json": to_json, "Fragment": orjson.Fragment}
    encode = _generated(f"to_json([{{{','.join(parts)}}} for r in rows])", names)
    return JsonSelection(columns, encode)


def _python_value(member: JsonMember, cell: str, engine: str) -> str:
    if member.around is not None:
        before, after = member.around
        return f"{before!r}+str({cell})+{after!r}"
    return json_source(member.field, cell, engine)


def json_source(field: Field, cell: str, engine: str) -> str:
    """Return the Python expression of what orjson writes for a cell of ``field``."""
    is_sqlite = engine == "sqlite"
    match storage_of(field):
        case "boolean" if is_sqlite:
            return f"None if {cell} is None else {cell} == 1"
        case "decimal":
            amount = f"scaled({cell},{-decimal_scale(field)})" if is_sqlite else cell
            return f"None if {cell} is None else Fragment(format({amount},'f'))"
        case "local_time" if is_sqlite:
            return f"{cell} and {cell}+'Z'"
        case "options" if is_sqlite:
            return f"{cell}.strip(',') or None if {cell} else None"
        case "options":
            return f"','.join(map(str,{cell})) if {cell} else None"
    return cell  # dates and instants of SQLite are kept as JSON has them


def _in_database(shape: JsonShape, table: sa.FromClause, engine: str) -> JsonSelection:
    """Return columns that are JSON objects each, and the function that makes one of every row's."""
    sql = SqliteJson() if engine == "sqlite" else PostgresqlJson()
    pairs = [
        (member.key, sql.value(member.field, table.c[member.field.name], member.around))
        for member in shape.members
    ]
    chunks = [pairs[at : at + sql.most] for at in range(0, len(pairs), sql.most)]
    columns = tuple(sql.object_of(chunk, table) for chunk in chunks)
    last = len(columns) - 1
    cells = [f"{{r[{at}][{1 if at else ''}:{-1 if at < last else ''}]}}" for at in range(last + 1)]
    row = f"f'{','.join(cells)}'" if last else "r[0]"
    return JsonSelection(
        columns, _generated(f"('['+','.join([{row} for r in rows])+']').encode()", {})
    )


def _generated(expression: str, names: dict[str, Any]) -> Encode:
    """Return the function ``rows`` → ``expression``, built from names of the metadata alone."""
    source = compile(f"def encode(rows): return {expression}", "<json rows>", "exec")
    exec(source, names)  # noqa: S102 - of names of the metadata alone
    encode: Encode = names["encode"]
    return encode
