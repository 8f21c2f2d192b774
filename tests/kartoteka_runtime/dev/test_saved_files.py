"""A save is checked, planned and published, or said to be wrong, or waits for somebody's word."""

from __future__ import annotations

import os

import httpx

BERTHS = "  - { name: berths, type: whole_number, label: { en: Berths } }\n"


def boat_of(server):
    return server.file.read_text(encoding="utf-8")


async def test_a_new_field_is_live_as_soon_as_its_file_is_saved(server, browser):
    number = server.app.parts.live_registry.current.number
    server.write(boat_of(server) + BERTHS)

    event = await browser.until(state="live", number=number + 1)

    assert "boat" in event["published"][str(number + 1)]
    page = await browser.client.get("/e/boat/new")
    assert "Berths" in page.text
    records = await server.app.records_as()
    record = await records.create("boat", {"name": "Dar", "berths": 12})
    assert (await records.read("boat", record))["berths"] == 12


async def test_a_label_that_all_pages_may_show_is_news_for_all_of_them(server, browser):
    number = server.app.parts.live_registry.current.number
    server.write(boat_of(server).replace("en: Boats", "en: Vessels"))
    event = await browser.until(state="live", number=number + 1)
    assert event["published"][str(number + 1)] is None
    assert "Vessels" in (await browser.client.get("/e/boat")).text


async def test_editors_that_write_beside_and_rename_are_understood(server, browser):
    number = server.app.parts.live_registry.current.number
    text = boat_of(server)
    beside = server.file.with_name(".boat.yaml.swp")
    beside.write_text("not: [yaml", encoding="utf-8")
    beside.write_text(text + BERTHS, encoding="utf-8")
    os.replace(server.file, server.file.with_name("boat.yaml~"))
    os.replace(beside, server.file)
    await browser.until(state="live", number=number + 1)
    assert "berths" in server.app.registry.entities["boat"].field_by_name


async def test_a_file_that_is_written_in_steps_is_not_complained_about(server, browser):
    number = server.app.parts.live_registry.current.number
    text = boat_of(server) + BERTHS
    with server.file.open("w", encoding="utf-8") as file:
        for start in range(0, len(text), 40):
            file.write(text[start : start + 40])
            file.flush()
    event = await browser.until(number=number + 1)
    assert event["state"] == "live"


async def test_mistakes_are_shown_with_their_line_and_go_when_they_are_mended(server, browser):
    number = server.app.parts.live_registry.current.number
    text = boat_of(server)
    server.write(
        text.replace("type: text, label: { en: Masts }", "type: txet, label: { en: Masts }")
    )

    event = await browser.until(state="mistakes")

    assert event["needs_attention"] and event["number"] == number
    panel = await browser.status()
    assert "metadata/entities/boat.yaml:9:26" in panel
    assert "type: txet, label: { en: Masts }" in panel and "^^^^" in panel
    assert "Masts" in (await browser.client.get("/e/boat/new")).text  # the live registry stays
    without_scripts = (await browser.client.get("/e/boat")).text
    assert '<a href="/dev/status">' in without_scripts

    server.write(text)
    event = await browser.until(state="live")
    assert event["number"] == number and not event["needs_attention"]


async def test_text_in_a_broken_file_is_only_text(server, browser):
    server.write(boat_of(server) + "<script>alert(1)</script>: [\n")
    await browser.until(state="mistakes")
    panel = await browser.status()
    assert "&lt;script&gt;alert(1)" in panel and "<script>" not in panel


async def test_a_field_with_values_is_held_back_until_somebody_agrees(server, browser):
    number = server.app.parts.live_registry.current.number
    records = await server.app.records_as()
    record = await records.create("boat", {"name": "Dar", "masts": "three"})
    server.write(boat_of(server).replace("type: text, label: { en: Masts }, max_length: 20",
                                         "type: whole_number, label: { en: Masts }"))  # fmt: skip

    event = await browser.until(state="held")

    assert event["needs_attention"] and event["number"] == number
    panel = await browser.status()
    assert "boat.masts" in panel and record in panel
    refused = await browser.post("/dev/publish")
    assert refused.status_code == 422 and server.app.parts.live_registry.current.number == number
    consent = panel.partition('name="_consent" value="')[2].partition('"')[0]
    done = await browser.post("/dev/publish", _consent=[consent])
    assert done.status_code == 303, done.text
    await browser.until(state="live", number=number + 1)
    assert server.app.registry.entities["boat"].field_by_name["masts"].type == "whole_number"


