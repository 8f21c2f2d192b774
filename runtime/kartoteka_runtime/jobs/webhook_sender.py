"""WebhookSender: posts messages to other systems, and to nobody who is none of them.

An address that people type may point into our own network. Its name is looked up once for each
connection, every address found has to be a public one (or in a network that the operator allows),
and it is one of these that is connected to: a name that means something else a moment later changes
nothing. Redirects are answers like any other.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

import httpcore2

Address = IPv4Address | IPv6Address
_CONNECT_SECONDS, _ANSWER_SECONDS = 5.0, 20.0
_MOST_BYTES = 16 * 1024  # of an answer that are read
_MOST_TEXT = 2000  # characters of it that are kept
_NAT64 = IPv6Network("64:ff9b::/96")
_UNICAST = IPv6Network("2000::/3")  # of what IPv6 calls global, all that is given to anybody
_AGENT = "kartoteka-webhooks"


class AddressRefused(Exception):
    """A name stands for an address that messages are not sent to."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one attempt.

    Attributes:
        status: The HTTP status; None when there was no answer at all, ``text`` says why.
        text: The beginning of what was answered.
        wait_seconds: After how long the other system wants to be asked again, if it said so.
        milliseconds: How long it took.
    """

    status: int | None
    text: str
    wait_seconds: float | None = None
    milliseconds: int = 0

    @property
    def is_taken(self) -> bool:
        """Return whether the other system has the message."""
        return self.status is not None and 200 <= self.status < 300


class WebhookSender:
    """Posts over connections that it guards."""

    def __init__(self, networks: Sequence[str] = (), *, allows_http: bool = False) -> None:
        """Post to public addresses, and to those in ``networks``."""
        self._backend = GuardedBackend(networks)
        self._allows_http = allows_http
        self._tls: ssl.SSLContext | None = None

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Post a message and return what came of it; whatever goes wrong is an answer too."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                answer = await self._post(url, headers, body)
        except TimeoutError:
            answer = Answer(None, f"no answer within {_ANSWER_SECONDS:.0f} seconds")
        except AddressRefused as refused:
            answer = Answer(None, str(refused))
        except (OSError, ssl.SSLError, ValueError, httpcore2.NetworkError,
                httpcore2.ProtocolError, httpcore2.TimeoutException) as error:  # fmt: skip
            answer = Answer(None, f"{type(error).__name__}: {error}"[:_MOST_TEXT])
        took = int((time.monotonic() - began) * 1000)
        return Answer(answer.status, answer.text, answer.wait_seconds, took)

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        if not url.lower().startswith(("https://", "http://") if self._allows_http else "https://"):
            return Answer(None, "only https addresses are posted to")
        said: dict[bytes | str, bytes | str] = {
            "content-type": "application/json",
            "user-agent": _AGENT,
        }
        said.update(headers.items())
        timeouts = {"connect": _CONNECT_SECONDS, "read": _ANSWER_SECONDS, "write": _ANSWER_SECONDS}
        async with (
            httpcore2.AsyncConnectionPool(
                ssl_context=self._context(), network_backend=self._backend, max_connections=1
            ) as pool,
            pool.stream(
                "POST", url, headers=said, content=body, extensions={"timeout": timeouts}
            ) as response,
        ):
            text = await _beginning(response)
            return Answer(response.status, text, _wait_asked(response.headers))

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
        return self._tls


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connects to addresses that were looked at."""

    def __init__(self, networks: Sequence[str]) -> None:
        """Allow ``networks`` beside what is public."""
        self._networks = tuple(ip_network(network) for network in networks)
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address of ``host`` that answers, if all of them are allowed.

        Raises:
            AddressRefused: One is not.
        """
        addresses = await self._addresses(host.strip("[]"), port)
        for address in addresses:
            self._require_allowed(host, address)
        error: Exception | None = None
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    str(address), port, timeout, local_address, socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as failed:
                error = failed
        raise error or OSError(f"{host} has no address")

    async def sleep(self, seconds: float) -> None:
        """Sleep."""
        await asyncio.sleep(seconds)

    async def _addresses(self, host: str, port: int) -> list[Address]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        texts = dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found)
        return [ip_address(text) for text in texts]

    def _require_allowed(self, host: str, address: Address) -> None:
        meant = _meant(address)
        is_allowed = any(one.version == meant.version and meant in one for one in self._networks)
        if not is_allowed and not _is_public(meant):
            raise AddressRefused(f"{host} is at {address}, which is no public address")


def _is_public(address: Address) -> bool:
    """Return whether an address is one of the public internet; others may lie in our networks."""
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False  # such as fec0::/10, 64:ff9b:1::/48 and ::/96, which Python calls global
    return address.is_global and not address.is_multicast


def _meant(address: Address) -> Address:
    """Return the address of IPv4 that one of IPv6 stands for, or itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.ipv4_mapped or address.sixtofour or address


async def _beginning(response: httpcore2.Response) -> str:
    found = bytearray()
    async for part in response.aiter_stream():
        found += part
        if len(found) >= _MOST_BYTES:
            break
    text = bytes(found[:_MOST_BYTES]).decode("utf-8", "replace")
    return "".join(c for c in text if c.isprintable() or c == "\n")[:_MOST_TEXT]


def _wait_asked(headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    """Return the seconds that ``Retry-After`` asks for; it may be a date too."""
    text = next((value for name, value in headers if name.lower() == b"retry-after"), b"")
    said = text.decode("ascii", "replace").strip()
    if said.isdecimal():
        return float(said[:9])
    try:
        until = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())
