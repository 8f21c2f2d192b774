"""Sessions and tokens: how a request proves who sends it.

What a browser or program carries is random; the database keeps only its SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.identity import IdentityStore, KnownUser, UserChanges
from kartoteka_runtime.security.passwords import hash_password, verify_password

_FREE_FAILURES = 5  # wrong passwords before a user has to wait
_LONGEST_WAIT_SECONDS = 900
_KNOWN_SECONDS = 1.0  # how long the user behind an API token is not asked for again
_MOST_KNOWN = 1024  # tokens


@dataclass(frozen=True, slots=True)
class _KnownToken:
    user: KnownUser
    until: float  # seconds of the clock
    changes: int  # of users, when it was read
    principal: Principal | None = None
    names: Mapping[str, str] | None = None  # of the roles that the principal was made with


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
        user_changes: UserChanges | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``role_names`` gives the roles' logical names by record id.

        ``user_changes`` counts what this process writes of users; what another one writes is
        noticed for API tokens after a second at most, as a publication is.
        """
        self._user_changes = user_changes or UserChanges()
        self._clock = clock
        self._known: dict[str, _KnownToken] = {}  # by the token's hash
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
        return self.principal_of(await self._store.session_user(_digest(token))) if token else None

    async def token_principal(self, token: str) -> Principal | None:
        """Return who an API token stands for, or None."""
        if not token:
            return None
        digest, now, changes = _digest(token), self._clock(), self._user_changes.number
        known = self._known.get(digest)
        if known is None or known.until < now or known.changes != changes:
            user = await self._store.token_user(digest)
            self._known.pop(digest, None)
            if user is None:
                return None
            if len(self._known) >= _MOST_KNOWN:
                del self._known[next(iter(self._known))]  # the one asked for longest ago
            known = self._known[digest] = _KnownToken(user, now + _KNOWN_SECONDS, changes)
        names = self._role_names()
        if known.names is not names:
            known = _KnownToken(
                known.user, known.until, known.changes, self.principal_of(known.user), names
            )
            self._known[digest] = known
        return known.principal

    async def known_user(self, user_id: str) -> KnownUser | None:
        """Return a user by id, whether disabled or not."""
        return await self._store.user(user_id)

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
        self._known.clear()

    async def user_id(self, user_name: str) -> str | None:
        """Return the id of a user who has a password, or None."""
        found = await self._store.credential(user_name)
        return found.user_id if found else None

    def csrf_token(self, session_token: str) -> str:
        """Return what every form of a session must send back."""
        return hmac.new(self._secret, session_token.encode(), hashlib.sha256).hexdigest()

    def principal_of(self, user: KnownUser | None) -> Principal | None:
        """Return who a user acts as, or None when there is none or the user is disabled."""
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
