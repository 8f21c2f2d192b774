"""Reads what a form with a file sends, as it comes: its texts first, then the file, never whole."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from kartoteka_runtime.web.form_posts import Post, PostRefused

MULTIPART = "multipart/form-data"
_MOST_TEXT = 64 * 1024  # of the texts before a file


@dataclass(slots=True)
class UploadedFile:
    """A file that somebody sends; ``content`` can be read once."""

    name: str
    media_type: str
    content: AsyncIterator[bytes]


def is_upload(request: Request) -> bool:
    """Return whether a request brings what a form with a file sends."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == MULTIPART


async def read_upload(request: Request) -> tuple[Post, UploadedFile]:
    """Return the texts that stand before the file, and the file.

    Raises:
        PostRefused: It is damaged, or no file is in it.
    """
    _, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if not boundary or len(boundary) > 200:
        raise PostRefused(400, "error.bad_request", "no boundary")
    reader = _Reader(request, boundary)
    try:
        while reader.file is None:
            if not await reader.read_on():
                raise PostRefused(400, "error.bad_request", "no file")
    except MultipartParseError as error:
        raise PostRefused(400, "error.bad_request", f"damaged: {error}"[:200]) from None
    except ClientDisconnect:
        raise PostRefused(400, "error.bad_request", "client went away") from None
    return Post({name: (text,) for name, text in reader.texts.items()}), reader.file


@dataclass(slots=True)
class _Part:
    """The part that is being read."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    header: bytearray = field(default_factory=bytearray)
    value: bytearray = field(default_factory=bytearray)
    name: str = ""
    is_file: bool = False


class _Reader:
    """Feeds a parser, which says what it finds by calls."""

    def __init__(self, request: Request, boundary: bytes) -> None:
        self._stream = request.stream().__aiter__()
        self._part = _Part()
        self._blocks: list[bytes] = []
        self._text = bytearray()
        self._has_ended = False
        self.texts: dict[str, str] = {}
        self.file: UploadedFile | None = None
        self._parser = MultipartParser(boundary, {
            "on_part_begin": self._begin, "on_header_field": self._on_name,
            "on_header_value": self._on_value, "on_header_end": self._on_header,
            "on_headers_finished": self._on_headers, "on_part_data": self._on_data,
            "on_part_end": self._end,
        })  # fmt: skip

    async def read_on(self) -> bool:
        """Read a little more; False at the end of the request."""
        try:
            block = await anext(self._stream)
        except StopAsyncIteration:
            return False
        if block:
            self._parser.write(block)
        return True

    async def _content(self) -> AsyncIterator[bytes]:
        try:
            while True:
                blocks, self._blocks = self._blocks, []
                for block in blocks:
                    yield block
                if self._has_ended:
                    return
                if not self._blocks and not await self.read_on():
                    raise PostRefused(400, "error.bad_request", "the file broke off")
        except MultipartParseError as error:
            raise PostRefused(400, "error.bad_request", f"damaged: {error}"[:200]) from None

    def _begin(self) -> None:
        self._part = _Part()

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._part.header += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._part.value += data[start:end]
        if len(self._part.value) > _MOST_TEXT:
            raise PostRefused(400, "error.bad_request", "a header is too long")

    def _on_header(self) -> None:
        part = self._part
        part.headers[bytes(part.header).lower()] = bytes(part.value)
        part.header, part.value = bytearray(), bytearray()

    def _on_headers(self) -> None:
        part = self._part
        _, options = parse_options_header(part.headers.get(b"content-disposition", b""))
        part.name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options:
            return
        if self.file is not None:
            raise PostRefused(400, "error.bad_request", "more than one file")
        part.is_file = True
        self.file = UploadedFile(
            options[b"filename"].decode("utf-8", "replace"),
            part.headers.get(b"content-type", b"").decode("latin-1"),
            self._content(),
        )

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        part = self._part
        if part.is_file:
            self._blocks.append(data[start:end])
            return
        part.value += data[start:end]
        if len(part.value) > _MOST_TEXT:
            raise PostRefused(400, "error.bad_request", "a text is too long")

    def _end(self) -> None:
        part = self._part
        if part.is_file:
            self._has_ended = True
        elif self.file is None:
            self.texts[part.name] = part.value.decode("utf-8", "replace")
