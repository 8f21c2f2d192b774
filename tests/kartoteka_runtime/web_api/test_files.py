"""Files and images over the Web API. Source: reference web-api, sections 3 and 15."""

from __future__ import annotations

import base64
import io
import json
import re

import pytest
from PIL import Image

from kartoteka.plugin_api.contexts import RecordHandler
from kartoteka_runtime.publishing.purge import purge
from kartoteka_runtime.storage.database import MissingTable
from kartoteka_runtime.testing.running_app import publish_folder
from kartoteka_runtime.web_api.part_answer import MOST_FILE_BYTES

_BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
ownership: user
features: [change_tracking]

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: tug, type: lookup, label: { en: Tug }, target: boat, relationship: boat_tugs }
  - { name: papers, type: file, label: { en: Papers }, max_size_kb: 10240 }
  - { name: large, type: file, label: { en: Large }, max_size_kb: 20480 }
  - { name: plan, type: file, label: { en: Plan }, max_size_kb: 1, allowed_extensions: [pdf, TXT] }
  - { name: secret, type: file, label: { en: Secret }, secured: true }
  - { name: stamp, type: file, label: { en: Stamp }, read_only: true }
  - { name: photo, type: image, label: { en: Photo } }
  - { name: icon, type: image, label: { en: Icon }, full_image: false }
"""
_ROLE = """\
kind: role
format: 1
name: reader
label: { en: Reader }
privileges:
  - { entity: boat, read: organization }
