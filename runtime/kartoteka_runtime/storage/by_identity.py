"""ByIdentity: what was worked out of objects before, found by which objects they are.

A question that is asked again and again is made of the same objects each time. To compare them by
what they say would cost as much as to work it out anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Found = TypeVar("Found")


class ByIdentity(Generic[Found]):
    """Keeps what was found for objects that do not change, the oldest going first."""

    def __init__(self, most: int = 512) -> None:
        """Keep so many; the objects are kept too, so that no other takes their identity."""
        self._most = most
        self._kept: dict[tuple[Any, ...], tuple[tuple[object, ...], Found]] = {}

    def get(self, objects: tuple[object, ...], find: Callable[[], Found], *also: Any) -> Found:
        """Return what ``find`` found for the very same objects; ``also`` are compared by value."""
        key = (*map(id, objects), *also)
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= self._most:
                self._kept.pop(next(iter(self._kept)), None)
            kept = self._kept[key] = (objects, find())
        return kept[1]
