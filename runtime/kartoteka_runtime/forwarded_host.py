"""ForwardedHost: the host that clients know, where a trusted proxy asks in their place.

``X-Forwarded-Proto`` and ``X-Forwarded-For`` are read by uvicorn's own middleware; this one stands
before it, while the connection is still that of the proxy. Links in answers begin with what the
client wrote: Dataverse clients cut their own origin off (reference web-api, section 1).
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Iterable
from ipaddress import ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

_HOST, _PORT = b"x-forwarded-host", b"x-forwarded-port"
_NAME = re.compile(rb"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?")
_DIGITS = re.compile(rb"[0-9]{1,5}")
_USUAL_PORTS = frozenset({b"80", b"443"})


class ForwardedHost:
    """Puts what a trusted proxy says of the host in the place of the header ``Host``."""

    def __init__(self, app: ASGIApp, proxies: Iterable[str]) -> None:
        """Believe ``proxies``, addresses and networks."""
        self._app = app
        self._networks = tuple(ip_network(text) for text in proxies)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        if scope["type"] == "http" and self._is_trusted(scope.get("client")):
            host = _forwarded(scope["headers"])
            if host is not None:
                kept = [pair for pair in scope["headers"] if pair[0] != b"host"]
                scope = {**scope, "headers": [(b"host", host), *kept]}
        return self._app(scope, receive, send)

    def _is_trusted(self, client: tuple[str, int] | None) -> bool:
        if not client:
            return False
        try:
            address = ip_address(client[0])
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the host that the first of the proxies was asked for; None: none says."""
    host = port = b""
    for name, value in headers:
        if name == _HOST:
            host = value.partition(b",")[0].strip()
        elif name == _PORT:
            port = value.partition(b",")[0].strip()
    found = _NAME.fullmatch(host)
    if found is None:
        return None
    if found[1] is None and port not in _USUAL_PORTS and _DIGITS.fullmatch(port):
        return host + b":" + port
    return host
