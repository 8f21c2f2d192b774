"""RequestGuard: what holds for every request, whichever page or endpoint answers it.

Lengths of addresses, headers and bodies; hosts that the app answers for; the headers of every
answer; and, over HTTPS, cookies that no other site or subdomain can have set. Decision:
docs/decisions/0038.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kartoteka_runtime.settings import Settings
from kartoteka_runtime.upload_bodies import MOST_BODY_BYTES, BodyLimit, limit_of
from kartoteka_runtime.web_api.problem import problem

MOST_TARGET_BYTES = 60 * 1024  # path and query; a filter may name very many records
MOST_HEADER_BYTES = 64 * 1024
MOST_HEADERS = 100

_COOKIE = b"kartoteka_"  # what the names of our cookies begin with
_HOST_PREFIX = b"__Host-"
_HSTS = (b"strict-transport-security", b"max-age=63072000; includeSubDomains")
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})

# For answers that say nothing of their own, such as those of the API.
_DEFAULTS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class RequestGuard:
    """Stands before the whole app."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Guard ``app`` as the operator has decided."""
        self._app = app
        self._is_https = settings.has_secure_cookies
        self._hosts = frozenset(host.lower().encode() for host in settings.hosts)

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request, or refuse it before anything else looks at it.

        Nothing here waits: what is returned is what the app, or the refusal, does.
        """
        if scope["type"] != "http":
            return self._app(scope, receive, send)
        is_https = self._is_https or scope.get("scheme") == "https"
        answer = _GuardedAnswer(send, scope["path"], is_https=is_https)
        refusal = self._refusal(scope)
        if refusal is not None:
            return _refuse(scope, receive, answer, *refusal)
        if is_https:
            scope = _with_own_cookies(scope)
        if scope["method"] in _BODILESS:
            return self._app(scope, receive, answer)
        body = _LimitedBody(receive, limit_of(scope))
        answer.body = body
        return self._app(scope, body, answer)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Return the status and the words that a request is refused with, or None."""
        path = scope.get("raw_path") or b""
        if len(path) + len(scope["query_string"]) > MOST_TARGET_BYTES:
            return 414, f"The address is longer than {MOST_TARGET_BYTES} bytes."
        headers = scope["headers"]
        size = 0
        for name, value in headers:
            size += len(name) + len(value)
        if size > MOST_HEADER_BYTES or len(headers) > MOST_HEADERS:
            return 431, f"The headers are more than {MOST_HEADERS} or {MOST_HEADER_BYTES} bytes."
        if self._hosts and not self._is_known_host(headers):
            return 421, "This app does not answer for that host."
        return None

    def _is_known_host(self, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        said = [value.lower() for name, value in headers if name == b"host"]
        return len(said) == 1 and (said[0] in self._hosts or _without_port(said[0]) in self._hosts)


class _LimitedBody:
    """What a request receives, cut off where it is longer than anything may be.

    Whoever reads on is told that the client went away; the answer then says why.
    """

    __slots__ = ("_limit", "_receive", "_size", "is_too_long")

    def __init__(self, receive: Receive, limit: BodyLimit) -> None:
        self._limit = limit
        self._receive = receive
        self._size = 0
        self.is_too_long = False

    async def __call__(self) -> Message:
        if self.is_too_long:
            return {"type": "http.disconnect"}
        message = await self._receive()
        if message["type"] == "http.request":
            self._size += len(message.get("body", b""))
            if self._size > self._limit.most_bytes:
                self.is_too_long = True
                return {"type": "http.disconnect"}
        return message


class _GuardedAnswer:
    """Sends an answer with the headers that every one has."""

    __slots__ = ("_is_https", "_is_replaced", "_path", "_send", "body")

    def __init__(self, send: Send, path: str, *, is_https: bool) -> None:
        self._send = send
        self._path = path
        self._is_https = is_https
        self._is_replaced = False
        self.body: _LimitedBody | None = None

    def __call__(self, message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            if self.body is not None and self.body.is_too_long and message["status"] != 413:
                self._is_replaced = True
                return self._say_too_long()
            self._complete(message)
        elif self._is_replaced:
            return _nothing()
        return self._send(message)

    def _complete(self, message: Message) -> None:
        said = message.get("headers", ())
        for name, _ in said:
            if name == b"cache-control":  # a page or a file, which says most of it itself
                names = {name for name, _ in said}
                headers = [*said, *(one for one in _DEFAULTS if one[0] not in names)]
                break
        else:
            headers = [*said, *_DEFAULTS]
        if self._is_https:
            headers = [
                (name, _as_host_cookie(value) if name == b"set-cookie" else value)
                for name, value in headers
            ]
            headers.append(_HSTS)
        message["headers"] = headers

    async def _say_too_long(self) -> None:
        response = refusal_of(self._path, 413, f"The body is longer than {MOST_BODY_BYTES} bytes.")
        headers = [*response.raw_headers, (b"connection", b"close")]
        start: Message = {"type": "http.response.start", "status": 413, "headers": headers}
        self._complete(start)
        await self._send(start)
        await self._send({"type": "http.response.body", "body": response.body})


async def _nothing() -> None:
    """Send nothing."""


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, words: str) -> None:
    await refusal_of(scope["path"], status, words)(scope, receive, send)


def refusal_of(path: str, status: int, words: str) -> Response:
    """Return a refusal as who asked for a path understands it."""
    is_api = path.startswith("/api/")
    return problem(status, words) if is_api else PlainTextResponse(words, status)


def _with_own_cookies(scope: Scope) -> Scope:
    """Return the request with our cookies under their plain names.

    A browser takes ``__Host-`` cookies over HTTPS from this very host alone; a cookie of ours
    without the prefix has come from elsewhere and is left out.
    """
    headers = scope["headers"]
    if not any(name == b"cookie" for name, _ in headers):
        return scope
    kept = [(n, _own_cookies(value) if n == b"cookie" else value) for n, value in headers]
    return {**scope, "headers": kept}


def _own_cookies(header: bytes) -> bytes:
    kept = []
    for pair in header.split(b";"):
        pair = pair.strip()
        if pair.startswith(_HOST_PREFIX + _COOKIE):
            kept.append(pair[len(_HOST_PREFIX) :])
        elif not pair.startswith(_COOKIE):
            kept.append(pair)
    return b"; ".join(kept)


def _as_host_cookie(value: bytes) -> bytes:
    """Return what sets a cookie of ours, under the name that protects it."""
    if not value.startswith(_COOKIE):
        return value
    flags = b"" if b"secure" in value.lower() else b"; Secure"
    return _HOST_PREFIX + value + flags


def _without_port(host: bytes) -> bytes:
    name, colon, port = host.rpartition(b":")
    return name if colon and port.isdigit() else host
