"""PublishTasks: publishing in the background of a web process, one at a time."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

from kartoteka.errors import KartotekaError
from kartoteka.registry import Registry
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.runtime_parts import Publisher

_log = logging.getLogger(__name__)
_PATIENCE_SECONDS = 1.5  # a publish that takes no longer is answered at once


@dataclass(slots=True)
class PublishTask:
    """One publish. ``number`` is what it made live; ``failure`` why it did not."""

    task: asyncio.Task[None] | None = None
    progress: str = ""
    number: int = 0
    failure: str = ""

    @property
    def is_running(self) -> bool:
        """Return whether it has not come to an end."""
        return self.task is not None and not self.task.done()


class PublishTasks:
    """Starts a publish and remembers the last one."""

    def __init__(self, publisher: Publisher) -> None:
        """Publish with ``publisher``."""
        self._publisher = publisher
        self.last = PublishTask()

    async def start(self, registry: Registry, plan: Plan, consents: frozenset[str]) -> PublishTask:
        """Begin what a plan says and wait a moment for its end."""
        made = self.last = PublishTask()
        made.task = asyncio.create_task(self._run(made, registry, plan, consents))
        await asyncio.wait({made.task}, timeout=_PATIENCE_SECONDS)
        return made

    async def _run(
        self, made: PublishTask, registry: Registry, plan: Plan, consents: frozenset[str]
    ) -> None:
        def tell(what: str, done: int, total: int) -> None:
            made.progress = f"{what}: {done} / {total}" if total else what

        try:
            made.number = await self._publisher.publish(
                registry, plan=plan, consents=consents, progress=tell
            )
        except KartotekaError as error:
            _log.warning("publish from the browser: %s", error)
            made.failure = str(error)
        except Exception as error:
            # Nobody awaits the task: what went wrong is shown by the page that asks how far it is.
            _log.exception("publish from the browser failed")
            made.failure = type(error).__name__
