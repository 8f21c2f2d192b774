"""The composition root: the only module that knows every part."""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from kartoteka.errors import KartotekaError
from kartoteka.registry import Registry
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.publishing.bootstrap import bootstrap, known_id
from kartoteka_runtime.publishing.publish import PublishResult, publish, refresh
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.sessions import Sessions
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.storage.database import database_for
from kartoteka_runtime.storage.identity_store import DatabaseIdentityStore
from kartoteka_runtime.web.routes import web_routes
from kartoteka_runtime.web_api.routes import api_routes

_log = logging.getLogger(__name__)
_REFRESH_SECONDS = 1.0  # how long a process may go on with a publication that another replaced


def build_parts(settings: Settings) -> RuntimeParts:
    """Return the parts of the app in ``settings.app_folder``; nothing is opened yet.

    Raises:
        AppFolderError: The folder is no app.
        PluginError: A plugin is missing.
        DatabaseUnavailable: The database address is not understood.
    """
    app_folder = load_app_folder(settings.app_folder)
    database = database_for(settings.database_url)
    live_registry = LiveRegistry()
    sessions = Sessions(
        DatabaseIdentityStore(database),
        RoleNames(live_registry),
        secret=settings.secret,
        hours=settings.session_hours,
        base_language=app_folder.base_language,
    )
    records = RecordService(database, live_registry, app_folder.hooks())
    return RuntimeParts(settings, app_folder, database, live_registry, records, sessions)


def build_app(settings: Settings) -> Starlette:
    """Return the web application of the app in ``settings.app_folder``."""
    parts = build_parts(settings)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await parts.database.open()
        await refresh(parts.database, parts.live_registry)
        parts.records.model  # noqa: B018 - compiles the publication before the first request
        try:
            yield
        finally:
            await parts.database.close()

    app = Starlette(
        routes=[*api_routes(parts), *web_routes(parts)],
        lifespan=lifespan,
        middleware=[Middleware(PublicationRefresh, parts=parts)],
    )
    app.state.parts = parts
    return app


async def publish_app(parts: RuntimeParts, registry: Registry) -> PublishResult:
    """Publish ``registry`` and create the records that every organization needs.

    Raises:
        PublishFailed: A change would lose or misread stored values; nothing was changed.
    """
    result = await publish(parts.database, registry)
    await refresh(parts.database, parts.live_registry)
    await bootstrap(
        parts.records,
        organization=parts.app_folder.label,
        currency=asdict(parts.app_folder.currency),
    )
    return result


class RoleNames:
    """The logical names of the live roles by record id, worked out once a publication."""

    def __init__(self, live_registry: LiveRegistry) -> None:
        """Follow ``live_registry``."""
        self._live_registry = live_registry
        self._number = -1
        self._names: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """Return ``{id of the role's record: logical name}``."""
        current = self._live_registry.current
        if self._number != current.number:
            self._names = {known_id("role", name): name for name in current.registry.roles}
            self._number = current.number
        return self._names


class PublicationRefresh:
    """Looks for a newer publication between requests, at most once a second."""

    def __init__(self, app: ASGIApp, parts: RuntimeParts) -> None:
        """Stand before ``app``."""
        self._app = app
        self._parts = parts
        self._next_look = time.monotonic() + _REFRESH_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request on the newest publication that is known."""
        if scope["type"] == "http" and time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + _REFRESH_SECONDS
            try:
                await refresh(self._parts.database, self._parts.live_registry)
            except KartotekaError as error:  # what is known serves on; each request says its own
                _log.warning("no look at newer publications: %s", error)
        await self._app(scope, receive, send)
