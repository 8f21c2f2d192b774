"""RequestLimits: how many requests a user or an address may send in a while.

Counts are kept in this process, in bounded memory. Source: reference web-api, section 14.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address, IPv6Network
from math import ceil

WINDOW_SECONDS = 300.0
_MOST_KEYS = 20_000  # users or addresses that one limit remembers; about 3 MB


class RequestLimit:
    """Lets each key do something ``most`` times at once, and so often in every window after that.

    A bucket of tokens, kept as the one moment at which it is full again (generic cell rate
    algorithm): a look costs two accesses of a dictionary.
    """

    def __init__(
        self,
        most: int,
        *,
        seconds: float = WINDOW_SECONDS,
        most_keys: int = _MOST_KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Allow ``most`` in ``seconds``; 0 allows everything."""
        self._most_keys = most_keys
        self._clock = clock
        self._each = seconds / most if most else 0.0  # what one of them takes out of the window
        self._spare = seconds - self._each
        self._window = seconds
        self._full_at: dict[str, float] = {}
        self._told_until: dict[str, float] = {}

    def take(self, key: str) -> float:
        """Count one; return 0, or the seconds to wait when there were too many."""
        each = self._each
        if not each:
            return 0.0
        now = self._clock()
        full_at = self._full_at.get(key, now)
        if full_at < now:
            full_at = now
        wait = full_at - now - self._spare
        if wait > 1e-9:
            return wait
        self._full_at[key] = full_at + each
        if len(self._full_at) > self._most_keys:
            self._forget(now)
        return 0.0

    def remaining(self, key: str) -> int:
        """Return how often a key may still do it at once."""
        if not self._each:
            return 0
        used = max(self._full_at.get(key, 0.0) - self._clock(), 0.0)
        return max(int((self._window - used) / self._each + 1e-6), 0)

    def is_news(self, key: str) -> bool:
        """Return whether nobody was told within this window that the key does too much."""
        now = self._clock()
        if self._told_until.get(key, 0.0) > now:
            return False
        if len(self._told_until) >= self._most_keys:
            self._told_until.clear()
        self._told_until[key] = now + self._window
        return True

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._full_at)

    def _forget(self, now: float) -> None:
        """Forget who has waited long enough; if that is too few, who did the least."""
        kept = [(at, key) for key, at in self._full_at.items() if at > now]
        most = self._most_keys * 3 // 4
        if len(kept) > most:
            kept.sort(reverse=True)
            del kept[most:]
        self._full_at = {key: at for at, key in kept}


class RequestLimits:
    """The limits of one process: requests by user and by address, and posts of visitors.

    Visitors post when they sign in or prove otherwise who they are; wrong tokens of the API count
    as such too.
    """

    def __init__(self, *, users: int, addresses: int, visitors: int) -> None:
        """Allow so many in five minutes; 0 is without limit."""
        self.users = RequestLimit(users)
        self.addresses = RequestLimit(addresses)
        self.visitors = RequestLimit(visitors)


def retry_after(wait: float) -> str:
    """Return what the header ``Retry-After`` says: whole seconds, at least one."""
    return str(max(ceil(wait), 1))


def address_key(address: str) -> str:
    """Return what counts as one address: of IPv6 the network that a customer is given."""
    return _network(address) if ":" in address else address


@lru_cache(4096)
def _network(address: str) -> str:
    try:
        parsed = IPv6Address(address.partition("%")[0])
    except AddressValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, 64), strict=False))