"""
APP = {"entities/boat.yaml": _BOAT, "security_roles/reader.yaml": _ROLE}
CHUNK = 4 * 1024 * 1024
TEXT = b"Papers of a boat, such as there are.\n"


def picture(size=(300, 200), kind="JPEG", mode="RGB", **rest) -> bytes:
    made = io.BytesIO()
    Image.new(mode, size, (200, 30, 30, 0)[: len(mode)]).save(made, kind, **rest)
    return made.getvalue()


class Boats:
    """The app with one boat."""

    def __init__(self, app, api, boat: str) -> None:
        self.app, self.api, self.boat = app, api, boat
        self.folder = app.parts.settings.app_folder / "data" / "files"

    @property
    def address(self) -> str:
        return f"boats({self.boat})"

    async def put(self, field, content, name="note.txt", **headers):
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        headers = {"Content-Type": "application/octet-stream", "x-ms-file-name": name} | headers
        return await self.api.patch(f"{self.address}/{field}", content=content, headers=headers)

    async def record(self, select=""):
        params = {"$select": select} if select else None
        return (await self.api.get(self.address, params=params)).json()

    def kept(self) -> list[str]:
        """Return what lies in the folder of files."""
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())


@pytest.fixture
async def boats(start_app):
    app = await start_app(metadata=APP)
    boat = await (await app.records_as()).create("boat", {"name": "Ala"})
    async with app.api_as() as api:
        yield Boats(app, api, boat)


async def test_a_small_upload_is_read_back_and_replaced_and_removed(boats):
    assert (await boats.put("papers", TEXT, "a b.txt", If_None_Match="null")).status_code == 204
    first = await boats.record()
    assert re.fullmatch(r"[0-9a-f-]{36}", first["papers"])
    assert first["papers_name"] == "a b.txt"

    raw = await boats.api.get(f"{boats.address}/papers/$value")
    assert (raw.status_code, raw.content) == (200, TEXT)
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith('attachment; filename="a b.txt"')
    assert (raw.headers["x-ms-file-name"], raw.headers["x-ms-file-size"]) == ("a b.txt", "37")
    assert raw.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in raw.headers["content-security-policy"]
    part = await boats.api.get(f"{boats.address}/papers/$value", headers={"Range": "bytes=0-5"})
    assert (part.status_code, part.content) == (206, b"Papers")
    assert part.headers["content-range"] == "bytes 0-5/37"
    past = await boats.api.get(f"{boats.address}/papers/$value", headers={"Range": "bytes=37-"})
    assert past.status_code == 416
    assert past.headers["content-range"] == "bytes */37"

    assert (
        await boats.put("papers", b"other", "%C5%81%C3%B3d%C5%BA.txt", If_Match="*")
    ).status_code == 204
    second = await boats.record()
    assert second["papers"] != first["papers"]
    assert second["@odata.etag"] != first["@odata.etag"]
    assert second["papers_name"] == "Łódź.txt"
    await boats.app.run_jobs()
    assert boats.kept() == [second["papers"]]

    assert (await boats.api.delete(f"{boats.address}/papers")).status_code == 204
    assert (await boats.record("papers"))["papers"] is None
    assert (await boats.api.get(f"{boats.address}/papers/$value")).status_code == 204
    await boats.app.run_jobs()
    assert boats.kept() == []


async def test_pieces_make_a_file_that_is_seen_only_when_it_is_whole(boats):
    content = bytes(range(256)) * (2 * CHUNK // 256)
    begun = await boats.api.patch(
        f"{boats.address}/papers?x-ms-file-name=big.bin", headers={"x-ms-transfer-mode": "chunked"}
    )
    assert (begun.status_code, begun.content) == (200, b"")
    assert begun.headers["x-ms-chunk-size"] == str(CHUNK)
    address = begun.headers["location"]
    assert re.fullmatch(
        rf"http://testserver/api/data/v9\.2/boats\({boats.boat}\)/papers"
        r"\?sessiontoken=[A-Za-z0-9_-]{20,}",
        address,
    )

    async def send(start, end):
        said = f"bytes {start}-{end - 1}/{len(content)}"
        headers = {"Content-Range": said, "Content-Type": "application/octet-stream"}
        return await boats.api.patch(address, content=content[start:end], headers=headers)

    assert (await send(0, CHUNK)).status_code == 206
    assert (await send(0, CHUNK)).status_code == 206  # its answer was lost
    assert (await boats.record("papers"))["papers"] is None
    assert (await send(CHUNK, 2 * CHUNK)).status_code == 204
    assert (await send(2 * CHUNK, 2 * CHUNK)).status_code == 204  # one more, empty
    assert (await boats.record("papers_name"))["papers_name"] == "big.bin"
    assert len(boats.kept()) == 1

    found, start = b"", 0
    location = f"{boats.address}/papers?size=full"
    while start <= len(content):  # as dynamics-web-api goes through it
        headers = {"Range": f"bytes={start}-{start + CHUNK - 1}", "Accept": "application/json"}
        answer = await boats.api.get(location, headers=headers)
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.headers["x-ms-file-size"] == str(len(content))
        assert "content-disposition" in answer.headers
        found += base64.b64decode(answer.json()["value"])
        location, start = answer.headers["location"], start + CHUNK
    assert found == content


async def test_an_upload_in_pieces_belongs_to_who_began_it_there(boats):
    async def begin(name="n.txt"):
        return await boats.api.patch(
            f"{boats.address}/papers?x-ms-file-name={name}",
            headers={"x-ms-transfer-mode": "chunked"},
        )

    token = (await begin()).headers["location"].partition("=")[2]
    headers = {"Content-Range": "bytes 0-2/3"}
    other = await (await boats.app.records_as()).create("boat", {"name": "Other"})
    for address in (f"boats({other})/papers", f"{boats.address}/plan"):
        answer = await boats.api.patch(
            f"{address}?sessiontoken={token}", content=b"abc", headers=headers
        )
        assert answer.status_code == 404, address
    async with boats.app.api_as("system_customizer") as stranger:
        answer = await stranger.patch(
            f"{boats.address}/papers?sessiontoken={token}", content=b"abc", headers=headers
        )
        assert answer.status_code in (403, 404)
    here = f"{boats.address}/papers?sessiontoken={token}"
    for said, content in (
        ("bytes 0-9/3", b"abc"), ("bytes 0-2/x", b"abc"), ("", b"abc"), ("bytes 0-2/3", b"ab"),
        ("bytes 0-2/3", b"abcd"), ("bytes 5-4/9", b"abc"), ("bytes 2-2/3", b"c"),
        (f"bytes 0-{CHUNK}/{CHUNK + 1}", b"a" * (CHUNK + 1)),
    ):  # fmt: skip
        answer = await boats.api.patch(here, content=content, headers={"Content-Range": said})
        assert answer.status_code == 400, (said, answer.text)
    too_large = await boats.api.patch(
        here, content=b"abc", headers={"Content-Range": "bytes 0-2/99999999999"}
    )
    assert too_large.status_code == 413
    assert (await begin("run.exe")).status_code == 400


async def test_what_is_refused_says_why_and_leaves_nothing(boats):
    for field, content, name, status, words in (
        ("papers", b"MZ\x90\x00", "tool.exe", 400, "could run"),
        ("papers", b"MZ\x90\x00", "tool.pdf", 400, "could run"),
        ("papers", b"<html><script>", "page.txt", 400, "could run"),
        ("papers", TEXT, "page.svg", 400, "could run"),
        ("papers", TEXT, "paper.pdf", 400, "not what its name says"),
        ("plan", b"a,b", "list.csv", 400, "pdf, txt"),
        ("plan", b"x" * 1025, "long.txt", 413, "1 KB"),
        ("papers", TEXT, "", 400, "x-ms-file-name"),
        ("stamp", TEXT, "a.txt", 400, "cannot be changed"),
        ("photo", TEXT, "a.jpg", 400, "no picture"),
        ("photo", picture()[:200], "a.jpg", 400, "no picture"),
    ):
        answer = await boats.put(field, content, name)
        assert answer.status_code == status, (field, name, answer.text)
        assert words in answer.json()["error"]["message"], answer.text
    assert boats.kept() == []
    record = await boats.record()
    assert {record[name] for name in ("papers", "plan", "photoid")} == {None}


async def test_files_have_the_rights_of_their_record_and_column(boats):
    await boats.put("secret", TEXT)
    await boats.put("papers", TEXT)
    async with boats.app.api_as("reader") as reader:
        assert (await reader.get(f"{boats.address}/papers/$value")).content == TEXT
        for send in (
            lambda: reader.patch(f"{boats.address}/papers", content=TEXT,
                                 headers={"x-ms-file-name": "a.txt"}),
            lambda: reader.delete(f"{boats.address}/papers"),
            lambda: reader.patch(f"{boats.address}/papers?x-ms-file-name=a.txt",
                                 headers={"x-ms-transfer-mode": "chunked"}),
        ):  # fmt: skip
            assert (await send()).status_code == 403
        assert (await reader.get(f"{boats.address}/secret/$value")).status_code == 204
        seen = (await reader.get(boats.address)).json()
        assert (seen["secret"], seen["secret_name"]) == (None, None)
    record = await boats.record()
    other = await (await boats.app.records_as()).create("boat", {"name": "Thief"})
    for address in (f"boats({other})", boats.address):  # nobody names another's file
        answer = await boats.api.patch(address, json={"plan": record["secret"]})
        assert answer.status_code == 400
    assert (await boats.api.patch(boats.address, json={"papers": record["papers"]})).is_success
    missing = "0190a000-0000-7000-8000-000000000001"
    assert (await boats.api.get(f"boats({missing})/papers/$value")).status_code == 404


async def test_a_deleted_record_takes_its_files_along_after_the_commit(boats):
    await boats.put("papers", TEXT)
    await boats.put("photo", picture(), "boat.jpg")
    assert len(boats.kept()) == 2
    assert (await boats.api.delete(boats.address)).status_code == 204
    assert len(boats.kept()) == 2
    await boats.app.run_jobs()
    assert boats.kept() == []


async def test_an_upload_that_breaks_off_leaves_nothing(boats):
    sent = [{"type": "http.request", "body": b"x" * 70_000, "more_body": True},
            {"type": "http.disconnect"}]  # fmt: skip

    async def receive():
        return sent.pop(0)

    said = []

    async def send(message):
        said.append(message)

    token = boats.api.headers["authorization"].encode()
    await boats.app.app(
        {"type": "http", "method": "PATCH", "scheme": "http", "http_version": "1.1",
         "path": f"/api/data/v9.2/{boats.address}/papers", "query_string": b"", "root_path": "",
         "raw_path": f"/api/data/v9.2/{boats.address}/papers".encode(),
         "headers": [(b"host", b"testserver"), (b"authorization", token),
                     (b"x-ms-file-name", b"a.txt")],
         "client": ("127.0.0.1", 1), "server": ("testserver", 80)},
        receive, send,
    )  # fmt: skip
    assert said[0]["status"] == 400
    assert boats.kept() == []
    assert (await boats.record("papers"))["papers"] is None


async def test_images_are_base64_in_records_and_told_only_when_named(boats):
    brought = picture((300, 200))
    made = await boats.api.post(
        "boats", json={"name": "B", "photo": base64.b64encode(brought).decode()}
    )
    assert made.status_code == 204, made.text
    boat = made.headers["odata-entityid"][-37:-1]
    whole = (await boats.api.get(f"boats({boat})")).json()
    assert "photo" not in whole
    assert re.fullmatch(r"[0-9a-f-]{36}", whole["photoid"])
    assert whole["photo_timestamp"] > 1_000_000_000_000
    assert whole["photo_url"] == (
        f"/Image/download.aspx?Entity=boat&Attribute=photo&Id={boat}"
        f"&Timestamp={whole['photo_timestamp']}"
    )
    small = (await boats.api.get(f"boats({boat})?$select=photo")).json()["photo"]
    assert Image.open(io.BytesIO(base64.b64decode(small))).size == (144, 144)
    listed = (await boats.api.get("boats?$select=name,photo&$orderby=name")).json()["value"]
    assert [row["photo"] for row in listed] == [None, small]
    assert "photo" not in (await boats.api.get("boats")).json()["value"][0]
    fetched = await boats.api.get("boats", params={"fetchXml": (
        "<fetch><entity name='boat'><attribute name='photo'/><order attribute='name'/></entity>"
        "</fetch>")})  # fmt: skip
    assert [row.get("photo") for row in fetched.json()["value"]] == [None, small]
    single = await boats.api.get(f"boats({boat})/photo")
    assert single.json()["value"] == small
    full = await boats.api.get(f"boats({boat})/photo/$value?size=full")
    assert Image.open(io.BytesIO(full.content)).size == (300, 200)
    thumbnail = await boats.api.get(f"boats({boat})/photo/$value")
    assert thumbnail.content == base64.b64decode(small)

    # Sent back as it was read, nothing changes; null removes it; what is no image is refused.
    again = await boats.api.patch(f"boats({boat})", json={"name": "C", "photo": small})
    assert again.status_code == 204
    assert (await boats.api.get(f"boats({boat})")).json()["photoid"] == whole["photoid"]
    for wrong in ("no base64!", base64.b64encode(TEXT).decode(), 7, ["a"]):
        answer = await boats.api.patch(f"boats({boat})", json={"photo": wrong})
        assert answer.status_code == 400, wrong
    put = await boats.api.put(f"boats({boat})/photo", json={"value": small})
    assert put.status_code == 204
    assert (await boats.api.patch(f"boats({boat})", json={"photo": None})).status_code == 204
    assert (await boats.api.get(f"boats({boat})")).json()["photo_url"] is None
    await boats.app.run_jobs()
    assert boats.kept() == []


async def test_images_are_told_wherever_a_record_is(boats):
    image = base64.b64encode(picture()).decode()
    made = await boats.api.post(
        "boats?$select=photo",
        json={"name": "B", "photo": image, "tug@odata.bind": f"boats({boats.boat})"},
        headers={"Prefer": "return=representation"},
    )
    other, small = made.json()["boatid"], made.json()["photo"]
    assert base64.b64decode(small).startswith(b"\xff\xd8")

    async def rows(query, **headers):
        answer = await boats.api.get(f"boats?{query}", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    await boats.api.patch(f"boats({boats.boat})", json={"tug@odata.bind": f"boats({other})"})
    inner = "tug($select=photo;$expand=boat_tugs($select=photo,icon))"
    first, second = (await rows(f"$select=name&$orderby=name&$expand={inner}"))["value"]
    assert (first["tug"]["photo"], second["tug"]["photo"]) == (small, None)
    assert [(one["photo"], one["icon"]) for one in second["tug"]["boat_tugs"]] == [(small, None)]
    one = (await boats.api.get(f"boats({boats.boat})?$expand=tug($select=photo)")).json()
    assert one["tug"]["photo"] == small
    sql = (
        "SELECT a.name, a.photo, t.photo AS other FROM boat a LEFT JOIN boat t ON a.tug = t.boatid"
    )
    found = {row["name"]: row for row in (await rows(f"sql={sql}"))["value"]}
    assert [(found[name]["photo"], found[name]["other"]) for name in ("Ala", "B")] == [
        (None, small), (small, None)
    ]  # fmt: skip
    xml = (
        "<fetch><entity name='boat'><attribute name='name'/><order attribute='name'/>"
        "<link-entity name='boat' from='boatid' to='tug' alias='t'><attribute name='photo'/>"
        "</link-entity></entity></fetch>"
    )
    fetched = (await rows(f"fetchXml={xml}"))["value"]
    assert [row["t.photo"] for row in fetched] == [small, None]
    tracked = await rows("$select=name,photo", Prefer="odata.track-changes")
    await boats.api.patch(f"boats({other})", json={"name": "C"})
    assert sorted(row["photo"] or "" for row in tracked["value"]) == ["", small]
    changed = (await boats.api.get(tracked["@odata.deltaLink"])).json()["value"]
    assert [(row["name"], row["photo"]) for row in changed] == [("C", small)]


async def test_images_are_written_anew_without_what_hides_in_them(boats):
    place = Image.Exif()
    place[0x010E] = "the harbour"
    place[0x0112] = 6  # turned by a quarter
    await boats.put("photo", picture((300, 200), exif=place), "IMG.JPG")
    full = await boats.api.get(f"{boats.address}/photo/$value?size=full")
    assert b"harbour" not in full.content
    assert Image.open(io.BytesIO(full.content)).size == (200, 300)
    await boats.put("photo", picture((20, 20), "PNG", "RGBA"), "logo.png")
    full = await boats.api.get(f"{boats.address}/photo/$value?size=full")
    assert Image.open(io.BytesIO(full.content)).format == "PNG"
    await boats.put("icon", picture((300, 200)), "icon.jpg")
    full = await boats.api.get(f"{boats.address}/icon/$value?size=full")
    assert Image.open(io.BytesIO(full.content)).size == (144, 144)
    bomb = picture((30_000, 2_000), "PNG")
    answer = await boats.put("photo", bomb, "bomb.png")
    assert answer.status_code == 400
    assert "pixels" in answer.json()["error"]["message"]


async def test_a_note_takes_and_gives_its_file_as_documentbody(boats):
    body = base64.b64encode(TEXT).decode()
    made = await boats.api.post("annotations", json={
        "subject": "With a file", "filename": "a.txt", "mimetype": "text/plain",
        "documentbody": body,
    })  # fmt: skip
    assert made.status_code == 204, made.text
    address = made.headers["odata-entityid"].partition("/v9.2/")[2]
    note = (await boats.api.get(address)).json()
    assert (note["documentbody"], note["filename"], note["mimetype"]) == (
        body, "a.txt", "text/plain",
    )  # fmt: skip
    assert (note["filesize"], note["isdocument"]) == (len(TEXT), True)
    listed = await boats.api.get("annotations?$select=subject,documentbody")
    assert [row["documentbody"] for row in listed.json()["value"]] == [body]
    raw = await boats.api.get(f"{address}/documentbody/$value")
    assert (raw.headers["content-type"].partition(";")[0], raw.text) == ("text/plain", body)

    assert (await boats.api.patch(address, json={"filename": "b.txt"})).status_code == 204
    raw = await boats.api.get(f"{address}/documentbody_binary/$value")
    assert (raw.content, raw.headers["x-ms-file-name"]) == (TEXT, "b.txt")
    for wrong in ({"filename": "b.exe"}, {"documentbody": "!"},
                  {"documentbody": body, "filename": "c.pdf"}):  # fmt: skip
        assert (await boats.api.patch(address, json=wrong)).status_code == 400, wrong
    assert (await boats.api.patch(address, json={"documentbody": None})).status_code == 204
    note = (await boats.api.get(address)).json()
    assert (note["documentbody"], note["filename"], note["isdocument"]) == (None, None, False)
    await boats.app.run_jobs()
    assert boats.kept() == []


async def test_a_change_set_that_fails_keeps_no_bytes(boats):
    requests = [
        {"id": "1", "atomicityGroup": "g", "method": "POST", "url": "boats",
         "headers": {"Content-Type": "application/json"},
         "body": {"name": "In", "photo": base64.b64encode(picture()).decode()}},
        {"id": "2", "atomicityGroup": "g", "method": "POST", "url": "boats",
         "headers": {"Content-Type": "application/json"}, "body": {"nonsense": 1}},
    ]  # fmt: skip
    answer = await boats.api.post("$batch", content=json.dumps({"requests": requests}),
                                  headers={"Content-Type": "application/json"})  # fmt: skip
    assert answer.status_code in (200, 400)
    assert (await boats.api.get("boats/$count")).text == "1"
    assert boats.kept() == []


async def test_files_come_and_go_in_batches_whole_or_not_at_all(boats):
    content = bytes(range(256)) * 1024  # of several blocks

    async def batch(*lines: str, body: bytes = b""):
        head = "\r\n".join(("--b", "Content-Type: application/http", "", *lines, "", "")).encode()
        kind = {"Content-Type": "multipart/mixed; boundary=b"}
        return await boats.api.post("$batch", content=head + body + b"\r\n--b--", headers=kind)

    papers = f"{boats.address}/papers"
    sent = await batch(
        f"PATCH {papers} HTTP/1.1", "x-ms-file-name: a.bin",
        "Content-Type: application/octet-stream", body=content,
    )  # fmt: skip
    assert "HTTP/1.1 204 No Content" in sent.text
    read = await batch(f"GET {papers}/$value HTTP/1.1")
    assert content in read.content
    assert f"x-ms-file-size: {len(content)}" in read.text
    await boats.put("large", b"x" * (MOST_FILE_BYTES + 1), "a.bin")
    read = await batch(f"GET {boats.address}/large/$value HTTP/1.1")
    assert "HTTP/1.1 413" in read.text and len(read.content) < 2000
    read = await batch(f"GET {boats.address}/large/$value HTTP/1.1", "Range: bytes=0-9")
    assert b"\r\n\r\nxxxxxxxxxx\r\n--" in read.content


async def test_a_publish_that_overtakes_an_upload_is_told_and_nothing_is_sent_twice(boats):
    """What was kept first has been committed: the request must not run again by itself."""
    seen: list[str] = []

    async def moved_once(context) -> None:
        seen.append(context.values["papers"])
        if len(seen) == 1:
            raise MissingTable("boat")

    boats.app.add_record_handlers(RecordHandler("boat", "before_update", moved_once))
    answer = await boats.put("papers", TEXT)
    assert (answer.status_code, len(seen)) == (409, 1)
    error = answer.json()["error"]
    assert error["code"] == "0x80040216" and "saved" in error["message"].lower()
    assert (await boats.record("papers"))["papers"] is None
    assert (await boats.put("papers", TEXT)).status_code == 204
    assert (await boats.api.get(f"{boats.address}/papers/$value")).content == TEXT
    await boats.app.run_jobs()
    assert boats.kept() == [(await boats.record("papers"))["papers"]]


async def test_uploads_that_nobody_finished_are_forgotten_a_day_later(boats):
    begun = await boats.api.patch(
        f"{boats.address}/papers?x-ms-file-name=a.txt", headers={"x-ms-transfer-mode": "chunked"}
    )
    piece = {"Content-Range": "bytes 0-2/9"}
    sent = await boats.api.patch(begun.headers["location"], content=b"abc", headers=piece)
    assert sent.status_code == 206
    await boats.put("plan", b"stays", "a.txt")
    records = boats.app.system_records

    async def forget():
        await records.enqueue("kartoteka.forget_uploads", {})
        await boats.app.run_jobs()

    await forget()
    assert len(boats.kept()) == 2  # it is not a day old
    async with boats.app.parts.database.writing() as connection:
        await connection.execute(
            "UPDATE kartoteka_file SET created_on = '2020-01-01T00:00:00.000Z'", {}
        )
    await forget()
    assert boats.kept() == [(await boats.record("plan"))["plan"]]
    gone = await boats.api.patch(begun.headers["location"], content=b"abc", headers=piece)
    assert gone.status_code == 404


async def test_a_field_that_is_purged_leaves_no_file(boats):
    await boats.put("papers", TEXT)
    await boats.put("plan", b"stays", "a.txt")
    settings = boats.app.parts.settings
    without = "\n".join(line for line in _BOAT.splitlines() if "name: papers" not in line)
    (settings.app_folder / "metadata" / "entities" / "boat.yaml").write_text(without)
    await publish_folder(settings.app_folder, settings.database_url, consents_to_all=True)
    assert len(boats.kept()) == 2  # a field that comes back still has its file
    assert await purge(boats.app.parts.database, "boat.papers")
    await boats.app.system_records.enqueue("kartoteka.forget_uploads", {})
    await boats.app.run_jobs()
    assert boats.kept() == [(await boats.record())["plan"]]
