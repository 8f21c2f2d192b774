"""SecondFactors: what a user has beside a password, who must have something, and wrong answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kartoteka_runtime.security.sign_in_settings import Requirement
from kartoteka_runtime.security.totp import Totp
from kartoteka_runtime.storage.sign_in_store import SignInStore

_FREE_FAILURES = 5  # wrong codes in a row before a user has to wait
_FIRST_WAIT_SECONDS = 15
_LONGEST_WAIT_SECONDS = 900


@dataclass(frozen=True, slots=True)
class Factors:
    """What a user has beside a password."""

    has_totp: bool
    has_passkeys: bool

    @property
    def has_any(self) -> bool:
        """Return whether the user is asked for something after the password."""
        return self.has_totp or self.has_passkeys


class SecondFactors:
    """Says who is asked for a second factor, and takes codes, fewer the more were wrong."""

    def __init__(self, store: SignInStore, totp: Totp, requirement: Requirement) -> None:
        """Ask for more than a password where ``requirement`` says so or the user has more."""
        self._store = store
        self._totp = totp
        self.requirement: Requirement = requirement

    async def of(self, user_id: str) -> Factors:
        """Return what a user has."""
        return Factors(
            has_totp=await self._totp.is_set_up(user_id),
            has_passkeys=bool(await self._store.passkeys(user_id)),
        )

    def must_have(self, *, is_administrator: bool) -> bool:
        """Return whether somebody may not go on with a password alone."""
        return self.requirement == "everyone" or (
            self.requirement == "administrators" and is_administrator
        )

    async def accept(self, user_id: str, code: str) -> bool:
        """Return whether a code, or a recovery code, is right.

        After five wrong ones in a row the user waits, twice as long each time, and right ones are
        refused too until then. Each is counted as wrong before it is looked at, and of many at
        once one is looked at.
        """
        known = await self._store.failures(user_id)
        now = datetime.now(UTC)
        if known.locked_until and known.locked_until > now:
            return False
        failures = known.count + 1
        doublings = min(max(0, failures - _FREE_FAILURES), 30)
        wait = min(_FIRST_WAIT_SECONDS * 2**doublings, _LONGEST_WAIT_SECONDS)
        until = now + timedelta(seconds=wait) if failures >= _FREE_FAILURES else None
        if not await self._store.take_try(user_id, known, until):
            return False
        is_right = await self._totp.accept(user_id, code) or (
            await self._totp.accept_recovery_code(user_id, code)
        )
        if is_right:
            await self._store.forget_failures(user_id)
        return is_right

    async def is_locked(self, user_id: str) -> bool:
        """Return whether a user has to wait after wrong codes."""
        until = (await self._store.failures(user_id)).locked_until
        return until is not None and until > datetime.now(UTC)