async def test_a_type_that_goes_is_asked_about_and_comes_back_with_its_records(server, browser):
    text = boat_of(server)
    number = server.app.parts.live_registry.current.number
    records = await server.app.records_as()
    record = await records.create("boat", {"name": "Dar"})
    role = server.metadata / "security_roles" / "guest.yaml"
    role_text = role.read_text(encoding="utf-8")
    server.file.unlink()
    role.unlink()
    await browser.until(state="held")
    assert "boat" in await browser.status()
    assert (await browser.post("/dev/publish")).status_code == 303
    await browser.until(state="live", number=number + 1)
    assert (await browser.client.get("/e/boat")).status_code == 404

    server.write(text)
    role.write_text(role_text, encoding="utf-8")
    await browser.until(state="live", number=number + 2)
    assert (await records.read("boat", record))["name"] == "Dar"


async def test_very_many_mistakes_are_shown_in_part(server, browser):
    text = boat_of(server)
    server.write(text + "".join(f"  - {{ name: x{n}, type: txet }}\n" for n in range(120)))
    await browser.until(state="mistakes")
    panel = await browser.status()
    count = len(server.app.app.state.dev_session.status.mistakes)
    assert panel.count('k-dev__mistake"') == 50 and f"And more: {count - 50}" in panel


async def test_the_old_definitions_may_be_kept_for_now(server, browser):
    text = boat_of(server)
    number = server.app.parts.live_registry.current.number
    server.write("".join(line for line in text.splitlines(keepends=True) if "masts" not in line))
    await browser.until(state="held", needs_attention=True)

    assert (await browser.post("/dev/postpone")).status_code == 303

    event = await browser.until(state="held", needs_attention=False)
    assert event["number"] == number
    assert "Masts" in (await browser.client.get("/e/boat/new")).text
    done = await browser.post("/dev/publish")
    assert done.status_code == 303, done.text
    await browser.until(state="live", number=number + 1)
    assert "Masts" not in (await browser.client.get("/e/boat/new")).text
    server.write(text)  # a retired field comes back without a question
    await browser.until(state="live", number=number + 2)


async def test_a_plan_that_changed_meanwhile_is_not_published(server, browser):
    text = boat_of(server)
    number = server.app.parts.live_registry.current.number
    server.write("".join(line for line in text.splitlines(keepends=True) if "masts" not in line))
    await browser.until(state="held")
    answer = await browser.post("/dev/publish", _plan="another")
    assert answer.status_code == 409
    assert server.app.parts.live_registry.current.number == number


async def test_a_metadata_folder_may_go_and_come_back(server, browser):
    number = server.app.parts.live_registry.current.number
    elsewhere = server.metadata.with_name("elsewhere")
    server.metadata.rename(elsewhere)
    await browser.until(state="held")
    elsewhere.rename(server.metadata)
    await browser.until(state="live", number=number)
    server.write(boat_of(server) + BERTHS)
    await browser.until(state="live", number=number + 1)


async def test_a_new_type_in_an_app_without_files(serve):
    server = await serve(metadata={})
    async with server.browser() as browser, browser.following():
        event = await browser.until(state="live")
        server.write("kind: entity\n")
        await browser.until(state="mistakes")
        from_scratch = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
"""
        server.write(from_scratch)
        await browser.until(state="live", number=event["number"] + 1)
        assert (await browser.client.get("/e/boat")).status_code == 200


async def test_files_that_changed_before_the_start_are_taken_up(serve_unpublished):
    server = await serve_unpublished("kind: entity\nformat: 1\nname: boat\nfelds: []\n")
    page = await _get(server, "/e/boat")
    assert page.status_code == 503
    assert "Nothing is published yet" in page.text and "felds" in page.text
    assert (await _get(server, "/api/data/v9.2/boats")).status_code == 503
    server.write(
        "kind: entity\nformat: 1\nname: boat\nlabel: { en: Boat }\nplural_label: { en: Boats }\n"
        "primary_field: name\nfields:\n  - { name: name, type: text, label: { en: Name } }\n"
    )
    while page.status_code == 503:
        page = await _get(server, "/e/boat")
    assert page.status_code == 303 and page.headers["location"].startswith("/sign-in")
    async with server.browser() as browser, browser.following():
        await browser.until(state="live", number=1)


async def _get(server, address):
    async with httpx.AsyncClient(base_url=server.address, timeout=30) as client:
        return await client.get(address)
