"""Values of a field under its definition before → values under its definition after.

Values are those of ``kartoteka.record_values``, so there is one implementation for every engine.
``matrix.conversion`` is the door; what each pair of types does is in the module of the type that
values come from or go to, and for people in ``docs/reference/conversions.md``.
"""

from kartoteka.conversions.conversion import Conversion, DoesNotConvert, Kind
from kartoteka.conversions.matrix import conversion, family
from kartoteka.conversions.references import lost_targets
from kartoteka.conversions.stored_form import stores_alike

__all__ = [
    "Conversion",
    "DoesNotConvert",
    "Kind",
    "conversion",
    "family",
    "lost_targets",
    "stores_alike",
]
