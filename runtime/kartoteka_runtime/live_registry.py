"""LiveRegistry: the published registry that requests read; swapped whole, never edited."""

from __future__ import annotations

from dataclasses import dataclass, field

from kartoteka.identities import Identities
from kartoteka.labels import LabelResolver
from kartoteka.registry import Registry


@dataclass(frozen=True, slots=True)
class Published:
    """One publication: its number (0 before the first), registry and resolved labels.

    ``identities`` tell who its objects are under other names; ``generation`` says for which stored
    form statements have to be written; ``fingerprint`` tells the registry from any other.
    """

    number: int
    registry: Registry
    labels: LabelResolver
    identities: Identities = field(default_factory=Identities)
    generation: int = 0
    fingerprint: str = ""


class LiveRegistry:
    """Holds the publication that is live in this process.

    A request reads ``current`` once and works with that to its end.
    """

    def __init__(self) -> None:
        """Start with an empty registry."""
        empty = Registry()
        self.current = Published(0, empty, LabelResolver(empty))

    def swap(
        self,
        number: int,
        registry: Registry,
        *,
        identities: Identities | None = None,
        generation: int = 0,
        fingerprint: str = "",
    ) -> None:
        """Make a registry the live one."""
        self.current = Published(
            number,
            registry,
            LabelResolver(registry),
            identities or Identities(),
            generation,
            fingerprint,
        )
