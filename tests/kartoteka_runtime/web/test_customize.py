"""The Customize pages: who may see them, what they show, and what an edit writes."""

from __future__ import annotations

import pytest

BUNDLE = """\
kind: bundle
format: 1
name: harbour
label: { en: Harbour office }
prefix: hbr
requires: [base]
"""
BOAT = """\
kind: entity
format: 1
name: hbr_boat
label: { en: Boat, pl: Łódź }
plural_label: { en: Boats, pl: Łodzie }
primary_field: name
ownership: user
fields:
  # The name painted on the hull.
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: masts, type: whole_number, label: { en: Masts } }
  - name: rig
    type: choice
    label: { en: Rig }
    options:
      - { name: sloop, value: 1, label: { en: Sloop } }
"""
VIEW = """\
kind: view
format: 1
name: hbr_boats
label: { en: All boats }
entity: hbr_boat
type: public
default: true
order: [name]
columns:
  - name    # who she is
  - masts
"""
FILES = {"bundle.yaml": BUNDLE, "entities/hbr_boat.yaml": BOAT, "views/hbr_boats.yaml": VIEW}


@pytest.fixture
def engine() -> str:
    """Files are what changes here; publishing them is tested on both engines elsewhere."""
    return "sqlite"


@pytest.fixture
async def app(start_app):
    """Give an app with a type of its own over the base bundle."""
    return await start_app(metadata=FILES)


@pytest.fixture
def file(app):
    """Give a function that reads a metadata file of the app."""
    folder = app.parts.settings.app_folder / "metadata"
    return lambda path: (folder / path).read_text(encoding="utf-8")


def form_of(page):
    """Return the form that saves a definition."""
    return next(form for form in page.forms if "_original" in form.values)


def columns_of(page) -> list[str]:
    """Return the members of the page's lists in their order."""
    return [
        attrs["value"].removeprefix("remove:")
        for tag, attrs in page.elements
        if tag == "button" and attrs.get("value", "").startswith("remove:")
    ]


async def test_others_neither_see_the_pages_nor_a_link_to_them(visit, app):
    seller = await visit("salesperson")
    assert "/customize" not in (await seller.open("/")).html
    for address in ("/customize", "/customize/account", "/customize/plan", "/customize/account/x"):
        page = await seller.open(address)
        assert page.status in (403, 404), address
    assert (await seller.open("/customize/account")).status == 403
    token = (await seller.open("/settings")).forms[-1].values.get("_token", "")
    sent = await seller.post("/customize/account", [("_token", token), ("_original", "{}")])
    assert sent.status == 403
    sent = await seller.post("/customize/plan", [("_token", token), ("_plan", "")])
    assert sent.status == 403


@pytest.mark.parametrize("role", ["system_administrator", "system_customizer"])
async def test_customizers_find_every_record_type_and_where_it_comes_from(visit, app, role):
    visitor = await visit(role)
    assert "/customize" in (await visitor.open("/")).links()
    assert "/customize/account" in (await visitor.open("/e/account")).links()
    page = await visitor.open("/customize")
    assert page.status == 200
    assert "/customize/hbr_boat" in page.links() and "/customize/account" in page.links()
    assert "Harbour office" in page.text
    found = await visitor.open("/customize?q=lodz")
    assert "/customize/hbr_boat" not in found.links()  # an English reader searches English labels
    found = await visitor.open("/customize?q=boa")
    assert "/customize/hbr_boat" in found.links() and "/customize/account" not in found.links()


ADDRESSES = (
    "/customize", "/customize/plan", "/customize/plan/progress", "/customize/account",
    "/customize/account/fields", "/customize/account/forms", "/customize/account/views",
    "/customize/account/access", "/customize/account/fields/name",
    "/customize/account/fields/industrycode", "/customize/hbr_boat", "/customize/hbr_boat/forms",
    "/customize/hbr_boat/fields/rig", "/customize/hbr_boat/views/hbr_boats", "/customize/phonecall",
)  # fmt: skip


async def test_every_page_is_shown_in_every_language(visit, app):
    for language in app.registry.languages:
        visitor = await visit(language=language)
        for address in ADDRESSES:
            page = await visitor.open(address)
            assert page.status == 200, (address, language)
            assert "customize." not in page.text, (address, language)


