"""DevSession: looks at the files whenever they change, and does with them what is safe to do."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from kartoteka.errors import KartotekaError
from kartoteka.loading.collection_pause import collection_paused
from kartoteka.registry import Registry
from kartoteka_runtime.dev.app_checker import AppChecker
from kartoteka_runtime.dev.changed_pages import changed_pages
from kartoteka_runtime.dev.dev_status import DevStatus, State
from kartoteka_runtime.dev.file_watch import FileWatch
from kartoteka_runtime.dev.mistakes import Mistake
from kartoteka_runtime.dev.publishing_thread import PublishingThread
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.publishing.publish import PlanRefused, no_progress, refresh
from kartoteka_runtime.runtime_parts import RuntimeParts

Tell = Callable[[DevStatus], None]
Restart = Callable[[], Awaitable[str]]

# Files may be half written: bad news is told when nothing more has changed for this long.
_SETTLE_SECONDS = 0.2
_TIDY_SECONDS = 2.0  # after a look
_KEPT_PUBLICATIONS = 50
_log = logging.getLogger(__name__)


def tell_nobody(status: DevStatus) -> None:
    """Keep it to the pages."""


class DevSession:
    """Keeps what is live in step with the files of one app, for as long as the server runs."""

    def __init__(
        self, parts: RuntimeParts, *, tell: Tell = tell_nobody, restart: Restart | None = None
    ) -> None:
        """Work on the app of ``parts``.

        Args:
            parts: Of the server.
            tell: Told each new status.
            restart: Ends the server so that it starts anew and returns "", or why that would fail;
                None: people are asked to do it.
        """
        self.publisher = PublishingThread(parts, self._when_published)
        self.status = DevStatus()
        self._parts = parts
        self._checker = AppChecker(parts.app_folder)
        self._watch = FileWatch(parts.app_folder, self._hear)
        self._tell = tell
        self._restart = restart
        self._turn = asyncio.Lock()
        self._noticed = asyncio.Event()
        self._noticed_at = self._began_at = time.perf_counter()
        self._new_code: frozenset[Path] = frozenset()  # Python files changed since the last look
        self._old_code: frozenset[Path] = frozenset()  # those that run here as they were
        self._next = asyncio.Event()  # set when the status is no longer the newest
        self._is_ended = False
        self._tasks: list[asyncio.Task[None]] = []
        self._tidying: asyncio.TimerHandle | None = None
        self._publishing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; when nothing is live yet, the first look is over on return."""
        await self.publisher.open()
        self._tasks.append(asyncio.create_task(self._watch_files()))
        await asyncio.sleep(0)  # whatever changes from here on is noticed
        if self._parts.live_registry.current.number == 0:
            await self._look()
        else:
            self.look_again()
        self._tasks.append(asyncio.create_task(self._look_whenever_noticed()))

    async def stop(self) -> None:
        """End; what is being published is finished."""
        self.end_streams()
        if self._tidying is not None:
            self._tidying.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._publishing is not None:
            await self._publishing
        await self.publisher.close()

    def end_streams(self) -> None:
        """Let everybody who follows go, so that the server can stop."""
        self._is_ended = True
        self._next.set()

    def look_again(self) -> None:
        """Look at the files soon."""
        self._hear(frozenset())

    async def follow(self) -> AsyncIterator[DevStatus]:
        """Yield the status, and every later one; of several at once only the last."""
        while not self._is_ended:
            following = self._next
            yield self.status
            await following.wait()

    def _when_published(self) -> None:
        """Look again after a publish from other pages."""
        if not self._turn.locked():
            self.look_again()

    async def wait_for(self, is_it: Callable[[DevStatus], bool], seconds: float) -> None:
        """Return once the status is as wanted, or after some time."""

        async def follow() -> None:
            async for status in self.follow():
                if is_it(status):
                    return

        with suppress(TimeoutError):
            await asyncio.wait_for(follow(), seconds)

    def publish(self, consents: frozenset[str]) -> None:
        """Begin to publish the plan of the status, which somebody has seen."""
        status = self.status
        if status.state is not State.HELD or status.registry is None or status.plan is None:
            return
        self._turn_to(replace(status, step=status.step + 1, state=State.PUBLISHING))
        self._publishing = asyncio.create_task(
            self._publish_shown(status.registry, status.plan, consents)
        )

    def postpone(self) -> None:
        """Keep the old definitions until the files change again."""
        if self.status.state is State.HELD:
            self._turn_to(replace(self.status, step=self.status.step + 1, is_postponed=True))

    async def _watch_files(self) -> None:
        try:
            await self._watch.run()
        except Exception as error:
            _log.exception("files are no longer watched")
            self._say(State.FAILED, problem=_plain(error))

    def _hear(self, files: frozenset[Path]) -> None:
        self._new_code |= {file for file in files if file.suffix == ".py"}
        if not self._noticed.is_set():
            self._noticed_at = time.perf_counter()
        self._noticed.set()

    async def _look_whenever_noticed(self) -> None:
        while True:
            await self._noticed.wait()
            await self._look()

    async def _look(self) -> None:
        """Check, plan and, if nobody has to be asked, publish."""
        async with self._turn:
            self._noticed.clear()
            self._began_at = self._noticed_at
            try:
                with self._collection_later():
                    await self._look_once()
            except PlanRefused:  # somebody else published meanwhile
                self.look_again()
                await asyncio.sleep(_SETTLE_SECONDS)
            except KartotekaError as error:
                self._say(State.FAILED, problem=str(error))
            except Exception as error:
                # The loop outlives whatever a half-written file makes go wrong.
                _log.exception("the files could not be looked at")
                self._say(State.FAILED, problem=_plain(error))

    @contextmanager
    def _collection_later(self) -> Iterator[None]:
        """Leave garbage until nobody waits: going through all definitions takes half a second."""
        if self._tidying is not None:
            self._tidying.cancel()
        with collection_paused():
            yield
        self._tidying = asyncio.get_running_loop().call_later(_TIDY_SECONDS, gc.collect)

    async def _look_once(self) -> None:
        if await self._is_restarting():
            return
        checked = await asyncio.to_thread(self._checker.check)
        registry = checked.registry
        if registry is None:
            if await self._is_settled():
                self._say(State.MISTAKES, mistakes=checked.mistakes)
            return
        plan = await self.publisher.plan(registry)
        if plan.live_number > self._parts.live_registry.current.number:  # another process published
            await refresh(self._parts.database, self._parts.live_registry)
        if plan.is_empty:
            self._say(State.LIVE, registry=registry)
        elif plan.is_additive:
            await self._publish(registry, plan, frozenset())
            self._say(State.LIVE, registry=registry, plan=plan)
        elif await self._is_settled():
            self._say(State.HELD, registry=registry, plan=plan)

    async def _is_restarting(self) -> bool:
        """Start anew if code or ``kartoteka.yaml`` changed; where that fails, go on as before."""
        has_news = bool(self._new_code)
        self._old_code, self._new_code = self._old_code | self._new_code, frozenset()
        reasons = [await asyncio.to_thread(self._checker.what_else_changed)]
        reasons += sorted(file.name for file in self._old_code)
        reason = ", ".join(filter(None, reasons))
        if reason == self.status.restart and not has_news:
            return False
        problem, is_restarting = "", False
        if reason and self._restart is not None:
            problem = await self._restart()
            is_restarting = not problem
        self.status = replace(self.status, restart=reason, restart_problem=problem)
        return is_restarting

    async def _publish(self, registry: Registry, plan: Plan, consents: frozenset[str]) -> None:
        before = self._parts.live_registry.current.registry
        number = await self.publisher.publish(
            registry, plan=plan, consents=consents, progress=no_progress
        )
        pages = changed_pages(before, self._parts.live_registry.current.registry)
        published = {**self.status.published, number: pages}
        kept = sorted(published)[-_KEPT_PUBLICATIONS:]
        self.status = replace(self.status, published={key: published[key] for key in kept})

    async def _publish_shown(
        self, registry: Registry, plan: Plan, consents: frozenset[str]
    ) -> None:
        async with self._turn:
            self._began_at = time.perf_counter()
            try:
                await self._publish(registry, plan, consents)
            except PlanRefused:  # the world is another one by now: what is to be agreed to, too
                self.look_again()
            except KartotekaError as error:
                self._say(State.FAILED, problem=str(error))
            except Exception as error:
                _log.exception("publish failed")
                self._say(State.FAILED, problem=_plain(error))
            else:
                self._say(State.LIVE, registry=registry, plan=plan)

    async def _is_settled(self) -> bool:
        """Return whether no file changes for a moment; if one does, another look follows."""
        try:
            await asyncio.wait_for(self._noticed.wait(), _SETTLE_SECONDS)
        except TimeoutError:
            return True
        return False

    def _say(
        self,
        state: State,
        *,
        registry: Registry | None = None,
        plan: Plan | None = None,
        mistakes: tuple[Mistake, ...] = (),
        problem: str = "",
    ) -> None:
        """Make a new status of the outcome of a look."""
        before = self.status
        self._turn_to(
            DevStatus(
                step=before.step + 1,
                state=state,
                number=self._parts.live_registry.current.number,
                registry=registry,
                plan=plan,
                mistakes=mistakes,
                problem=problem,
                restart=before.restart,
                restart_problem=before.restart_problem,
                published=before.published,
                seconds=time.perf_counter() - self._began_at,
            )
        )

    def _turn_to(self, status: DevStatus) -> None:
        self.status = status
        self._tell(status)
        following, self._next = self._next, asyncio.Event()
        following.set()


def _plain(error: Exception) -> str:
    return str(error) or type(error).__name__
