"""Batches as ``multipart/mixed``: read as clients really write them, answered as they expect it.

Lines may end with LF alone; targets hold raw spaces; headers end where the part does; a body may be
the word ``null``. Answers are told byte for byte in reference web-api, section 11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from uuid import uuid4

from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.batch_parts import (
    MOST_HEADERS,
    MOST_LINE,
    Batch,
    BatchPart,
    ChangeSet,
    bad_batch,
    checked,
    header_of,
    read_headers,
    read_method,
)
from kartoteka_runtime.web_api.part_answer import PartAnswer

MEDIA_TYPE = "multipart/mixed"

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"([^"\r\n]{1,200})"|([^";,\s]{1,200}))', re.I)
_VERSION = re.compile(r"[ \t]HTTP/[0-9.]{1,5}$")
_NO_BODY = frozenset({b"", b"null"})
_CRLF = b"\r\n"
_NOT_A_WORD = re.compile(r"[^A-Za-z ]+")


def read_multipart(body: bytes, content_type: str) -> Batch:
    """Return what a batch holds.

    Raises:
        CallRefused: It cannot be read; nothing of it may be carried out.
    """
    items: list[BatchPart | ChangeSet] = []
    for part in _parts(body, _boundary(content_type), must_close=True):
        headers, content = _headers(part)
        kind = header_of(headers, "content-type")
        if kind.lower().startswith(MEDIA_TYPE):
            inner = _parts(content, _boundary(kind), must_close=False)
            items.append(ChangeSet(tuple(_request(*_headers(one)) for one in inner)))
        else:
            items.append(_request(headers, content))
    return checked(items)


def write_multipart(
    answers: Iterable[tuple[BatchPart | ChangeSet, Sequence[PartAnswer]]],
) -> tuple[bytes, str]:
    """Return the body of an answer and its media type, from what each part came to."""
    boundary = f"batchresponse_{uuid4()}"
    chunks: list[bytes] = []
    for item, told in answers:
        chunks += (b"--", boundary.encode(), _CRLF)
        if isinstance(item, BatchPart):
            _write(told[0], chunks)
            continue
        inner = f"changesetresponse_{uuid4()}"
        chunks.append(f"Content-Type: {MEDIA_TYPE}; boundary={inner}\r\n\r\n".encode())
        for answer in told:
            chunks += (b"--", inner.encode(), _CRLF)
            _write(answer, chunks)
        chunks += (b"--", inner.encode(), b"--", _CRLF)
    chunks += (b"--", boundary.encode(), b"--", _CRLF)
    return b"".join(chunks), f"{MEDIA_TYPE}; boundary={boundary}"


def _write(answer: PartAnswer, chunks: list[bytes]) -> None:
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if answer.content_id:
        lines.append(f"Content-ID: {_safe(answer.content_id)}")
    lines += ("", f"HTTP/1.1 {answer.status} {_phrase(answer.status)}")
    lines += (f"{name}: {_safe(value)}" for name, value in answer.headers)
    chunks.append("\r\n".join((*lines, "", "")).encode())
    chunks += (answer.body, _CRLF)


def _safe(value: str) -> str:
    """Return the value of a header without braces: clients cut out what stands between them."""
    return value.replace("{", "%7B").replace("}", "%7D")


def _phrase(status: int) -> str:
    try:
        return _NOT_A_WORD.sub(" ", HTTPStatus(status).phrase)
    except ValueError:
        return "Status"


def _boundary(content_type: str) -> str:
    found = _BOUNDARY.search(content_type)
    if found is None:
        raise bad_batch(f"{shorten(content_type)} names no boundary.")
    return (found[1] or found[2]).rstrip()


def _parts(body: bytes, boundary: str, *, must_close: bool) -> Iterator[bytes]:
    """Yield what stands between the delimiters; whatever is before and after them is nothing."""
    delimiter = re.compile(rb"^--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*\r?$", re.M)
    start = -1
    for found in delimiter.finditer(body):
        if start >= 0:
            yield body[start : found.start()]
        start = found.end() + 1
        if found[1]:
            return
    if start < 0:
        raise bad_batch(f"no line is the delimiter --{shorten(boundary)}.")
    if must_close:
        raise bad_batch("it breaks off before its last delimiter.")
    yield body[start:]


def _headers(part: bytes) -> tuple[tuple[tuple[str, str], ...], bytes]:
    lines, content = _head(part)
    return read_headers(lines), content


def _request(headers: tuple[tuple[str, str], ...], content: bytes) -> BatchPart:
    """Return the request that a part holds; ``headers`` are those of the part."""
    kind = header_of(headers, "content-type")
    if kind and not kind.lower().startswith("application/http"):
        raise bad_batch(f"a part is {shorten(kind)}; application/http is meant.")
    lines, body = _head(content.lstrip())
    method, _, target = (lines[0] if lines else "").partition(" ")
    if not target:
        raise bad_batch("a part holds no request.")
    inner = read_headers(lines[1:])
    body = body.strip()
    return BatchPart(
        read_method(method),
        _VERSION.sub("", target).strip(),  # raw spaces may stand before it
        inner,
        b"" if body in _NO_BODY else body,
        header_of(headers, "content-id") or header_of(inner, "content-id"),
    )


def _head(text: bytes) -> tuple[list[str], bytes]:
    """Return the lines before the first empty one, and what comes after it."""
    lines: list[str] = []
    at = 0
    while at < len(text):
        end = text.find(b"\n", at)
        if end < 0:
            end = len(text)
        line = text[at:end].strip()
        at = end + 1
        if not line:
            break
        if len(line) > 2 * MOST_LINE or len(lines) > MOST_HEADERS:
            raise bad_batch("the head of a request is too long.")
        try:
            lines.append(line.decode())
        except UnicodeDecodeError:
            raise bad_batch("a header is no UTF-8.") from None
    return lines, text[at:]
