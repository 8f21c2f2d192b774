"""Large answers of the API are sent compressed to who can read that.

Only answers of the API are: what proves who asks is a token in a header, which a browser never
sends along by itself, so that no other site can have secrets sent beside text of its own and watch
the length (BREACH). Pages, which have cookies and form tokens, are never compressed
(decisions/0044).
"""

from __future__ import annotations

import asyncio
import zlib

from starlette.requests import Request
from starlette.responses import Response

LEAST_BYTES = 64 * 1024  # below that a network takes less time than a processor
_IN_THREAD = 256 * 1024  # bytes that would keep others waiting for milliseconds
_LEVEL = 1  # a third of the time of level 6, for a tenth more bytes
_GZIP_WINDOW = 31
_TEXTS = (b"application/json", b"application/xml", b"text/", b"multipart/mixed")


async def compressed(response: Response, request: Request) -> Response:
    """Return an answer, compressed where that is worth it."""
    body = getattr(response, "body", b"")
    if len(body) < LEAST_BYTES or not isinstance(body, bytes):
        return response
    headers = response.headers
    if "content-encoding" in headers or not headers.get("content-type", "").encode().startswith(
        _TEXTS
    ):
        return response
    headers.add_vary_header("Accept-Encoding")
    if not takes_gzip(request.headers.get("accept-encoding", "")):
        return response
    if len(body) < _IN_THREAD:
        response.body = _gzip(body)
    else:
        response.body = await asyncio.to_thread(_gzip, body)
    headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(response.body))
    return response


def takes_gzip(accepted: str) -> bool:
    """Return whether a header ``Accept-Encoding`` names gzip, with a weight above nothing."""
    for part in accepted[:400].lower().split(","):
        name, _, weight = part.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            return not weight or bool(weight.strip(" q=0."))
    return False


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
    return packer.compress(body) + packer.flush()
