"""`kartoteka serve [APP]`: the web client and the API, until someone stops it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer
import uvicorn
from starlette.applications import Starlette

from kartoteka.errors import KartotekaError
from kartoteka_runtime.app import build_app
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers
from kartoteka_runtime.cli.opened_app import published_label
from kartoteka_runtime.cli.security_log import write_security_log
from kartoteka_runtime.cli.worker import jobs_beside
from kartoteka_runtime.settings import Settings

HostOption = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for every one.")]
PortOption = Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)]

_APP_FOLDER = "KARTOTEKA_SERVED_APP"  # how worker processes learn what they serve
_BACKLOG = 2048
LOGGING: dict[str, Any] = {
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "proxy_headers": False,  # the app itself looks at them, where its settings name a proxy
}


class AddressUnavailable(KartotekaError):
    """The address to listen on is taken or not ours."""


def serve(
    app: AppArgument = HERE,
    host: HostOption = "127.0.0.1",
    port: PortOption = 8000,
    workers: Annotated[int, typer.Option(help="Processes that serve.", min=1, max=64)] = 1,
    dev: Annotated[
        bool,
        typer.Option(
            "--dev",
            help="Watch the app's files: what is saved is checked and published at once, or shown "
            "in the browser with what is wrong or to be agreed to.",
        ),
    ] = False,
) -> None:
    """Serve a published app; with --dev, one that is being made."""
    if dev:
        if workers != 1:
            raise typer.BadParameter("--dev serves with one process.", param_hint="--workers")
        from kartoteka_runtime.cli.serve_dev import serve_dev  # only who develops waits for it

        serve_dev(app, host=host, port=port)
        return

    write_security_log()
    label = asyncio.run(published_label(app))
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
    settings = Settings.load(folder)
    with listening(host, port) as listener:
        address = address_of(listener)
        if workers == 1:
            web = build_app(settings)
            server = AnnouncingServer(uvicorn.Config(web, **LOGGING), lambda: announce(address))
            with jobs_beside(settings, web.state.parts):
                until_stopped(lambda: server.run(sockets=[listener]))
            return
        port = listener.getsockname()[1]
    os.environ[_APP_FOLDER] = str(folder.resolve())
    announce(address)
    application = f"{__name__}:served_app"
    with jobs_beside(settings):  # in this process, which only looks after those that serve
        until_stopped(
            lambda: uvicorn.run(
                application, factory=True, host=host, port=port, workers=workers, **LOGGING
            )
        )


def served_app() -> Starlette:
    """Return the application of a worker process."""
    write_security_log()
    return build_app(Settings.load(Path(os.environ[_APP_FOLDER])))


class AnnouncingServer(uvicorn.Server):
    """A server that tells when it answers."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        """Call ``announce`` once it does."""
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and tell."""
        await super().startup(sockets)
        if self.started:
            self._announce()


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        AddressUnavailable: The address is taken or not this machine's.
    """
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


def address_of(listener: socket.socket) -> str:
    """Return what to type into a browser on this machine."""
    host, port = listener.getsockname()[:2]
    if host in ("0.0.0.0", "::", "127.0.0.1", "::1"):  # noqa: S104 - compared, not bound
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def until_stopped(run: Callable[[], None], *, goes_on: Callable[[], bool] = bool) -> None:
    """Run a server; being told to stop is how it ends, not an error.

    ``goes_on`` tells afterwards whether it only makes way for another one.
    """
    with suppress(KeyboardInterrupt):
        run()
    if not goes_on():
        answers.print("Stopped.")
