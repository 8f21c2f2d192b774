"""build_dev_app: the web application with the dev loop beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware

from kartoteka.errors import PublishFailed
from kartoteka_runtime.app import build_parts, guards
from kartoteka_runtime.dev.dev_pages import DevPages
from kartoteka_runtime.dev.dev_session import DevSession, Restart, Tell, tell_nobody
from kartoteka_runtime.dev.dev_status import START
from kartoteka_runtime.dev.waiting_page import WaitingPage
from kartoteka_runtime.publication_refresh import PublicationRefresh
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.request_guard import refusal_of
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.web.dev_mark import DevMark
from kartoteka_runtime.web.routes import web_routes
from kartoteka_runtime.web.web_client import WebClient
from kartoteka_runtime.web_api.routes import api_routes


def build_dev_app(
    settings: Settings, *, tell: Tell = tell_nobody, restart: Restart | None = None
) -> Starlette:
    """Return the web application of an app, served to those who are changing it.

    It starts whether or not the app was ever published, and whatever its files say. ``tell`` and
    ``restart`` are those of ``DevSession``.
    """
    parts = build_parts(settings, serves=True)
    session = DevSession(parts, tell=tell, restart=restart)

    def mark(number: int) -> DevMark:
        return DevMark(START, number, session.status.step, session.status.needs_attention)

    client = WebClient(parts, session.publisher, dev_mark=mark)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await parts.database.open()
        try:
            await refresh(parts.database, parts.live_registry)
        except PublishFailed:
            pass  # nothing is live yet: the first look at the files may change that
        await session.start()
        try:
            yield
        finally:
            await session.stop()
            await parts.database.close()

    app = Starlette(
        routes=[
            *api_routes(parts, session.publisher),
            *DevPages(session).routes(client),
            *web_routes(client),
        ],
        lifespan=lifespan,
        middleware=[
            *guards(settings),
            Middleware(WaitingPage, client=client, session=session),
            Middleware(PublicationRefresh, parts=parts, refusal=refusal_of),
        ],
    )
    app.state.parts = parts
    app.state.dev_session = session
    return app
