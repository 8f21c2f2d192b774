"""Parts of dates that groups are made of, on both engines the same.

A week is numbered in its year, beginning on Sunday; week 1 holds January 1. A fiscal year is named
after the year in which it begins, fiscal periods are numbered from 1. An instant at which the
asker's clock shows a year before 1 or after 9999 has none.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.typed import ValueKind
from kartoteka.conditions.zones import clock_of, zone_named
from kartoteka.query.query import DatePart

Column = sa.ColumnElement[Any]

_MONTHS = {"annually": 12, "semiannually": 6, "quarterly": 3, "monthly": 1}
_FOUR_WEEKS = 28  # days of a period; the last of a year's 13 takes the days that are left


def fiscal_parameters(asker: Asker) -> dict[str, Any]:
    """Return what the parts of a fiscal year depend on; no months mean periods of four weeks."""
    fiscal = asker.fiscal
    return {
        "fiscal_month_": fiscal.start_month,
        "fiscal_day_": fiscal.start_day,
        "fiscal_months_": _MONTHS.get(fiscal.period_type, 0),
    }


def date_part(part: DatePart, column: Column, kind: ValueKind, engine: str) -> Column:
    """Return a part of a date or time as a whole number; instants on the asker's clock."""
    if engine == "sqlite":
        zone = _bind("zone_", sa.Text()) if kind is ValueKind.INSTANT else sa.null()
        return sa.func.kartoteka_date_part(
            sa.literal_column(f"'{part}'"), column, zone, *_fiscal(), type_=sa.Integer()
        )
    if kind is ValueKind.INSTANT:
        column = sa.func.kartoteka_clock(column, _bind("zone_", sa.Text()), type_=sa.DateTime())
    return sa.cast(_postgresql_part(part, column), sa.Integer)


def part_of(
    part: str,
    cell: str | None,
    zone: str | None,
    fiscal_month: int,
    fiscal_day: int,
    fiscal_months: int,
) -> int | None:
    """Return a part of a date or time as SQLite keeps it; with a zone, of an instant in UTC."""
    if cell is None:
        return None
    if zone is None:
        day = date.fromisoformat(cell[:10])
    else:
        try:
            day = clock_of(datetime.fromisoformat(cell), zone_named(zone)).date()
        except OverflowError:
            return None
    match DatePart(part):
        case DatePart.DAY:
            return day.day
        case DatePart.WEEK:
            first = date(day.year, 1, 1)
            return ((day - first).days + first.isoweekday() % 7) // 7 + 1
        case DatePart.MONTH:
            return day.month
        case DatePart.QUARTER:
            return (day.month + 2) // 3
        case DatePart.YEAR:
            return day.year
    year = day.year - ((day.month, day.day) < (fiscal_month, fiscal_day))
    if part == DatePart.FISCAL_YEAR:
        return year
    if fiscal_months:
        months = (day.year - year) * 12 + day.month - fiscal_month - (day.day < fiscal_day)
        return months // fiscal_months + 1
    begin = date(year, fiscal_month, 1) + timedelta(days=fiscal_day - 1)
    return min((day - begin).days // _FOUR_WEEKS, 12) + 1


def _fiscal() -> tuple[Column, Column, Column]:
    names = ("fiscal_month_", "fiscal_day_", "fiscal_months_")
    month, day, months = (_bind(name, sa.Integer()) for name in names)
    return month, day, months


def _postgresql_part(part: DatePart, column: Column) -> Column:
    def extract(name: str) -> Column:
        return sa.cast(sa.extract(name, column), sa.Integer)

    match part:
        case DatePart.WEEK:
            first = sa.func.date_trunc(sa.literal_column("'year'"), column)
            weekday = sa.cast(sa.extract("dow", first), sa.Integer)
            return _divided(extract("doy") - _whole(1) + weekday, _whole(7)) + _whole(1)
        case DatePart.DAY | DatePart.MONTH | DatePart.QUARTER | DatePart.YEAR:
            return extract(part.value)
    month, day, months = _fiscal()
    year, of_month, of_day = extract("year"), extract("month"), extract("day")
    is_before = sa.or_(of_month < month, sa.and_(of_month == month, of_day < day))
    fiscal_year = year - sa.cast(is_before, sa.Integer)
    if part is DatePart.FISCAL_YEAR:
        return fiscal_year
    passed = (
        (year - fiscal_year) * _whole(12) + of_month - month - sa.cast(of_day < day, sa.Integer)
    )
    begin = sa.cast(sa.func.make_date(fiscal_year, month, _whole(1)) + (day - _whole(1)), sa.Date)
    days = sa.cast(column, sa.Date) - begin
    return sa.case(
        (months > _whole(0), _divided(passed, sa.func.nullif(months, _whole(0))) + _whole(1)),
        else_=sa.func.least(_divided(days, _whole(_FOUR_WEEKS)), _whole(12)) + _whole(1),
    )


def _divided(value: Column, by: Column) -> Column:
    """Return a whole number divided towards zero."""
    return sa.cast(value, sa.Integer).op("/")(by)


def _whole(number: int) -> Column:
    return sa.literal_column(str(number), sa.Integer())


def _bind(name: str, bound_type: Any) -> sa.BindParameter[Any]:
    return sa.bindparam(name, type_=bound_type)
