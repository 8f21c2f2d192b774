"""`kartoteka serve [APP]`: the web client and the API, until someone stops it."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from starlette.applications import Starlette

from kartoteka.errors import KartotekaError
from kartoteka_runtime.app import build_app
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.settings import Settings

HostOption = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")]
PortOption = Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)]

_APP_FOLDER = "KARTOTEKA_SERVED_APP"  # how worker processes learn what they serve
_BACKLOG = 2048
_LOGGING: dict[str, Any] = {"log_level": "warning", "access_log": False, "server_header": False}


class AddressUnavailable(KartotekaError):
    """The address to listen on is taken or not ours."""


def serve(
    app: AppArgument = HERE,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    workers: Annotated[int, typer.Option(help="Processes that serve.", min=1, max=64)] = 1,
) -> None:
    """Serve a published app."""

    async def label_of(parts: RuntimeParts) -> str:
        return parts.app_folder.label

    label = with_published_app(app, label_of)
    run_server(
        app, host=host, port=port, workers=workers,
        announce=lambda address: answers.print(f"{label} is at {address} (Ctrl+C stops it)"),
    )  # fmt: skip


def run_server(
    folder: Path, *, host: str, port: int, workers: int = 1, announce: Callable[[str], None]
) -> None:
    """Serve an app until told to stop; ``announce`` gets the address once it answers.

    Raises:
        AddressUnavailable: The address is taken or not this machine's.
    """
    with _listening(host, port) as listener:
        address = _address(listener)
        if workers == 1:
            config = uvicorn.Config(build_app(Settings.load(folder)), **_LOGGING)
            server = _AnnouncingServer(config, lambda: announce(address))
            _until_stopped(lambda: server.run(sockets=[listener]))
            return
        port = listener.getsockname()[1]
    os.environ[_APP_FOLDER] = str(folder.resolve())
    announce(address)
    application = f"{__name__}:served_app"
    _until_stopped(
        lambda: uvicorn.run(
            application, factory=True, host=host, port=port, workers=workers, **_LOGGING
        )
    )


def served_app() -> Starlette:
    """Return the application of a worker process."""
    return build_app(Settings.load(Path(os.environ[_APP_FOLDER])))


class _AnnouncingServer(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announce()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG)
    except OSError as error:
        in_system_words = (
            os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
        )
        raise AddressUnavailable(
            f"cannot listen on {host}:{port}: {in_system_words.lower()}; "
            "`--port` chooses another port"
        ) from error


def _address(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::", "127.0.0.1", "::1"):
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _until_stopped(run: Callable[[], None]) -> None:
    """Run a server; being told to stop is how it ends, not an error."""
    try:
        run()
    except KeyboardInterrupt:
        answers.print("Stopped.")
