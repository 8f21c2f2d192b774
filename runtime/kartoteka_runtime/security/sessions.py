"""Sessions and tokens: how a request proves who sends it.

What a browser or program carries is random; the database keeps only its SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.identity import IdentityStore, KnownUser
from kartoteka_runtime.security.passwords import hash_password, verify_password

_FREE_FAILURES = 5  # wrong passwords before a user has to wait
_LONGEST_WAIT_SECONDS = 900


class Sessions:
    """Signs users in and out, and says who sends a request."""

    def __init__(
        self,
        store: IdentityStore,
        role_names: Callable[[], Mapping[str, str]],
        *,
        secret: bytes,
        hours: int = 12,
        base_language: str = "en",
    ) -> None:
        """``role_names`` gives the roles' logical names by record id."""
        self._store = store
        self._role_names = role_names
        self._secret = secret
        self._lifetime = timedelta(hours=hours)
        self._base_language = base_language

    async def sign_in(self, user_name: str, password: str) -> str | None:
        """Return a new session's token, or None when name or password are wrong.

        After five wrong passwords the user waits, twice as long each time, and right ones are
        refused too until then. What is known of failures is read once more after the password
        was checked, so that many attempts at once gain nothing.
        """
        name = user_name.strip()[:200]
        found = await self._store.credential(name)
        is_right = await verify_password(password, found.password_hash if found else None)
        if found is None:
            return None
        now_found = await self._store.credential(name)
        now = datetime.now(UTC)
        if now_found is None or now_found.is_disabled:
            return None
        if now_found.locked_until and now_found.locked_until > now:
            return None
        if not is_right:
            failures = now_found.failures + 1
            wait = min(2 ** max(0, failures - _FREE_FAILURES), _LONGEST_WAIT_SECONDS)
            until = now + timedelta(seconds=wait) if failures >= _FREE_FAILURES else None
            await self._store.add_failure(found.user_id, until)
            return None
        if now_found.failures:
            await self._store.forget_failures(found.user_id)
        return await self.start(found.user_id)

    async def start(self, user_id: str) -> str:
        """Start a session for a user who has proved who they are, and return its token."""
        token = secrets.token_urlsafe(32)
        await self._store.add_session(_digest(token), user_id, datetime.now(UTC) + self._lifetime)
        return token

    async def sign_out(self, token: str) -> None:
        """End a session."""
        await self._store.remove_session(_digest(token))

    async def principal(self, token: str) -> Principal | None:
        """Return who a session's token stands for, or None."""
        return self._principal(await self._store.session_user(_digest(token))) if token else None

    async def token_principal(self, token: str) -> Principal | None:
        """Return who an API token stands for, or None."""
        return self._principal(await self._store.token_user(_digest(token))) if token else None

    async def create_token(self, user_id: str, name: str) -> str:
        """Return a new API token of a user; it is shown this once."""
        token = "kt_" + secrets.token_urlsafe(32)
        await self._store.add_token(_digest(token), user_id, name)
        return token

    async def set_password(self, user_id: str, password: str) -> None:
        """Give a user a password, and end the sessions that began with an older one."""
        await self._store.save_password(user_id, await hash_password(password))

    async def set_preferences(
        self, user_id: str, *, language: str | None = None, time_zone: str | None = None
    ) -> None:
        """Keep the language and time zone a user prefers; None leaves one as it is."""
        await self._store.save_preferences(user_id, language, time_zone)

    async def user_id(self, user_name: str) -> str | None:
        """Return the id of a user who has a password, or None."""
        found = await self._store.credential(user_name)
        return found.user_id if found else None

    def csrf_token(self, session_token: str) -> str:
        """Return what every form of a session must send back."""
        return hmac.new(self._secret, session_token.encode(), hashlib.sha256).hexdigest()

    def _principal(self, user: KnownUser | None) -> Principal | None:
        if user is None or user.is_disabled:
            return None
        names = self._role_names()
        return Principal(
            user_id=user.user_id,
            name=user.name,
            language=user.language or self._base_language,
            time_zone=user.time_zone or "UTC",
            business_unit_id=user.business_unit_id,
            roles=frozenset(names[role] for role in user.role_ids if role in names),
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
