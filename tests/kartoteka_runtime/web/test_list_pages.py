"""Lists: views, search, order, pages."""

from __future__ import annotations

import re

import pytest


@pytest.fixture
async def many(app, visitor):
    """Give a visitor to an app with 120 samples, numbered by name and wheels."""
    records = await app.records_as()
    for number in range(120):
        await records.create("sample", {"name": f"Sample {number:03}", "wheels": number % 7})
    return visitor


def names(page):
    return re.findall(r"Sample \d{3}", page.text)


async def test_pages_follow_one_another_without_gaps(many):
    page = await many.open("/e/sample")
    seen = names(page)
    while following := [a for tag, a in page.elements if a.get("rel") == "next"]:
        page = await many.open("/e/sample" + following[0]["href"])
        seen += names(page)
    assert seen == [f"Sample {number:03}" for number in range(120)]
    assert "Records: 120" in page.text


async def test_a_column_head_sorts_and_turns_the_order(many):
    page = await many.open("/e/sample")
    address = next(a["href"] for _, a in page.elements if a.get("id") == "sort-1")

    ascending = await many.open("/e/sample" + address)
    head = next(a for _, a in ascending.elements if a.get("aria-sort") == "ascending")
    turned = next(a["href"] for _, a in ascending.elements if a.get("id") == "sort-1")
    descending = await many.open("/e/sample" + turned)

    assert head
    assert names(ascending)[0] == "Sample 000"
    assert names(descending)[0] == "Sample 119"


async def test_search_finds_beginnings_and_star_finds_insides(many):
    assert names(await many.open("/e/sample?q=sample+01")) == [
        f"Sample {number:03}" for number in range(10, 20)
    ]
    assert names(await many.open("/e/sample?q=*007")) == ["Sample 007"]
    nothing = await many.open("/e/sample?q=zzz")
    assert "Nothing matches “zzz”." in nothing.text


async def test_htmx_gets_the_table_alone(many):
    part = await many.open("/e/sample?q=007", hx_request="true", hx_request_type="partial")
    whole = await many.open("/e/sample?q=007")

    assert part.html.startswith('<div class="k-card k-list" id="list">')
    assert part.html.strip() in whole.html
    assert "HX-Request" in part.response.headers["vary"]


async def test_views_are_offered_and_kept_apart(many):
    page = await many.open("/e/sample")
    views = [link for link in page.links() if "?view=" in link and link.startswith("/e/sample")]
    assert len(views) >= 2
    inactive = await many.open("/e/sample?view=inactive_samples")
    assert names(inactive) == []


async def test_related_records_of_one_record(many, app):
    records = await app.records_as()
    parent = await records.create("sample", {"name": "Parent"})
    child = await records.create("sample", {"name": "Sample 999", "parent": parent})
    page = await many.open(f"/e/sample?by=parent&of=sample:{parent}")

    assert names(page) == ["Sample 999"]
    assert f"/e/sample/{child}" in page.links()
    assert f"/e/sample/{parent}" in page.links()
    assert any("new?parent=sample%3A" in link for link in page.links())


async def test_markup_in_names_stays_text(visitor):
    await visitor.create("sample", name="<b>{{ 7*7 }}</b>")
    page = await visitor.open("/e/sample")
    assert "&lt;b&gt;{{ 7*7 }}&lt;/b&gt;" in page.html
    assert "<b>" not in page.html
