"""FailureLimits: who came with too many wrong passwords or secrets has to wait.

Counted in this process's memory, for an address each; what is known of single users is in the
database (``sessions``). It is forgotten a quarter of an hour after the last failure.
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_FREE_FAILURES = 20  # several people may come by one address
_FORGET_SECONDS = 900.0
_LONGEST_WAIT_SECONDS = 900.0
_MOST_ADDRESSES = 10_000
_IPV6_NETWORK = 64  # bits: one customer commonly has all addresses of such a network


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last: float = 0.0
    until: float = 0.0


class FailureLimits:
    """Counts failures by address; an attempt counts as one until it has succeeded."""

    def __init__(
        self,
        *,
        free: int = _FREE_FAILURES,
        most: int = _MOST_ADDRESSES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Let ``free`` failures pass, and keep at most ``most`` addresses in mind."""
        self._free = free
        self._most = most
        self._clock = clock
        self._known: OrderedDict[str, _Failures] = OrderedDict()

    def __len__(self) -> int:
        """Return how many addresses are kept in mind."""
        return len(self._known)

    def begin(self, address: str) -> float:
        """Count an attempt and return 0, or how many seconds the address has to wait.

        It is counted before it is known to fail, so that many at once gain nothing.
        """
        if not address:
            return 0.0
        now, key = self._clock(), _network(address)
        known = self._known.get(key)
        if known is None or now - known.last > _FORGET_SECONDS:
            known = self._known[key] = _Failures()
        self._known.move_to_end(key)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        if known.until > now:
            return known.until - now
        known.count += 1
        known.last = now
        if known.count > self._free:
            wait = min(2.0 ** min(known.count - self._free, 30), _LONGEST_WAIT_SECONDS)
            known.until = now + wait
        return 0.0

    def succeeded(self, address: str) -> None:
        """Take back the attempt that ``begin`` counted, and the wait that it began.

        Above the limit one attempt is let through at a time, so that it is this one's wait.
        """
        known = self._known.get(_network(address)) if address else None
        if known is not None and known.count:
            known.count -= 1
            known.until = 0.0


def _network(address: str) -> str:
    """Return what stands for an address: itself, or the network that its owner has."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:100]
    if parsed.version == 4:
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_NETWORK), strict=False))
