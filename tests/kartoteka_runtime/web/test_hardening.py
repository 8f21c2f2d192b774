"""Attacks from other sites, from visitors and from people who ask for too much."""

from __future__ import annotations

import json
import logging
from collections import deque
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from kartoteka.errors import AccessDenied
from kartoteka_runtime.app import guards
from kartoteka_runtime.security.events import LOG_NAME
from kartoteka_runtime.security.request_limits import RequestLimit
from kartoteka_runtime.web.page_endpoint import PageEndpoint

ID = "00000000-0000-7000-8000-000000000000"
PARAMETERS = {
    "entity": "sample",
    "record_id": ID,
    "form": "sample_main",
    "kind": "command",
    "name": "name",
    "relationship": "systemuserroles_association",
    "path": "nothing",
    "area": "settings",
    "entities": "sample",
    "field": "name",
    "view": "all_samples",
}


async def stored(app, kind):
    return await app.system_records.list("securityevent", filter=f"kind eq '{kind}'")


def posting_addresses(app) -> list[str]:
    """Return an address of every page that takes posts."""
    found = []
    for route in app.app.routes:
        endpoint = getattr(route, "endpoint", None)
        if isinstance(endpoint, PageEndpoint) and endpoint._handlers["POST"] is not None:
            parameters = {name: PARAMETERS.get(name, "x") for name in route.param_convertors}
            found.append(route.url_path_for(route.name, **parameters))
    return found


async def test_every_post_to_every_page_needs_proof_of_where_it_comes_from(app, visitor):
    addresses = posting_addresses(app)
    assert len(addresses) > 15
    for address in addresses:
        empty = await visitor.client.post(
            address, content=b"", headers={"content-type": "application/x-www-form-urlencoded"}
        )
        assert (address, empty.status_code) == (address, 403)
        for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
            sent = {"content-type": kind}
            answer = await visitor.client.post(address, content=b"{}", headers=sent)
            assert (address, kind, answer.status_code) == (address, kind, 400)
            sent["x-csrf-token"] = "guessed"
            answer = await visitor.client.post(address, content=b"{}", headers=sent)
            assert (address, kind, answer.status_code) == (address, kind, 403)
    assert (await visitor.open("/")).status == 200  # still signed in
    refused = await stored(app, "access_refused")
    assert refused and all("error.forged" in str(found["detail"]) for found in refused)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),  # a subdomain that others may write pages for
        ({"sec_fetch_site": "same-origin"}, 303),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://testserver.evil.example"}, 403),
        ({"origin": "http://testserver:81"}, 403),
        ({"origin": "http://testserver"}, 303),
        ({"origin": "https://testserver"}, 303),  # a proxy speaks HTTPS for us
    ],
)
async def test_a_post_with_the_right_token_from_elsewhere_is_refused(visitor, headers, status):
    page = await visitor.open("/settings")
    form = page.form_to("/settings")
    answer = await visitor.post("/settings", form.inputs, **headers)
    assert answer.status == status


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # pages know no engine
async def test_no_page_holds_anything_inline(app, visitor):
    """Follows links, Customize included, and looks at what a strict policy would stop."""
    await visitor.create("sample", name="Groomer")
    waiting = deque(["/", "/customize", "/settings", "/nothing", "/jobs"])
    seen = set[str]()
    while waiting and len(seen) < 120:
        address = waiting.popleft()
        pattern = "/".join(urlsplit(address).path.split("/")[:4])
        if pattern in seen or not address.startswith("/") or address.startswith("//"):
            continue
        seen.add(pattern)
        page = await visitor.open(address)
        if page.status in (302, 303):
            waiting.append(page.address)
            continue
        assert page.status in (200, 404), (address, page.status)
        policy = page.response.headers["content-security-policy"]
        assert "'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        for tag, attributes in page.elements:
            assert tag != "style", address
            assert tag != "script" or attributes.get("src", "").startswith("/static/"), address
            handlers = [name for name in attributes if name == "style" or name.startswith("on")]
            assert not handlers, (address, tag, handlers)
            links = [attributes.get(name, "") for name in ("href", "src", "action", "formaction")]
            assert not any(link.lower().startswith(("javascript:", "data:")) for link in links)
        waiting.extend(page.links())
    assert len(seen) > 40


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "https:evil",
        "https://evil.example/", "javascript:alert(1)", "/\t/evil.example", "/\n/evil.example",
        "/\r\nSet-Cookie:x=1", "\t//evil.example", " //evil.example", "/\x00/evil.example",
        "//evil.example%2f..", "http:///evil.example", "@evil.example", "//testserver@evil.example",
    ],
)  # fmt: skip
async def test_signing_in_leads_to_no_other_site(app, visitor, wanted):
    """Also where the address was encoded once more than needed."""
    for sent in (quote(wanted, safe=""), quote(quote(wanted, safe=""), safe="")):
        page = await visitor.open(f"/sign-in?next={sent}")
        assert page.status in (302, 303)
        at = urlsplit("http://testserver").geturl()
        assert str(httpx.URL(at).join(page.address)).startswith("http://testserver/")
        assert not page.address.startswith(("//", "/\\"))
        assert page.address.isprintable()


