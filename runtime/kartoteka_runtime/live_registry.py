"""LiveRegistry: the published registry that requests read; swapped whole, never edited."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.labels import LabelResolver
from kartoteka.registry import Registry


@dataclass(frozen=True, slots=True)
class Published:
    """One publication: its number (0 before the first), registry and resolved labels."""

    number: int
    registry: Registry
    labels: LabelResolver


class LiveRegistry:
    """Holds the publication that is live in this process.

    A request reads ``current`` once and works with that to its end.
    """

    def __init__(self) -> None:
        """Start with an empty registry."""
        empty = Registry()
        self.current = Published(0, empty, LabelResolver(empty))

    def swap(self, number: int, registry: Registry) -> None:
        """Make a registry the live one."""
        self.current = Published(number, registry, LabelResolver(registry))
