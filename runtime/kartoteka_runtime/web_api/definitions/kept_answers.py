"""KeptAnswers: answers that were written already, as bytes, the last used ones within limits."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock

_MOST_ANSWERS = 512
_MOST_BYTES = 16 * 1024 * 1024
_LARGEST = 4 * 1024 * 1024


class KeptAnswers:
    """Bytes by what was asked."""

    def __init__(self) -> None:
        """Begin with none."""
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> bytes | None:
        """Return the answer to what was asked before."""
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def keep(self, key: Hashable, answer: bytes) -> None:
        """Keep an answer, and let go of those that nobody asked for the longest time."""
        if len(answer) > _LARGEST:
            return
        with self._lock:
            self._size += len(answer) - len(self._answers.pop(key, b""))
            self._answers[key] = answer
            while len(self._answers) > _MOST_ANSWERS or self._size > _MOST_BYTES:
                _, dropped = self._answers.popitem(last=False)
                self._size -= len(dropped)
