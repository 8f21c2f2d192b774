"""What a calculated value becomes in its field: rounded, or empty when it has no place there.

Numbers are rounded to the field's precision, halves away from zero. A number outside of what the
field takes, a text that is too long and a date before 1753 are empty.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from kartoteka.conditions.functions import NUMBERS
from kartoteka.conditions.typed import Applied, Constant, Expression, ValueKind, kind_of
from kartoteka.model.field import Field
from kartoteka.model.field_types import NUMBER_LIMITS, decimal_scale, storage_of

EARLIEST = datetime(1753, 1, 1)  # Source: reference platform, section 1.5
_MOST_STORED = 2**63 - 1  # of a decimal, scaled to a whole number (decisions/0003)


def fits_kind(expression: Expression, field: Field) -> bool:
    """Return whether values of an expression can become those of a field."""
    wanted = kind_of(field)
    return expression.kind is wanted or {expression.kind, wanted} <= NUMBERS


def rounded(expression: Expression, field: Field) -> Expression:
    """Return an expression rounded to the precision of a field; others come back as they are."""
    if kind_of(field) not in NUMBERS or expression.kind is ValueKind.WHOLE:
        return expression
    places = Constant(places_of(field), ValueKind.WHOLE)
    return Applied("round", (expression, places), ValueKind.DECIMAL)


def places_of(field: Field) -> int:
    """Return how many decimal places the numbers of a field have."""
    return field.precision or 0


def range_of(field: Field) -> tuple[Decimal, Decimal]:
    """Return the least and the greatest number that a field takes."""
    low, high = NUMBER_LIMITS[field.type]
    low = low if field.min is None else max(low, field.min)
    high = high if field.max is None else min(high, field.max)
    if storage_of(field) == "decimal":
        most = Decimal(_MOST_STORED // 10 ** decimal_scale(field))
        low, high = max(low, -most), min(high, most)
    return low, high


def fit(value: Any, field: Field) -> Any:
    """Return a value of an expression as the field holds it, None when it has no place there."""
    if value is None:
        return None
    if field.type in NUMBER_LIMITS:
        return _fit_number(Decimal(repr(value)) if type(value) is float else Decimal(value), field)
    if isinstance(value, str):
        return value if field.max_length is None or len(value) <= field.max_length else None
    if isinstance(value, datetime):
        return value if value >= _earliest(value) else None
    if isinstance(value, date):
        return value if value >= EARLIEST.date() else None
    return value


def _earliest(value: datetime) -> datetime:
    return EARLIEST if value.tzinfo is None else EARLIEST.replace(tzinfo=UTC)


def _fit_number(value: Decimal, field: Field) -> Any:
    low, high = range_of(field)
    if not low - 1 <= value <= high + 1:
        return None  # rounding it would take more digits than numbers are worked out with
    found = value.quantize(Decimal(1).scaleb(-places_of(field)), ROUND_HALF_UP)
    if not low <= found <= high:
        return None
    match storage_of(field):
        case "integer":
            return int(found)
        case "float":
            return float(found)
        case _:
            return found
