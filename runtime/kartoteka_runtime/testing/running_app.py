"""RunningApp: a published app in a test, with its record service and signed-in clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
from starlette.applications import Starlette

from kartoteka.plugin_api.contexts import Principal
from kartoteka.registry import Registry
from kartoteka_runtime.app import build_app, build_parts, plan_app, publish_app
from kartoteka_runtime.publishing.bootstrap import SYSTEM, add_user
from kartoteka_runtime.records.record_service import ActingRecords
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.settings import Settings

ORIGIN = "http://testserver"


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
        registry = parts.app_folder.registry()
        consents = (await plan_app(parts, registry)).consents if consents_to_all else ()
        await publish_app(parts, registry, consents=consents)
    finally:
        await parts.database.close()


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
    """Write an app folder; ``metadata`` holds texts by path below ``metadata/``."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kartoteka.yaml").write_text(
        f"name: test_app\nlabel: Test\nplugins: [{', '.join(plugins)}]\n"
        f"languages: [{', '.join(languages)}]\nbase_language: en\n",
        encoding="utf-8",
    )
    for path, text in (metadata or {}).items():
        file = folder / "metadata" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def _settings(folder: Path, database_url: str) -> Settings:
    return replace(Settings.load(folder), database_url=database_url)
