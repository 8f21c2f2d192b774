"""The JSON of stored values as SQL expressions of each engine, in the bytes that orjson writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from kartoteka.model.field import Field
from kartoteka.model.field_types import decimal_scale, storage_of

Column = sa.ColumnElement[Any]


class SqliteJson:
    """JSON by SQLite's functions; ``most`` members in one object."""

    most = 60  # json_object takes 127 arguments

    def value(self, field: Field, column: Column, around: tuple[str, str] | None) -> Column:
        """Return what a value is in json_object."""
        if around is not None:
            return _around(column, *around)
        true, false = (sa.func.json(sql_text(word)) for word in ("true", "false"))
        match storage_of(field):
            case "boolean":
                return sa.case(
                    (column.is_(None), sa.null()), (column == sa.literal_column("1"), true),
                    else_=false,
                )  # fmt: skip
            case "local_time":
                return column.op("||")(sql_text("Z"))
            case "float":  # SQLite would write 15 digits
                number = sa.func.json(sa.func.kartoteka_json(column))
                return sa.case((column.is_not(None), number))
            case "decimal" if scale := decimal_scale(field):
                size: Column = sa.func.abs(column)
                one: Column = sa.literal_column(str(10**scale))
                sign = sa.case((column < sa.literal_column("0"), sql_text("-")), else_=sql_text(""))
                number = sa.func.printf(
                    sql_text(f"%s%d.%0{scale}d"), sign, size.op("/")(one), size.op("%")(one)
                )
                return sa.case((column.is_not(None), sa.func.json(number)))
            case "options":
                return sa.func.nullif(sa.func.trim(column, sql_text(",")), sql_text(""))
        return column

    def object_of(self, pairs: Sequence[tuple[str, Column]], table: sa.FromClause) -> Column:
        """Return an object of members."""
        parts = (part for key, value in pairs for part in (sql_text(key), value))
        return sa.func.json_object(*parts)


class PostgresqlJson:
    """JSON by PostgreSQL's functions; row_to_json writes no spaces, json_build_object does."""

    most = 1000  # a row has up to 1664 columns

    def value(self, field: Field, column: Column, around: tuple[str, str] | None) -> Column:
        """Return what a value is for row_to_json."""
        if around is not None:
            return _around(column, *around)
        match storage_of(field):
            case "instant" | "local_time":
                return sa.func.to_char(column, sql_text('YYYY-MM-DD"T"HH24:MI:SS"Z"'))
            case "float":
                return self._float(column)
            case "options":
                return sa.func.nullif(sa.func.array_to_string(column, sql_text(",")), sql_text(""))
        return column

    def object_of(self, pairs: Sequence[tuple[str, Column]], table: sa.FromClause) -> Column:
        """Return an object of members."""
        members = sa.select(*(value.label(key) for key, value in pairs)).correlate(table)
        row = members.subquery("j")
        text = sa.cast(sa.func.row_to_json(sa.literal_column("j")), sa.Text())
        return sa.select(text).select_from(row).scalar_subquery()

    def _float(self, column: Column) -> Column:
        """Return a float with its shortest digits, whole numbers with ``.0``; no exponents."""
        plain = sa.cast(sa.cast(sa.cast(column, sa.Text()), sa.Numeric()), sa.Text())
        size, point = sa.func.abs(column), sql_text(".0")
        is_plain = sa.and_(size >= sa.literal_column("1e-5"), size < sa.literal_column("1e16"))
        with_point = sa.case((plain.like(sql_text("%.%")), plain), else_=plain.op("||")(point))
        number = sa.case(
            (column == sa.literal_column("0"), sa.cast(column, sa.Text()).op("||")(point)),
            (is_plain, with_point),
            (size < sa.literal_column("'Infinity'::float8"), sa.cast(column, sa.Text())),
        )
        return sa.cast(number, _Json())


class _Json(sa.types.UserDefinedType[Any]):
    """PostgreSQL's json, as the type that a text is cast to."""

    cache_ok = True

    def get_col_spec(self, **kw: Any) -> str:
        """Return what the type is called."""
        return "JSON"


def sql_text(value: str) -> Column:
    """Return a text as it stands in the statement."""
    quoted = value.replace("'", "''")
    return sa.literal_column(f"'{quoted}'", sa.Text())


def _around(column: Column, before: str, after: str) -> Column:
    return sql_text(before).op("||")(column).op("||")(sql_text(after))
