"""Files in blocks, as actions bring and read them. Source: decisions/0057."""

from __future__ import annotations

import base64
import io
from uuid import uuid4

import pytest
from PIL import Image

from kartoteka_runtime.records import file_uploads

_CRATE = """\
kind: entity
format: 1
name: crate
label: { en: Crate }
plural_label: { en: Crates }
primary_field: name
ownership: user

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: papers, type: file, label: { en: Papers }, max_size_kb: 5120 }
  - { name: secret, type: file, label: { en: Secret }, secured: true }
  - { name: photo, type: image, label: { en: Photo } }
"""
_ROLE = """\
kind: role
format: 1
name: reader
label: { en: Reader }
privileges:
  - { entity: crate, read: organization }
"""
METADATA = {
    "entities/crate.yaml": _CRATE,
    "security_roles/reader.yaml": _ROLE,
    "security_roles/outsider.yaml": _ROLE.replace("reader", "outsider").replace("crate", "account"),
}
CRM = "Microsoft.Dynamics.CRM."
BLOCK = 4 * 1024 * 1024


def coded(content: bytes | str) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


class Crates:
    """The app with one crate, and the actions."""

    def __init__(self, app, api, crate: str) -> None:
        self.app, self.api, self.crate = app, api, crate
        self.folder = app.parts.settings.app_folder / "data" / "files"

    @property
    def target(self):
        return {"@odata.type": f"{CRM}crate", "crateid": self.crate}

    async def post(self, action, told=200, api=None, **said):
        answer = await (api or self.api).post(action, json=said)
        assert answer.status_code == told, (action, answer.text)
        body = answer.json() if answer.content else {}
        if told == 200:
            assert body.pop("@odata.context").endswith(f"$metadata#{CRM}{action}Response")
        return body if told == 200 else body.get("error", {}).get("message", "")

    async def begin(self, field="papers", name="a.txt"):
        begun = await self.post(
            "InitializeFileBlocksUpload",
            Target=self.target,
            FileAttributeName=field,
            FileName=name,
        )
        return begun["FileContinuationToken"]

    async def send(self, token, block, content, told=204, api=None):
        return await self.post(
            "UploadBlock", told, api,
            BlockId=coded(block), BlockData=coded(content), FileContinuationToken=token,
        )  # fmt: skip

    async def commit(self, token, blocks, told=200, action="CommitFileBlocksUpload", **said):
        names = [coded(block) for block in blocks]
        return await self.post(action, told, BlockList=names, FileContinuationToken=token, **said)

    def kept(self) -> int:
        return sum(path.is_file() for path in self.folder.rglob("*"))


@pytest.fixture
async def crates(start_app):
    app = await start_app(metadata=METADATA)
    crate = await (await app.records_as()).create("crate", {"name": "Ala"})
    async with app.api_as() as api:
        yield Crates(app, api, crate)


async def test_blocks_make_a_file_in_the_order_of_the_list_and_are_read_back(crates):
    token = await crates.begin(name="a.txt")
    large = b"x" * BLOCK
    for block, content in (("3", b"end"), ("1", b"old"), ("2", large), ("1", b"begin"), ("9", b"")):
        await crates.send(token, block, content)
    said = {"FileName": "b.txt", "MimeType": "text/plain"}
    address = f"crates({crates.crate})?$select=papers,papers_name"
    assert "has not come" in await crates.commit(token, ["1", "7"], 400)
    assert "twice" in await crates.commit(token, ["1", "1"], 400)
    assert (await crates.api.get(address)).json()["papers"] is None
    done = await crates.commit(token, ["1", "2", "3"], **said)
    assert done["FileSizeInBytes"] == BLOCK + 8
    assert await crates.commit(token, ["1", "2", "3"], **said) == done
    record = (await crates.api.get(address)).json()
    assert (record["papers"], record["papers_name"]) == (done["FileId"], "b.txt")
    await crates.send(token, "4", b"late", 400)
    assert crates.kept() == 1  # the block that the list does not name is gone

    opened = await crates.post(
        "InitializeFileBlocksDownload", Target=crates.target, FileAttributeName="papers"
    )
    reading = opened.pop("FileContinuationToken")
    assert opened == {
        "FileSizeInBytes": BLOCK + 8, "FileName": "b.txt", "IsChunkingSupported": True,
    }  # fmt: skip
    found = b""
    for start in (0, BLOCK, BLOCK + 8):
        told = await crates.post(
            "DownloadBlock", Offset=start, BlockLength=BLOCK, FileContinuationToken=reading
        )
        found += base64.b64decode(told["Data"])
    assert found == b"begin" + large + b"end"
    for wrong in ({"Offset": BLOCK + 9}, {"Offset": -1}, {"BlockLength": BLOCK + 1}):
        asked = {"Offset": 0, "BlockLength": 1, "FileContinuationToken": reading} | wrong
        await crates.post("DownloadBlock", 400, **asked)

    await crates.post("DeleteFile", 204, FileId=done["FileId"])
    await crates.post("DeleteFile", 404, FileId=done["FileId"])
    assert (await crates.api.get(address)).json()["papers"] is None
    asked = {"Offset": 0, "BlockLength": 1, "FileContinuationToken": reading}
    await crates.post("DownloadBlock", 404, **asked)
    await crates.app.run_jobs()
    assert crates.kept() == 0


