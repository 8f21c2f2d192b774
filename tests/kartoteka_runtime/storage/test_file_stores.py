"""Where bytes of files lie: the folder, and storage that speaks S3, behave alike."""

from __future__ import annotations

import os
import urllib.request
import uuid
from asyncio import sleep
from dataclasses import replace

import pytest
from moto.server import ThreadedMotoServer

from kartoteka_runtime.file_store.file_store import ContentMissing, StoreUnavailable
from kartoteka_runtime.file_store.folder_store import FolderStore
from kartoteka_runtime.file_store.open_store import store_for
from kartoteka_runtime.settings import FileSettings, S3Settings, Settings, SettingsError

BLOCK = os.urandom(1024 * 1024)


@pytest.fixture(scope="module")
def s3_server():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_settings(s3_server):
    bucket = f"b{uuid.uuid4().hex}"
    make = urllib.request.Request(f"{s3_server}/{bucket}", method="PUT")  # noqa: S310
    urllib.request.urlopen(make, timeout=10).close()  # noqa: S310
    return S3Settings(
        bucket, "kartoteka/files", s3_server, "us-east-1", access_key="one", secret_key="two"
    )


@pytest.fixture(params=["folder", "s3"])
async def store(request, tmp_path):
    s3 = request.getfixturevalue("s3_settings") if request.param == "s3" else None
    made = store_for(FileSettings(tmp_path / "files", s3))
    await made.open()
    return made


def name(piece: int | None = None) -> str:
    return str(uuid.uuid4()) if piece is None else f"{uuid.uuid4()}.{piece}"


async def blocks(*parts: bytes):
    for part in parts:
        await sleep(0)
        yield part


async def read(store, key, start=0, length=None) -> bytes:
    return b"".join([part async for part in store.read(key, start, length)])


async def test_what_was_put_is_read_whole_and_in_part(store):
    key = name()
    assert await store.put(key, blocks(b"one", b"", b"two")) == 6
    assert await read(store, key) == b"onetwo"
    assert await read(store, key, 2, 3) == b"etw"
    assert await read(store, key, 4) == b"wo"
    assert await read(store, key, 4, 99) == b"wo"
    await store.put(key, blocks(b"new"))
    assert await read(store, key) == b"new"
    empty = name()
    assert await store.put(empty, blocks()) == 0
    assert await read(store, empty) == b""
    await store.remove([key, empty, name()])
    with pytest.raises(ContentMissing):
        await read(store, key)


async def test_large_files_go_in_parts(store):
    key = name()
    assert await store.put(key, blocks(*[BLOCK] * 20)) == 20 * len(BLOCK)
    assert await read(store, key, 10 * len(BLOCK) - 2, 4) == BLOCK[-2:] + BLOCK[:2]


async def test_pieces_are_joined_in_order_and_go(store):
    pieces, whole = [name(0), name(7)], name()
    await store.put(pieces[0], blocks(BLOCK))
    await store.put(pieces[1], blocks(b"end"))
    assert await store.join(whole, pieces) == len(BLOCK) + 3
    assert await read(store, whole, len(BLOCK) - 1) == BLOCK[-1:] + b"end"
    with pytest.raises(ContentMissing):
        await read(store, pieces[0])
    with pytest.raises(ContentMissing):
        await store.join(name(), [pieces[0]])


async def test_what_breaks_off_is_not_there(store):
    async def breaking():
        for _ in range(12):
            yield BLOCK
        raise ValueError("the sender went away")

    key = name()
    with pytest.raises(Exception, match="went away"):
        await store.put(key, breaking())
    with pytest.raises(ContentMissing):
        await read(store, key)


async def test_names_of_clients_never_reach_the_store(store):
    for wrong in ("../secret.key", "/etc/passwd", "a", "", f"{uuid.uuid4()}/x"):
        with pytest.raises(ValueError, match=r".*"):
            await store.put(wrong, blocks(b"x"))


async def test_a_folder_holds_whole_files_alone_and_for_its_owner(tmp_path):
    store = FolderStore(tmp_path / "files")
    key = name()
    await store.put(key, blocks(b"x"))
    found = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert [path.name for path in found] == [key]
    assert found[0].stat().st_mode & 0o077 == 0


async def test_storage_that_is_away_says_so_without_secrets(s3_settings, tmp_path):
    away = replace(s3_settings, bucket="there-is-none", endpoint="http://127.0.0.1:9")
    store = store_for(FileSettings(tmp_path, away))
    with pytest.raises(StoreUnavailable) as refused:
        await read(store, name())
    assert "two" not in str(refused.value)
    assert "two" not in repr(away)


def test_settings_say_where_files_lie(tmp_path, monkeypatch):
    app = tmp_path / "app"
    assert Settings.load(app).file_settings.folder == app / "data" / "files"
    monkeypatch.setenv("KARTOTEKA_FILES", "s3://bucket/some/where")
    monkeypatch.setenv("KARTOTEKA_S3_ENDPOINT", "http://s3.example:9000/")
    s3 = Settings.load(app).file_settings.s3
    assert s3 is not None
    assert (s3.bucket, s3.prefix, s3.endpoint) == (
        "bucket", "some/where", "http://s3.example:9000",
    )  # fmt: skip
    for wrong in ("gs://bucket", "s3://"):
        monkeypatch.setenv("KARTOTEKA_FILES", wrong)
        with pytest.raises(SettingsError):
            Settings.load(app)
    monkeypatch.setenv("KARTOTEKA_FILES", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("KARTOTEKA_MOST_FILE_MB", "2")
    settings = Settings.load(app).file_settings
    assert (settings.folder, settings.most_bytes) == (tmp_path / "elsewhere", 2 * 1024**2)
