"""OAuth2 client credentials: answers and errors as RFC 6749 says."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import httpx
import pytest

from kartoteka_runtime.security.failure_limits import FailureLimits
from kartoteka_runtime.testing.running_app import ORIGIN

CLIENT = "0190a000-0000-7000-8000-000000000001"
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
async def app(start_app):
    """Give an app of the base bundle."""
    return await start_app(metadata={})


@pytest.fixture
async def service(app):
    """Give the secret of a service that may do what salespersons may."""
    user = (await app.principal("salesperson")).user_id
    secret, _ = await app.parts.services.add_secret(user, CLIENT, "robot")
    return secret


@pytest.fixture
async def client(app):
    """Give a program that has nothing yet."""
    transport = httpx.ASGITransport(app=app.app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


async def test_a_service_gets_a_token_by_header_or_body_and_reads_records(app, service, client):
    proofs = (
        {"data": GRANT, "headers": basic(CLIENT, service)},
        {"data": {**GRANT, "client_id": CLIENT, "client_secret": service}},
        {"data": {**GRANT, "client_id": CLIENT}, "headers": basic(CLIENT, service)},
    )
    for proof in proofs:
        answer = await client.post("/oauth2/token", **proof)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-type"] == "application/json"
        said = answer.json()
        assert {key: said[key] for key in said if key != "access_token"} == {
            "token_type": "Bearer",
            "expires_in": 3600,
        }
        found = await client.get(
            "/api/data/v9.2/accounts", headers={"Authorization": f"Bearer {said['access_token']}"}
        )
        assert found.status_code == 200


async def test_a_scope_narrows_the_token(service, client):
    answer = await client.post(
        "/oauth2/token", data={**GRANT, "scope": "contact:read"}, headers=basic(CLIENT, service)
    )
    assert answer.json()["scope"] == "contact:read"
    carried = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    answers = [
        await client.get("/api/data/v9.2/contacts", headers=carried),
        await client.get("/api/data/v9.2/accounts", headers=carried),
        await client.post("/api/data/v9.2/contacts", headers=carried, json={"lastname": "X"}),
    ]
    assert [one.status_code for one in answers] == [200, 403, 403]


@pytest.mark.parametrize(
    ("data", "headers", "status", "code"),
    [
        ({"grant_type": "password"}, True, 400, "unsupported_grant_type"),
        ({}, True, 400, "invalid_request"),
        ({"grant_type": ""}, True, 400, "invalid_request"),
        ({**GRANT, "scope": "everything"}, True, 400, "invalid_scope"),
        ({**GRANT, "client_secret": "twice"}, True, 400, "invalid_request"),
        ({**GRANT, "client_id": "other"}, True, 400, "invalid_request"),
        (GRANT, None, 401, "invalid_client"),
        ({**GRANT, "client_id": CLIENT}, None, 401, "invalid_client"),
        ({**GRANT, "client_id": CLIENT, "client_secret": "wrong"}, None, 401, "invalid_client"),
        ({**GRANT, "client_id": "\x00", "client_secret": "\x00"}, None, 401, "invalid_client"),
        (GRANT, {"Authorization": "Basic ???"}, 401, "invalid_client"),
        (GRANT, {"Authorization": "Basic bm9jb2xvbg=="}, 401, "invalid_client"),
        (GRANT, {"Authorization": "Bearer x"}, 401, "invalid_client"),
        (GRANT, basic(CLIENT, "wrong"), 401, "invalid_client"),
    ],
)
async def test_errors_are_those_of_the_rfc(service, client, data, headers, status, code):
    sent = basic(CLIENT, service) if headers is True else headers or {}
    answer = await client.post("/oauth2/token", data=data, headers=sent)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.headers["cache-control"] == "no-store"
    assert service not in answer.text
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Basic ")


async def test_damaged_bodies_and_other_methods_are_refused(service, client):
    form = {"content-type": "application/x-www-form-urlencoded", **basic(CLIENT, service)}
    for body, headers in (
        (b'{"grant_type": "client_credentials"}', {**form, "content-type": "application/json"}),
        (b"grant_type=client_credentials&grant_type=client_credentials", form),
        (b"grant_type=\xff", form),
        (b"a=" + b"x" * 20_000, form),
        (b"&".join(b"a%d=1" % n for n in range(100)), form),
    ):
        answer = await client.post("/oauth2/token", content=body, headers=headers)
        assert answer.status_code in (400, 413)
        assert answer.json()["error"] == "invalid_request"
    assert (await client.get("/oauth2/token")).status_code == 405


async def test_what_a_disabled_or_revoked_service_got_ends_at_once(app, service, client):
    user = (await app.principal("salesperson")).user_id

    async def token() -> str:
        answer = await client.post("/oauth2/token", data=GRANT, headers=basic(CLIENT, service))
        assert answer.status_code == 200
        return str(answer.json()["access_token"])

    async def status(carried: str) -> int:
        headers = {"Authorization": f"Bearer {carried}"}
        answer = await client.get("/api/data/v9.2/accounts", headers=headers)
        return int(answer.status_code)

    carried = await token()
    assert await status(carried) == 200
    await app.system_records.update("systemuser", user, {"isdisabled": True})
    assert await status(carried) == 401
    refused = await client.post("/oauth2/token", data=GRANT, headers=basic(CLIENT, service))
    assert refused.json()["error"] == "invalid_client"
    await app.system_records.update("systemuser", user, {"isdisabled": False})
    carried = await token()
    await app.parts.services.revoke(user)
    assert await status(carried) == 401


async def test_who_guesses_secrets_has_to_wait(app, service, client):
    app.parts.sessions.limits = FailureLimits(free=3)
    for _ in range(4):
        answer = await client.post("/oauth2/token", data=GRANT, headers=basic(CLIENT, "guess"))
        assert answer.status_code == 401
    answer = await client.post("/oauth2/token", data=GRANT, headers=basic(CLIENT, service))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
