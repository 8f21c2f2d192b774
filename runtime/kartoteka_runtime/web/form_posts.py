"""Reads form posts, and refuses what no page of ours can have sent."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

import orjson
from starlette.requests import ClientDisconnect, Request

FORM_TYPE = "application/x-www-form-urlencoded"
_MOST_BYTES = 4 * 1024 * 1024
_MOST_FIELDS = 2000


class PostRefused(Exception):
    """A damaged or forged post; ``status`` is 400, 403 or 413 and ``message`` a message key."""

    def __init__(self, status: int, message: str, detail: str) -> None:
        """Keep the answer; ``detail`` is for the log, never for the page."""
        self.status = status
        self.message = message
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Post:
    """What a form sent: ``{name: texts in order}``, lines ended by line feeds."""

    values: Mapping[str, tuple[str, ...]]

    def text(self, name: str, default: str = "") -> str:
        """Return the one text sent under a name."""
        found = self.values.get(name)
        return found[0] if found else default

    def has(self, name: str) -> bool:
        """Return whether anything was sent under a name."""
        return name in self.values

    def several(self, name: str) -> str:
        """Return all texts sent under a name, joined by commas, in ascending order of numbers."""
        found = self.values.get(name, ())
        return ",".join(sorted(found, key=lambda text: (len(text), text)))

    def number(self, name: str) -> int:
        """Return the whole number sent under a name.

        Raises:
            PostRefused: There is none.
        """
        text = self.text(name)
        if not (text.isascii() and text.isdecimal() and len(text) <= 19):
            raise PostRefused(400, "error.bad_request", f"{name} is no number")
        return int(text)

    def mapping(self, name: str) -> dict[str, str]:
        """Return the object of texts that was sent as JSON under a name; empty when absent.

        Raises:
            PostRefused: It is anything else.
        """
        text = self.text(name)
        if not text:
            return {}
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise PostRefused(400, "error.bad_request", f"{name}: {error}") from None
        if not isinstance(found, dict) or not all(isinstance(v, str) for v in found.values()):
            raise PostRefused(400, "error.bad_request", f"{name} holds other than texts")
        return found

    def check_names(self, known: Collection[str], *, repeated: Collection[str] = ()) -> None:
        """Refuse names that the page has no input for, and inputs sent more than once.

        Raises:
            PostRefused: There are such names.
        """
        for name, texts in self.values.items():
            if name not in known:
                raise PostRefused(400, "error.bad_request", f"no such input: {name[:80]}")
            if len(texts) > 1 and name not in repeated:
                raise PostRefused(400, "error.bad_request", f"input sent twice: {name[:80]}")


NO_POST = Post({})


def is_form(request: Request) -> bool:
    """Return whether a request brings what a plain form sends."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == FORM_TYPE


async def read_post(request: Request) -> Post:
    """Return what a form sent.

    Raises:
        PostRefused: It is no form, too large, or not text in UTF-8.
    """
    if not is_form(request):
        kind = request.headers.get("content-type", "")
        raise PostRefused(400, "error.bad_request", f"content type {kind[:80]!r}")
    body = bytearray()
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:18]) > _MOST_BYTES:
        raise PostRefused(413, "error.too_large", "post too large")
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise PostRefused(413, "error.too_large", "post too large")
    except ClientDisconnect:
        raise PostRefused(400, "error.bad_request", "client went away") from None
    values: dict[str, tuple[str, ...]] = {}
    for name, text in _pairs(bytes(body)):
        values[name] = (*values.get(name, ()), text)
    return Post(values)


def _pairs(body: bytes) -> Iterator[tuple[str, str]]:
    if not body:
        return
    parts = body.split(b"&")
    if len(parts) > _MOST_FIELDS:
        raise PostRefused(400, "error.bad_request", f"{len(parts)} inputs")
    for part in parts:
        name, _, text = part.partition(b"=")
        yield _decode(name), _decode(text).replace("\r\n", "\n").replace("\r", "\n")


def _decode(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise PostRefused(400, "error.bad_request", "not UTF-8") from None
    if "\0" in text:
        raise PostRefused(400, "error.bad_request", "a NUL character")
    return text
