"""OnDemand: a mapping whose values are made when they are first asked for, and then kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")


class OnDemand(Mapping[str, Value], Generic[Value]):
    """Values by logical name; an app has many entities, and a process soon needs some of them."""

    def __init__(self, names: Collection[str], build: Callable[[str], Value]) -> None:
        """Hold ``names``; ``build`` makes the value of one."""
        self._names = names
        self._build = build
        self._made: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        """Return the value of a name; KeyError for a name that is not held."""
        try:
            return self._made[name]
        except KeyError:
            if name not in self._names:
                raise
        value = self._made[name] = self._build(name)
        return value

    def __contains__(self, name: object) -> bool:
        """Return whether the name is held, without making its value."""
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """Yield every name."""
        return iter(self._names)

    def __len__(self) -> int:
        """Return how many names there are."""
        return len(self._names)
