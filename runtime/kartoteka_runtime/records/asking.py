"""Who asks, when and where: a principal as conditions need to know it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from kartoteka.conditions.asker import Asker, FiscalCalendar
from kartoteka.conditions.typed import InPeriod, TypedCondition
from kartoteka.conditions.walk import parts_of
from kartoteka.query.of_view import path_of
from kartoteka.query.query import DatePart, Query
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.storage.query_shape import conditions_of

ORGANIZATION = "organization"
_START, _PERIOD_TYPE = "fiscalcalendarstart", "fiscalperiodtype"
_PERIOD_TYPES = {
    2000: "annually", 2001: "semiannually", 2002: "quarterly", 2003: "monthly", 2004: "four_weeks",
}  # fmt: skip
_USUAL_CALENDAR = FiscalCalendar()
_FISCAL_PARTS = (DatePart.FISCAL_PERIOD, DatePart.FISCAL_YEAR)


async def asker_of(op: Operation, query: Query) -> Asker:
    """Return who asks a query; the organization's calendar only where the query looks at it."""
    principal = op.principal
    fiscal = _USUAL_CALENDAR
    parts = (query.groups, query.condition, query.joins, query.expands)
    if op.model.fiscal.get(parts, partial(_is_fiscal, query)):
        fiscal = await _fiscal_calendar(op)
    return Asker(
        principal.user_id,
        principal.business_unit_id,
        principal.time_zone,
        op.now,
        fiscal,
        reaches=op.reaches,
    )


def _is_fiscal(query: Query) -> bool:
    if any(group.part in _FISCAL_PARTS for group in query.groups):
        return True
    conditions = [condition for _, condition in conditions_of(query)]
    conditions += [e.query.condition for e in query.expands if e.query.condition is not None]
    return _names_fiscal_period(conditions)


def _names_fiscal_period(conditions: Iterable[TypedCondition]) -> bool:
    return any(
        isinstance(part, InPeriod) and "Fiscal" in part.name
        for condition in conditions
        for part in parts_of(condition)
    )


async def _fiscal_calendar(op: Operation) -> FiscalCalendar:
    """Return the organization's fiscal calendar; the default one where it says nothing."""
    registry = op.model.registry
    if ORGANIZATION not in registry.entities:
        return _USUAL_CALENDAR
    columns = tuple(path_of(registry, ORGANIZATION, name) for name in (_START, _PERIOD_TYPE))
    query = Query(ORGANIZATION, columns, limit=1)
    rows, _, _ = await op.model.queries.page(op.connection, query, Asker())
    if not rows or rows[0][_START] is None:
        return _USUAL_CALENDAR
    start = rows[0][_START]
    period_type = _PERIOD_TYPES.get(rows[0][_PERIOD_TYPE], _USUAL_CALENDAR.period_type)
    return FiscalCalendar(start.month, start.day, period_type)
