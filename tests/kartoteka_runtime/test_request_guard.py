"""Before every request: sizes, hosts, cookies and headers, whatever is behind the guard."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from kartoteka_runtime.request_guard import (
    MOST_HEADER_BYTES,
    MOST_TARGET_BYTES,
    RequestGuard,
)
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.upload_bodies import MOST_BODY_BYTES

SETTINGS = Settings(Path("."), "", b"")


async def echo(scope, receive, send):
    """Answer with what arrived; read the whole body as a careless page would."""
    request = Request(scope, receive)
    try:
        body = await request.body()
    except ClientDisconnect:
        body = b""
    response = JSONResponse({"length": len(body), "cookies": request.cookies})
    response.set_cookie("kartoteka_session", "s", httponly=True, samesite="lax")
    response.set_cookie("other", "o")
    await response(scope, receive, send)


def client(app=echo, *, url: str = "http://testserver", **settings) -> httpx.AsyncClient:
    guarded = RequestGuard(app, replace(SETTINGS, **settings))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=guarded), base_url=url)


async def test_every_answer_says_what_browsers_may_do_with_it():
    async with client() as asking:
        headers = (await asking.get("/api/data/v9.2/accounts")).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["cache-control"] == "no-store"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "strict-transport-security" not in headers


async def test_what_an_answer_says_itself_stays():
    app = PlainTextResponse("x", headers={"Cache-Control": "public, max-age=9"})
    async with client(app) as asking:
        assert (await asking.get("/")).headers["cache-control"] == "public, max-age=9"


async def test_over_https_cookies_are_bound_to_this_host():
    async with client(has_secure_cookies=True) as asking:
        answer = await asking.get("/", headers={"Cookie": "kartoteka_session=stolen; other=1"})
        assert answer.json()["cookies"] == {"other": "1"}  # somebody else's, or of before HTTPS
        first, second = answer.headers.get_list("set-cookie")
        assert first.startswith("__Host-kartoteka_session=s;") and "; Secure" in first
        assert "Path=/" in first and "HttpOnly" in first and "Domain" not in first
        assert second.startswith("other=o")
        own = {"Cookie": "a=1; __Host-kartoteka_session=mine; kartoteka_session=tossed"}
        assert (await asking.get("/", headers=own)).json()["cookies"] == {
            "a": "1",
            "kartoteka_session": "mine",
        }
        assert "max-age=63072000" in answer.headers["strict-transport-security"]


async def test_a_request_by_https_is_known_without_a_setting():
    async with client(url="https://testserver") as asking:
        assert "strict-transport-security" in (await asking.get("/")).headers


@pytest.mark.parametrize("path", ["/e/account", "/api/data/v9.2/accounts"])
async def test_endless_addresses_and_headers_are_refused(path):
    async with client() as asking:
        long = await asking.get(f"{path}?q={'x' * MOST_TARGET_BYTES}")
        assert long.status_code == 414 and "longer than" in long.text
        heavy = await asking.get(path, headers={"X-Big": "x" * MOST_HEADER_BYTES})
        assert heavy.status_code == 431
        many = await asking.get(path, headers=[(f"X-{number}", "1") for number in range(120)])
        assert many.status_code == 431
        if path.startswith("/api/"):
            assert many.json()["error"]["message"]


async def test_an_endless_body_is_cut_off_and_never_held():
    async def endless():
        for _ in range(64):
            yield b"x" * (1024 * 1024)

    async with client() as asking:
        tracemalloc.start()
        answer = await asking.post("/", content=endless())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert answer.status_code == 413 and "longer than" in answer.text
    assert peak < 3 * MOST_BODY_BYTES


async def test_a_body_that_fits_arrives_whole():
    async with client() as asking:
        assert (await asking.post("/", content=b"x" * 100_000)).json()["length"] == 100_000


async def test_only_named_hosts_are_answered():
    async with client(hosts=("crm.example.org", "localhost:8000")) as asking:

        async def ask(host: str) -> int:
            return (await asking.get("/", headers={"Host": host})).status_code

        assert await ask("crm.example.org") == 200
        assert await ask("CRM.example.org:8443") == 200
        assert await ask("localhost:8000") == 200
        assert await ask("localhost:9000") == 421
        assert await ask("evil.example") == 421
        assert await ask("crm.example.org.evil.example") == 421


async def test_a_refusal_carries_the_headers_too():
    async with client(Response("x")) as asking:
        answer = await asking.get(f"/?{'x' * MOST_TARGET_BYTES}")
        assert answer.headers["x-content-type-options"] == "nosniff"
