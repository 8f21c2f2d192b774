"""Seeing the app as another user: for administrators, for a while, without changing anything.

It belongs to one session and ends with it, after ``MOST_TIME``, and as soon as the administrator
is none any more or the other cannot enter. Decision: docs/decisions/0039.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kartoteka.errors import KartotekaError
from kartoteka.plugin_api.contexts import Principal, SeenBy
from kartoteka_runtime.identity import EventSink, IdentityStore, KnownUser, SeenAs
from kartoteka_runtime.security.tokens import digest_of

MOST_TIME = timedelta(minutes=30)
_USER = "systemuser"
_LONGEST_REASON = 300


class SeeingRefused(KartotekaError):
    """Nobody is seen as; ``code`` is the message that says why."""

    def __init__(self, code: str) -> None:
        """Keep the message's key."""
        self.code = code
        super().__init__(code)


class Seeing:
    """Which sessions look at the app as somebody else."""

    def __init__(
        self,
        store: IdentityStore,
        principal_of: Callable[[KnownUser | None], Principal | None],
        administers: Callable[[Collection[str]], bool],
    ) -> None:
        """``administers`` tells whether one of the roles grants everything."""
        self._store = store
        self._principal_of = principal_of
        self._administers = administers
        self.events: EventSink | None = None

    async def start(
        self, token: str, seer: Principal, user_id: str, reason: str, *, address: str = ""
    ) -> Principal:
        """Let a session see the app as a user from now on, and return that user.

        Raises:
            SeeingRefused: Who asks is no administrator or sees as somebody already, there is no
                reason, or nobody to be seen as.
        """
        if seer.seen_by is not None or not self._administers(seer.roles):
            raise SeeingRefused("error.forbidden")
        if not reason.strip():
            raise SeeingRefused("see_as.no_reason")
        if user_id == seer.user_id:
            raise SeeingRefused("see_as.yourself")
        other = self._principal_of(await self._store.user(user_id)) if user_id else None
        if other is None or not other.roles:
            raise SeeingRefused("see_as.nobody")
        until = (datetime.now(UTC) + MOST_TIME).replace(microsecond=0)
        await self._store.set_seen_as(digest_of(token), SeenAs(other.user_id, until))
        detail = {"user": other.name, "reason": " ".join(reason.split())[:_LONGEST_REASON]}
        await self._record("see_as_started", seer, other.user_id, detail, address)
        return other

    async def end(self, token: str, *, how: str = "ended", address: str = "") -> bool:
        """Let a session be its user's own again; return whether it was not."""
        digest = digest_of(token)
        found = await self._store.session_user(digest, datetime.min.replace(tzinfo=UTC))
        if found is None or found[2] is None:
            return False
        seer = self._principal_of(found[0]) or Principal(found[0].user_id, found[0].name)
        return await self._end(digest, seer, found[2], how, address)

    async def resolve(self, digest: str, seer: Principal, seen_as: SeenAs) -> Principal:
        """Return who a session that sees as somebody acts as: that user, or its own one again."""
        if seen_as.until <= datetime.now(UTC):
            await self._end(digest, seer, seen_as, "expired")
            return seer
        other = self._principal_of(await self._store.user(seen_as.user_id))
        if other is None or not other.roles or not self._administers(seer.roles):
            await self._end(digest, seer, seen_as, "no longer possible")
            return seer
        by = SeenBy(seer.user_id, seer.name, seen_as.until)
        return replace(other, language=seer.language, seen_by=by)

    async def _end(
        self, digest: str, seer: Principal, seen_as: SeenAs, how: str, address: str = ""
    ) -> bool:
        is_ended = await self._store.set_seen_as(digest, None)
        if is_ended:  # of several requests at once, one tells
            await self._record("see_as_ended", seer, seen_as.user_id, {"how": how}, address)
        return is_ended

    async def _record(
        self, kind: str, seer: Principal, user_id: str, detail: dict[str, str], address: str
    ) -> None:
        if self.events is not None:
            await self.events.record(
                kind, user_id=seer.user_id, user_name=seer.name, address=address,
                entity=_USER, record_id=user_id, detail=detail,
            )  # fmt: skip
