"""What a batch holds, however it is written: requests, and change sets of them.

Source: reference web-api, section 11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_errors import CallRefused

MOST_REQUESTS = 1000
MOST_HEADERS = 50  # of one part
MOST_LINE = 256 * 1024  # bytes of a request line or a header: lists of ids are long
BAD_BATCH = "0x80048d19"

_METHOD = re.compile(r"[A-Za-z]{1,20}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

Headers = tuple[tuple[str, str], ...]  # names in lower case


@dataclass(frozen=True, slots=True)
class BatchPart:
    """One request of a batch.

    Attributes:
        method: In upper case.
        target: What it asks for, as it was written.
        headers: Its own.
        body: Empty where there is none.
        content_id: What others call what it creates; empty when they do not.
        depends_on: The ids of requests and groups that must have worked out (JSON only).
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = b""
    content_id: str = ""
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Requests that all work out, or none of them; ``name`` is that of a group (JSON only)."""

    parts: tuple[BatchPart, ...]
    name: str = ""


Batch = Sequence[BatchPart | ChangeSet]


def bad_batch(why: str) -> CallRefused:
    """Return the refusal of a whole batch, of which nothing was done then."""
    return CallRefused(400, f"The batch cannot be read: {why}", code=BAD_BATCH)


def parts_of(item: BatchPart | ChangeSet) -> tuple[BatchPart, ...]:
    """Return the requests of a change set, or the one that stands by itself."""
    return item.parts if isinstance(item, ChangeSet) else (item,)


def checked(items: list[BatchPart | ChangeSet]) -> Batch:
    """Return what a batch holds, if it is not too much.

    Raises:
        CallRefused: It is, or two requests of one change set have the same id.
    """
    count = sum(len(parts_of(item)) for item in items)
    if count > MOST_REQUESTS:
        raise bad_batch(f"it has {count} requests; {MOST_REQUESTS} is the most.")
    for item in items:
        ids = [part.content_id for part in parts_of(item) if part.content_id]
        if len(set(ids)) < len(ids):
            twice = next(one for one in ids if ids.count(one) > 1)
            raise bad_batch(f"a change set has the Content-ID {shorten(twice)} twice.")
    return items


def read_method(text: str) -> str:
    """Return a method in upper case.

    Raises:
        CallRefused: It is none.
    """
    if not _METHOD.fullmatch(text):
        raise bad_batch(f"{shorten(text)} is no method of HTTP.")
    return text.upper()


def read_headers(lines: Iterable[str]) -> Headers:
    """Return headers from lines such as ``Prefer: return=representation``.

    Raises:
        CallRefused: One is none, or there are too many.
    """
    found = []
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip()
        if not colon or not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            raise bad_batch(f"{shorten(line)} is no header.")
        found.append((name.lower(), value.strip()))
        if len(found) > MOST_HEADERS:
            raise bad_batch(f"a request has more than {MOST_HEADERS} headers.")
    return tuple(found)


def header_of(headers: Headers, name: str) -> str:
    """Return a header; an empty text when there is none."""
    return next((value for key, value in headers if key == name), "")
