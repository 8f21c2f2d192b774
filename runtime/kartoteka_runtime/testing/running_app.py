"""RunningApp: a published app in a test, with its record service and signed-in clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import httpx
from starlette.applications import Starlette

from kartoteka.assembly import LoadedBundle, load_bundles
from kartoteka.plugin_api.contexts import Principal, RecordHandler
from kartoteka.plugin_api.jobs import JobHandler, JobQueue
from kartoteka.registry import Registry
from kartoteka_runtime.app import build_app, build_parts, plan_app, publish_app
from kartoteka_runtime.app_folder import AppFolder
from kartoteka_runtime.jobs.runner import JobRunner, utc_now
from kartoteka_runtime.publishing.bootstrap import SYSTEM, add_user
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.hook_table import with_jobs
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.testing.counting_database import CountingDatabase

ORIGIN = "http://testserver"
_read: dict[tuple[tuple[Path, int], ...], tuple[LoadedBundle, ...]] = {}


class RunningApp:
    """An app that is published and open.

    Users are made on first use, one a role, with ``role`` as their user name.
    """

    def __init__(self, app: Starlette) -> None:
        """Wrap a web application whose database is open."""
        self.app = app
        self.parts: RuntimeParts = app.state.parts
        self._users: dict[str, str] = {}

    @property
    def registry(self) -> Registry:
        """Return the live registry."""
        return self.parts.live_registry.current.registry

    @property
    def system_records(self) -> ActingRecords:
        """Return the record service without the limits meant for people."""
        return self.parts.records.acting_as(SYSTEM)

    async def principal(self, role: str = "system_administrator") -> Principal:
        """Return a user with a role as who acts."""
        token = await self.session_token(role)
        principal = await self.parts.sessions.principal(token)
        assert principal is not None
        return principal

    async def records_as(self, role: str = "system_administrator") -> ActingRecords:
        """Return the record service as a user with a role uses it."""
        return self.parts.records.acting_as(await self.principal(role))

    async def session_token(self, role: str = "system_administrator") -> str:
        """Return a new session of a user with a role."""
        return await self.parts.sessions.start(await self._user(role))

    async def run_jobs(self, *, at: datetime | None = None) -> int:
        """Run every job that is due, and those that these enqueue; return how many runs it took.

        They run here, one after the other, without workers. ``at`` is what the clock says; without
        it, the present.
        """

        def clock() -> datetime:
            return at or utc_now()

        runner = JobRunner(self.parts, "test", clock=clock)
        runs = 0
        while True:
            async with self.parts.database.reading() as connection:
                due = await self.parts.records.outbox.due_anywhere(connection, clock(), most=1000)
            states = [await runner.run(job.id) for job in due]
            runs += len(states) - states.count(None)
            if not any(states):  # nothing is due, or others have it under way
                return runs

    def add_jobs(self, *handlers: JobHandler, queues: Sequence[JobQueue] = ()) -> None:
        """Let the app carry out jobs beside those of its plugins."""
        records = self.parts.records
        records.hooks = with_jobs(records.hooks, handlers, queues)
        records.forget_compiled()

    def forget_jobs(self, name: str) -> None:
        """Let nobody carry out jobs of a name any more, as after a plugin was taken away."""
        records = self.parts.records
        left = {key: one for key, one in records.hooks.job_handlers.items() if key != name}
        records.hooks = replace(records.hooks, job_handlers=left)
        records.forget_compiled()

    def add_record_handlers(self, *handlers: RecordHandler) -> None:
        """Let more take part in writes of records, beside the app's plugins."""
        records = self.parts.records
        known = records.hooks.record_handlers
        records.hooks = replace(records.hooks, record_handlers=(*known, *handlers))
        records.forget_compiled()

    @asynccontextmanager
    async def client_as(
        self, role: str = "system_administrator", *, language: str = "en"
    ) -> AsyncIterator[httpx.AsyncClient]:
        """Yield a browser-like client, signed in as a user with a role."""
        user_id = await self._user(role)
        await self.parts.sessions.set_preferences(user_id, language=language)
        token = await self.parts.sessions.start(user_id)
        transport = httpx.ASGITransport(app=self.app)
        cookies = {"kartoteka_session": token}
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, cookies=cookies
        ) as client:
            yield client

    @asynccontextmanager
    async def api_as(self, role: str = "system_administrator") -> AsyncIterator[httpx.AsyncClient]:
        """Yield a client of the Web API with a bearer token of a user with a role."""
        token = await self.parts.sessions.create_token(await self._user(role), "test")
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(
            transport=transport,
            base_url=f"{ORIGIN}/api/data/v9.2/",
            headers={"Authorization": f"Bearer {token}"},
        ) as client:
            yield client

    @contextmanager
    def counted_statements(self) -> Iterator[list[str]]:
        """Yield a list to which every statement that reads is added."""
        records, statements = self.parts.records, list[str]()
        database = records.database
        records.database = CountingDatabase(database, statements)
        try:
            yield statements
        finally:
            records.database = database

    async def _user(self, role: str) -> str:
        if role not in self._users:
            found = await self.system_records.list(
                "systemuser", filter=f"domainname eq '{role}'", fields=("systemuserid",)
            )
            self._users[role] = (
                str(found[0]["systemuserid"])
                if found
                else await add_user(
                    self.parts.records,
                    user_name=role,
                    first_name="Test",
                    last_name=role.replace("_", " ").title(),
                    roles=[role],
                )
            )
        return self._users[role]


