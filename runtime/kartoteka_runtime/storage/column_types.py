"""How each field type is stored: its columns, and the way of a value in and out of them.

One row a storage kind of ``kartoteka.model.field_types`` and engine. Values on the Python side
are those of ``kartoteka.record_values``. On SQLite decimals are whole numbers scaled by ten to
the field's precision, so that they stay exact (decisions/0003).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeEngine

from kartoteka.model.field import Field
from kartoteka.model.field_types import decimal_scale, storage_of

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class ColumnCodec:
    """The type of one field's value column, and how values enter and leave it.

    ``encode`` and ``decode`` are None where the driver's value is the record's value; neither is
    called with None. ``decode_source`` is ``decode`` as a Python expression over ``{}``, for
    generated row readers.
    """

    sql_type: TypeEngine[Any]
    encode: Convert | None = None
    decode_source: str = "{}"


def codec(field: Field, engine: str) -> ColumnCodec:
    """Return how ``field`` is stored on ``engine`` (``sqlite`` or ``postgresql``)."""
    kind = storage_of(field)
    if kind == "text":
        limit = field.max_length if field.format != "multi_line" else None
        return ColumnCodec(sa.String(limit) if limit else sa.Text())
    if kind == "decimal":
        return _decimal_codec(decimal_scale(field), engine)
    return _POSTGRESQL[kind] if engine == "postgresql" else _SQLITE[kind]


def _decimal_codec(scale: int, engine: str) -> ColumnCodec:
    if engine == "postgresql":
        return ColumnCodec(sa.Numeric(38, scale))
    factor = 10**scale
    return ColumnCodec(
        sa.BigInteger(),
        encode=lambda value: int(value * factor),
        decode_source=f"scaled({{}}, {-scale})",
    )


def scaled(value: int, exponent: int) -> Decimal:
    """Return the decimal that a stored whole number stands for."""
    return Decimal(value).scaleb(exponent)


def encode_instant(value: datetime) -> str:
    """Return an instant as SQLite keeps it: UTC, whole seconds, sortable as text."""
    utc = value.astimezone(UTC).replace(tzinfo=None)
    return f"{utc.isoformat(timespec='seconds')}Z"  # strftime writes the year 5 without its zeros


def _encode_float(value: float) -> float:
    return float(value) + 0.0  # -0.0 is 0.0: SQLite keeps no other


def _encode_options(value: tuple[int, ...]) -> str:
    return "," + "".join(f"{option}," for option in value)


def decode_options(text: str) -> tuple[int, ...]:
    """Return the option values of SQLite's ``,1,2,``."""
    return tuple(int(part) for part in text.strip(",").split(",") if part)


_SQLITE: dict[str, ColumnCodec] = {
    "big_integer": ColumnCodec(sa.BigInteger()),
    "boolean": ColumnCodec(sa.Integer(), encode=int, decode_source="{} == 1"),
    "date": ColumnCodec(sa.String(10), encode=date.isoformat, decode_source="date_fromiso({})"),
    "float": ColumnCodec(sa.Float(), encode=_encode_float),
    "id": ColumnCodec(sa.String(36)),
    "reference": ColumnCodec(sa.String(36)),
    "instant": ColumnCodec(
        sa.String(20), encode=encode_instant, decode_source="datetime_fromiso({})"
    ),
    "integer": ColumnCodec(sa.Integer()),
    "local_time": ColumnCodec(
        sa.String(19),
        encode=lambda value: value.isoformat(timespec="seconds"),
        decode_source="datetime_fromiso({})",
    ),
    "options": ColumnCodec(sa.Text(), encode=_encode_options, decode_source="decode_options({})"),
}

_POSTGRESQL: dict[str, ColumnCodec] = {
    "big_integer": ColumnCodec(sa.BigInteger()),
    "boolean": ColumnCodec(sa.Boolean()),
    "date": ColumnCodec(sa.Date()),
    "float": ColumnCodec(sa.Double(), encode=_encode_float),
    "id": ColumnCodec(sa.Uuid()),
    "reference": ColumnCodec(sa.Uuid()),
    "instant": ColumnCodec(postgresql.TIMESTAMP(timezone=True, precision=0)),
    "integer": ColumnCodec(sa.Integer()),
    "local_time": ColumnCodec(postgresql.TIMESTAMP(timezone=False, precision=0)),
    "options": ColumnCodec(postgresql.ARRAY(sa.Integer()), encode=list, decode_source="tuple({})"),
}

DECODE_NAMES: dict[str, Any] = {
    "date_fromiso": date.fromisoformat,
    "datetime_fromiso": datetime.fromisoformat,
    "decode_options": decode_options,
    "scaled": scaled,
}
