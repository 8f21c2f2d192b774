"""AccessCache: what principals may do, kept until something that decides over it is written.

A number in the database changes with every such write. What is known of it holds for a moment
(``LEASE_SECONDS``), and who writes something that decides over access answers only once what others
know has run out: the next request after the answer sees the change, in every process
(decisions/0033).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from kartoteka.access.facts import UserFacts
from kartoteka.plugin_api.contexts import Principal
from kartoteka.registry import Registry
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.storage.access_facts import AccessFacts
from kartoteka_runtime.storage.database import Connection

LEASE_SECONDS = {"sqlite": 0.005, "postgresql": 0.25}  # where asking costs more, longer
_MOST_USERS = 4096


class AccessCache:
    """The access of users of one publication."""

    def __init__(
        self,
        registry: Registry,
        facts: AccessFacts,
        engine: str,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep what ``facts`` reads, as roles of ``registry`` decide."""
        self._registry = registry
        self._facts = facts
        self._engine = engine
        self._clock = clock
        self._lease = LEASE_SECONDS[engine]
        self._version = -1
        self._known_until = 0.0
        self._kept: dict[tuple[str, frozenset[str] | None, str], Access] = {}

    async def of(self, connection: Connection, principal: Principal) -> Access:
        """Return what a principal may do; nothing when there is no such user."""
        if self._clock() >= self._known_until:
            await self._look(connection)
        caller = principal.on_behalf_of
        key = principal.user_id, principal.scopes, caller.user_id if caller else ""
        access = self._kept.get(key)
        if access is None:
            behind = await self.of(connection, caller) if caller else None
            facts = None
            if principal.user_id:
                facts = await self._facts.load(connection, principal.user_id)
            known = facts or UserFacts(principal.user_id)
            access = Access(
                self._registry, known, self._engine, scopes=principal.scopes, caller=behind
            )
            if len(self._kept) >= _MOST_USERS:
                del self._kept[next(iter(self._kept))]
            self._kept[key] = access
        return access

    async def version(self, connection: Connection) -> int:
        """Return the number that changes with every write that decides over access."""
        if self._clock() >= self._known_until:
            await self._look(connection)
        return self._version

    def decides(self, written: set[str]) -> bool:
        """Return whether a write of these entities and relationships may change access."""
        return not self._facts.deciding.isdisjoint(written)

    async def note_change(self, connection: Connection) -> None:
        """Count a change inside the transaction that makes it."""
        await self._facts.note_change(connection)

    async def let_others_notice(self, connection: Connection) -> None:
        """Return once every process knows of a change that was committed."""
        self._known_until = 0.0
        if await self._facts.may_have_others(connection):
            await asyncio.sleep(self._lease)

    async def _look(self, connection: Connection) -> None:
        began = self._clock()
        version = await self._facts.version(connection)
        if version != self._version:
            self._kept.clear()
            self._version = version
        self._known_until = began + self._lease
