"""What a lookup offers while one types, and records created on the way."""

from __future__ import annotations

import json

HTMX = {"hx_request": "true", "hx_request_type": "partial"}


async def test_a_lookup_offers_what_begins_with_the_typed_text(visitor):
    for name in ("Alpha", "Alpine", "Beta"):
        await visitor.create("sample", name=name)
    page = await visitor.open("/lookup/sample?q=alp&listbox=box", **HTMX)

    options = [attrs for tag, attrs in page.elements if attrs.get("role") == "option"]
    assert [attrs["data-name"] for attrs in options] == ["Alpha", "Alpine"]
    assert all(attrs["id"].startswith("box-") for attrs in options)


async def test_several_entities_are_offered_in_groups(visitor):
    await visitor.create("sample", name="Alpha")
    page = await visitor.open("/lookup/sample,systemuser?q=", **HTMX)
    assert "Samples" in page.text
    assert "Users" in page.text


async def test_a_record_created_for_a_lookup_is_handed_over(visit, app):
    visitor = await visit()
    address = "/e/contact/new?quick=1&for=buyer"
    form = (await visitor.open(address, **HTMX)).form
    filled = [(name, value) for name, value in form.inputs if name != "lastname"]

    answer = await visitor.post(
        address, [*filled, ("lastname", "Żółć")], hx_request="true", hx_request_type="partial"
    )

    said = json.loads(answer.response.headers["hx-trigger"])["k:created"]
    assert said["field"] == "buyer"
    assert said["name"] == "Żółć"
    assert said["ref"].startswith("contact:")