async def test_blocks_have_limits_and_what_is_refused_says_why(crates, monkeypatch):
    for wrong, why in (
        ({"FileAttributeName": "name"}, "FileAttributeName"),
        ({"FileName": "a.exe"}, "a.exe"),
        ({"Target": {"@odata.type": "nothing", "nothingid": crates.crate}}, "nothing"),
        ({"Target": 1}, "object"),
    ):
        said = {"Target": crates.target, "FileAttributeName": "papers", "FileName": "a.txt"} | wrong
        assert why in await crates.post("InitializeFileBlocksUpload", 400, **said)
    token = await crates.begin()
    block = {"BlockId": coded("1"), "BlockData": coded("a"), "FileContinuationToken": token}
    bad: tuple[tuple[dict[str, object], int], ...] = (
        ({"BlockData": "!"}, 400),
        ({"BlockData": {}}, 400),
        ({"BlockId": ""}, 400),
        ({"BlockId": "i" * 129}, 400),
        ({"BlockId": [1]}, 400),
        ({"Other": "a"}, 400),
        ({"BlockData": coded(b"x" * (BLOCK + 1))}, 400),
        ({"BlockData": coded(b"x" * (BLOCK + 100_000))}, 413),
        ({"FileContinuationToken": "nothing"}, 404),
    )
    for odd, told in bad:
        assert await crates.post("UploadBlock", told, **(block | odd))
    await crates.send(token, "1", b"x" * BLOCK)
    assert "5 MB" in await crates.send(token, "2", b"x" * BLOCK, 413)
    await crates.send(token, "1", b"x" * BLOCK)  # the same one again takes no more room
    monkeypatch.setattr(file_uploads, "MOST_PIECES", 2)
    await crates.send(token, "2", b"<scr")
    assert "at most 2" in await crates.send(token, "3", b"ipt>alert(1)</script>", 400)
    monkeypatch.undo()
    await crates.send(token, "3", b"ipt>alert(1)</script>")
    assert await crates.commit(token, ["2", "3"], 400)  # looked at as one, however it is cut
    await crates.commit(token, ["2", "3"], 404)
    for token in ("", "nothing", "WyJh", coded("[1,2,3,4]"), coded('["crate","x","papers","y"]')):
        said = {"Offset": 0, "BlockLength": 1, "FileContinuationToken": token}
        assert await crates.post("DownloadBlock", 404, **said)
    assert await crates.post(
        "InitializeFileBlocksDownload", 404, Target=crates.target, FileAttributeName="papers"
    )
    assert crates.kept() == 0


