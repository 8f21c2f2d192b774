"""StaticFiles: styles, scripts and browser libraries, at addresses that name their content."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

FOLDER = Path(__file__).parent / "static"
ICONS = FOLDER / "vendor" / "lucide"
FOREVER = "public, max-age=31536000, immutable"

# One style sheet is quicker than many; later files win over earlier ones.
_STYLE_SHEET = "css/client.css"
# Of pages that a dev server makes, and of the page of the API.
_OTHER_STYLE_SHEETS = ("css/dev.css", "css/api.css")
_STYLES = (
    "theme",
    "elements",
    "frame",
    "controls",
    "fields",
    "lists",
    "forms",
    "dialogs",
    "pages",
    "customize",
)
# Read one by one for the sprite of a publication, not served.
_NOT_SERVED = ("css", "vendor/lucide")
_LEAST_COMPRESSED = 1024  # bytes; below this gzip gains nothing
_LARGE = 512 * 1024  # bytes; above this the last per cent would delay every start


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file in memory, with its compressed form when that is smaller."""

    content: bytes
    compressed: bytes | None
    media_type: str
    tag: str  # ETag

    @classmethod
    def of(cls, content: bytes, media_type: str) -> StaticFile:
        """Return a file with its tag and its compressed form."""
        level = 4 if len(content) > _LARGE else 9
        compressed = gzip.compress(content, level) if len(content) >= _LEAST_COMPRESSED else None
        return cls(content, compressed, media_type, f'"{digest(content)}"')

    def respond(self, request: Request, *, cache: str) -> Response:
        """Return the file, or 304 when the browser has it."""
        headers = {
            "ETag": self.tag,
            "Cache-Control": cache,
            "Vary": "Accept-Encoding",
            "X-Content-Type-Options": "nosniff",
        }
        if self.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if self.compressed and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self.compressed, headers=headers, media_type=self.media_type)
        return Response(self.content, headers=headers, media_type=self.media_type)


class StaticFiles:
    """Every file under ``static/``, read once.

    Addresses carry a digest of the whole folder (``/static/1f2e…/js/client.js``), so that modules
    import one another by relative names and a browser may keep all of it for good.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        """Read the files."""
        self.files = _read(folder)
        self.digest = digest(*(file.tag.encode() for file in self.files.values()))

    def address(self, path: str) -> str:
        """Return the address of a file."""
        return f"/static/{self.digest}/{path}"

    def respond(self, request: Request) -> Response | None:
        """Return the file that a request asks for, or None when there is none."""
        file = self.files.get(request.path_params["path"])
        if file is None:
            return None
        # An address of an older version gets what there is now, but must ask again.
        is_current = request.path_params["digest"] == self.digest
        return file.respond(request, cache=FOREVER if is_current else "no-cache")


def digest(*contents: bytes) -> str:
    """Return a short digest for addresses and tags."""
    return hashlib.sha256(b"\0".join(contents)).hexdigest()[:16]


@lru_cache
def _read(folder: Path) -> Mapping[str, StaticFile]:
    files: dict[str, StaticFile] = {}
    for path in sorted(_served(folder)):
        files[path] = StaticFile.of((folder / path).read_bytes(), _media_type(path))
    styles = b"\n".join((folder / "css" / f"{name}.css").read_bytes() for name in _STYLES)
    files[_STYLE_SHEET] = StaticFile.of(styles, "text/css")
    for path in _OTHER_STYLE_SHEETS:
        files[path] = StaticFile.of((folder / path).read_bytes(), "text/css")
    return files


def _served(folder: Path) -> Iterator[str]:
    """Yield the paths of the files that have an address, without walking through the others."""
    for place, folders, names in os.walk(folder):
        within = Path(place).relative_to(folder)
        folders[:] = [name for name in folders if (within / name).as_posix() not in _NOT_SERVED]
        yield from ((within / name).as_posix() for name in names)


def _media_type(path: str) -> str:
    if path.endswith(".js"):
        return "text/javascript"
    return mimetypes.guess_type(path)[0] or "application/octet-stream"
