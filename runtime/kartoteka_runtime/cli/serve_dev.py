"""`kartoteka serve --dev`: the server of an app that is being made."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import uvicorn

from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.console import answers, remarks
from kartoteka_runtime.cli.dev_report import DevReport
from kartoteka_runtime.cli.opened_app import opened_app
from kartoteka_runtime.cli.serve import (
    LOGGING,
    AnnouncingServer,
    address_of,
    listening,
    until_stopped,
)
from kartoteka_runtime.cli.worker import jobs_beside
from kartoteka_runtime.dev.dev_app import build_dev_app
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.settings import Settings

# What a new start would do first; run beforehand, beside the server that still answers.
_TRIAL = """\
import sys
from pathlib import Path
from kartoteka.errors import KartotekaError
from kartoteka_runtime.app_folder import load_app_folder
try:
    load_app_folder(Path(sys.argv[1])).hooks()
except KartotekaError as error:
    sys.exit(str(error))
"""
_TRIAL_SECONDS = 60
_SHOWN_LINES = 4  # of a traceback, from its end


def serve_dev(folder: Path, *, host: str, port: int) -> None:
    """Serve until told to stop; starts itself again when code or ``kartoteka.yaml`` changed.

    Raises:
        AppFolderError: ``kartoteka.yaml`` has a mistake.
        PluginError: A plugin is missing or broken.
        DatabaseUnavailable: The database cannot be reached.
        AddressUnavailable: The address is taken or not this machine's.
    """
    label = load_app_folder(folder).label
    asyncio.run(_can_be_opened(folder))
    if not _is_loopback(host):
        remarks.print(
            f"Warning: --dev is meant for this machine alone, and {host} lets others in; whoever "
            "may customize sees the files' lines.",
            style="yellow",
        )
    with listening(host, port) as listener:
        address = address_of(listener)
        port = listener.getsockname()[1]
        server = _DevServer(
            folder, address, lambda: answers.print(f"{label} is at {address} (Ctrl+C stops it)")
        )
        with jobs_beside(server.parts.settings, server.parts):
            until_stopped(
                lambda: server.run(sockets=[listener]), goes_on=lambda: server.is_to_start_again
            )
    if server.is_to_start_again:
        again = ["serve", str(folder), "--dev", "--host", host, "--port", str(port)]
        command = [sys.executable, "-m", "kartoteka_runtime.cli", *again]
        os.execv(sys.executable, command)  # noqa: S606 - this program again, without a shell


class _DevServer(AnnouncingServer):
    """A server that lets go of open event streams when it stops, and may want to start again."""

    def __init__(self, folder: Path, address: str, announce: Callable[[], None]) -> None:
        self._folder = folder
        self.is_to_start_again = False
        app = build_dev_app(
            Settings.load(folder),
            tell=DevReport(address),
            restart=None if sys.platform == "win32" else self._start_again,
        )
        self._session = app.state.dev_session
        self.parts: RuntimeParts = app.state.parts
        super().__init__(uvicorn.Config(app, **LOGGING), announce)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._session.end_streams()
        await super().shutdown(sockets)

    async def _start_again(self) -> str:
        """Stop, to be started again; return why that would fail, and go on, if it would."""
        problem = await asyncio.to_thread(_why_not_startable, self._folder)
        if not problem:
            remarks.print("Code or kartoteka.yaml changed; starting again …")
            self.is_to_start_again = self.should_exit = True
        return problem


def _why_not_startable(folder: Path) -> str:
    try:
        tried = subprocess.run(  # noqa: S603 - this interpreter, with a program of ours
            [sys.executable, "-c", _TRIAL, str(folder)],
            capture_output=True, text=True, timeout=_TRIAL_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return f"it takes longer than {_TRIAL_SECONDS} seconds"
    if tried.returncode == 0:
        return ""
    return "\n".join(tried.stderr.strip().splitlines()[-_SHOWN_LINES:]) or "it ends at once"


async def _can_be_opened(folder: Path) -> None:
    async with opened_app(folder):
        return


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
