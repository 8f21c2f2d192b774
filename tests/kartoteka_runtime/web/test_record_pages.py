"""Opening, changing and deleting a record."""

from __future__ import annotations

import re


async def test_a_record_is_created_found_changed_and_deleted(visitor):
    address = await visitor.create("sample", name="Snow plough", wheels="6")

    listed = await visitor.open("/e/sample?q=snow")
    assert address in listed.links()

    page = await visitor.open(address)
    assert page.form.values["wheels"] == "6"
    saved = await visitor.send(page.form, wheels="8")
    assert saved.status == 303
    assert (await visitor.open(address)).form.values["wheels"] == "8"

    question = await visitor.open(f"{address}/delete")
    assert "Snow plough" in question.text
    deleted = await visitor.send(question.form_to(f"{address}/delete"))
    assert deleted.status == 303
    assert (await visitor.open(address)).status == 404


async def test_the_page_after_saving_says_so_once(visitor):
    address = await visitor.create("sample", name="Groomer")

    assert "Saved." in (await visitor.open(address)).text
    assert "Saved." not in (await visitor.open(address)).text


async def test_unchanged_fields_are_not_written(visitor, app):
    address = await visitor.create("sample", name="Groomer", wheels="4")
    page = await visitor.open(address)
    record_id = address.rsplit("/", 1)[1]
    before = await app.system_records.read("sample", record_id)

    await visitor.send(page.form)

    after = await app.system_records.read("sample", record_id)
    assert after["versionnumber"] == before["versionnumber"]


async def test_violations_stand_at_their_fields_and_nothing_typed_is_lost(visitor):
    address = await visitor.create("sample", name="Groomer")
    page = await visitor.open(address)

    refused = await visitor.send(
        page.form, name="", wheels="99", mail="nobody", story="x" * 70, weight="many"
    )

    assert refused.status == 422
    assert refused.form.values["wheels"] == "99"
    assert refused.form.values["story"] == "x" * 70
    for name in ("name", "wheels", "mail", "story", "weight"):
        attrs = next(a for _, a in refused.elements if a.get("id") == f"f-{name}")
        assert attrs["aria-invalid"] == "true"
        assert f"f-{name}-bad" in attrs["aria-describedby"]
        assert f'id="f-{name}-bad"' in refused.html
        assert f"#f-{name}" in refused.links()


async def test_a_refused_form_can_be_sent_again_and_keeps_its_version(visitor):
    address = await visitor.create("sample", name="Groomer")
    page = await visitor.open(address)
    refused = await visitor.send(page.form, name="", wheels="5")

    saved = await visitor.send(refused.form, name="Groomer 2")

    assert saved.status == 303
    values = (await visitor.open(address)).form.values
    assert (values["name"], values["wheels"]) == ("Groomer 2", "5")


async def test_save_and_close_goes_to_the_list_and_save_and_new_to_an_empty_form(visitor):
    page = await visitor.open("/e/sample/new")

    closed = await visitor.send(page.form, at="/e/sample/new", name="One", _then="close")
    again = await visitor.send(page.form, at="/e/sample/new", name="Two", _then="new")

    assert closed.address == "/e/sample"
    assert again.address == "/e/sample/new"


async def test_a_new_record_starts_with_what_the_address_presets(visitor):
    parent = await visitor.create("sample", name="Parent")
    record_id = parent.rsplit("/", 1)[1]

    page = await visitor.open(f"/e/sample/new?parent=sample:{record_id}&wheels=4&nonsense=1")

    values = page.form.values
    assert values["parent"] == "Parent"
    assert values["parent.ref"] == f"sample:{record_id}"
    assert values["wheels"] == "4"


async def test_a_state_change_makes_the_form_read_only_and_back(visitor):
    address = await visitor.create("sample", name="Old lift")
    page = await visitor.open(address)
    assert f"{address}/delete" in page.links()

    question = await visitor.open(f"{address}/state/inactive")
    done = await visitor.send(question.form_to(f"{address}/state/inactive"))
    assert done.status == 303

    closed = await visitor.open(address)
    assert "name" not in closed.form.values
    assert "This record is closed" in closed.text
    forced = await visitor.send(closed.form, name="Forced")
    assert forced.status in (303, 422)
    assert "Forced" not in (await visitor.open(address)).text

    reopened = await visitor.open(f"{address}/state/active")
    await visitor.send(reopened.form_to(f"{address}/state/active"))
    assert "name" in (await visitor.open(address)).form.values


async def test_typed_changes_are_saved_before_a_command_is_asked(visitor):
    address = await visitor.create("sample", name="Lift")
    page = await visitor.open(address)

    going_on = await visitor.send(page.form, wheels="2", _then="state/inactive")

    assert going_on.address == f"{address}/state/inactive"
    assert (await visitor.open(address)).form.values["wheels"] == "2"


async def test_every_control_has_a_label_and_ids_are_unique(visitor):
    address = await visitor.create("sample", name="Lift")
    for page in (await visitor.open(address), await visitor.open("/e/sample/new")):
        ids = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
        assert len(ids) == len(set(ids))
        labelled = {attrs.get("for") for tag, attrs in page.elements if tag == "label"}
        for tag, attrs in page.elements:
            is_control = tag in ("select", "textarea") or (
                tag == "input" and attrs.get("type") not in ("hidden", "checkbox", "radio")
            )
            if is_control and "hidden" not in attrs:
                assert attrs.get("id") in labelled, attrs


async def test_pages_have_no_inline_script_or_style(visitor):
    address = await visitor.create("sample", name="Lift")
    for place in ("/", "/e/sample", "/e/sample/new", address, "/settings"):
        page = await visitor.open(place)
        assert not re.search(r"<script(?![^>]*\ssrc=)", page.html)
        assert not any("style" in attrs for _, attrs in page.elements)
        assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)
