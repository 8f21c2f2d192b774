"""Forecast categories: which of them only closing an opportunity gives."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from kartoteka import RecordInvalid, Violation, WriteContext


class ForecastCategory(IntEnum):
    """The options of ``opportunity.forecastcategory``."""

    PIPELINE = 100000001
    BEST_CASE = 100000002
    COMMITTED = 100000003
    OMITTED = 100000004
    WON = 100000005
    LOST = 100000006


# {category: the statecode that an opportunity must have for it}
_CLOSED_STATES: Mapping[int | None, int] = {ForecastCategory.WON: 1, ForecastCategory.LOST: 2}


async def check_category(context: WriteContext) -> None:
    """Refuse the categories won and lost for an opportunity that is not closed that way.

    Raises:
        RecordInvalid: The category belongs to a state that the record does not have.
    """
    needed = _CLOSED_STATES.get(context.values.get("forecastcategory"))
    if needed is not None and context.value("statecode") != needed:
        raise RecordInvalid(
            "opportunity", [Violation("forecastcategory", "sales.category_needs_closing")]
        )
