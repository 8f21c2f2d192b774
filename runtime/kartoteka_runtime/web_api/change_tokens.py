"""Tokens of changes: where a client stands that keeps a copy of an entity's records.

One token is in the link to what changes later (``$deltatoken``), another in the links from page to
page before it (``$skiptoken``). Both are URL-safe words that stand for themselves: a client may
take a link apart and send the token alone. They are not secret and give no access.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from kartoteka.query.query_error import QueryError
from kartoteka_runtime.records.changes import TOKEN_DAYS
from kartoteka_runtime.web_api.api_errors import CallRefused

TRACKED = "t."  # how the page tokens of tracked lists begin; no other page token does
_LONGEST = 40_000  # characters
_EXPIRED = "0x80072549"


@dataclass(frozen=True, slots=True)
class ChangeToken:
    """Every change up to ``version`` is known to the client.

    Attributes:
        entity: The records it is about.
        version: Up to where changes are known.
        issued_on: When, in seconds since 1970.
        select: The ``$select`` of the list, empty without one.
    """

    entity: str
    version: int
    issued_on: int
    select: str

    def write(self) -> str:
        """Return the word that stands for the token."""
        return _written([self.entity, self.version, self.issued_on, self.select])


def read_change_token(text: str, entity: str, now: datetime) -> ChangeToken:
    """Return the token that a word stands for.

    Raises:
        QueryError: It is no token of this list.
        CallRefused: It is too old: what went away since is not known any more.
    """
    found = _read(text)
    match found:
        case [str(name), int(version), int(issued), str(select)] if name == entity and version >= 0:
            token = ChangeToken(name, version, issued, select)
        case _:
            raise QueryError("this is no token of changes of this list", part="$deltatoken")
    if not -86_400 < now.timestamp() - issued < timedelta(days=TOKEN_DAYS).total_seconds():
        raise CallRefused(
            410,
            f"This token of changes is older than {TOKEN_DAYS} days; ask for the list anew, "
            "with Prefer: odata.track-changes.",
            code=_EXPIRED,
        )
    return token


@dataclass(frozen=True, slots=True)
class TrackedPage:
    """A page of a tracked list: what its link to later changes will say, and where it begins.

    Attributes:
        version: What the token at the end of the pages holds.
        after: The token of the page before, as the list's own pages have it.
        gone_after: The version of the last record that was told as gone; -1 before them.
        select: The ``$select`` of the list, empty without one.
    """

    version: int
    after: str = ""
    gone_after: int = -1
    select: str = ""

    def write(self) -> str:
        """Return the word that stands for the page."""
        return TRACKED + _written([self.version, self.after, self.gone_after, self.select])


def read_tracked_page(text: str) -> TrackedPage:
    """Return the page that a word stands for.

    Raises:
        QueryError: It is none of ours.
    """
    found = _read(text.removeprefix(TRACKED)) if text.startswith(TRACKED) else None
    match found:
        case [int(version), str(after), int(gone_after), str(select)]:
            return TrackedPage(version, after, gone_after, select)
    raise QueryError("this is no token of this list", part="$skiptoken")


def _written(parts: list[object]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(parts)).decode().rstrip("=")


def _read(text: str) -> object:
    if len(text) > _LONGEST:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        found = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        return None
    if isinstance(found, list) and any(isinstance(part, bool) for part in found):
        return None  # which Python takes for whole numbers
    return found
