"""Bodies of requests that may be longer than others: uploads, which are read as they come.

``request_guard`` limits every body and ``publication_refresh`` keeps it for a second run. Who takes
an upload, and has looked whether the sender may send one, says here that this one is long.
"""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

MOST_BODY_BYTES = 5 * 1024 * 1024  # whatever reads a body has a limit of its own below this one
_BODY = "kartoteka.body"


@dataclass(slots=True)
class BodyLimit:
    """How long the body of one request may be, and whether it is kept for a second run."""

    most_bytes: int = MOST_BODY_BYTES
    is_kept: bool = True


def limit_of(scope: MutableMapping[str, Any]) -> BodyLimit:
    """Return the limit of a request's body; it is the same object wherever it is asked for."""
    limit = scope.get(_BODY)
    if not isinstance(limit, BodyLimit):
        limit = scope[_BODY] = BodyLimit()
    return limit


def allow_upload(scope: MutableMapping[str, Any], most_bytes: int) -> None:
    """Let the body of a request be longer, from now on; it cannot be run again then."""
    limit = limit_of(scope)
    limit.most_bytes, limit.is_kept = max(limit.most_bytes, most_bytes), False
