"""What is wrong with a definition that somebody sends: one sentence, told with its status."""

from __future__ import annotations

from kartoteka_runtime.web_api.api_errors import CallRefused

INVALID = "0x80040203"
DUPLICATE = "0x80040237"
NOT_FOUND = "0x80040217"


def bad(message: str) -> CallRefused:
    """Return the refusal of a definition that cannot be, or cannot be changed so."""
    return CallRefused(400, message, code=INVALID)


def taken(what: str, name: str) -> CallRefused:
    """Return the refusal of a name that something has already."""
    return CallRefused(409, f'There is {what} "{name}" already.', code=DUPLICATE)


def missing(what: str, name: str) -> CallRefused:
    """Return the answer about something that is not there."""
    return CallRefused(404, f'There is no {what} "{name}".', code=NOT_FOUND)
