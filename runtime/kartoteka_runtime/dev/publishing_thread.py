"""PublishingThread: plans and publishes in a thread of its own, so that requests go on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from kartoteka.registry import Registry
from kartoteka_runtime.app import build_parts, plan_app, publish_app
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.runtime_parts import RuntimeParts

T = TypeVar("T")


class PublishingThread:
    """A thread with an event loop and connections of its own.

    What it publishes is live in the parts of the server before ``publish`` returns, without being
    read from the database there.
    """

    def __init__(self, served: RuntimeParts, when_published: Callable[[], None]) -> None:
        """Publish the app that is being served; ``when_published`` is told afterwards."""
        self._served = served
        self._when_published = when_published
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="kartoteka-publishing", daemon=True
        )
        self._parts = build_parts(served.settings)

    async def open(self) -> None:
        """Start the thread and connect to the database.

        Raises:
            DatabaseUnavailable: It cannot be reached.
        """
        self._thread.start()
        await self._run(self._parts.database.open())

    async def close(self) -> None:
        """Disconnect and end the thread; something that is being published is finished first."""
        await self._run(self._parts.database.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        await asyncio.to_thread(self._thread.join)
        self._loop.close()

    async def plan(self, registry: Registry) -> Plan:
        """Return what publishing ``registry`` would do; nothing is written."""
        return await self._run(plan_app(self._parts, registry))

    async def publish(
        self,
        registry: Registry,
        *,
        plan: Plan,
        consents: frozenset[str],
        progress: Callable[[str, int, int], None],
    ) -> int:
        """Do exactly what ``plan`` says, swap the registry in, and return its number.

        Raises:
            PublishFailed: It could not be done, or is no longer what was planned.
        """
        here = asyncio.get_running_loop()

        def tell(what: str, done: int, total: int) -> None:
            here.call_soon_threadsafe(progress, what, done, total)

        result = await self._run(
            publish_app(self._parts, registry, consents=consents, shown=plan, progress=tell)
        )
        live = self._parts.live_registry.current
        if live.number > self._served.live_registry.current.number:
            self._served.live_registry.current = live
        self._when_published()
        return result.number

    async def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return await asyncio.shield(asyncio.wrap_future(future))
        except asyncio.CancelledError:
            if not future.cancelled():
                await asyncio.wrap_future(future)
            raise
