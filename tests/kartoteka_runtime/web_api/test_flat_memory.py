"""A server in a process of its own: its memory is flat, whatever the size of what it sends."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import httpx
import psutil
import pytest

MB = 1024 * 1024
CHUNK = 4 * MB
FILE, WHOLE = 200 * MB, 128 * MB  # bytes in pieces, and as many as one request takes
BLOCK = bytes(range(256)) * (MB // 256)
RECORDS, PAGE = 20_000, 5_000
CRM = "Microsoft.Dynamics.CRM"
ENVIRONMENT = {
    "KARTOTEKA_JOBS": "separate", "KARTOTEKA_MOST_FILE_MB": "256",
    "KARTOTEKA_REQUESTS_PER_USER": "0", "KARTOTEKA_REQUESTS_PER_ADDRESS": "0",
}  # fmt: skip
_SHIP = """\
kind: entity
format: 1
name: ship
label: { en: Ship }
plural_label: { en: Ships }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: story, type: text, label: { en: Story }, max_length: 200 }
  - { name: crew, type: whole_number, label: { en: Crew } }
  - { name: flag, type: lookup, label: { en: Flag }, target: ship, relationship: ship_fleet }
  - { name: papers, type: file, label: { en: Papers }, max_size_kb: 262144 }
"""


class Server:
    """The command ``kartoteka serve``, and how much memory it takes."""

    def __init__(self, process: psutil.Popen, api: httpx.AsyncClient) -> None:
        self.process = process
        self.api = api

    @contextmanager
    def bounded(self, what: str, most: int) -> Iterator[None]:
        """Let what is done inside take no more megabytes than these above what it was before."""
        before, peak, is_over = self.process.memory_info().rss, 0, threading.Event()

        def look() -> None:
            nonlocal peak
            while not is_over.wait(0.01):
                peak = max(peak, self.process.memory_info().rss)

        watcher = threading.Thread(target=look)
        watcher.start()
        try:
            yield
        finally:
            is_over.set()
            watcher.join()
        after = self.process.memory_info().rss
        said = f"{what}: {before // MB} MB, {(peak - before) // MB} more at most, "
        said += f"{(after - before) // MB} more afterwards"
        print(said)  # `pytest -s` shows it
        assert peak - before <= most * MB, said


@pytest.fixture
async def server(start_app, tmp_path) -> AsyncIterator[Server]:
    app = await start_app(metadata={"entities/ship.yaml": _SHIP})
    token = await app.parts.sessions.create_token((await app.principal()).user_id, "test")
    settings = app.parts.settings
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path / "server.log"
    with log.open("wb") as output:
        process = psutil.Popen(
            [sys.executable, "-m", "kartoteka_runtime.cli", "serve", str(settings.app_folder),
             "--port", str(port)],
            env={**os.environ, **ENVIRONMENT, "KARTOTEKA_DATABASE_URL": settings.database_url},
            stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    root = f"http://127.0.0.1:{port}/api/data/v9.2/"
    headers = {"Authorization": f"Bearer {token}"}
    try:
        async with httpx.AsyncClient(base_url=root, headers=headers, timeout=120) as api:
            await _until_it_answers(api, process, log)
            yield Server(process, api)
    finally:
        process.kill()
        process.wait()


async def _until_it_answers(api: httpx.AsyncClient, process: psutil.Popen, log) -> None:
    until = time.monotonic() + 90
    while process.poll() is None and time.monotonic() < until:
        try:
            assert (await api.get("WhoAmI")).status_code == 200
            return
        except httpx.TransportError:
            await asyncio.sleep(0.1)
    raise AssertionError(log.read_text())


async def blocks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // MB):
        yield BLOCK


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_files_of_any_size_pass_through_in_small_blocks(server):
    api = server.api
    made = await api.post("ships", json={"name": "Ala"})
    place = f"{made.headers['odata-entityid']}/papers"
    named = {"x-ms-file-name": "big.bin"}

    async def upload(size: int) -> None:
        headers = {**named, "Content-Length": str(size)}
        answer = await api.patch(place, content=blocks(size), headers=headers)
        assert answer.status_code == 204, answer.text

    async def upload_in_pieces(size: int) -> None:
        begun = await api.patch(place, headers={**named, "x-ms-transfer-mode": "chunked"})
        piece = BLOCK * (CHUNK // MB)
        for start in range(0, size, CHUNK):
            said = {"Content-Range": f"bytes {start}-{start + CHUNK - 1}/{size}"}
            answer = await api.patch(begun.headers["location"], content=piece, headers=said)
            assert answer.status_code == (204 if start + CHUNK == size else 206), answer.text

    async def download(size: int) -> None:
        found = 0
        async with api.stream("GET", f"{place}/$value") as answer:
            async for block in answer.aiter_bytes():
                found += len(block)
        assert found == size

    async def download_in_pieces(size: int) -> None:
        for start in range(0, size, CHUNK):
            said = {"Range": f"bytes={start}-{start + CHUNK - 1}", "Accept": "application/json"}
            answer = await api.get(f"{place}?size=full", headers=said)
            assert (answer.status_code, len(answer.json()["value"])) == (206, (CHUNK + 2) // 3 * 4)

    warm = CHUNK * 2
    for work in (upload, download, upload_in_pieces, download, download_in_pieces):
        await work(warm)
    with server.bounded("upload in one request", 30):
        await upload(WHOLE)
    with server.bounded("download in one request", 30):
        await download(WHOLE)
    with server.bounded("upload in pieces", 40):
        await upload_in_pieces(FILE)
    with server.bounded("download of what came in pieces", 30):
        await download(FILE)
    with server.bounded("download in pieces", 40):
        await download_in_pieces(FILE)
    with server.bounded("download inside of a batch", 40):  # where it is refused
        part = f"--b\r\nContent-Type: application/http\r\n\r\nGET {place}/$value HTTP/1.1\r\n\r\n"
        headers = {"Content-Type": "multipart/mixed; boundary=b"}
        answer = await api.post("$batch", content=f"{part}--b--".encode(), headers=headers)
        assert "HTTP/1.1 413" in answer.text[:400]


async def fill(api: httpx.AsyncClient) -> None:
    flag = (await api.post("ships", json={"name": "Flag"})).headers["odata-entityid"]
    for start in range(1, RECORDS, 1000):
        await create_many(api, start, min(start + 1000, RECORDS), **{"flag@odata.bind": flag})


async def create_many(api: httpx.AsyncClient, start: int, end: int, **values: object) -> None:
    targets = [
        {"@odata.type": f"{CRM}.ship", "name": f"Ship {number}", "story": "x" * 150,
         "crew": number, **values}
        for number in range(start, end)
    ]  # fmt: skip
    answer = await api.post(f"ships/{CRM}.CreateMultiple", json={"Targets": targets})
    assert answer.status_code == 200, answer.text


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_lists_and_batches_of_any_length_are_answered_page_by_page(server):
    api = server.api

    async def export(address: str, prefer: str = "") -> int:
        """Follow the pages of a list to its end, as clients do that take all of it away."""
        found, headers = 0, {"Prefer": f"odata.maxpagesize={PAGE}{prefer}"}
        while address:
            answer = await api.get(address, headers=headers)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += len(page["value"])
            address = page.get("@odata.nextLink", "")
        return found

    async def batch(part: str, *, of: str = "") -> None:
        request = "--b\r\nContent-Type: application/http\r\n\r\n"
        text = "".join(request + part.format(number=number) for number in range(1000)) + "--b--"
        headers = {"Content-Type": "multipart/mixed; boundary=b"}
        if of:
            text = f"--a\r\nContent-Type: {headers['Content-Type']}\r\n\r\n{text}\r\n--a--\r\n"
            headers = {"Content-Type": "multipart/mixed; boundary=a"}
        answer = await api.post("$batch", content=text.encode(), headers=headers)
        assert answer.status_code == 200, answer.text[:400]
        assert answer.text.count("HTTP/1.1 20") == 1000

    await fill(api)
    annotated = ',odata.include-annotations="*"'
    expanded = "ships?$select=name,story&$expand=flag($select=name)"
    post = (
        "POST ships HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
        '{{"name":"Batch {number}"}}\r\n'
    )
    get = "GET ships?$top=5&$filter=crew gt {number} HTTP/1.1\r\n\r\n"
    for address, prefer in (("ships", ""), ("ships", annotated), (expanded, "")):
        assert await export(address, prefer) == RECORDS
    await batch(get)
    for what, address, prefer in (
        ("40 pages", "ships", ""), ("40 pages with annotations", "ships", annotated),
        ("40 pages with records inside", expanded, ""),
    ):  # fmt: skip
        with server.bounded(what, 40):
            for _ in range(40 * PAGE // RECORDS):
                assert await export(address, prefer) == RECORDS
    for what, part, of in (
        ("a batch that reads", get, ""), ("a batch that writes", post, ""),
        ("a change set", post, "a change set"),
    ):  # fmt: skip
        with server.bounded(what, 40):
            await batch(part, of=of)
    with server.bounded("ten thousand records at once", 60):  # in one transaction
        await create_many(api, 0, 10_000)
