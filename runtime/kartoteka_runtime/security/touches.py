"""Touches: when something was used last is written once a minute at most."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime, timedelta

_EVERY = timedelta(minutes=1)
_MOST = 4096


class Touches:
    """Knows what this process has written a moment ago."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._written: OrderedDict[str, datetime] = OrderedDict()

    def is_due(self, key: str, used_on: datetime | None, now: datetime) -> bool:
        """Return whether to write now; whoever asks again within the minute is told no."""
        if used_on is not None and now - used_on < _EVERY:
            return False
        written = self._written.get(key)
        if written is not None and now - written < _EVERY:
            return False
        self._written[key] = now
        self._written.move_to_end(key)
        if len(self._written) > _MOST:
            self._written.popitem(last=False)
        return True
