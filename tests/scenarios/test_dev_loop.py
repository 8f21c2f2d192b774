"""The files of an app change, and the browser follows without being touched."""

from __future__ import annotations

import re

import pytest

# tests/kartoteka_runtime/dev shows the same on both engines, without a browser.
BOTH_ENGINES = pytest.mark.parametrize(
    "engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)

BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat, pl: Łódź, pt: Barco, ro: Barcă, sl: Čoln }
plural_label: { en: Boats, pl: Łodzie, pt: Barcos, ro: Bărci, sl: Čolni }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
"""
MASTS = "  - { name: masts, type: text, label: { en: Masts }, max_length: 20 }\n"
BOAT += MASTS
CAR = BOAT.replace("boat", "car").replace("Boat", "Car").replace("Boats", "Cars")


class Files:
    """The files of the app."""

    def __init__(self, folder):
        self.boat = folder / "entities" / "boat.yaml"
        self.car = folder / "entities" / "car.yaml"

    def change(self, before, after):
        """Save the file of the boat with something in it replaced."""
        text = self.boat.read_text(encoding="utf-8")
        assert before in text
        self.boat.write_text(text.replace(before, after), encoding="utf-8")


@pytest.fixture
async def seated(developer):
    """Give a function that signs somebody in: ``person, files = await seated("pl")``."""

    async def sign_in(language="en", **options):
        metadata = {"entities/boat.yaml": BOAT, "entities/car.yaml": CAR}
        person, folder = await developer(metadata, **options)
        await person.sign_in(language)
        return person, Files(folder)

    return sign_in


def panel(person):
    return person.page.locator("[data-k-dev-panel]")


@BOTH_ENGINES
async def test_a_developer_changes_breaks_mends_and_converts(seated):
    person, files = await seated()
    page = person.page
    await person.go("/e/boat/new")

    # A label changes, and the page shows it.
    files.change("en: Masts", "en: Number of masts")
    await page.get_by_label("Number of masts").wait_for()
    await person.look()

    # A mistake: the page shows where it is, with the line of YAML.
    files.change("type: text, label: { en: Number", "type: txet, label: { en: Number")
    await panel(person).wait_for(state="visible")
    text = await panel(person).inner_text()
    assert "metadata/entities/boat.yaml:9:26" in text and 'did you mean "text"' in text
    assert "- { name: masts, type: txet" in text and "^^^^" in text
    await person.look()
    assert await page.evaluate("document.activeElement.matches('[data-k-dev-body]')")

    # Escape puts it out of the way; it stays so on the next page, and comes back by its button.
    await page.keyboard.press("Escape")
    pill = page.locator("[data-k-dev-pill]")
    await pill.wait_for(state="visible")
    assert await pill.evaluate("(button) => button === document.activeElement")
    await person.go("/e/boat")
    await pill.wait_for(state="visible")
    await person.look()
    await pill.click()
    await panel(person).wait_for(state="visible")

    # Mended: it closes by itself.
    files.change("txet", "text")
    await panel(person).wait_for(state="hidden")
    assert await pill.is_hidden()

    # A field with values goes: the page asks first.
    await person.go("/e/boat/new")
    await person.input("name").fill("Dar Pomorza")
    await person.input("masts").fill("three")
    await person.save()
    files.change(MASTS.replace("Masts", "Number of masts"), "")
    await panel(person).wait_for(state="visible")
    assert "boat.masts" in await panel(person).inner_text()
    await person.look()
    assert await page.get_by_label("Number of masts").count() == 1
    await panel(person).get_by_role("button", name="Publish", exact=True).click()
    await page.get_by_label("Number of masts").wait_for(state="detached")
    await panel(person).wait_for(state="hidden")
    await person.look()
    assert not person.faults


@BOTH_ENGINES
async def test_what_is_typed_outlives_a_publish(seated):
    person, files = await seated("pl")
    page = person.page
    await person.go("/e/boat/new")
    await person.input("name").fill("Dar Pomorza")

    files.change("en: Masts", "en: Masts, pl: Maszty")

    bar = page.locator("[data-k-dev-bar]")
    reload = bar.get_by_role("button", name=person.words.message("dev.reload"))
    await reload.wait_for()
    await person.look()
    assert await person.value("name") == "Dar Pomorza"
    page.on("dialog", lambda dialog: dialog.accept())  # the browser asks whether to leave
    await reload.click()
    await page.get_by_label("Maszty").wait_for()
    assert not person.faults


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # looks alone
async def test_pages_of_other_types_are_left_alone(seated):
    person, files = await seated()
    await person.go("/e/car/new")
    await person.page.evaluate("window.isSame = true")
    async with person.page.expect_event(
        "response", lambda answer: "/dev/status" in answer.url
    ) as told:
        files.change("en: Masts", "en: Number of masts")
        files.car.write_text(files.car.read_text() + "nonsense: 1\n", encoding="utf-8")
    await told.value
    await panel(person).wait_for(state="visible")
    assert await person.page.evaluate("window.isSame")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # looks alone
async def test_without_scripts_a_banner_leads_to_the_same(seated):
    person, files = await seated(java_script_enabled=False)
    page = person.page
    files.change(MASTS, "")
    link = page.get_by_role("link", name=person.words.message("dev.see"))
    while not await link.count():
        await page.goto("/e/boat")
    await link.click()
    await page.wait_for_url(re.compile("/dev/status$"))
    assert "boat.masts" in await page.locator("main").inner_text()
    await page.get_by_role("button", name=person.words.message("dev.postpone")).click()
    await page.get_by_text(person.words.message("dev.postponed")).wait_for()
    await page.get_by_role("button", name=person.words.message("customize.publish")).click()
    await page.get_by_text(re.compile("Everything in the files is published")).wait_for()
    await page.goto("/e/boat/new")
    assert await page.get_by_label("Masts").count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # looks alone
async def test_the_panel_holds_in_the_dark_on_a_phone(seated):
    person, files = await seated(
        "sl", viewport={"width": 360, "height": 740}, color_scheme="dark", has_touch=True
    )
    await person.go("/e/boat")
    files.change("primary_field: name", "primary_field: nme")
    await panel(person).wait_for(state="visible")
    await person.look()
    box = await panel(person).bounding_box()
    assert box["width"] <= 360
    is_wider = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not await person.page.evaluate(is_wider)
    assert not person.faults
