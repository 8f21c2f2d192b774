"""Server processes under measurement: start, wait, and how much processor time they have used."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil

_START_SECONDS = 60
_CPU_CLOCK = 2  # CPUCLOCK_SCHED of Linux: user and system time of a process, in nanoseconds


class Server:
    """One server in a process of its own, listening on a free port."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path
    ) -> None:
        """Start ``command`` with ``{port}`` filled in, and wait until it takes connections."""
        self.name = name
        self.port = free_port()
        self._log = log
        with log.open("wb") as output:
            self.process = psutil.Popen(
                [part.format(port=self.port) for part in command],
                env={**os.environ, **environment},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._wait()

    def cpu_seconds(self) -> float:
        """Return the processor time that the server has used, its children included."""
        return cpu_seconds([self.process, *self.process.children(recursive=True)])

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except psutil.TimeoutExpired:
            self.process.kill()

    def _wait(self) -> None:
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"{self.name} did not start:\n{self._log.read_text()[-4000:]}")


def cpu_seconds(processes: Iterable[psutil.Process]) -> float:
    """Return the processor time that processes have used so far."""
    return sum(_cpu_seconds(process) for process in processes)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _cpu_seconds(process: psutil.Process) -> float:
    """Return a process's time; psutil counts in hundredths of a second, Linux's clocks finer."""
    if sys.platform == "linux":
        try:
            return time.clock_gettime(((~process.pid) << 3) | _CPU_CLOCK)
        except OSError:
            pass
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
