"""What every answer says to the browser about safety and keeping."""

from __future__ import annotations


async def test_pages_allow_nothing_foreign_or_inline(visitor):
    for place in ("/", "/e/sample", "/nothing", "/settings"):
        headers = (await visitor.open(place)).response.headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cache-control"] == "no-store"
        assert "HX-Request" in headers["vary"]


async def test_static_files_are_kept_for_good_under_addresses_that_name_their_content(visitor):
    page = await visitor.open("/")
    files = [a["href"] for tag, a in page.elements if tag == "link"]
    files += [a["src"] for tag, a in page.elements if tag == "script"]
    assert len(files) > 5
    for address in files:
        answer = await visitor.client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        again = await visitor.client.get(address, headers={"if-none-match": answer.headers["etag"]})
        assert again.status_code == 304


async def test_an_old_address_of_a_static_file_gives_todays_file(visitor):
    answer = await visitor.client.get("/static/0000/css/client.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


async def test_the_icons_of_the_metadata_are_in_the_sprite(visitor):
    page = await visitor.open("/e/sample")
    sprite = next(a["href"] for tag, a in page.elements if tag == "use").split("#")[0]
    text = (await visitor.client.get(sprite)).text
    used = {a["href"].split("#")[1] for tag, a in page.elements if tag == "use"}
    for name in used:
        assert f'id="{name}"' in text
