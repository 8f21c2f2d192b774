"""PublicationRefresh: between requests, the newest publication; a request that met it runs again.

A request reads one publication to its end. When another process publishes meanwhile, its statements
may name tables or columns that have been renamed: then nothing of it was written and nothing
answered, and it runs once more, on the publication that is live now. A request whose transaction
waited for another that waited for it, and was ended by the database, runs once more too.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kartoteka.errors import KartotekaError
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.storage.database import Overtaken, SchemaMoved
from kartoteka_runtime.upload_bodies import BodyLimit, limit_of

_log = logging.getLogger(__name__)
_REFRESH_SECONDS = 1.0  # how long a process may go on with a publication that another replaced
_MOST_BYTES = 5 * 1024 * 1024  # of a body kept for a second run; forms and the API take 4 MiB
_LAST_TRY = "kartoteka.last_try"

Refusal = Callable[[str, int, str], Response]  # of a path, with a status, in words


def is_last_try(scope: MutableMapping[str, Any]) -> bool:
    """Return whether the request ran before: what would let it run again must be answered now."""
    return _LAST_TRY in scope


class PublicationRefresh:
    """Looks for a newer publication between requests, at most once a second."""

    def __init__(self, app: ASGIApp, parts: RuntimeParts, refusal: Refusal | None = None) -> None:
        """Stand before ``app``; ``refusal`` makes answers as whoever asks understands them."""
        self._app = app
        self._parts = parts
        self._refusal = refusal or _plain_refusal
        self._next_look = time.monotonic() + _REFRESH_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request on the newest publication that is known."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if time.monotonic() >= self._next_look or _asks_for_the_newest(scope):
            await self._look()
        body, answer = _RecordedBody(receive, limit_of(scope)), _WatchedAnswer(send)
        try:
            await self._app(dict(scope), body, answer)
        except (SchemaMoved, Overtaken) as moved:
            if answer.has_started:
                raise
            _log.info("run again: %s (%s)", moved, scope["path"])
            if isinstance(moved, SchemaMoved):
                await self._look()
            if body.is_too_long:
                refusal = self._refusal(scope["path"], 503, "Try again in a moment.")
                await refusal(scope, receive, send)
            else:
                await self._app({**scope, _LAST_TRY: True}, body.again(), answer)

    async def _look(self) -> None:
        self._next_look = time.monotonic() + _REFRESH_SECONDS
        try:
            await refresh(self._parts.database, self._parts.live_registry)
        except KartotekaError as error:  # what is known serves on; each request says its own
            _log.warning("no look at newer publications: %s", error)


def _asks_for_the_newest(scope: Scope) -> bool:
    """Return whether a client says ``Consistency: Strong``. Source: reference web-api, section 13.

    Asking costs a look at the database, which a request of the API takes anyway.
    """
    return any(
        name == b"consistency" and value.strip().lower() == b"strong"
        for name, value in scope["headers"]
    )


def _plain_refusal(path: str, status: int, words: str) -> Response:
    return PlainTextResponse(words, status)


class _RecordedBody:
    """What a request receives, kept so that it can be received once more."""

    __slots__ = ("_limit", "_messages", "_receive", "_size", "is_too_long")

    def __init__(self, receive: Receive, limit: BodyLimit) -> None:
        self._limit = limit
        self._receive = receive
        self._messages: list[Message] = []
        self._size = 0
        self.is_too_long = False

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not self.is_too_long:
            self._size += len(message.get("body", b""))
            self._messages.append(message)
            if self._size > _MOST_BYTES or not self._limit.is_kept:
                self.is_too_long = True
                self._messages.clear()
        return message

    def again(self) -> Receive:
        """Return what receives the same once more, and then what is still to come."""
        kept = iter(self._messages)

        async def receive() -> Message:
            message = next(kept, None)
            return await self._receive() if message is None else message

        return receive


class _WatchedAnswer:
    """Sends an answer and knows whether it has begun."""

    __slots__ = ("_send", "has_started")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_started = False

    def __call__(self, message: Message) -> Awaitable[None]:
        self.has_started = True
        return self._send(message)
