"""SignInAttempts: sign-ins that are half-way, for minutes, bound to one browser, ended once.

Between its first step and its last a sign-in is no session and opens nothing. What the browser
carries is random and works together with what else binds the browser; the database keeps a hash.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from kartoteka_runtime.storage.sign_in_store import SignInStore

Kind = Literal["provider", "second_factor", "totp", "passkey", "new_passkey"]
LIFETIMES: Mapping[str, timedelta] = {
    "provider": timedelta(minutes=10),
    "second_factor": timedelta(minutes=10),
    "totp": timedelta(minutes=15),
    "passkey": timedelta(minutes=5),
    "new_passkey": timedelta(minutes=5),
}
MOST_FAILURES = 5


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; ``user_id`` is who has proved something already, empty for a stranger."""

    user_id: str
    data: Mapping[str, str]


class SignInAttempts:
    """Begins attempts, and hands each back to the browser that began it."""

    def __init__(self, store: SignInStore) -> None:
        """Keep attempts in ``store``."""
        self._store = store

    async def begin(
        self, kind: Kind, binding: str, *, user_id: str = "", data: Mapping[str, str] | None = None
    ) -> str:
        """Return the token of a new attempt, which works with ``binding`` alone.

        ``binding`` is what forms of the browser prove themselves by; it is never empty.
        """
        token = secrets.token_urlsafe(32)
        await self._store.add_attempt(
            _digest(token, binding),
            kind=kind,
            user_id=user_id,
            data=data or {},
            expires_on=datetime.now(UTC) + LIFETIMES[kind],
        )
        return token

    async def find(self, kind: Kind, token: str, binding: str) -> Attempt | None:
        """Return an attempt that is under way, or None."""
        found = await self._store.attempt(_digest(token, binding)) if token else None
        if found is None or found.kind != kind or found.failures >= MOST_FAILURES:
            return None
        return Attempt(found.user_id, found.data)

    async def end(self, kind: Kind, token: str, binding: str) -> Attempt | None:
        """Return an attempt and forget it, so that nobody gets it again."""
        if await self.find(kind, token, binding) is None:
            return None
        found = await self._store.end_attempt(_digest(token, binding))
        return Attempt(found.user_id, found.data) if found else None

    async def fail(self, token: str, binding: str) -> None:
        """Count a wrong answer; after five the attempt is over."""
        await self._store.fail_attempt(_digest(token, binding))


def _digest(token: str, binding: str) -> str:
    return hashlib.sha256(f"{token}.{binding}".encode(errors="replace")).hexdigest()
