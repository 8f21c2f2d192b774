"""Publishing in the browser: the plan that is shown is the plan that is carried out."""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from kartoteka_runtime.testing.running_app import publish_folder

BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat, pl: Łódź }
plural_label: { en: Boats, pl: Łodzie }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: masts, type: text, label: { en: Masts }, max_length: 20 }
"""


@pytest.fixture
async def app(start_app):
    """Give an app with a type of its own."""
    return await start_app(metadata={"entities/boat.yaml": BOAT}, languages=("en", "pl"))


@pytest.fixture
def write(app):
    """Give a function that replaces the app's one file."""
    folder = app.parts.settings.app_folder / "metadata"
    return lambda text: (folder / "entities" / "boat.yaml").write_text(text, encoding="utf-8")


def plan_form(page):
    return page.form_to("/customize/plan")


async def to_its_end(visitor, sent):
    """Follow a publish that was begun until it is over."""
    assert sent.status == 303, sent.text
    page = sent
    while page.address.endswith("/progress") or "Look again" in page.text:
        page = await visitor.open("/customize/plan/progress")
    assert "did not succeed" not in page.text


async def test_a_label_reaches_everybody_when_it_is_published(visitor, app):
    page = await visitor.open("/customize/boat")
    form = next(form for form in page.forms if "_original" in form.values)
    assert (await visitor.send(form, **{"plural_label.en": "Vessels"})).status == 303
    assert "not published yet" in (await visitor.open("/customize/boat")).text
    assert "Vessels" not in (await visitor.open("/e/boat")).text
    number = app.parts.live_registry.current.number

    page = await visitor.open("/customize/plan")
    assert "Vessels" in page.text
    published = await visitor.send(plan_form(page))

    await to_its_end(visitor, published)
    assert app.parts.live_registry.current.number == number + 1
    assert "Vessels" in (await visitor.open("/e/boat")).text
    assert "Everything is published" in (await visitor.open("/customize/plan")).text


async def test_a_new_field_takes_values_as_soon_as_it_is_published(visitor, app):
    page = await visitor.open("/customize/boat/fields")
    form = next(form for form in page.forms if "options" in form.values)
    sent = await visitor.send(form, type="whole_number", **{"label.en": "Berths"})
    assert sent.status == 303, sent.text
    page = await visitor.open("/customize/plan")
    assert "New field" in page.text and "berths" in page.text
    await to_its_end(visitor, await visitor.send(plan_form(page)))
    address = await visitor.create("boat", name="Dar", berths="12")
    assert (await visitor.open(address)).form.values["berths"] == "12"


async def test_what_loses_values_needs_consent_and_shows_them(visitor, app, write):
    address = await visitor.create("boat", name="Dar", masts="three")
    write(BOAT.replace("type: text, label: { en: Masts }, max_length: 20",
                       "type: whole_number, label: { en: Masts }"))  # fmt: skip
    page = await visitor.open("/customize/plan")
    assert "three" in page.text and address in page.links()

    refused = await visitor.send(plan_form(page))
    assert refused.status == 422
    assert "need your agreement" in refused.text

    boxes = [
        attrs["value"]
        for tag, attrs in refused.elements
        if tag == "input" and attrs.get("name") == "_consent"
    ]
    assert boxes
    published = await visitor.send(plan_form(refused), _consent=boxes)
    await to_its_end(visitor, published)
    assert (await visitor.open(address)).form.values["masts"] == ""


async def test_a_plan_that_is_out_of_date_is_shown_anew(visitor, app, write):
    write(BOAT.replace("en: Boats", "en: Vessels"))
    page = await visitor.open("/customize/plan")
    write(BOAT.replace("en: Boats", "en: Ships"))
    number = app.parts.live_registry.current.number

    again = await visitor.send(plan_form(page))

    assert again.status == 409
    assert "Something changed since" in again.text and "Ships" in again.text
    assert app.parts.live_registry.current.number == number
    await to_its_end(visitor, await visitor.send(plan_form(again)))


async def test_somebody_elses_publish_meanwhile_is_noticed(visitor, app, write):
    write(BOAT.replace("en: Boats", "en: Vessels"))
    page = await visitor.open("/customize/plan")
    await publish_folder(app.parts.settings.app_folder, app.parts.settings.database_url)
    again = await visitor.send(plan_form(page))
    assert again.status == 409
    assert "Everything is published" in again.text


async def test_who_may_customize_but_not_publish_sees_the_plan_alone(start_app, visit):
    role = (
        "kind: role\nformat: 1\nname: drafter\nlabel: { en: Drafter }\n"
        "privileges:\n  - { entity: boat, read: organization }\nmiscellaneous: [customize]\n"
    )
    files = {"entities/boat.yaml": BOAT, "security_roles/drafter.yaml": role}
    app = await start_app(metadata=files, languages=("en",))
    folder = app.parts.settings.app_folder / "metadata"
    (folder / "entities" / "boat.yaml").write_text(BOAT.replace("en: Boats", "en: Ships"))
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(app.client_as("drafter"))
        page = type(await visit())(client)
        shown = await page.open("/customize/plan")
        assert shown.status == 200 and "Ships" in shown.text
        assert "publishing is up to others" in shown.text
        sent = await page.send(plan_form(shown))
        assert sent.status == 403
