"""What later work is made of: job handlers, queues, schedules, and what a running job is handed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from kartoteka.errors import KartotekaError
from kartoteka.plugin_api.contexts import Principal, Records
from kartoteka.registry import Registry

Json = Any  # None, bool, int, float, str, and lists and maps of these
DEFAULT_QUEUE = "default"
MOST_ATTEMPTS = 4  # in total. Source: reference platform, section 8.5


class JobFailed(KartotekaError):
    """A job cannot be done, however often it is tried: raised by its handler, it ends at once.

    ``code`` is a message key; ``params`` fill its placeholders. Pages show it to people.
    """

    def __init__(self, code: str, params: Mapping[str, Any] | None = None) -> None:
        """Keep the message key and what fills its placeholders."""
        self.code = code
        self.params = dict(params or {})
        super().__init__(code)


class JobCanceled(BaseException):
    """Somebody canceled the job: its next step, sleep or progress raises this and ends it.

    As ``asyncio.CancelledError`` it is no ``Exception``, so that a handler which catches those
    does not go on by mistake.
    """


class JobContext(Protocol):
    """One run of a job.

    A job that failed, slept or lost its worker runs again from the top of its handler; steps that
    are done are not repeated and return what they returned. So whatever changes something stands
    in a step, and between steps a handler decides by its arguments and by what steps returned.
    """

    @property
    def name(self) -> str:
        """Return the name of the job's handler."""

    @property
    def job_id(self) -> str:
        """Return the id of the job, the same in every run."""

    @property
    def arguments(self) -> Mapping[str, Json]:
        """Return what the job was enqueued with."""

    @property
    def principal(self) -> Principal:
        """Return as whom the job runs."""

    @property
    def records(self) -> Records:
        """Return the record service as the principal; inside a step, in the step's transaction."""

    @property
    def system_records(self) -> Records:
        """Return the same without access limits."""

    @property
    def registry(self) -> Registry:
        """Return the live registry."""

    @property
    def attempt(self) -> int:
        """Return which attempt this is, from 1."""

    async def step(self, name: str, work: Callable[[Records], Awaitable[Json]]) -> Json:
        """Do a part of the job exactly once and return what it returned, as JSON holds it.

        ``work`` gets the record service in one transaction, which also keeps the result: both are
        there or neither. What it does to the world outside of the records is not undone with the
        transaction, and may happen twice. A name that occurs again is another step.

        Raises:
            JobCanceled: Somebody canceled the job.
        """

    async def in_batches(
        self,
        name: str,
        items: Sequence[Json],
        work: Callable[[Records, Sequence[Json]], Awaitable[None]],
        *,
        size: int = 100,
    ) -> None:
        """Work through many items, ``size`` of them a step, telling progress after each.

        ``items`` must be the same in every run: from the arguments, or what a step returned.
        """

    async def sleep_until(self, instant: datetime) -> None:
        """Go on at an instant, however often workers are stopped and started until then.

        The first call decides: in later runs its instant holds, whatever ``instant`` says. The job
        ends here and is run again then, so it takes no worker meanwhile.
        """

    async def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Tell people how far the job is; ``total`` 0 means not known.

        Raises:
            JobCanceled: Somebody canceled the job.
        """


@dataclass(frozen=True, slots=True)
class JobHandler:
    """Carries out the jobs of a name, which begins with its plugin's name or prefix.

    Attributes:
        queue: Where its jobs wait; see ``JobQueue``.
        most_attempts: How often it is tried in total before it has failed.
        wait_seconds: How long after a first failure it is tried again; four times as long after
            each further one.
        as_system: It runs as the platform itself, whoever enqueued it.
        label: A message key; pages show the name without one.
    """

    name: str
    run: Callable[[JobContext], Awaitable[None]]
    queue: str = DEFAULT_QUEUE
    most_attempts: int = MOST_ATTEMPTS
    wait_seconds: float = 5.0
    as_system: bool = False
    label: str = ""


@dataclass(frozen=True, slots=True)
class JobQueue:
    """A line in which jobs wait; ``concurrency`` of them run at a time, over all workers."""

    name: str
    concurrency: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Enqueues a job at the times that a cron expression names, each of them once.

    The job runs as the platform itself. Times that passed while no worker ran are made up for by
    one job. ``time_zone`` is the zone in which ``cron`` is meant.
    """

    name: str
    job: str
    cron: str
    arguments: Mapping[str, Json] = field(default_factory=dict)
    time_zone: str = "UTC"
