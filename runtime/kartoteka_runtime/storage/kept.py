"""Kept: what was built once for a key, the oldest going first when there is too much of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Built = TypeVar("Built")


class Kept(Generic[Built]):
    """Builds and keeps."""

    def __init__(self, most: int) -> None:
        """Keep so many at once."""
        self._most = most
        self._kept: dict[Hashable, Built] = {}

    def __call__(self, key: Hashable, build: Callable[[], Built]) -> Built:
        """Return what belongs to a key, built when it is new."""
        built = self._kept.get(key)
        if built is None:
            if len(self._kept) >= self._most:
                self._kept.pop(next(iter(self._kept)), None)
            built = self._kept[key] = build()
        return built
