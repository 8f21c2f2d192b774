"""Services: programs that sign in with a client id and a secret, and act as a user of their own.

Source: RFC 6749 section 4.4 (client credentials).
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kartoteka_runtime.identity import ClientSecret, IdentityStore
from kartoteka_runtime.security.sessions import Sessions
from kartoteka_runtime.security.tokens import digest_of

ACCESS_LIFETIME = timedelta(hours=1)
SECRET_DAYS, MOST_SECRET_DAYS = 365, 730
_PREFIX = "ks_"
_LONGEST = 200  # characters of what is looked up


@dataclass(frozen=True, slots=True)
class Service:
    """A service that proved who it is."""

    user_id: str
    secret_id: str
    may_enter: bool  # its user has a role


class Services:
    """Gives secrets to services, and access tokens for secrets."""

    def __init__(self, store: IdentityStore, sessions: Sessions) -> None:
        """Keep secrets in ``store``; access tokens are those of ``sessions``."""
        self._store = store
        self._sessions = sessions

    async def add_secret(
        self, user_id: str, client_id: str, name: str, *, days: int = SECRET_DAYS
    ) -> tuple[str, ClientSecret]:
        """Return a new secret of a service, shown this once, and what is kept of it."""
        secret = _PREFIX + secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        kept = ClientSecret(
            id=secrets.token_hex(8),
            user_id=user_id,
            client_id=client_id,
            name=name,
            created_on=now,
            expires_on=now + timedelta(days=min(max(days, 1), MOST_SECRET_DAYS)),
        )
        await self._store.add_secret(digest_of(secret), kept)
        return secret, kept

    async def secrets_of(self, user_id: str) -> Sequence[ClientSecret]:
        """Return the secrets of a service (of every service: ""), the newest first."""
        return await self._store.secrets_of(user_id)

    async def revoke(self, user_id: str, *, secret_id: str = "") -> int:
        """Revoke the secrets of a service, or one, and the access that they gave; say how many."""
        count = await self._store.revoke_secrets(user_id, datetime.now(UTC), secret_id=secret_id)
        await self._sessions.tokens.forget()
        return count

    async def prove(self, client_id: str, secret: str) -> Service | None:
        """Return the service that a client id and secret prove, or None."""
        if not client_id or not secret or max(len(client_id), len(secret)) > _LONGEST:
            return None
        found = await self._store.secret(client_id.lower(), digest_of(secret))
        now = datetime.now(UTC)
        if found is None or found.revoked_on is not None or found.expires_on <= now:
            return None
        user = await self._store.user(found.user_id)
        principal = self._sessions.principal_of(user)
        if principal is None:
            return None
        await self._store.touch_secret(found.id, now)
        return Service(found.user_id, found.id, bool(principal.roles))

    async def give_access(self, service: Service, scopes: frozenset[str] | None) -> str:
        """Return an access token of a service, for an hour."""
        token, _ = await self._sessions.tokens.create(
            service.user_id,
            "access",
            scopes=scopes,
            lifetime=ACCESS_LIFETIME,
            kind="access",
            issued_by=service.secret_id,
        )
        return token