async def test_a_property_tells_every_layer_that_set_it(visitor, app, file):
    page = await visitor.open("/customize/account/fields/name")
    sent = await visitor.send(form_of(page), **{"fields.name.label.en": "Company name"})
    assert sent.status == 303
    page = await visitor.open("/customize/account/fields/name")
    assert "entities/account.yaml:" in page.text
    assert "metadata/entities/account.yaml:" in page.text
    assert "<s>" in page.html


async def test_an_edit_of_an_own_definition_keeps_its_comments(visitor, app, file):
    page = await visitor.open("/customize/hbr_boat/fields/name")
    sent = await visitor.send(
        form_of(page),
        **{"fields.name.label.pl": "Nazwa", "fields.name.max_length": "60"},
    )
    assert sent.status == 303, sent.text
    text = file("entities/hbr_boat.yaml")
    assert "# The name painted on the hull." in text
    assert "pl: Nazwa" in text and "max_length: 60" in text
    page = await visitor.open("/customize/hbr_boat/fields/name")
    assert form_of(page).values["fields.name.label.pl"] == "Nazwa"


async def test_an_edit_of_anothers_definition_becomes_an_extension(visitor, app, file):
    page = await visitor.open("/customize/contact")
    sent = await visitor.send(form_of(page), **{"label.en": "Person", "plural_label.en": "People"})
    assert sent.status == 303
    text = file("entities/contact.yaml")
    assert "extends: contact" in text and "Person" in text
    page = await visitor.open("/customize")
    assert "People" in page.text and "changed in this app" in page.text


async def test_what_is_not_touched_is_not_written(visitor, app, file):
    before = file("entities/hbr_boat.yaml")
    page = await visitor.open("/customize/hbr_boat")
    sent = await visitor.send(form_of(page))
    assert sent.status == 303
    assert file("entities/hbr_boat.yaml") == before


async def test_an_edit_that_would_break_the_files_is_told_at_its_input(visitor, app, file):
    before = file("views/hbr_boats.yaml")
    page = await visitor.open("/customize/hbr_boat/views/hbr_boats")
    again = await visitor.send(form_of(page), filter="mast eq 3")
    assert again.status == 422
    assert "metadata/views/hbr_boats.yaml:" in again.text
    assert 'aria-invalid="true"' in again.html
    assert form_of(again).values["filter"].strip() == "mast eq 3"
    assert file("views/hbr_boats.yaml") == before
    mended = await visitor.send(form_of(again), filter="masts eq 3")
    assert mended.status == 303
    assert "masts eq 3" in file("views/hbr_boats.yaml")


async def test_mistakes_in_the_files_are_shown_with_their_line(visitor, app):
    folder = app.parts.settings.app_folder / "metadata"
    broken = BOAT.replace("type: whole_number", "type: whole_nubmer")
    (folder / "entities" / "hbr_boat.yaml").write_text(broken, encoding="utf-8")
    page = await visitor.open("/customize")
    assert page.status == 409
    assert "metadata/entities/hbr_boat.yaml:11:" in page.text
    assert "whole_nubmer" in page.text and "Masts" in page.text
    (folder / "entities" / "hbr_boat.yaml").write_text(BOAT, encoding="utf-8")
    assert (await visitor.open("/customize")).status == 200


async def test_columns_are_added_moved_and_removed(visitor, app, file):
    address = "/customize/hbr_boat/views/hbr_boats"

    async def press(button: str, **more: str):
        page = await visitor.open(address)
        form = next(f for f in page.forms if "_within" in f.values)
        sent = await visitor.send(form, _do=button, **more)
        assert sent.status == 303, sent.text
        page = await visitor.open(address)
        return columns_of(page)

    assert await press("add", _add="rig") == ["name", "masts", "rig"]
    assert await press("up:rig") == ["name", "rig", "masts"]
    assert await press("remove:masts") == ["name", "rig"]
    assert "# who she is" in file("views/hbr_boats.yaml")


async def test_columns_of_anothers_view_are_changed_by_an_extension(visitor, app, file):
    page = await visitor.open("/customize/contact/views")
    address = next(link for link in page.links() if link.startswith("/customize/contact/views/"))

    async def columns() -> list[str]:
        return columns_of(await visitor.open(address))

    async def press(button: str, **more: str) -> list[str]:
        form = next(f for f in (await visitor.open(address)).forms if "_within" in f.values)
        sent = await visitor.send(form, _do=button, **more)
        assert sent.status == 303, sent.text
        return await columns()

    first = await columns()
    assert len(first) >= 3
    swapped = [first[1], first[0], *first[2:]]
    assert await press(f"down:{first[0]}") == swapped
    assert await press(f"up:{first[0]}") == first
    assert await press(f"up:{first[1]}") == swapped
    assert await press(f"remove:{first[2]}") == [*swapped[:2], *swapped[3:]]
    added = await press("add", _add="middlename")
    assert added[-1] == "middlename"
    assert (await press("up:middlename"))[-2] == "middlename"
    assert "middlename" not in await press("remove:middlename")


