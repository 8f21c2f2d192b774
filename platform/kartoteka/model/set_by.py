"""SetBy: one layer that set a property, where, and to what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kartoteka.location import Location


@dataclass(frozen=True, slots=True)
class SetBy:
    """What one document says of a property; ``value`` is plain JSON (decimals are numbers).

    ``is_derived`` means that nobody wrote it there: it follows from what stands at ``location``.
    """

    bundle: str
    location: Location
    value: Any
    is_derived: bool = False
