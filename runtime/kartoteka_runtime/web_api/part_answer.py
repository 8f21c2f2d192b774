"""PartAnswer: what one request of a batch came to, taken out of the answer of its handler."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from kartoteka_runtime.web_api.api_errors import CallRefused

MOST_FILE_BYTES = 16 * 1024 * 1024  # of an answer that would go out piece by piece

# The headers that a part's answer keeps, in the case and order in which clients look for them.
_NAMES = (
    "Content-Type", "OData-Version", "Location", "OData-EntityId", "ETag", "Preference-Applied",
    "Allow", "Retry-After", "Content-Disposition", "Content-Range",
)  # fmt: skip
_OWN = "x-ms-"  # what names of further ones begin with
_OUTER = frozenset({"x-ms-service-request-id", "x-ms-ratelimit-burst-remaining-xrm-requests"})


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """Status, headers and body; ``content_id`` is what the request was called, or empty."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    content_id: str = ""

    @property
    def has_failed(self) -> bool:
        """Return whether it was refused."""
        return self.status >= 400

    def header(self, name: str) -> str:
        """Return a header by its name as it is written here; an empty text when it is not there."""
        return next((value for key, value in self.headers if key == name), "")


async def answer_of(response: Response, request: Request, content_id: str) -> PartAnswer:
    """Return what a handler answered; one that sends piece by piece is gathered here.

    Raises:
        CallRefused: It is a file that is too large for that.
    """
    gathered = _Gathered()
    await response(request.scope, request.receive, gathered)
    known = {name.decode("latin-1").lower(): value for name, value in gathered.headers}
    headers = [
        (name, known[name.lower()].decode("latin-1")) for name in _NAMES if name.lower() in known
    ]
    headers += [
        (name, value.decode("latin-1"))
        for name, value in known.items()
        if name.startswith(_OWN) and name not in _OUTER
    ]
    return PartAnswer(gathered.status, tuple(headers), bytes(gathered.body), content_id)


class _Gathered:
    """Takes what is sent; of what comes piece by piece, only so much."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            if message.get("more_body") and len(self.body) > MOST_FILE_BYTES:
                raise CallRefused(
                    413, f"In a batch a file has at most {MOST_FILE_BYTES} bytes; fetch it alone."
                )