async def test_a_control_is_added_to_a_form_and_removed(visitor, app, file):
    page = await visitor.open("/customize/contact/forms")
    address = next(link for link in page.links() if link.startswith("/customize/contact/forms/"))
    page = await visitor.open(address)
    form = next(f for f in page.forms if "_add" in f.values)
    chosen = form.values["_add"]
    sent = await visitor.send(form, _do="add")
    assert sent.status == 303
    page = await visitor.open(address)
    assert f'value="remove:{chosen}"' in page.html
    name = address.rsplit("/", 1)[1]
    assert f"extends: {name}" in file(f"forms/{name}.yaml")


async def test_a_field_is_added_and_taken_away(visitor, app, file):
    page = await visitor.open("/customize/account/fields")
    form = next(f for f in page.forms if "options" in f.values)
    refused = await visitor.send(form, type="choice", **{"label.en": "Rating of ours"})
    assert refused.status == 422
    assert "A choice needs options" in refused.text
    form = next(f for f in refused.forms if "options" in f.values)
    assert form.values["label.en"] == "Rating of ours"
    sent = await visitor.send(form, options="Good\nVery good\n")
    assert sent.status == 303
    assert sent.address == "/customize/account/fields/hbr_rating_of_ours"
    assert "very_good" in file("entities/account.yaml")
    page = await visitor.open(sent.address)
    retire = next(f for f in page.forms if set(f.values) == {"_token"} and f.action == sent.address)
    gone = await visitor.send(retire, _do="retire")
    assert gone.status == 303
    assert (await visitor.open(sent.address)).status == 404


async def test_a_field_of_another_bundle_cannot_be_taken_away(visitor, app):
    page = await visitor.open("/customize/account/fields/name")
    token = form_of(page).values["_token"]
    sent = await visitor.post(
        "/customize/account/fields/name", [("_token", token), ("_do", "retire")]
    )
    assert sent.status == 404


async def test_two_customizers_do_not_overwrite_each_other(visit, app, file):
    anna, bo = await visit(), await visit("system_customizer")
    hers = form_of(await anna.open("/customize/hbr_boat/fields/masts"))
    his = form_of(await bo.open("/customize/hbr_boat/fields/masts"))
    label, help_text = "fields.masts.label.en", "fields.masts.help.en"
    assert (await bo.send(his, **{label: "Number of masts"})).status == 303
    saved = await anna.send(hers, **{help_text: "Without the bowsprit."})
    assert saved.status == 303  # another property
    assert "Number of masts" in file("entities/hbr_boat.yaml")
    again = await anna.send(hers, **{label: "Mast count"})
    assert again.status == 409
    assert "Number of masts" in again.text
    assert form_of(again).values[label] == "Mast count"
    assert (await anna.send(form_of(again))).status == 303
    assert "Mast count" in file("entities/hbr_boat.yaml")


async def test_a_folder_that_cannot_be_written_is_told_and_nothing_is_lost(visitor, app):
    folder = app.parts.settings.app_folder / "metadata"
    (folder / "forms").write_text("")  # stands where the folder of the extension would
    address = "/customize/contact/forms"
    page = await visitor.open(address)
    form = next(link for link in page.links() if link.startswith(f"{address}/"))
    again = await visitor.send(form_of(await visitor.open(form)), **{"label.en": "Person"})
    assert again.status == 503, again.text
    assert form_of(again).values["label.en"] == "Person"
    assert str(folder) not in again.text


async def test_a_field_is_secured_where_nothing_keeps_it_from_being(visit, file):
    maker = await visit("system_customizer")
    page = await maker.open("/customize/hbr_boat/fields/masts")
    form = form_of(page)
    assert form.values["fields.masts.secured"] == "false"
    await maker.send(form, **{"fields.masts.secured": "true"})
    assert "secured: true" in file("entities/hbr_boat.yaml")
    named = await maker.open("/customize/hbr_boat/fields/name")
    assert "fields.name.secured" not in form_of(named).values
