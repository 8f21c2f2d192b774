"""An app served by the dev server, its files, and somebody who hears its events."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import uvicorn

from kartoteka_runtime.dev.dev_app import build_dev_app
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.testing.running_app import RunningApp, write_app

SECONDS = 30.0  # for news, on a machine that is busy with other things

BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: masts, type: text, label: { en: Masts }, max_length: 20 }
"""
GUEST = """\
kind: role
format: 1
name: guest
label: { en: Guest }
privileges: [{ entity: boat, read: organization }]
"""


class DevServer:
    """A dev server that is up, seen from a browser."""

    def __init__(self, app: RunningApp, address: str) -> None:
        """Serve ``app`` at an address."""
        self.app = app
        self.address = address
        self.metadata: Path = app.parts.settings.app_folder / "metadata"
        self.file = self.metadata / "entities" / "boat.yaml"

    def write(self, text: str) -> None:
        """Save the app's one file, as a simple editor does."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(text, encoding="utf-8")

    @asynccontextmanager
    async def browser(self, role: str = "system_administrator") -> AsyncIterator[Browser]:
        """Yield somebody signed in."""
        cookies = {"kartoteka_session": await self.app.session_token(role)}
        async with httpx.AsyncClient(
            base_url=self.address, cookies=cookies, timeout=SECONDS
        ) as client:
            yield Browser(client)


class Browser:
    """Reads pages and follows events."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Use a signed-in client."""
        self.client = client
        self._lines: AsyncIterator[str] | None = None

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Follow the events meanwhile."""
        async with self.client.stream("GET", "/dev/events") as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            self._lines = answer.aiter_lines()
            yield

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """Return the first event with these values."""
        async with asyncio.timeout(SECONDS):
            assert self._lines is not None
            async for line in self._lines:
                if line.startswith("data: "):
                    event: dict[str, Any] = json.loads(line.removeprefix("data: "))
                    if all(event[key] == value for key, value in wanted.items()):
                        return event
        raise AssertionError("the stream ended")

    async def status(self) -> str:
        """Return what the panel shows."""
        headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
        return (await self.client.get("/dev/status", headers=headers)).text

    async def post(self, address: str, **values: str | list[str]) -> httpx.Response:
        """Send a form of the status page, its hidden inputs included."""
        page = (await self.client.get("/dev/status")).text
        hidden = {
            name: page.partition(f'name="{name}" value="')[2].partition('"')[0]
            for name in ("_token", "_plan")
        }
        sent = {**hidden, **values}
        if address == "/dev/check":
            del sent["_plan"]
        return await self.client.post(
            address,
            content=urlencode(sent, doseq=True).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )


_HARBOUR = {"entities/boat.yaml": BOAT, "security_roles/guest.yaml": GUEST}


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave Ctrl+C to pytest."""
        yield


@asynccontextmanager
async def dev_server(settings: Settings, **options: Any) -> AsyncIterator[DevServer]:
    """Yield a dev server of an app that lies in a folder, published or not."""
    app = build_dev_app(settings, **options)
    server = _Server(uvicorn.Config(app, ws="none", log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            async with asyncio.timeout(SECONDS):
                while not server.started and not serving.done():
                    await asyncio.sleep(0)
            yield DevServer(RunningApp(app), f"http://127.0.0.1:{listener.getsockname()[1]}")
        finally:
            app.state.dev_session.end_streams()
            server.should_exit = True
            await serving


@pytest.fixture
async def serve(start_app) -> AsyncIterator[Callable[..., Any]]:
    """Give a function that serves a published app: ``server = await serve()``."""
    async with AsyncExitStack() as stack:

        async def start(metadata: dict[str, str] | None = None, **options: Any) -> DevServer:
            published = await start_app(
                metadata=_HARBOUR if metadata is None else metadata,
                languages=("en", "pl"),
            )
            return await stack.enter_async_context(dev_server(published.parts.settings, **options))

        yield start


@pytest.fixture
async def serve_unpublished(tmp_path, empty_database) -> AsyncIterator[Callable[..., Any]]:
    """Give a function that serves an app of which nothing was ever published."""
    async with AsyncExitStack() as stack:

        async def start(text: str) -> DevServer:
            folder = write_app(
                tmp_path / "new", languages=("en", "pl"), metadata={"entities/boat.yaml": text}
            )
            settings = replace(Settings.load(folder), database_url=empty_database)
            return await stack.enter_async_context(dev_server(settings))

        yield start


@pytest.fixture
async def server(serve) -> DevServer:
    """Give a dev server of an app with one type of its own."""
    found: DevServer = await serve()
    return found


@pytest.fixture
async def browser(server: DevServer) -> AsyncIterator[Browser]:
    """Give an administrator who follows the events, and has heard the first one."""
    async with server.browser() as browser, browser.following():
        await browser.until(state="live")
        yield browser