async def publish_folder(folder: Path, database_url: str, *, consents_to_all: bool = False) -> None:
    """Publish the app in a folder and make the records that every organization has."""
    parts = build_parts(_settings(folder, database_url))
    await parts.database.open()
    try:
        registry = parts.app_folder.registry(_bundles(parts.app_folder))
        consents = (await plan_app(parts, registry)).consents if consents_to_all else ()
        await publish_app(parts, registry, consents=consents)
    finally:
        await parts.database.close()


def _bundles(app_folder: AppFolder) -> tuple[LoadedBundle, ...]:
    """Return what an app's bundles hold; those outside of it are read once in a test process."""
    inside = [one for one in app_folder.bundle_folders if one.is_relative_to(app_folder.folder)]
    others = [one for one in app_folder.bundle_folders if one not in inside]
    stamps = tuple((file, file.stat().st_mtime_ns) for one in others for file in _files(one))
    if stamps not in _read:
        _read[stamps] = load_bundles(others)
    return (*_read[stamps], *load_bundles(inside))


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.y*ml"))


@asynccontextmanager
async def running_app(folder: Path, database_url: str) -> AsyncIterator[RunningApp]:
    """Yield the app in a folder, which is published in the database already."""
    app = build_app(_settings(folder, database_url))
    async with app.router.lifespan_context(app):
        yield RunningApp(app)


def write_app(
    folder: Path,
    *,
    plugins: Sequence[str] = (),
    languages: Sequence[str] = ("en", "pl", "pt", "ro", "sl"),
    metadata: dict[str, str] | None = None,
) -> Path:
    """Write an app folder; ``metadata`` holds texts by path below ``metadata/``.

    The first of the languages is the base language.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kartoteka.yaml").write_text(
        f"name: test_app\nlabel: Test\nplugins: [{', '.join(plugins)}]\n"
        f"languages: [{', '.join(languages)}]\nbase_language: {languages[0]}\n",
        encoding="utf-8",
    )
    for path, text in (metadata or {}).items():
        file = folder / "metadata" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def _settings(folder: Path, database_url: str) -> Settings:
    """Return the settings of an app; tests may ask for more at once than people do."""
    many = 1_000_000
    return replace(
        Settings.load(folder), database_url=database_url,
        requests_per_user=many, requests_per_address=many, visits_per_address=many,
    )  # fmt: skip