async def test_the_api_takes_no_cookies(app, visitor):
    """What a browser sends by itself is no proof there, so that no other site can use it."""
    record = (await visitor.create("sample", name="Groomer")).rpartition("/")[2].partition("?")[0]
    address = f"/api/data/v9.2/samples({record})"
    for method in ("GET", "PATCH", "DELETE"):
        answer = await visitor.client.request(method, address, content=b"{}")
        assert answer.status_code == 401
    answer = await visitor.client.post("/api/data/v9.2/samples", content=b'{"name":"x"}')
    assert answer.status_code == 401
    token = visitor.client.cookies["kartoteka_session"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await visitor.client.get(address, headers=bearer)).status_code == 401


async def test_the_api_refuses_what_is_too_long_or_too_deep(app):
    async with app.api_as() as client:

        async def slowly():
            for _ in range(6):
                yield b" " * 1024 * 1024

        for content in (b" " * 5_000_000, slowly()):
            answer = await client.post("samples", content=content)
            assert answer.status_code == 413
            assert "larger than" in answer.json()["error"]["message"]
        closed = b'{"name":' + b"[" * 900 + b"]" * 900 + b"}"
        for deep in (b"[" * 100_000, b'{"a":' * 100_000, closed):
            assert (await client.post("samples", content=deep)).status_code == 400
        answer = await client.get("samples", headers={"X-Test": "1"})
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


async def test_who_asks_too_often_waits(app, visitor, monkeypatch):
    limits = app.parts.limits
    monkeypatch.setattr(limits, "users", RequestLimit(3))
    async with app.api_as() as client:
        first = await client.get("samples")
        assert first.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "2"
        await client.get("samples")
        await client.get("samples")
        answer = await client.get("samples")
        assert answer.status_code == 429
        assert answer.json()["error"]["code"] == "0x80072322"
        assert answer.headers["retry-after"].isdecimal()
        assert answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "0"
    page = await visitor.open("/settings")  # the same user, by browser
    assert page.status == 429
    seconds = page.response.headers["retry-after"]
    assert f"Try again in {seconds} seconds" in page.text
    monkeypatch.undo()
    (event,) = await stored(app, "rate_limited")  # once, however often
    assert event["userid"] is not None


