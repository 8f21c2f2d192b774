"""Somebody publishes between the opening of a form and its sending, or while a request runs."""

from __future__ import annotations

import httpx
import pytest

from kartoteka_runtime.publication_refresh import PublicationRefresh
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.testing.running_app import ORIGIN, publish_folder

BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
ownership: none
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: masts, type: whole_number, label: { en: Masts } }
  - { name: port, type: text, label: { en: Home port } }
  - name: rig
    type: choice
    label: { en: Rig }
    options:
      - { name: sloop, value: 1, label: { en: Sloop } }
      - { name: ketch, value: 2, label: { en: Ketch } }
"""
RENAMED = BOAT.replace("name: port,", "name: harbour, renamed_from: port,")
GONE = BOAT.replace("  - { name: port, type: text, label: { en: Home port } }\n", "")
MORE = BOAT.replace(
    "  - name: rig",
    "  - { name: flag, type: text, label: { en: Flag }, required: on_form }\n  - name: rig",
)
OTHER_TYPE = BOAT.replace("""\
  - name: rig
    type: choice
    label: { en: Rig }
    options:
      - { name: sloop, value: 1, label: { en: Sloop } }
      - { name: ketch, value: 2, label: { en: Ketch } }
""", "  - { name: rig, type: text, label: { en: Rig } }\n")  # fmt: skip
OTHER_LABEL = BOAT.replace("Home port", "Harbour")


@pytest.fixture
async def app(start_app):
    """Give an app with a type of its own."""
    return await start_app(metadata={"entities/boat.yaml": BOAT}, languages=("en",))


@pytest.fixture
def publish(app):
    """Give a function that replaces the definition and publishes it from another process."""
    folder = app.parts.settings.app_folder
    file = folder / "metadata" / "entities" / "boat.yaml"

    async def replace(text: str, *, name: str = "boat") -> None:
        file.unlink()
        if text:
            file.with_stem(name).write_text(text, encoding="utf-8")
        await publish_folder(folder, app.parts.settings.database_url, consents_to_all=True)

    return replace


@pytest.fixture
async def publish_seen(app, publish):
    """Give the same, of which the server takes notice before it is asked again."""

    async def replace(text: str, *, name: str = "boat") -> None:
        await publish(text, name=name)
        await refresh(app.parts.database, app.parts.live_registry)

    return replace


@pytest.fixture
async def behind(app):
    """Give a client of a process that has not yet looked for a newer publication."""
    token = await app.session_token()

    async def client() -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=PublicationRefresh(app.app.router, app.parts))
        cookies = {"kartoteka_session": token}
        return httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=cookies)

    return client


async def test_a_page_asked_for_while_a_column_is_renamed_is_the_new_page(
    app, visitor, publish, behind
):
    address = await visitor.create("boat", name="Dar", port="Gdynia")
    number = app.parts.live_registry.current.number
    await publish(RENAMED)
    assert app.parts.live_registry.current.number == number
    async with await behind() as client:
        page = await type(visitor)(client).open(address)
    assert page.status == 200
    assert page.form.values["harbour"] == "Gdynia"
    assert app.parts.live_registry.current.number == number + 1


async def test_a_post_that_meets_a_renamed_column_is_carried_out_once(
    app, visitor, publish, behind
):
    address = await visitor.create("boat", name="Dar", port="Gdynia")
    form = (await visitor.open(address)).form
    await publish(RENAMED)
    async with await behind() as client:
        client.cookies = visitor.client.cookies
        pairs = {**form.values, "port": "Hel", "name": "Dar Pomorza"}
        answer = await client.post(address, data=pairs)
    assert answer.status_code == 303, answer.text
    stored = (await visitor.open(address)).form.values
    assert (stored["harbour"], stored["name"]) == ("Hel", "Dar Pomorza")
    assert len(await app.system_records.list("boat")) == 1


async def test_the_api_serves_the_new_names_at_once(app, visitor, publish, behind):
    await visitor.create("boat", name="Dar", port="Gdynia")
    principal = await app.principal()
    token = await app.parts.sessions.create_token(principal.user_id, "test")
    await publish(RENAMED)
    async with await behind() as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.get("/api/data/v9.2/boats", headers=headers)
    assert answer.status_code == 200
    assert [one["harbour"] for one in answer.json()["value"]] == ["Gdynia"]


async def test_tables_that_fit_no_publication_are_answered_not_asked_again(app, visitor, engine):
    await visitor.create("boat", name="Dar")
    sql = "ALTER TABLE boat RENAME TO boat_taken_away"
    async with app.parts.database.writing() as connection:
        await connection.execute(sql, {})
    page = await visitor.open("/e/boat")
    assert page.status == 503
    assert "being updated" in page.text


async def test_a_form_that_the_publish_did_not_touch_is_just_saved(visitor, publish_seen):
    address = await visitor.create("boat", name="Dar", port="Gdynia")
    form = (await visitor.open(address)).form
    await publish_seen(OTHER_LABEL)
    saved = await visitor.send(form, port="Hel")
    assert saved.status == 303, saved.text
    assert (await visitor.open(address)).form.values["port"] == "Hel"


async def test_what_was_typed_into_a_renamed_field_goes_to_it(visitor, publish_seen):
    form = (await visitor.open("/e/boat/new")).form
    await publish_seen(RENAMED)
    saved = await visitor.send(form, at="/e/boat/new", name="Dar", port="Gdynia")
    assert saved.status == 303, saved.text
    assert (await visitor.open(saved.address)).form.values["harbour"] == "Gdynia"


async def test_what_was_typed_into_a_field_that_is_gone_is_told(visitor, publish_seen):
    address = await visitor.create("boat", name="Dar", port="Gdynia")
    form = (await visitor.open(address)).form
    await publish_seen(GONE)

    again = await visitor.send(form, name="Dar Pomorza", port="Hel")

    assert again.status == 422
    assert "“Home port” is no longer on this form. You had typed: Hel" in again.text
    assert again.form.values["name"] == "Dar Pomorza"
    assert "port" not in again.form.values
    assert (await visitor.send(again.form)).status == 303
    assert (await visitor.open(address)).form.values["name"] == "Dar Pomorza"


async def test_a_field_that_is_gone_and_was_not_touched_is_no_matter(visitor, publish_seen):
    address = await visitor.create("boat", name="Dar", port="Gdynia")
    form = (await visitor.open(address)).form
    await publish_seen(GONE)
    assert (await visitor.send(form, name="Dar Pomorza")).status == 303


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_form_without_a_new_required_field_is_shown_with_it(visitor, publish_seen, is_new):
    address = "/e/boat/new" if is_new else await visitor.create("boat", name="Dar")
    form = (await visitor.open(address)).form
    await publish_seen(MORE)

    again = await visitor.send(form, at=address, name="Dar Pomorza")

    assert again.status == 422
    assert "This form was changed" in again.text and "Flag: a value is needed." in again.text
    assert again.form.values["name"] == "Dar Pomorza"
    saved = await visitor.send(again.form, at=address, flag="PL")
    assert saved.status == 303, saved.text


async def test_a_value_typed_for_another_type_is_told_and_not_misread(visitor, publish_seen):
    address = await visitor.create("boat", name="Dar", rig="1")
    form = (await visitor.open(address)).form
    await publish_seen(OTHER_TYPE)
    again = await visitor.send(form, rig="2")
    assert again.status == 422
    assert "You had typed: Ketch" in again.text
    assert "2" not in again.form.values["rig"]


async def test_a_form_of_a_renamed_type_is_saved(visitor, publish_seen):
    address = await visitor.create("boat", name="Dar", masts="1")
    form = (await visitor.open(address)).form
    renamed = BOAT.replace("name: boat\n", "name: vessel\nrenamed_from: boat\n")
    await publish_seen(renamed, name="vessel")
    saved = await visitor.send(form, masts="2")
    assert saved.status == 303, saved.text
    assert saved.address.startswith("/e/vessel/") and "boat" not in saved.address
    assert (await visitor.open(saved.address)).form.values["masts"] == "2"


async def test_what_was_typed_into_a_type_that_is_gone_can_be_copied(visitor, publish_seen):
    address = await visitor.create("boat", name="Dar")
    form = (await visitor.open(address)).form
    await publish_seen("")
    again = await visitor.send(form, port="Hel")
    assert again.status == 409
    assert "no longer exists" in again.text and "Home port" in again.text and "Hel" in again.text
