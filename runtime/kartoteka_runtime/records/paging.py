"""Tokens of keyset paging: where the next page begins, opaque to whoever carries it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from kartoteka.errors import RecordInvalid, Violation

_READERS: dict[str, Callable[[str], Any]] = {
    "n": Decimal,
    "t": datetime.fromisoformat,
    "d": date.fromisoformat,
}
_LONGEST = 8000  # characters of a token


def encode_token(after: tuple[Any, ...], list_mark: int) -> str:
    """Return the sort values of a page's last record as one URL-safe word; empty for none.

    ``list_mark`` tells the list and its order from others.
    """
    if not after:
        return ""
    tagged = [list_mark, *(_tagged(value) for value in after)]
    return base64.urlsafe_b64encode(orjson.dumps(tagged)).decode().rstrip("=")


def decode_token(
    token: str, entity: str, length: int, *, list_mark: int, id_at: int = -1
) -> tuple[Any, ...]:
    """Return the sort values of a token, ``length`` of them; empty for the empty token.

    The record's own id is at ``id_at``; what follows are ids of joined records, which may be empty.

    Raises:
        RecordInvalid: The token is not one of ours, or belongs to another list or order.
    """
    if not token:
        return ()
    try:
        if len(token) > _LONGEST:
            raise ValueError
        padded = token + "=" * (-len(token) % 4)
        tagged = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        mark, *values = (_untagged(value) for value in tagged)
        if mark != list_mark or len(values) != length or not isinstance(values[id_at], str):
            raise ValueError
        UUID(values[id_at])
        return tuple(values)
    except (ValueError, TypeError, KeyError, ArithmeticError, binascii.Error):
        raise RecordInvalid(entity, [Violation(None, "violation.page_token")]) from None


def _tagged(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"n": str(value)}
    if isinstance(value, datetime):
        return {"t": value.isoformat()}
    if isinstance(value, date):
        return {"d": value.isoformat()}
    return value


def _untagged(value: Any) -> Any:
    if isinstance(value, dict):
        ((tag, text),) = value.items()
        return _READERS[tag](text)
    if isinstance(value, list):  # the options of a multi-choice, where the engine has arrays
        if not all(isinstance(item, int) for item in value):
            raise ValueError
    elif value is not None and not isinstance(value, (str, int, float)):
        raise ValueError
    return value