async def test_addresses_are_limited_whoever_asks(app, visitor, monkeypatch):
    monkeypatch.setattr(app.parts.limits, "addresses", RequestLimit(2))
    statuses = [(await visitor.open("/settings")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    async with app.api_as() as client:
        assert (await client.get("samples")).status_code == 429
    transport = httpx.ASGITransport(app=app.app, client=("198.51.100.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as other:
        assert (await other.get("/sign-in")).status_code == 200


async def test_guessing_passwords_and_tokens_is_limited(app, monkeypatch):
    monkeypatch.setattr(app.parts.limits, "visitors", RequestLimit(4))
    transport = httpx.ASGITransport(app=app.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        for _ in range(2):
            guess = {"Authorization": "Bearer kt_guessed"}
            answer = await client.get("/api/data/v9.2/samples", headers=guess)
            assert answer.status_code == 401
        for _ in range(2):
            answer = await client.post("/sign-in", data={"user_name": "ann", "password": "x"})
            assert answer.status_code == 403
        answer = await client.post("/sign-in", data={"user_name": "ann", "password": "x"})
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) > 0
        answer = await client.get("/api/data/v9.2/samples", headers=guess)
        assert answer.status_code == 429
        assert (await client.get("/sign-in")).status_code == 200


async def test_addresses_that_others_claim_count_only_behind_a_trusted_proxy(app):
    async def address_seen(proxies):
        seen = []

        async def see(scope, receive, send):
            seen.append((scope["client"][0], scope["scheme"]))

        stack: Any = see
        for middleware in reversed(guards(replace(app.parts.settings, trusted_proxies=proxies))):
            stack = middleware.cls(stack, *middleware.args, **middleware.kwargs)
        scope = {
            "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"",
            "scheme": "http", "client": ("127.0.0.1", 1),
            "headers": [
                (b"x-forwarded-for", b"203.0.113.1, 198.51.100.2"), (b"x-forwarded-proto", b"https")
            ],
        }  # fmt: skip
        await stack(scope, None, None)
        return seen[0]

    assert await address_seen(()) == ("127.0.0.1", "http")
    assert await address_seen(("127.0.0.1",)) == ("198.51.100.2", "https")
    assert await address_seen(("10.0.0.0/8",)) == ("127.0.0.1", "http")


async def test_refusals_are_recorded_with_who_what_and_from_where(app, visit):
    visitor = await visit("salesperson")
    assert (await visitor.open("/customize")).status == 403
    async with app.api_as("salesperson") as client:
        refused = await client.post("roles", content=json.dumps({"name": "Mine"}))
        assert refused.status_code == 403
    told = {str(found["detail"]): found for found in await stored(app, "access_refused")}
    assert len(told) == 2
    assert all(found["userid"] and found["address"] == "127.0.0.1" for found in told.values())
    page, endpoint = sorted(told, key=lambda text: "api" in text)
    assert "request: GET /customize" in page
    assert "privilege: create" in endpoint and told[endpoint]["entityname"] == "role"


async def test_every_attempt_to_sign_in_is_recorded_without_the_password(app, stranger, caplog):
    principal = await app.principal("salesperson")
    await app.parts.sessions.set_password(principal.user_id, "a long enough secret")
    caplog.set_level(logging.INFO, logger=LOG_NAME)
    page = await stranger.open("/sign-in")
    for name, password in (("salesperson", "a wrong secret"), ("nobody", "another secret")):
        await stranger.send(page.forms[0], user_name=name, password=password)
    answer = await stranger.send(
        page.forms[0], user_name="salesperson", password="a long enough secret"
    )
    assert answer.status == 303
    failed = await stored(app, "sign_in_failed")
    assert {found["username"] for found in failed} == {"salesperson", "nobody"}
    assert {found["address"] for found in failed} == {"127.0.0.1"}
    (event,) = await stored(app, "sign_in")
    assert event["userid"].id == principal.user_id
    assert "secret" not in caplog.text.replace("kartoteka.security", "") + repr(failed)


async def test_auditors_read_events_and_find_nothing_to_change_them_with(app, visitor):
    await app.parts.security_events.record("sign_in", user_name="ann")
    listed = await visitor.open("/e/securityevent?view=securityevent_sign_ins")
    assert listed.status == 200 and "ann" in listed.text and "Signed in" in listed.text
    (event,) = await stored(app, "sign_in")
    shown = await visitor.open(f"/e/securityevent/{event['securityeventid']}")
    assert shown.status == 200 and "ann" in shown.text
    for page in (listed, shown):
        assert "/e/securityevent/new" not in page.links()
        actions = {form.action.split("?")[0] for form in page.forms}
        assert not any("delete" in action for action in actions)
        assert not any(link.endswith("/delete") for link in page.links())
    names = {name for form in shown.forms for name, _ in form.inputs}
    assert not names & {"name", "kind", "occurredon", "username", "address", "detail"}
    assert (await visitor.open("/e/securityevent/new")).status == 403
    outsider = await app.records_as("salesperson")
    with pytest.raises(AccessDenied):
        await outsider.list("securityevent")
