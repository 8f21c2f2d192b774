"""The dev server's pages are for customizers, and are there with --dev alone."""

from __future__ import annotations

import httpx
import pytest

PAGES = ["/dev/status", "/dev/events"]
POSTS = ["/dev/check", "/dev/publish", "/dev/postpone"]


async def test_strangers_are_sent_to_sign_in(server):
    async with httpx.AsyncClient(base_url=server.address) as client:
        for address in PAGES:
            answer = await client.get(address)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in")


async def test_whoever_may_not_customize_sees_and_does_nothing(server):
    async with server.browser("guest") as browser:
        assert "data-k-dev" not in (await browser.client.get("/")).text
        for address in PAGES:
            assert (await browser.client.get(address)).status_code == 403
        for address in POSTS:
            assert (await browser.post(address)).status_code == 403


async def test_posts_without_the_pages_token_are_refused(server, browser):
    number = server.app.parts.live_registry.current.number
    server.write("".join(
        line for line in server.file.read_text().splitlines(keepends=True) if "masts" not in line
    ))  # fmt: skip
    await browser.until(state="held")
    for address in POSTS:
        assert (await browser.post(address, _token="forged")).status_code == 403
    assert not server.app.app.state.dev_session.status.is_postponed
    assert server.app.parts.live_registry.current.number == number


async def test_without_dev_there_is_nothing_of_it(start_app):
    app = await start_app()
    async with app.client_as() as client:
        page = (await client.get("/")).text
        assert "dev.js" not in page and "data-k-dev" not in page
        for address in PAGES:
            assert (await client.get(address)).status_code == 404


async def test_other_machines_do_not_see_lines_of_files(serve_unpublished):
    server = await serve_unpublished("kind: entity\nformat: 1\nname: boat\nfelds: []\n")
    transport = httpx.ASGITransport(app=server.app.app, client=("192.0.2.7", 40000))
    async with httpx.AsyncClient(transport=transport, base_url=server.address) as client:
        page = await client.get("/")
    assert page.status_code == 503
    assert "felds" not in page.text and "shown on the computer" in page.text


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_the_waiting_page_speaks_the_visitors_language(serve_unpublished, language):
    server = await serve_unpublished("kind: entity\n")
    async with httpx.AsyncClient(base_url=server.address, timeout=30) as client:
        page = await client.get("/", headers={"accept-language": language})
    assert f'lang="{language}"' in page.text
    assert ("Nic nie jest" if language == "pl" else "Nothing is") in page.text