async def test_blocks_ask_for_the_rights_of_record_and_column_each_time(crates):
    token = await crates.begin()
    await crates.send(token, "1", b"mine")
    async with crates.app.api_as("reader") as reader:
        await crates.send(token, "1", b"theirs", 404, reader)
        said = {"Target": crates.target, "FileAttributeName": "papers", "FileName": "a.txt"}
        await crates.post("InitializeFileBlocksUpload", 403, reader, **said)
        said |= {"FileAttributeName": "secret"}
        await crates.post("InitializeFileBlocksUpload", 403, reader, **said)
        done = await crates.commit(token, ["1"])
        await crates.post("DeleteFile", 403, reader, FileId=done["FileId"])
        opened = await crates.post(
            "InitializeFileBlocksDownload", 200, reader,
            Target=crates.target, FileAttributeName="papers",
        )  # fmt: skip
        asked = {**opened, "Offset": 0, "BlockLength": 4}
        asked = {name: asked[name] for name in ("Offset", "BlockLength", "FileContinuationToken")}
        assert await crates.post("DownloadBlock", api=reader, **asked) == {"Data": coded("mine")}
        secret = await crates.begin("secret")
        await crates.send(secret, "1", b"hidden")
        hidden = await crates.commit(secret, ["1"])
        said = {"Target": crates.target, "FileAttributeName": "secret"}
        await crates.post("InitializeFileBlocksDownload", 404, reader, **said)
        await crates.post("DeleteFile", 404, reader, FileId=hidden["FileId"])
    async with crates.app.api_as("outsider") as outsider:
        await crates.post("DownloadBlock", 403, outsider, **asked)


async def test_a_note_is_created_or_changed_with_a_file_in_blocks(crates):
    note = str(uuid4())
    target = {
        "@odata.type": f"{CRM}annotation", "annotationid": note, "subject": "Large",
        "filename": "a.txt", "mimetype": "text/plain", "documentbody": coded("not looked at"),
    }  # fmt: skip
    for content in (b"first", b"second one"):
        begun = await crates.post("InitializeAnnotationBlocksUpload", Target=target)
        token = begun["FileContinuationToken"]
        await crates.send(token, "1", content)
        other = {**target, "annotationid": str(uuid4())}
        if content != b"first":
            await crates.commit(token, ["1"], 404, "CommitAnnotationBlocksUpload", Target=other)
        else:
            await crates.commit(token, ["1"], 404)
        target["subject"] = f"With {content.decode()}"
        done = await crates.commit(token, ["1"], 200, "CommitAnnotationBlocksUpload", Target=target)
        assert done == {"AnnotationId": note, "FileSizeInBytes": len(content)}
        told = (await crates.api.get(f"annotations({note})")).json()
        assert (told["subject"], told["filename"], told["mimetype"], told["documentbody"]) == (
            target["subject"], "a.txt", "text/plain", coded(content),
        )  # fmt: skip
    opened = await crates.post(
        "InitializeAnnotationBlocksDownload",
        Target={"@odata.type": f"{CRM}annotation", "annotationid": note},
    )
    assert (opened["FileName"], opened["FileSizeInBytes"]) == ("a.txt", 10)
    nameless = {"@odata.type": f"{CRM}annotation", "annotationid": note}
    assert "filename" in await crates.post("InitializeAnnotationBlocksUpload", 400, Target=nameless)
    del target["annotationid"]
    said = await crates.post("InitializeAnnotationBlocksUpload", 400, Target=target)
    assert "annotationid" in said


async def test_an_image_comes_in_blocks_and_what_nobody_commits_is_forgotten(crates):
    made = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(made, "PNG")
    token = await crates.begin("photo", "red.png")
    await crates.send(token, "1", made.getvalue()[:20])
    await crates.send(token, "2", made.getvalue()[20:])
    await crates.commit(token, ["1", "2"])
    assert (await crates.api.get(f"crates({crates.crate})/photo/$value")).status_code == 200
    kept = crates.kept()

    abandoned = await crates.begin()
    await crates.send(abandoned, "1", b"abc")
    assert crates.kept() == kept + 1
    async with crates.app.parts.database.writing() as connection:
        await connection.execute(
            "UPDATE kartoteka_file SET created_on = '2020-01-01T00:00:00.000Z'", {}
        )
    await crates.app.system_records.enqueue("kartoteka.forget_uploads", {})
    await crates.app.run_jobs()
    assert crates.kept() == kept
    await crates.send(abandoned, "2", b"def", 404)
