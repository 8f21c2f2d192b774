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
MOST_WORK_SECONDS = 1200  # of requests of one user in a window. Source: reference platform, 9.10
MOST_AT_ONCE = 52  # requests of one user
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
        self._window = seconds
        self._full_at: dict[str, float] = {}
        self._told_until: dict[str, float] = {}

    def take(self, key: str, count: float = 1) -> float:
        """Count ``count``; return 0, or the seconds to wait when that was too many.

        Nothing is counted then. What is more than may ever be done at once is let through once
        nothing else was done.
        """
        each = self._each
        if not each:
            return 0.0
        now = self._clock()
        full_at = self._full_at.get(key, now)
        if full_at < now:
            full_at = now
        if count != 1:
            each *= count
        spare = self._window - each
        wait = full_at - now - (spare if spare > 0 else 0.0)
        if wait > 1e-9:
            return wait
        self._full_at[key] = full_at + each
        if len(self._full_at) > self._most_keys:
            self._forget(now)
        return 0.0

    def spend(self, key: str, count: float) -> None:
        """Count what was done already, be it too much: whoever did it waits the longer."""
        if self._each:
            now = self._clock()
            full_at = self._full_at.get(key, now)
            full_at = (now if full_at < now else full_at) + count * self._each
            most = now + 2 * self._window
            self._full_at[key] = most if full_at > most else full_at
            if len(self._full_at) > self._most_keys:
                self._forget(now)

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


class AtOnce:
    """How much each key has under way, ``most`` at the same time."""

    def __init__(self, most: int) -> None:
        """Allow ``most``; 0 allows everything."""
        self._most = most
        self._under_way: dict[str, int] = {}

    def begin(self, key: str) -> bool:
        """Count one more, unless that is too many; return whether it was counted."""
        count = self._under_way.get(key, 0)
        if self._most and count >= self._most:
            return False
        self._under_way[key] = count + 1
        return True

    def end(self, key: str) -> None:
        """Count one less."""
        count = self._under_way.get(key, 0) - 1
        if count > 0:
            self._under_way[key] = count
        else:
            self._under_way.pop(key, None)


class RequestLimits:
    """The limits of one process: requests by user and by address, and posts of visitors.

    Visitors post when they sign in or prove otherwise who they are; wrong tokens of the API count
    as such too. ``seconds`` is how long the requests of a user to the API take together,
    ``at_once`` how many are under way.
    """

    def __init__(self, *, users: int, addresses: int, visitors: int) -> None:
        """Allow so many in five minutes; 0 is without limit."""
        self.users = RequestLimit(users)
        self.seconds = RequestLimit(MOST_WORK_SECONDS if users else 0)
        self.at_once = AtOnce(MOST_AT_ONCE if users else 0)
        self.addresses = RequestLimit(addresses)
        self.visitors = RequestLimit(visitors)

    def time_left(self, user_id: str) -> str:
        """Return how many seconds the requests of a user may still take, as a header says it."""
        return str(self.seconds.remaining(user_id))


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
