"""Sessions: who proves a password, and who sends a browser's request.

What a browser carries is random; the database keeps only its SHA-256.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from kartoteka.errors import KartotekaError, RecordInvalid, Violation
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.identity import (
    Credential,
    EventSink,
    IdentityStore,
    KnownSession,
    KnownUser,
    UserChanges,
)
from kartoteka_runtime.security.browsers import browser_summary
from kartoteka_runtime.security.failure_limits import FailureLimits
from kartoteka_runtime.security.passwords import (
    hash_password,
    is_outdated,
    password_violation,
    verify_password,
)
from kartoteka_runtime.security.see_as import Seeing
from kartoteka_runtime.security.tokens import TokenRefused, Tokens, digest_of
from kartoteka_runtime.security.touches import Touches

USER = "systemuser"
_FREE_FAILURES = 5  # wrong passwords before a user has to wait
_LONGEST_WAIT_SECONDS = 900


class TooManyFailures(KartotekaError):
    """Too many wrong passwords came from an address; it has to wait so many ``seconds``."""

    def __init__(self, seconds: float) -> None:
        """Keep how long."""
        self.seconds = seconds
        super().__init__(f"too many wrong passwords; wait {seconds:.0f} seconds")


class Sessions:
    """Signs users in and out, and says who sends a request."""

    def __init__(
        self,
        store: IdentityStore,
        role_names: Callable[[], Mapping[str, str]],
        *,
        secret: bytes,
        hours: int = 12,
        idle_minutes: int = 120,
        base_language: str = "en",
        user_changes: UserChanges | None = None,
        limits: FailureLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
        administers: Callable[[Collection[str]], bool] = lambda roles: False,
    ) -> None:
        """``role_names`` gives the roles' logical names by record id.

        ``administers`` tells whether one of some roles grants everything.

        ``user_changes`` counts what this process writes of users. A session ends after ``hours``,
        and when nothing came from it for ``idle_minutes``.
        """
        self._store = store
        self._role_names = role_names
        self._secret = secret
        self._lifetime = timedelta(hours=hours)
        self._idle = timedelta(minutes=idle_minutes)
        self._base_language = base_language
        self._touches = Touches()
        self._events: EventSink | None = None
        self.limits = FailureLimits() if limits is None else limits
        self.seeing = Seeing(store, self.principal_of, administers)
        self.tokens = Tokens(
            store, self.principal_of, role_names, user_changes=user_changes, clock=clock
        )

    def tell(self, events: EventSink) -> None:
        """Record security events in ``events`` from now on."""
        self._events = self.tokens.events = self.seeing.events = events

    async def sign_in(
        self, user_name: str, password: str, *, address: str = "", browser: str = ""
    ) -> str | None:
        """Return a new session's token, or None when name or password are wrong.

        Raises:
            TooManyFailures: Too many wrong passwords came from the address.
        """
        user_id = await self.proved_user(user_name, password, address=address)
        if user_id is None:
            return None
        return await self.start(user_id, address=address, browser=browser)

    async def proved_user(self, user_name: str, password: str, *, address: str = "") -> str | None:
        """Return the id of who proved to be a user by their password, or None.

        After five wrong passwords the user waits, twice as long each time, and right ones are
        refused too until then. Whoever tries many names from one address waits likewise. A name
        that nobody has takes the same steps as a wrong password.

        Raises:
            TooManyFailures: Too many wrong passwords came from the address.
        """
        wait = self.limits.begin(address)
        if wait:
            raise TooManyFailures(wait)
        name = user_name.strip()[:200]
        found = await self._store.credential(name)
        is_right = await self._is_right(found, password, name=name, address=address)
        if found is None or not is_right:
            return None
        self.limits.succeeded(address)
        return found.user_id

    async def _is_right(
        self, found: Credential | None, password: str, *, name: str, address: str
    ) -> bool:
        """Return whether a password is a user's and they may use it now; count it when it is not.

        What is known of failures is read once more after the password was checked, so that many
        attempts at once gain nothing.
        """
        is_right = await verify_password(password, found.password_hash if found else None)
        user_id = found.user_id if found else ""
        now_found = await self._store.credential_of(user_id)
        now = datetime.now(UTC)
        if now_found is not None:
            is_locked = now_found.locked_until is not None and now_found.locked_until > now
            if now_found.is_disabled or is_locked:
                return False
        if not is_right or now_found is None:
            failures = await self._store.add_failure(user_id, lambda count: _wait_after(count, now))
            until = _wait_after(failures, now)
            if until is not None:
                seconds = str(round((until - now).total_seconds()))
                await self._record(
                    "sign_in_locked", user_id=user_id, user_name=name, address=address,
                    detail={"failures": str(failures), "seconds": seconds},
                )  # fmt: skip
            return False
        if now_found.failures:
            await self._store.forget_failures(user_id)
        if is_outdated(now_found.password_hash):
            new_hash = await hash_password(password)
            await self._store.replace_hash(user_id, now_found.password_hash, new_hash)
        return True

    async def start(
        self, user_id: str, *, address: str = "", browser: str = "", previous: str = ""
    ) -> str:
        """Start a session for a user who has proved who they are, and return its token.

        It is always a new one; ``previous``, which the browser had until now, ends. ``browser`` is
        what it calls itself.
        """
        if previous:
            await self.sign_out(previous)
        token = secrets.token_urlsafe(32)
        now = datetime.now(UTC)
        digest = digest_of(token)
        session = KnownSession(
            id=digest[:16],
            user_id=user_id,
            address=address,
            browser=browser_summary(browser),
            created_on=now,
            used_on=now,
            expires_on=now + self._lifetime,
        )
        await self._store.add_session(digest, session)
        return token

    async def sign_out(self, token: str) -> None:
        """End a session, and that it sees the app as somebody else."""
        await self.seeing.end(token, how="signed out")
        await self._store.remove_session(digest_of(token))

    async def principal(self, token: str) -> Principal | None:
        """Return who a session's token stands for, or None."""
        if not token:
            return None
        digest, now = digest_of(token), datetime.now(UTC)
        found = await self._store.session_user(digest, now - self._idle)
        if found is None:
            return None
        user, used_on, seen_as = found
        if self._touches.is_due(digest, used_on, now):
            await self._store.touch_session(digest, now)
        principal = self.principal_of(user)
        if principal is None or seen_as is None:
            return principal
        return await self.seeing.resolve(digest, principal, seen_as)

    async def of(self, user_id: str) -> Sequence[KnownSession]:
        """Return the sessions of a user, the one used last first."""
        return await self._store.sessions_of(user_id, datetime.now(UTC) - self._idle)

    async def end(self, user_id: str, session_id: str, *, address: str = "") -> bool:
        """End one session of a user; return whether there was one."""
        is_ended = await self._store.end_session(user_id, session_id)
        if is_ended:
            await self._record(
                "session_revoked", user_id=user_id, address=address, detail={"id": session_id}
            )
        return is_ended

    async def end_others(self, user_id: str, token: str, *, address: str = "") -> int:
        """End every session of a user but one (``token`` "": all), and return how many."""
        count = await self._store.end_other_sessions(user_id, digest_of(token) if token else "")
        if count:
            await self._record(
                "session_revoked", user_id=user_id, address=address, detail={"count": str(count)}
            )
        return count

    async def token_principal(self, token: str) -> Principal | None:
        """Return who an API or access token stands for, or None; ``tokens`` says why."""
        try:
            return await self.tokens.principal(token)
        except TokenRefused:
            return None

    async def known_user(self, user_id: str) -> KnownUser | None:
        """Return a user by id, whether disabled or not."""
        return await self._store.user(user_id)

    async def create_token(self, user_id: str, name: str) -> str:
        """Return a new API token that may do whatever its user may; it is shown this once."""
        token, _ = await self.tokens.create(user_id, name)
        return token

    async def set_password(self, user_id: str, password: str, *, keep: str = "") -> None:
        """Give a user a password, and end the sessions that began with an older one.

        The session whose token is ``keep`` stays.

        Raises:
            RecordInvalid: It is too short, or among those that others try first.
        """
        names = await self._store.names(user_id)
        check_password(password, names.texts if names else ())
        kept = digest_of(keep) if keep else ""
        await self._store.save_password(user_id, await hash_password(password), keep=kept)
        await self._record(
            "password_changed", user_id=user_id, user_name=names.user_name if names else ""
        )

    async def change_password(
        self, user_id: str, current: str, password: str, *, keep: str, address: str = ""
    ) -> None:
        """Let a user replace their own password, which they have to know.

        Raises:
            RecordInvalid: The present one is wrong, or the new one is refused.
            TooManyFailures: Too many wrong ones came from the address.
        """
        names = await self._store.names(user_id)
        check_password(password, names.texts if names else ())
        wait = self.limits.begin(address)
        if wait:
            raise TooManyFailures(wait)
        found = await self._store.credential_of(user_id)
        name = names.user_name if names else ""
        if found is None or not await self._is_right(found, current, name=name, address=address):
            raise RecordInvalid(USER, [Violation("current", "violation.password_wrong")])
        self.limits.succeeded(address)
        await self.set_password(user_id, password, keep=keep)

    async def has_password(self, user_id: str) -> bool:
        """Return whether a user may sign in by password."""
        return await self._store.credential_of(user_id) is not None

    async def is_password_of(self, user_id: str, password: str, *, address: str = "") -> bool:
        """Return whether a user who is signed in has typed their password; a wrong one counts.

        Raises:
            TooManyFailures: Too many wrong passwords came from the address.
        """
        wait = self.limits.begin(address)
        if wait:
            raise TooManyFailures(wait)
        found = await self._store.credential_of(user_id)
        if found is None or not await self._is_right(found, password, name="", address=address):
            return False
        self.limits.succeeded(address)
        return True

    async def set_preferences(
        self, user_id: str, *, language: str | None = None, time_zone: str | None = None
    ) -> None:
        """Keep the language and time zone a user prefers; None leaves one as it is."""
        await self._store.save_preferences(user_id, language, time_zone)
        self.tokens.forget_user()

    async def user_id(self, user_name: str) -> str | None:
        """Return the id of a user who has a password, or None."""
        found = await self._store.credential(user_name)
        return found.user_id if found else None

    def csrf_token(self, session_token: str) -> str:
        """Return what every form of a session must send back."""
        return hmac.new(self._secret, session_token.encode(), hashlib.sha256).hexdigest()

    def principal_of(self, user: KnownUser | None) -> Principal | None:
        """Return who a user acts as, or None when there is none or the user is disabled.

        Who has no role, neither their own nor by a team, has none here either, and may not enter.
        """
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

    async def _record(
        self,
        kind: str,
        *,
        user_id: str = "",
        user_name: str = "",
        address: str = "",
        detail: Mapping[str, str] = {},  # noqa: B006 - never written to
    ) -> None:
        if self._events is not None:
            await self._events.record(
                kind, user_id=user_id, user_name=user_name, address=address, detail=detail
            )


def _wait_after(failures: int, now: datetime) -> datetime | None:
    """Return until when a user has to wait after so many wrong passwords; None: not at all."""
    if failures < _FREE_FAILURES:
        return None
    seconds = min(2 ** min(failures - _FREE_FAILURES, 30), _LONGEST_WAIT_SECONDS)
    return now + timedelta(seconds=seconds)


def check_password(password: str, about: Sequence[str]) -> None:
    """Return when a password may be chosen; ``about`` is what others know of its user.

    Raises:
        RecordInvalid: It is too short, or among those that others try first.
    """
    violation = password_violation(password, about)
    if violation is not None:
        raise RecordInvalid(USER, [Violation("password", violation.code, violation.params)])
