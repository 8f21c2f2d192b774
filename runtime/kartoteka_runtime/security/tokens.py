"""Tokens: how programs prove who sends a request.

A program carries random text; the database keeps its SHA-256. Users make API tokens; services get
access tokens for their secret (``services``). Both are looked up here (decisions/0036).
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from kartoteka.errors import KartotekaError
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.identity import (
    EventSink,
    IdentityStore,
    KnownToken,
    KnownUser,
    TokenKind,
    UserChanges,
)
from kartoteka_runtime.security.access_cache import LEASE_SECONDS
from kartoteka_runtime.security.touches import Touches

PREFIX = "kt_"  # so that tokens are recognized where they do not belong
DAYS, MOST_DAYS = 90, 365
_LONGEST = 500  # characters of what is looked up
_MOST_KNOWN = 1024  # tokens
_KNOWN_SECONDS = 60.0  # names, languages and the like, which no version counts


class TokenRefused(KartotekaError):
    """A token does not stand for anybody; ``code`` is the message key that says why."""

    def __init__(self, code: str) -> None:
        """Keep why."""
        self.code = code
        super().__init__(code)


class LifetimeRefused(KartotekaError):
    """A token must end, after a year at most."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(f"a token holds for 1 to {MOST_DAYS} days")


@dataclass(frozen=True, slots=True)
class _Known:
    user: KnownUser
    token: KnownToken
    until: float  # seconds of the clock
    names: Mapping[str, str] | None = None  # of the roles that the principal was made with
    principal: Principal | None = None


class Tokens:
    """Makes, finds and revokes tokens.

    What is known of a token holds until something is written that decides over access, in
    whatever process: the database counts such writes (``security.access_cache``).
    """

    def __init__(
        self,
        store: IdentityStore,
        principal_of: Callable[[KnownUser | None], Principal | None],
        role_names: Callable[[], Mapping[str, str]],
        *,
        user_changes: UserChanges | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``principal_of`` says as whom a user acts, with the roles that ``role_names`` knows."""
        self._store = store
        self._principal_of = principal_of
        self._role_names = role_names
        self._user_changes = user_changes or UserChanges()
        self._clock = clock
        self._lease = LEASE_SECONDS[store.engine]
        self._seen: tuple[int, int] = (-1, -1)  # versions: of the database, of this process
        self._seen_until = 0.0
        self._known: dict[str, _Known] = {}  # by the token's hash
        self._touches = Touches()
        self.events: EventSink | None = None

    async def principal(self, token: str) -> Principal:
        """Return who a token stands for.

        Raises:
            TokenRefused: It is unknown, has expired, was revoked, or its user is disabled.
        """
        if not token or len(token) > _LONGEST:
            raise TokenRefused("token.unknown")
        digest = digest_of(token)
        await self._look()
        known = self._known.get(digest)
        if known is None or known.until < self._clock():
            known = await self._read(digest)
        now = datetime.now(UTC)
        if known.token.expires_on <= now:
            raise TokenRefused("token.expired")
        if self._touches.is_due(digest, known.token.used_on, now):
            await self._store.touch_token(digest, now)
        names = self._role_names()
        if known.principal is None or known.names is not names:
            principal = self._principal_of(known.user)
            if principal is None:
                raise TokenRefused("token.user_disabled")
            principal = replace(principal, scopes=known.token.scopes)
            known = self._known[digest] = replace(known, principal=principal, names=names)
            return principal
        return known.principal

    async def create(
        self,
        user_id: str,
        name: str,
        *,
        scopes: Collection[str] | None = None,
        lifetime: timedelta = timedelta(days=DAYS),
        kind: TokenKind = "api",
        issued_by: str = "",
    ) -> tuple[str, KnownToken]:
        """Return a new token as its program carries it, this once, and as it is kept.

        Raises:
            LifetimeRefused: It would never end, or after more than a year.
        """
        if not timedelta(0) < lifetime <= timedelta(days=MOST_DAYS):
            raise LifetimeRefused()
        token = PREFIX + secrets.token_urlsafe(32)
        digest = digest_of(token)
        now = datetime.now(UTC)
        kept = KnownToken(
            id=digest[:16],
            user_id=user_id,
            name=name[:100],
            kind=kind,
            scopes=None if scopes is None else frozenset(scopes),
            created_on=now,
            expires_on=now + lifetime,
            issued_by=issued_by,
        )
        await self._store.add_token(digest, kept)
        if kind == "api":
            await self._record("token_created", kept)
        return token, kept

    async def of(self, user_id: str) -> Sequence[KnownToken]:
        """Return the API tokens of a user (of everybody: ""), the newest first."""
        return await self._store.tokens_of(user_id)

    async def revoke(self, token_id: str, *, user_id: str = "") -> bool:
        """Revoke a token of a user (of anybody: ""), in every process; return whether it held."""
        revoked = await self._store.revoke_token(token_id, user_id, datetime.now(UTC))
        if revoked is None:
            return False
        await self.forget()
        await self._record("token_revoked", revoked)
        return True

    async def forget(self) -> None:
        """Return once no process holds what it knew of tokens for true."""
        self._known.clear()
        self._seen_until = 0.0
        await asyncio.sleep(self._lease)

    def forget_user(self) -> None:
        """Read users anew: what one prefers was written."""
        self._known.clear()

    async def _read(self, digest: str) -> _Known:
        self._known.pop(digest, None)
        found = await self._store.token_user(digest)
        if found is None:
            raise TokenRefused("token.unknown")
        user, token = found
        if token.revoked_on is not None:
            raise TokenRefused("token.revoked")
        if len(self._known) >= _MOST_KNOWN:
            del self._known[next(iter(self._known))]  # the one asked for longest ago
        known = self._known[digest] = _Known(user, token, self._clock() + _KNOWN_SECONDS)
        return known

    async def _look(self) -> None:
        """Forget what is known when something was written that decides over access."""
        began = self._clock()
        here = self._user_changes.number
        if began < self._seen_until and self._seen[1] == here:
            return
        seen = (await self._store.access_version(), here)
        if seen != self._seen:
            self._known.clear()
            self._seen = seen
        self._seen_until = began + self._lease

    async def _record(self, kind: str, token: KnownToken) -> None:
        if self.events is not None:
            scopes = "" if token.scopes is None else " ".join(sorted(token.scopes))
            until = token.expires_on.isoformat(timespec="seconds")
            detail = {"name": token.name, "id": token.id, "scopes": scopes, "until": until}
            await self.events.record(kind, user_id=token.user_id, detail=detail)


def digest_of(token: str) -> str:
    """Return what the database keeps of a token."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
