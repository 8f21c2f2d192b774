"""Schedules: at each time of its cron expression a job is enqueued once, by whichever worker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from croniter import CroniterError, croniter

from kartoteka.errors import PluginError
from kartoteka.plugin_api.jobs import Schedule
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.storage.job_schedules import JobSchedules, KnownSchedule


class Schedules:
    """Enqueues what the clock asks for."""

    def __init__(
        self,
        records: RecordService,
        schedules: Mapping[str, Schedule],
        clock: Callable[[], datetime],
    ) -> None:
        """Keep ``schedules``.

        Raises:
            PluginError: One has an expression or a zone that is none.
        """
        self._records = records
        self._schedules = dict(schedules)
        self._clock = clock
        self._store = JobSchedules(records.database.dialect)
        for schedule in self._schedules.values():
            next_time(schedule, clock())

    async def enqueue_due(self) -> list[str]:
        """Enqueue the jobs whose time has come and return their ids.

        A schedule that nobody has met begins to count now. One that missed times makes up for
        them by one job.
        """
        if not self._schedules:
            return []
        async with self._records.database.reading() as connection:
            known = await self._store.all(connection)
        now = self._clock()
        enqueued = []
        for schedule in self._schedules.values():
            found = known.get(schedule.name)
            if found is None or found.cron != _meant(schedule):
                await self._add(schedule, now)
            elif found.next_on <= now:
                job_id = await self._enqueue(schedule, found, now)
                enqueued += [job_id] if job_id else []
        return enqueued

    async def _add(self, schedule: Schedule, now: datetime) -> None:
        async with self._records.database.writing() as connection:
            again = (await self._store.all(connection)).get(schedule.name)
            if again is None or again.cron != _meant(schedule):
                following = next_time(schedule, now)
                await self._store.add(connection, schedule.name, _meant(schedule), following)

    async def _enqueue(self, schedule: Schedule, found: KnownSchedule, now: datetime) -> str | None:
        """Move a schedule on and enqueue its job in one transaction, unless another did."""
        async with self._records.acting_as(SYSTEM).transaction() as records:
            operation = records.operation
            following = next_time(schedule, now)
            if not await self._store.advance(operation.connection, found, following, now):
                return None
            job_id = await records.enqueue(schedule.job, schedule.arguments)
            await self._store.keep_job(operation.connection, schedule.name, job_id)
            return job_id


def next_time(schedule: Schedule, after: datetime) -> datetime:
    """Return the first time of a schedule after a moment, in UTC.

    Raises:
        PluginError: Its expression or zone is none.
    """
    try:
        zone = ZoneInfo(schedule.time_zone)
        following: datetime = croniter(schedule.cron, after.astimezone(zone)).get_next(datetime)
    except (CroniterError, ZoneInfoNotFoundError, ValueError) as error:
        raise PluginError(f'schedule "{schedule.name}": {error}') from error
    return following.astimezone(UTC)


def _meant(schedule: Schedule) -> str:
    """Return what its times are worked out from, as it is kept beside the next one."""
    if schedule.time_zone == "UTC":
        return schedule.cron
    return f"{schedule.cron} {schedule.time_zone}"
