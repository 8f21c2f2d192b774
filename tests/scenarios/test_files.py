"""A picture and a file through a real browser: brought, seen, replaced, removed, refused."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

pytestmark = pytest.mark.xdist_group("browser")


def picture(color: str, size=(400, 300)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, color).save(made, "PNG")
    return made.getvalue()


def sent(name: str, content: bytes, kind: str = "application/octet-stream") -> dict[str, object]:
    return {"name": name, "mimeType": kind, "buffer": content}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_picture_and_a_file_by_a_browser(person, crm):
    someone = await person()
    page = someone.page
    await someone.sign_in("pl")
    words = someone.words
    records = await crm.records_as()
    contact = await records.create("contact", {"lastname": "Nowak"})
    await someone.go("/e/contact/new")
    assert await page.get_by_text(words.message("file.after_save_image")).is_visible()

    # A picture: chosen is sent, without leaving the page or what was typed there.
    await someone.go(f"/e/contact/{contact}")
    field = page.locator("[data-k-of=entityimage]")
    told = field.locator("[data-k-file-told]")
    assert await field.get_by_text(words.message("file.none_image")).is_visible()
    await someone.input("jobtitle").fill("Captain")
    await someone.input("entityimage").set_input_files(sent("me.png", picture("#2563eb")))
    await told.get_by_text(words.message("file.done")).wait_for()
    assert await field.locator("img").evaluate("image => image.decode().then(() => true)")
    await someone.look()
    await someone.save()
    assert await someone.value("jobtitle") == "Captain"
    assert await page.locator("img.k-picture--head").evaluate("image => image.naturalWidth") == 144

    # What is no picture is refused in the reader's language, and the picture stays.
    await someone.input("entityimage").set_input_files(sent("me.png", b"no picture at all"))
    refused = words.message("upload.not_an_image", name="me.png")
    await told.get_by_text(refused).wait_for()
    await someone.look()
    await someone.input("entityimage").set_input_files(sent("me.exe", b"MZ", ""))
    await told.get_by_text(words.message("upload.blocked", name="me.exe")).wait_for()
    assert (await records.read("contact", contact))["entityimage"] is not None

    # Somebody else saved meanwhile: that is told, and nothing is lost.
    await records.update("contact", contact, {"salutation": "Ms"})
    await someone.input("entityimage").set_input_files(sent("new.png", picture("#dc2626")))
    await told.get_by_text(words.message("error.conflict")).wait_for()

    # Removed, once that was confirmed.
    await someone.go(f"/e/contact/{contact}")
    page.on("dialog", lambda dialog: dialog.accept())
    await field.locator("[data-k-file-remove]").click()
    await told.get_by_text(words.message("file.removed")).wait_for()
    assert (await records.read("contact", contact))["entityimage"] is None

    # A note's file: downloaded as it came, replaced, and looked at on a phone and in the dark.
    note = await records.create("annotation", {"subject": "Contract"})
    await someone.go(f"/e/annotation/{note}")
    field = page.locator("[data-k-of=documentbody_binary]")
    chosen = someone.input("documentbody_binary")
    await chosen.set_input_files(sent("umowa.txt", b"Pierwsza", "text/plain"))
    await field.get_by_role("link", name="umowa.txt").wait_for()
    async with page.expect_download() as download:
        await field.get_by_role("link", name="umowa.txt").click()
    found = await download.value
    assert found.suggested_filename == "umowa.txt"
    assert (await found.path()).read_bytes() == b"Pierwsza"
    await chosen.set_input_files(sent("druga.txt", b"Druga", "text/plain"))
    await field.get_by_role("link", name="druga.txt").wait_for()
    assert (await records.read("annotation", note))["filesize"] == len(b"Druga")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.emulate_media(color_scheme="dark")
    await someone.go(f"/e/annotation/{note}")
    assert not someone.faults


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_files_without_scripts(crm):
    records = await crm.records_as()
    note = await records.create("annotation", {"subject": "Contract"})
    async with crm.client_as(language="pl") as client:
        shown = (await client.get(f"/e/annotation/{note}")).text
        (token,) = re.findall(r'name="_token" value="([^"]+)"', shown)[:1]
        place = f"/e/annotation/{note}/file/documentbody_binary"

        async def bring(name, content, token=token):
            return await client.post(
                place, data={"_token": token}, files={"file": (name, content, "text/plain")}
            )

        assert (await bring("a.txt", b"x" * 300_000, "forged")).status_code == 403
        assert (await bring("a.txt", b"x" * 300_000)).status_code == 303
        shown = (await client.get(f"/e/annotation/{note}")).text
        assert "Plik został zapisany" in shown
        assert "a.txt" in shown
        sent_back = await client.get(place)
        assert sent_back.content == b"x" * 300_000
        assert sent_back.headers["content-disposition"].startswith("attachment")
        assert "sandbox" in sent_back.headers["content-security-policy"]
        assert (await bring("a.html", b"<html>")).status_code == 303
        assert "a.html" in (await client.get(f"/e/annotation/{note}")).text
        large = await bring("b.txt", b"x" * 5_300_000)  # the organization takes 5 MB
        assert large.status_code == 303
        assert "5 MB" in (await client.get(f"/e/annotation/{note}")).text
        assert (await bring("", b"")).status_code in (303, 400)
        damaged = await client.post(
            place, content=b"--b\r\nnonsense",
            headers={"content-type": "multipart/form-data; boundary=b"},
        )  # fmt: skip
        assert damaged.status_code == 400
        gone = await client.post(f"{place}/remove", data={"_token": token})
        assert gone.status_code == 303
        assert (await client.get(place)).status_code == 404
        for odd in ("subject", "nonsense"):
            assert (await client.get(f"/e/annotation/{note}/file/{odd}")).status_code == 404
    assert (await records.read("annotation", note))["filename"] is None
