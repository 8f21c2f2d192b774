"""``served``: an app of a test behind a real port, for browsers and for clients of the Web API."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import uvicorn

from kartoteka_runtime.testing.running_app import RunningApp


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a server proves itself with over HTTPS: files with its chain and its private key."""

    chain: Path
    private_key: Path


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave Ctrl+C to pytest."""
        yield


@asynccontextmanager
async def served(
    app: RunningApp,
    *,
    lifespan: Literal["on", "off"] = "off",
    before_end: Callable[[], None] = lambda: None,
    certificate: Certificate | None = None,
) -> AsyncIterator[str]:
    """Yield the address at which an app answers; by default one that is open already."""
    config = uvicorn.Config(
        app.app,
        lifespan=lifespan,
        ws="none",
        log_level="warning",
        ssl_certfile=certificate.chain if certificate else None,
        ssl_keyfile=certificate.private_key if certificate else None,
    )
    server = _Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0)
        try:
            scheme = "http" if certificate is None else "https"
            yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            before_end()
            server.should_exit = True
            server.force_exit = lifespan == "off" and certificate is None
            await serving
