"""SecurityEvents: what an auditor reads afterwards: sign-ins, refusals, changes of access.

Each event is one structured line of the log ``kartoteka.security`` and, where the app has the
entity for it, one record. Decision: docs/decisions/0038.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
import structlog

LOG_NAME = "kartoteka.security"
KINDS = (
    "sign_in",
    "sign_in_failed",
    "sign_out",
    "sign_in_locked",
    "password_changed",
    "password_reset_asked",
    "token_created",
    "token_revoked",
    "session_revoked",
    "second_factor_added",
    "second_factor_removed",
    "access_refused",
    "role_changed",
    "share_changed",
    "see_as_started",
    "see_as_ended",
    "user_disabled",
    "rate_limited",
    "provisioned",
    "administrator_refused",
    "unmasked_read",
)

_STORE_SECONDS = 5.0  # a database that takes longer leaves an event to the log alone
_LONGEST = {"user_name": 200, "address": 100, "entity": 128, "record_id": 100}
_LONGEST_VALUE, _MOST_VALUES = 500, 40
_HIDDEN = "***"
_NAME_OF_SECRET = re.compile(r"passw|secret|token|credential|authorization|cookie|otp|pin$", re.I)
# API tokens, whoever put one where it does not belong.
_SECRET = re.compile(r"kt_[A-Za-z0-9_\-]{16,}|(?i:bearer)\s+\S+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_own_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """One event; texts are cut to a length, hold no control characters and no secrets."""

    kind: str
    occurred_on: datetime  # UTC, whole seconds
    user_id: str
    user_name: str  # as typed, or of who is signed in
    address: str
    entity: str
    record_id: str
    detail: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AccessChange:
    """A write that changed what somebody may do, noted until its transaction is committed."""

    kind: str
    entity: str
    record_id: str
    detail: Mapping[str, str]


class EventStore(Protocol):
    """Where events are kept beside the log."""

    async def keep(self, event: SecurityEvent) -> None:
        """Keep an event in a transaction of its own; do nothing where there is no place for it."""


class LogOnly:
    """Keeps nothing."""

    async def keep(self, event: SecurityEvent) -> None:
        """Leave the event to the log."""


class SecurityEvents:
    """Records what happened, whatever becomes of the request in which it did."""

    def __init__(self, store: EventStore | None = None) -> None:
        """Keep events in ``store`` too."""
        self._store = store or LogOnly()
        self._log = _logger()

    async def record(
        self,
        kind: str,
        *,
        user_id: str = "",
        user_name: str = "",
        address: str = "",
        entity: str = "",
        record_id: str = "",
        detail: Mapping[str, str] = {},  # noqa: B006 - never written to
    ) -> None:
        """Log an event and keep it; neither can fail what is being done.

        Call it outside of transactions: the event is committed by itself, so that a refusal is
        seen although everything else of the request is rolled back.

        Raises:
            ValueError: There is no such kind.
        """
        if kind not in KINDS:
            raise ValueError(f"no kind of security event: {kind!r}")
        event = SecurityEvent(
            kind,
            datetime.now(UTC).replace(microsecond=0),
            user_id,
            _clean(user_name, "user_name"),
            _clean(address, "address"),
            _clean(entity, "entity"),
            _clean(record_id, "record_id"),
            _clean_detail(detail),
        )
        self._write_line(event)
        try:
            async with asyncio.timeout(_STORE_SECONDS):
                await self._store.keep(event)
        except Exception as error:  # whatever it is: the line is there, the request goes on
            _own_log.warning("security event %s is in the log alone: %s", kind, error)

    def _write_line(self, event: SecurityEvent) -> None:
        facts = {
            "user_id": event.user_id,
            "user_name": event.user_name,
            "address": event.address,
            "entity": event.entity,
            "record_id": event.record_id,
            "detail": dict(event.detail),
        }
        try:
            self._log.info(event.kind, **{key: value for key, value in facts.items() if value})
        except Exception as error:  # a full disk, a closed stream
            _own_log.warning("security event %s was not logged: %s", event.kind, error)


def _logger() -> Any:
    """Return what writes lines: JSON for programs, words for a terminal."""
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    renderer = _readable if is_terminal else _json
    return structlog.wrap_logger(
        logging.getLogger(LOG_NAME),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _json(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:
    return orjson.dumps(dict(event), default=str).decode()


_readable = structlog.processors.KeyValueRenderer(
    key_order=["timestamp", "event", "user_name", "address"], drop_missing=True
)


def _clean_detail(detail: Mapping[str, str]) -> dict[str, str]:
    """Return details without the values of what is called like a secret."""
    return {
        _clean(key, ""): _HIDDEN if _NAME_OF_SECRET.search(key) else _clean(str(value), "")
        for key, value in list(detail.items())[:_MOST_VALUES]
    }


def _clean(text: str, what: str) -> str:
    cut = str(text)[: _LONGEST.get(what, _LONGEST_VALUE)]
    return _SECRET.sub(_HIDDEN, _CONTROL.sub(" ", cut))
