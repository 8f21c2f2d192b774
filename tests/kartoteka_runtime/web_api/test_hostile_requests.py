"""A fuzzer sends the whole API what nobody should: no 500, and errors are told."""

from __future__ import annotations

import gc
import json
import logging
import re
import sys
import traceback
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kartoteka_runtime.security.request_limits import AtOnce, RequestLimit

sys.path.insert(0, str(Path(__file__).parent))
from hostile import KNOWN, Fuzzer, Hostile  # type: ignore[import-not-found]  # noqa: E402

_STATM = Path("/proc/self/statm")
_PAGE = 4096
_MOST_GROWTH = 48 * 1024 * 1024  # bytes, of the process, once everything was used once
_CODE = re.compile("0x[0-9a-f]{8}|")


_FILES = """\
  - { name: paper, type: file, label: { en: Paper } }
  - { name: photo, type: image, label: { en: Photo } }
"""


@pytest.fixture
def start_app(start_app):
    """Give vessels files as well: a third of what can be asked of a column is about them."""

    def start(*, metadata, **more):
        vessel = metadata["entities/vessel.yaml"] + _FILES
        return start_app(metadata={**metadata, "entities/vessel.yaml": vessel}, **more)

    return start


class Broken(logging.Handler):
    """Keeps where requests broke, so that a failing run says it."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        super().__init__(logging.ERROR)
        self.places: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the last place of ours in a traceback."""
        if record.exc_info and record.exc_info[1] is not None:
            failure = record.exc_info[1]
            frames = traceback.extract_tb(failure.__traceback__)
            ours = [frame for frame in frames if "/kartoteka" in frame.filename] or frames
            place = (
                f"{type(failure).__name__} at {ours[-1].filename}:{ours[-1].lineno} {ours[-1].name}"
            )
            self.places[place] += 1
            self.first.setdefault(place, f"{failure}"[:300])


async def answer_to(app, request: Hostile, token: str) -> tuple[int, dict[str, str], bytes]:
    """Send a request without any client between."""
    headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers]
    if not any(name == b"authorization" for name, _ in headers):
        headers.append((b"authorization", token.encode()))
    if not any(name == b"host" for name, _ in headers):
        headers.append((b"host", b"testserver"))
    path, _, query = request.target.partition("?")
    scope = {
        "type": "http", "http_version": "1.1", "method": request.method, "scheme": "http",
        "path": request.path, "raw_path": path.encode("ascii"),
        "query_string": query.encode("ascii"), "headers": headers, "root_path": "",
        "server": ("testserver", 80), "client": ("127.0.0.1", 1),
    }  # fmt: skip
    messages = [{"type": "http.request", "body": request.body, "more_body": False}]
    status, said, body = 0, {}, bytearray()

    async def receive() -> dict[str, Any]:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message) -> None:
        nonlocal status, said
        if message["type"] == "http.response.start":
            status = message["status"]
            said = {
                name.decode().lower(): value.decode("latin-1") for name, value in message["headers"]
            }
        elif message["type"] == "http.response.body":
            body.extend(message.get("body", b""))

    await app(scope, receive, send)
    return status, said, bytes(body)


def what_is_wrong(request: Hostile, status: int, headers: dict[str, str], body: bytes) -> str:
    """Return what an answer should not be; empty when it is as it should be."""
    if status == 0 or (status >= 500 and status != 501):
        return f"status {status}"
    kind = headers.get("content-type", "")
    if status >= 400 and request.method != "HEAD":
        if not kind.startswith("application/json") and not kind.startswith("multipart/mixed"):
            return f"an error of type {kind}"
        if kind.startswith("application/json"):
            error = json.loads(body).get("error", {})
            if not error.get("message") or not _CODE.fullmatch(error.get("code", "?")):
                return f"an error body {body[:200]!r}"
    elif kind.startswith("application/json") and body:
        json.loads(body)
    elif kind.startswith("multipart/mixed") and re.search(rb"^HTTP/1.1 50[0-9]", body, re.M):
        return "a part with a status of 50x"
    if request.path.startswith("/api/data/v9.2/") and headers.get("odata-version") != "4.0":
        return "no OData-Version"
    return ""


async def bombard(fleet, count: int, seed: int, monkeypatch) -> tuple[Counter[int], list[str]]:
    """Send so many requests; return statuses, and what was wrong."""
    limits = fleet.app.parts.limits
    for name in ("users", "addresses", "visitors", "seconds"):
        monkeypatch.setattr(limits, name, RequestLimit(0))
    monkeypatch.setattr(limits, "at_once", AtOnce(0))
    token = fleet.api.headers["authorization"]
    fuzzer, statuses, wrong = Fuzzer(seed), Counter[int](), list[str]()
    broken = Broken()
    root = logging.getLogger("kartoteka_runtime")
    root.addHandler(broken)
    try:
        for number in range(count):
            request = fuzzer.request()
            status, headers, body = await answer_to(fleet.app.app, request, token)
            statuses[status] += 1
            if found := what_is_wrong(request, status, headers, body):
                said = f"{request.method} {request.target[:300]} {request.headers}"
                sent = f"{request.body[:300]!r} -> {body[:200]!r}"
                wrong.append(f"#{number} {found}: {said} {sent}")
    finally:
        root.removeHandler(broken)
    wrong += [
        f"{place} ({times} times): {broken.first[place]}" for place, times in broken.places.items()
    ]
    return statuses, wrong


async def is_healthy(fleet) -> None:
    """Check that the server still answers rightly, and that its records are whole."""
    answer = await fleet.get(f"vessels({KNOWN})?$select=name")
    assert answer.status_code in (200, 404)  # somebody may have deleted it: they had the right
    made = await fleet.api.post("vessels", json={"name": "after", "crew": 3})
    assert made.status_code == 204
    row = (await fleet.api.get(made.headers["odata-entityid"])).json()
    assert (row["name"], row["crew"]) == ("after", 3)
    page = await fleet.get("vessels?$orderby=createdon&$expand=boss($select=name)&$count=true")
    assert page.status_code == 200 and page.json()["@odata.count"] == len(page.json()["value"])


async def test_no_hostile_request_breaks_the_server(fleet, monkeypatch):
    statuses, wrong = await bombard(fleet, 300, 20310515, monkeypatch)
    assert not wrong, "\n".join(wrong)
    assert statuses[200] > 15 and statuses[400] > 60 and statuses[404] > 15, statuses
    await is_healthy(fleet)


@pytest.mark.slow
async def test_ten_thousand_hostile_requests_leave_the_server_healthy(fleet, monkeypatch):
    await bombard(fleet, 3000, 1, monkeypatch)  # by now every cache has what it will have
    gc.collect()
    before = _memory()
    statuses, wrong = await bombard(fleet, 10_000, 2, monkeypatch)
    gc.collect()
    grown = _memory() - before
    assert not wrong, "\n".join(wrong[:40])
    assert sum(statuses.values()) == 10_000
    await is_healthy(fleet)
    assert grown < _MOST_GROWTH, f"{grown / 1024 / 1024:.1f} MiB"


def _memory() -> int:
    if not _STATM.exists():
        pytest.skip("nothing tells how much memory this process has")
    return int(_STATM.read_text().split()[1]) * _PAGE
