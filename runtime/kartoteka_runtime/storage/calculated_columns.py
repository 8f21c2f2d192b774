"""``calculated_column``: a formula on read → the SQL that stands where another field has a column.

Constants of a formula are written out: they are part of the publication, and a statement may hold
many formulas. What only a request knows are the parameters of ``asker_parameters``.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect

from kartoteka.calculated.fitting import EARLIEST, range_of, rounded
from kartoteka.calculated.formulas import formula_of
from kartoteka.conditions.asker import Asker
from kartoteka.model.field import Field
from kartoteka.model.field_types import NUMBER_LIMITS, storage_of
from kartoteka_runtime.storage.column_types import codec
from kartoteka_runtime.storage.compile_condition import ConditionCompiler
from kartoteka_runtime.storage.condition_parameters import parameters_of

if TYPE_CHECKING:
    from kartoteka_runtime.storage.query_source import QuerySource

Column = sa.ColumnElement[Any]

_WITHIN_ANYWAY = frozenset({"boolean", "id", "reference"})
_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]


def calculated_column(field: Field, source: QuerySource) -> Column:
    """Return the value of a formula on read, encoded as a column of its field would hold it.

    What has no place in the field is empty (``kartoteka.calculated.fitting``). ``source`` is at the
    records that have the field.
    """
    expression = rounded(formula_of(field, source.registry, source.entity), field)
    values = parameters_of(expression, source.engine, Asker(), "", field)
    found = _Compiler(source, list(values.values())).expression(expression, field)
    return _fitting(found, field, source.engine)


class _Compiler(ConditionCompiler):
    """Writes values out instead of numbering parameters."""

    def __init__(self, source: QuerySource, values: list[Any]) -> None:
        super().__init__(source)
        self._values = values

    def next(self, column_type: Any) -> Any:
        value = self._values[self._used]
        self._used += 1
        kind = sa.types.to_instance(column_type)
        if self._engine == "sqlite":
            return sa.literal_column(_written(value), kind)
        as_type = kind.compile(dialect=_POSTGRESQL)
        return sa.literal_column(f"CAST({_written(value)} AS {as_type})", kind)


def _written(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, str | date):
        text = value if isinstance(value, str) else value.isoformat()
        return "'" + text.replace("'", "''") + "'"
    return str(value)


def _fitting(value: Column, field: Field, engine: str) -> Column:
    """Return a value, empty where it has no place in its field."""
    storage = storage_of(field)
    if storage in _WITHIN_ANYWAY or field.is_choice:
        return value
    if storage == "text":
        if field.max_length is None:
            return value
        most = sa.literal_column(str(field.max_length), sa.Integer())
        return sa.func.kartoteka_short(value, most, type_=value.type)
    if field.type in NUMBER_LIMITS:
        low, high = (_bound(limit, field, engine) for limit in range_of(field))
    else:
        earliest = EARLIEST.date() if storage == "date" else EARLIEST
        low, high = _moment(earliest, storage, engine), _moment(None, storage, engine)
    return sa.func.kartoteka_in_range(value, low, high, type_=value.type)


def _bound(limit: Any, field: Field, engine: str) -> Column:
    column = codec(field, engine)
    if engine == "sqlite":
        encode = column.encode or int
        return sa.literal_column(str(encode(limit)), column.sql_type)
    as_type = column.sql_type.compile(dialect=_POSTGRESQL)
    return sa.literal_column(f"CAST({limit} AS {as_type})", column.sql_type)


def _moment(moment: Any, storage: str, engine: str) -> Column:
    """Return the first or the last moment that a field holds."""
    if engine == "sqlite":
        return sa.literal_column(_written("9999~" if moment is None else moment), sa.Text())
    kind = {"date": "DATE", "instant": "TIMESTAMPTZ", "local_time": "TIMESTAMP"}[storage]
    text = "infinity" if moment is None else f"{moment.isoformat()}{'Z' * (kind[-1] == 'Z')}"
    return sa.literal_column(f"CAST('{text}' AS {kind})")
