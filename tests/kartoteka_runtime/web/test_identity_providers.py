"""Signing in by OpenID Connect: with a provider process of certified code, and with a rogue one."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pyotp
import pytest
import uvicorn
import yaml
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from tests.kartoteka_runtime.web.openid_provider import SECRET, OpenIdProvider

from kartoteka.record_values import Reference
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.testing.running_app import RunningApp, running_app

PROVISION = {
    "claims": {"business_unit": "department"},
    "roles": [
        {"claim": "realm.groups", "value": "crm-sales", "role": "salesperson"},
        {"claim": "realm.groups", "value": "crm-lead", "role": "sales_manager"},
    ],
    "teams": [{"claim": "realm.groups", "value": "crm-lead", "team": "Leads"}],
}


@pytest.fixture(scope="module")
def provider() -> Iterator[OpenIdProvider]:
    """Give a provider process."""
    started = OpenIdProvider()
    started.start()
    yield started
    started.end()


@pytest.fixture
async def office(
    start_app: Any, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[..., Any]]:
    """Give a function that starts an app with a provider: ``app = await office(issuer, …)``."""
    monkeypatch.setenv("KARTOTEKA_OIDC_OFFICE_CLIENT_SECRET", SECRET)
    opened = []

    async def start(issuer: str, **settings: Any) -> RunningApp:
        published = (await start_app(metadata={})).parts.settings
        file = published.app_folder / "kartoteka.yaml"
        one = {"name": "office", "label": "Head office", "issuer": issuer, **settings}
        section = {"sign_in": {"providers": [{"client_id": "kartoteka", **one}]}}
        file.write_text(f"{file.read_text('utf-8')}{yaml.safe_dump(section)}", encoding="utf-8")
        context = running_app(published.app_folder, published.database_url)
        opened.append(context)
        return await context.__aenter__()

    yield start
    for context in opened:
        await context.__aexit__(None, None, None)


@asynccontextmanager
async def browser(app: RunningApp) -> AsyncIterator[httpx.AsyncClient]:
    """Yield somebody's browser."""
    transport = httpx.ASGITransport(app=app.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield client


async def come_in(
    client: httpx.AsyncClient, provider: OpenIdProvider, name: str, goal: str = ""
) -> httpx.Response:
    """Sign in by the provider and return the answer to coming back."""
    begun = await client.get("/sign-in/with/office", params={"next": goal} if goal else {})
    assert begun.status_code == 303, begun.text
    return await client.get(await provider.prove(begun.headers["location"], name))


async def user_named(app: RunningApp, name: str) -> dict[str, Any]:
    found = await app.system_records.list(
        "systemuser", filter=f"domainname eq '{name}'", fields=("systemuserid",)
    )
    return await app.system_records.read("systemuser", str(found[0]["systemuserid"]))


async def add_unit_and_team(app: RunningApp) -> str:
    records = app.system_records
    root = await records.list("businessunit", fields=("businessunitid",))
    unit = await records.create(
        "businessunit",
        {
            "name": "North",
            "parentbusinessunitid": Reference("businessunit", str(root[0]["businessunitid"])),
        },
    )
    administrator = (await app.principal()).user_id
    await records.create(
        "team",
        {
            "name": "Leads",
            "teamtype": 0,
            "businessunitid": Reference("businessunit", unit),
            "administratorid": Reference("systemuser", administrator),
        },
    )
    return unit


async def test_who_comes_first_is_made_a_user_by_claims_and_is_known_from_then_on(office, provider):
    app = await office(provider.issuer, scopes=["profile", "email", "crm"], provision=PROVISION)
    unit = await add_unit_and_team(app)
    async with browser(app) as client:
        assert "Sign in with Head office" in (await client.get("/sign-in")).text
        answer = await come_in(client, provider, "hanna", "/settings?a=1")
        assert (answer.status_code, answer.headers["location"]) == (303, "/settings?a=1")
        page = await client.get("/settings")
        assert 'lang="pl"' in page.text
        assert "Hanna Huber" in page.text

    made = await user_named(app, "hanna.huber")
    assert made["internalemailaddress"] == "hanna@lifts.example"
    assert made["businessunitid"].id == unit
    principal = app.parts.sessions.principal_of(
        await app.parts.sessions.known_user(made["systemuserid"])
    )
    assert principal.roles == {"salesperson", "sales_manager"}
    assert principal.time_zone == "Europe/Warsaw"
    members = "SELECT m.systemuserid FROM teammembership m JOIN team t ON t.teamid = m.teamid"
    found = await rows(app, f"{members} WHERE t.name = 'Leads'")
    assert [str(row[0]) for row in found] == [made["systemuserid"]]
    async with browser(app) as client:
        await come_in(client, provider, "hanna")
        assert "Hanna Huber" in (await client.get("/settings")).text
    assert await app.system_records.count("systemuser", filter="lastname eq 'Huber'") == 1


async def test_who_cannot_be_made_a_user_is_told_and_nothing_of_them_stays(office, provider):
    app = await office(provider.issuer, scopes=["profile", "email", "crm"], provision=PROVISION)
    await app.principal("salesperson")
    before = await app.system_records.count("systemuser")
    for name, message in (
        ("nameless", "No user could be made"),
        ("taken", "No user could be made"),
        ("no_role", "brings no role"),
        ("lost", "not set up rightly"),
        ("hanna", "not set up rightly"),  # there is no unit called North
    ):
        async with browser(app) as client:
            answer = await come_in(client, provider, name)
            assert (name, answer.status_code) == (name, 403)
            assert message in answer.text
            assert "kartoteka_session" not in client.cookies
    assert await app.system_records.count("systemuser") == before
    assert await rows(app, "SELECT user_id FROM kartoteka_external_identity") == []


async def test_without_provisioning_only_linked_and_mailed_users_come_in(office, provider):
    app = await office(provider.issuer, link_by_email=True)
    user_id = await add_user(
        app.parts.records, user_name="hh", first_name="Hanna", last_name="H", roles=["salesperson"],
        email="Hanna@Lifts.example",
    )  # fmt: skip
    async with browser(app) as client:
        assert (await come_in(client, provider, "unverified")).status_code == 403
        assert "Nobody here" in (await come_in(client, provider, "taken")).text
        assert (await come_in(client, provider, "hanna")).status_code == 303
    linked = "SELECT issuer, subject, user_id FROM kartoteka_external_identity"
    assert await rows(app, linked) == [(provider.issuer, "hanna", user_id)]

    # The link counts from now on, not the address.
    await app.system_records.update("systemuser", user_id, {"internalemailaddress": "x@y.example"})
    async with browser(app) as client:
        assert (await come_in(client, provider, "hanna")).status_code == 303
    await app.system_records.update("systemuser", user_id, {"isdisabled": True})
    async with browser(app) as client:
        answer = await come_in(client, provider, "hanna")
        assert answer.status_code == 422
        assert "may not sign in" in answer.text
        assert "kartoteka_session" not in client.cookies


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_an_address_finds_nobody_unless_the_settings_say_so_and_it_is_one_persons(
    office, provider
):
    for settings in ({}, {"link_by_email": True}):
        app = await office(provider.issuer, **settings)
        for name in ("one", "two") if settings else ("one",):
            await add_user(
                app.parts.records, user_name=name, first_name="A", last_name="B",
                roles=["salesperson"], email="hanna@lifts.example",
            )  # fmt: skip
        async with browser(app) as client:
            assert (await come_in(client, provider, "hanna")).status_code == 403


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_nobody_waits_with_the_mail_address_of_somebody_else(office, provider):
    app = await office(
        provider.issuer, link_by_email=True, provision={"default_roles": ["salesperson"]}
    )
    for name in ("early", "hanna"):
        async with browser(app) as client:
            assert (await come_in(client, provider, name)).status_code == 303
    assert (await user_named(app, "early"))["internalemailaddress"] is None
    made = await user_named(app, "hanna.huber")
    assert made["internalemailaddress"] == "hanna@lifts.example"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_way_back_works_once_and_in_one_browser(office, provider):
    app = await office(provider.issuer, provision={"default_roles": ["salesperson"]})
    async with browser(app) as client, browser(app) as other:
        begun = await client.get("/sign-in/with/office?next=//evil.example")
        back = await provider.prove(begun.headers["location"], "hanna")
        await other.get("/sign-in")
        stolen = await other.get(back)  # neither the answer nor the attempt is of use elsewhere
        assert stolen.status_code == 400
        assert "kartoteka_session" not in other.cookies
        answer = await client.get(back)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        client.cookies.delete("kartoteka_session")
        assert (await client.get(back)).status_code == 400
        for forged in ("", "?code=x", "?code=x&state=" + "y" * 9000, "?state=%00&code=%ff"):
            assert (await client.get(f"/sign-in/with/office/back{forged}")).status_code == 400
        assert (await client.get("/sign-in/with/nobody")).status_code == 404
        begun = await client.get("/sign-in/with/office")
        state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
        denied = await client.get(
            f"/sign-in/with/office/back?state={state}&error=access_denied&error_description=<b>"
        )
        assert denied.status_code == 403
        assert "<b>" not in denied.text
        assert "kartoteka_session" not in client.cookies


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("is_trusted", [False, True])
async def test_a_second_step_is_asked_for_unless_the_provider_is_trusted_with_it(
    office, provider, is_trusted
):
    app = await office(
        provider.issuer,
        trusts_second_factor=is_trusted,
        provision={"default_roles": ["salesperson"]},
    )
    async with browser(app) as client:
        assert (await come_in(client, provider, "hanna")).headers["location"] == "/"
    user_id = (await user_named(app, "hanna.huber"))["systemuserid"]
    totp = app.parts.sign_in.totp
    secret = totp.new_secret(user_id)
    generator = pyotp.TOTP(totp.key(secret, user_id).replace(" ", ""))
    assert await totp.set_up(secret, user_id, generator.now())
    async with browser(app) as client:
        answer = await come_in(client, provider, "hanna", "/settings")
        assert answer.headers["location"] == (
            "/settings" if is_trusted else "/sign-in/second-factor"
        )
        assert ("kartoteka_session" in client.cookies) == is_trusted
    told = await app.system_records.list("securityevent", fields=("name", "detail"))
    kinds = [str(event["name"]).split()[0] for event in told]
    assert kinds.count("provisioned") == 1
    assert kinds.count("sign_in") == 1 + is_trusted
    assert any("by: office" in str(event["detail"]) for event in told)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_signing_out_offers_to_sign_out_of_the_provider(office, provider):
    app = await office(provider.issuer, provision={"default_roles": ["salesperson"]})
    async with browser(app) as client:
        await come_in(client, provider, "hanna")
        token = re.search(r'name="_token" value="(\w+)"', (await client.get("/settings")).text)
        assert token
        answer = await client.post("/sign-out", data={"_token": token[1]})
        page = await client.get(answer.headers["location"])
        assert "Sign out of Head office too" in page.text
        there = await client.get("/sign-in/with/office/sign-out")
        assert there.headers["location"].startswith(f"{provider.issuer}/session/end?")
        assert (await client.get("/settings")).status_code == 303


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_new_keys_are_learned_and_a_provider_that_is_down_is_named(office):
    provider = OpenIdProvider()
    try:
        provider.start("first")
        app = await office(provider.issuer, provision={"default_roles": ["salesperson"]})
        async with browser(app) as client:
            assert (await come_in(client, provider, "hanna")).status_code == 303
        provider.end()
        async with browser(app) as client:
            begun = await client.get("/sign-in/with/office")  # what it said is remembered
            state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
            answer = await client.get(
                "/sign-in/with/office/back",
                params={"state": state, "code": "x", "iss": provider.issuer},
            )
            assert answer.status_code == 503
            assert "cannot be reached" in answer.text
        provider.start("second")
        async with browser(app) as client:
            assert (await come_in(client, provider, "hanna")).status_code == 303
    finally:
        provider.end()
    app = await office(provider.issuer)
    async with browser(app) as client:
        answer = await client.get("/sign-in/with/office")
        assert answer.status_code == 503
        assert "cannot be reached" in answer.text


class Rogue:
    """A provider whose tokens are as a test wants them."""

    def __init__(self) -> None:
        self.issuer = ""
        self.key = RSAKey.generate_key(2048, {"kid": "k"})
        self.discovery: dict[str, Any] = {}
        self.token: dict[str, Any] = {}
        self.app = Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discovery),
                Route("/keys", self._keys),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _discovery(self, request: Request) -> JSONResponse:
        said = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/auth",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
        }
        return JSONResponse({**said, **self.discovery})

    async def _keys(self, request: Request) -> JSONResponse:
        shared = OctKey.import_key(SECRET, {"kid": "shared"})
        keys = [self.key.as_dict(private=False), shared.as_dict(), {"kty": "new", "kid": "n"}]
        return JSONResponse({"keys": keys})

    async def _token(self, request: Request) -> JSONResponse:
        return JSONResponse(self.token)

    def claims(self, own_nonce: str, /, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        right = {
            "iss": self.issuer, "sub": "hanna", "aud": "kartoteka", "nonce": own_nonce, "iat": now,
            "exp": now + 300, "preferred_username": "hanna",
        }  # fmt: skip
        return {k: v for k, v in {**right, **changes}.items() if v is not None}

    def signed(self, claims: dict[str, Any], key: Any = None, alg: str = "RS256") -> str:
        header = {"alg": alg, "kid": "k"}
        return jwt.encode(header, claims, key or self.key, algorithms=[alg])


@pytest.fixture
async def rogue() -> AsyncIterator[Rogue]:
    """Give a rogue provider that answers."""
    made = Rogue()

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    server = Server(uvicorn.Config(made.app, lifespan="off", ws="none", log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made.issuer = f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started and not serving.done():
            await asyncio.sleep(0)
        yield made
        server.should_exit = True
        await serving


def _by_hand(rogue: Rogue, nonce: str, header: dict[str, str], secret: bytes = b"") -> str:
    """Return a token that no library would make; without a secret it has no signature."""
    parts = [json.dumps(part).encode() for part in (header, rogue.claims(nonce))]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(secret, signed, "sha256") if secret else b""
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


ATTACKS: dict[str, Callable[[Rogue, str], Any]] = {
    "a nonce of another attempt": lambda r, n: r.signed(r.claims("other")),
    "no nonce": lambda r, n: r.signed(r.claims(n, nonce=None)),
    "a token for another client": lambda r, n: r.signed(r.claims(n, aud="other")),
    "a token for two clients, asked for by the other": lambda r, n: r.signed(
        r.claims(n, aud=["kartoteka", "other"], azp="other")
    ),
    "a token for two clients": lambda r, n: r.signed(r.claims(n, aud=["kartoteka", "other"])),
    "an expired token": lambda r, n: r.signed(r.claims(n, exp=int(time.time()) - 120)),
    "a token without end": lambda r, n: r.signed(r.claims(n, exp=None)),
    "a token from tomorrow": lambda r, n: r.signed(r.claims(n, iat=int(time.time()) + 86400)),
    "another issuer": lambda r, n: r.signed(r.claims(n, iss="https://other.example")),
    "nobody": lambda r, n: r.signed(r.claims(n, sub="")),
    "no subject": lambda r, n: r.signed(r.claims(n, sub=None)),
    "a subject that is no text": lambda r, n: r.signed(r.claims(n, sub={"a": 1})),
    "a hash of another access token": lambda r, n: r.signed(r.claims(n, at_hash="AAAA")),
    "no signature": lambda r, n: _by_hand(r, n, {"alg": "none"}),
    "no signature, of a known key": lambda r, n: _by_hand(r, n, {"alg": "none", "kid": "k"}),
    "a signature cut off": lambda r, n: r.signed(r.claims(n)).rpartition(".")[0] + ".",
    "the client secret as key": lambda r, n: _by_hand(r, n, {"alg": "HS256"}, SECRET.encode()),
    "a secret that is among the keys": lambda r, n: _by_hand(
        r, n, {"alg": "HS256", "kid": "shared"}, SECRET.encode()
    ),
    "the public key as secret": lambda r, n: _by_hand(
        r, n, {"alg": "HS256", "kid": "k"}, r.key.as_pem(private=False)
    ),
    "a key that is not the provider's": lambda r, n: r.signed(
        r.claims(n), RSAKey.generate_key(2048)
    ),
    "no token": lambda r, n: None,
    "no text": lambda r, n: {"a": 1},
    "garbage": lambda r, n: "a.b.c",
}


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_no_forged_token_starts_a_session(office, rogue):
    app = await office(rogue.issuer, provision={"default_roles": ["salesperson"]})
    for name, forge in {**ATTACKS, "": lambda r, n: r.signed(r.claims(n))}.items():
        async with browser(app) as client:
            begun = await client.get("/sign-in/with/office")
            asked = parse_qs(urlsplit(begun.headers["location"]).query)
            assert asked["code_challenge_method"] == ["S256"]
            token = forge(rogue, asked["nonce"][0])
            rogue.token = {"access_token": "a", "token_type": "Bearer", "id_token": token}
            back = {"code": "c", "state": asked["state"][0]}
            answer = await client.get("/sign-in/with/office/back", params=back)
            assert (name, answer.status_code) == (name, 403 if name else 303)
            assert ("kartoteka_session" in client.cookies) == (not name), name


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("said", "issuer"),
    [
        ({"issuer": "https://other.example"}, ""),
        ({"token_endpoint": "http://insecure.example/token"}, ""),
        ({"jwks_uri": None}, ""),
        ({"authorization_endpoint": 5}, ""),
        ({}, "https://mixed-up.example"),
        ({"authorization_response_iss_parameter_supported": True}, ""),
    ],
)
async def test_a_provider_that_contradicts_itself_lets_nobody_in(office, rogue, said, issuer):
    app = await office(rogue.issuer, provision={"default_roles": ["salesperson"]})
    rogue.discovery = said
    async with browser(app) as client:
        answer = await client.get("/sign-in/with/office")
        if answer.status_code == 303:
            asked = parse_qs(urlsplit(answer.headers["location"]).query)
            token = rogue.signed(rogue.claims(asked["nonce"][0]))
            rogue.token = {"access_token": "a", "token_type": "Bearer", "id_token": token}
            back = {"code": "c", "state": asked["state"][0], **({"iss": issuer} if issuer else {})}
            answer = await client.get("/sign-in/with/office/back", params=back)
        assert answer.status_code in (403, 503)
        assert "kartoteka_session" not in client.cookies


async def rows(app: RunningApp, sql: str) -> list[tuple[Any, ...]]:
    async with app.parts.database.reading() as connection:
        return [tuple(row) for row in await connection.fetch_all(sql, {})]
