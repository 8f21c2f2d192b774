"""The second step of signing in: codes, recovery codes, who must have one, and what is half-way."""

from __future__ import annotations

import asyncio
import re
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pyotp
import pytest
import yaml

from kartoteka_runtime.security.totp import STEP_SECONDS, Totp
from kartoteka_runtime.testing.running_app import running_app

PASSWORD = "a long enough secret"
SETTINGS = "/settings/sign-in"


@pytest.fixture
async def app(start_app):
    """Give an app of the base bundle, whose salesperson has a password."""
    app = await start_app(metadata={})
    await app.parts.sessions.set_password((await app.principal("salesperson")).user_id, PASSWORD)
    return app


@pytest.fixture
def clock(app):
    """Give the clock of codes: a list with the seconds that it shows."""
    shown = [time.time()]
    app.parts.sign_in.totp._clock = lambda: shown[0]
    return shown


async def password_step(stranger, app, name="salesperson", goal=""):
    """Type name and password, and return the answer."""
    page = await stranger.open(f"/sign-in?next={goal}" if goal else "/sign-in")
    return await stranger.send(page.form_to("/sign-in"), user_name=name, password=PASSWORD)


async def set_up_codes(visitor, clock) -> tuple[pyotp.TOTP, list[str]]:
    """Set up codes as the salesperson, and return the generator and the recovery codes."""
    page = await visitor.open(f"{SETTINGS}/codes")
    generator = pyotp.TOTP(key_on(page))
    form = page.form_to(f"{SETTINGS}/codes")
    wrong = await visitor.send(form, code="000000", password=PASSWORD)
    assert wrong.status == 422
    assert key_on(wrong) == generator.secret
    code = generator.at(clock[0])
    unsure = await visitor.send(wrong.form_to(f"{SETTINGS}/codes"), code=code)
    assert unsure.status == 422
    done = await visitor.send(unsure.form_to(f"{SETTINGS}/codes"), code=code, password=PASSWORD)
    codes = re.findall(r"<code>([a-z2-9]{5}-[a-z2-9]{5})</code>", done.html)
    assert len(set(codes)) == 10, done.text
    assert done.response.headers["cache-control"] == "no-store"
    return generator, codes


def key_on(page) -> str:
    """Return the secret that a page shows."""
    found = re.search(r'k-key"[^>]*>([A-Z2-7 ]+)<', page.html)
    assert found, page.text
    return found[1].replace(" ", "")


def has_session(visitor) -> bool:
    return bool(visitor.client.cookies.get("kartoteka_session"))


async def test_a_code_is_asked_for_after_the_password_and_taken_once(app, visit, stranger, clock):
    generator, _ = await set_up_codes(await visit("salesperson"), clock)
    stored = await rows(app, "SELECT secret FROM kartoteka_totp")
    assert generator.secret not in str(stored)

    asked = await password_step(stranger, app, goal="/settings")
    assert (asked.status, asked.address) == (303, "/sign-in/second-factor")
    assert not has_session(stranger)
    assert (await stranger.open("/settings")).status == 303
    form = (await stranger.open(asked.address)).form_to("/sign-in/second-factor")
    used = generator.at(clock[0])  # the one that set it up
    assert (await stranger.send(form, code=used)).status == 422
    clock[0] += STEP_SECONDS
    code = generator.at(clock[0])
    done = await stranger.send(form, code=f"{code[:3]} {code[3:]}")
    assert (done.status, done.address) == (303, "/settings")
    assert (await stranger.open("/settings")).status == 200

    stranger.client.cookies.clear()
    await password_step(stranger, app)
    form = (await stranger.open("/sign-in/second-factor")).form_to("/sign-in/second-factor")
    assert (await stranger.send(form, code=code)).status == 422
    assert not has_session(stranger)

    told = await app.system_records.list("securityevent", fields=("name", "detail"))
    kinds = [str(event["name"]).split()[0] for event in told]
    counted = [kinds.count(kind) for kind in ("second_factor_added", "sign_in", "sign_in_failed")]
    assert counted == [1, 1, 2]
    assert all(secret not in str(told) for secret in (code, used, PASSWORD, generator.secret))


async def test_clocks_may_be_one_step_apart_and_no_more(app, visit, clock):
    generator, _ = await set_up_codes(await visit("salesperson"), clock)
    totp, user_id = app.parts.sign_in.totp, (await app.principal("salesperson")).user_id
    clock[0] += 100 * STEP_SECONDS
    for steps, is_right in ((-2, False), (2, False), (-1, True), (-1, False), (0, True), (1, True)):
        code = generator.at(clock[0] + steps * STEP_SECONDS)
        assert (steps, await totp.accept(user_id, code)) == (steps, is_right)
    clock[0] += 100 * STEP_SECONDS
    code = generator.at(clock[0])
    right = await asyncio.gather(*(totp.accept(user_id, code) for _ in range(8)))
    assert sorted(right) == [False] * 7 + [True]
    for text in ("", "12345", "1234567", "１２３４５６", "abcdef", code + "\0"):
        assert not await totp.accept(user_id, text)
    assert not await Totp(app.parts.sign_in.store, secret=b"other" * 8).accept(
        user_id, generator.at(clock[0] + STEP_SECONDS)
    )


async def test_a_recovery_code_opens_once_and_new_ones_end_the_old(app, visit, stranger, clock):
    owner = await visit("salesperson")
    _, codes = await set_up_codes(owner, clock)
    assert codes[0] not in str(await rows(app, "SELECT * FROM kartoteka_recovery_code"))
    for code, is_right in ((codes[0].upper().replace("-", " "), True), (codes[0], False)):
        stranger.client.cookies.clear()
        await password_step(stranger, app)
        form = (await stranger.open("/sign-in/second-factor")).form_to("/sign-in/second-factor")
        await stranger.send(form, code=code)
        assert has_session(stranger) == is_right
    page = await owner.open(SETTINGS)
    assert "have not used: 9" in page.text
    form = page.form_to(f"{SETTINGS}/recovery-codes")
    assert (await owner.send(form, password="wrong")).status == 422
    assert (await owner.send(form, password=PASSWORD)).status == 200
    user_id = (await app.principal("salesperson")).user_id
    assert not await app.parts.sign_in.totp.accept_recovery_code(user_id, codes[1])
    removal = page.form_to(f"{SETTINGS}/codes/remove")
    assert (await owner.send(removal, password="wrong")).status == 422
    assert (await owner.send(removal, password=PASSWORD)).address == SETTINGS
    stranger.client.cookies.clear()
    await password_step(stranger, app)
    assert has_session(stranger)


async def test_of_many_guesses_at_once_one_is_looked_at(app, visit, clock):
    generator, _ = await set_up_codes(await visit("salesperson"), clock)
    clock[0] += 10 * STEP_SECONDS
    factors, user_id = (
        app.parts.sign_in.second_factors,
        (await app.principal("salesperson")).user_id,
    )
    looked_at: list[str] = []
    accept = app.parts.sign_in.totp.accept

    async def watched(user_id: str, code: str) -> bool:
        looked_at.append(code)
        return bool(await accept(user_id, code))

    app.parts.sign_in.totp.accept = watched
    guesses = [f"{number:06}" for number in range(40)]
    await asyncio.gather(*(factors.accept(user_id, guess) for guess in guesses))
    assert len(looked_at) <= 5
    for _ in range(5):
        await factors.accept(user_id, "x")
    assert await factors.is_locked(user_id)
    assert not await factors.accept(user_id, generator.at(clock[0]))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_guessing_codes_ends_the_attempt_and_then_makes_the_user_wait(
    app, visit, stranger, clock
):
    generator, _ = await set_up_codes(await visit("salesperson"), clock)
    clock[0] += STEP_SECONDS
    await password_step(stranger, app)
    form = (await stranger.open("/sign-in/second-factor")).form_to("/sign-in/second-factor")
    answers = [await stranger.send(form, code="000000") for _ in range(5)]
    assert [answer.status for answer in answers] == [422, 422, 422, 422, 303]
    assert answers[-1].address == "/sign-in"
    await password_step(stranger, app)
    form = (await stranger.open("/sign-in/second-factor")).form_to("/sign-in/second-factor")
    locked = await stranger.send(form, code=generator.at(clock[0]))
    assert "Too many attempts" in locked.text
    assert not has_session(stranger)
    await rows(app, "SELECT 1")
    await app.parts.sign_in.store.forget_failures((await app.principal("salesperson")).user_id)
    assert (await stranger.send(form, code=generator.at(clock[0]))).status == 303
    assert has_session(stranger)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_what_is_half_way_belongs_to_one_browser_and_one_session(app, visit, stranger, clock):
    generator, _ = await set_up_codes(await visit("salesperson"), clock)
    clock[0] += STEP_SECONDS
    await password_step(stranger, app)
    page = await stranger.open("/sign-in/second-factor")
    half_way = stranger.client.cookies["kartoteka_sign_in"]
    transport = httpx.ASGITransport(app=app.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as thief:
        thief.cookies.set("kartoteka_sign_in", half_way)
        assert (await thief.get("/sign-in/second-factor")).headers["location"] == "/sign-in"
        thief.cookies.set("kartoteka_session", half_way)
        assert (await thief.get("/settings")).status_code == 303
    form, code = page.form_to("/sign-in/second-factor"), generator.at(clock[0])
    both = await asyncio.gather(*(stranger.send(form, code=code) for _ in range(4)))
    assert len({one.response.cookies.get("kartoteka_session") for one in both} - {None}) == 1
    stranger.client.cookies.delete("kartoteka_session")
    again = await stranger.send(form, code=code)
    assert again.address == "/sign-in"
    user_id = (await app.principal("salesperson")).user_id
    await password_step(stranger, app)
    clock[0] += STEP_SECONDS
    await app.system_records.update("systemuser", user_id, {"isdisabled": True})
    await stranger.send(form, code=generator.at(clock[0]))
    assert not has_session(stranger)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("requirement", "name", "is_asked"),
    [
        ("none", "system_administrator", False),
        ("administrators", "salesperson", False),
        ("administrators", "system_administrator", True),
        ("everyone", "salesperson", True),
    ],
)
async def test_who_must_have_a_second_step_sets_it_up_before_the_session(
    app, requirement, name, is_asked
):
    settings = app.parts.settings
    await app.parts.sessions.set_password((await app.principal(name)).user_id, PASSWORD)
    file = settings.app_folder / "kartoteka.yaml"
    section = yaml.safe_dump({"sign_in": {"require_second_factor": requirement}})
    file.write_text(file.read_text("utf-8") + section, encoding="utf-8")
    async with running_app(settings.app_folder, settings.database_url) as strict:
        transport = httpx.ASGITransport(app=strict.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
            stranger = visitor_of(client)
            answer = await password_step(stranger, strict, name, goal="/settings")
            assert has_session(stranger) == (not is_asked)
            if not is_asked:
                return
            assert answer.address == "/sign-in/set-up"
            page = await stranger.open(answer.address)
            generator = pyotp.TOTP(key_on(page))
            form = page.form_to("/sign-in/set-up")
            assert (await stranger.send(form, code="000000")).status == 422
            done = await stranger.send(form, code=generator.now())
            assert len(re.findall(r"<code>[a-z2-9-]{11}</code>", done.html)) == 10
            assert "/settings" in done.links()
            assert (await stranger.open("/settings")).status == 200
            # What is required is not taken away, and no second one is set up half-way.
            own = await stranger.open(SETTINGS)
            kept = await stranger.send(own.form_to(f"{SETTINGS}/codes/remove"), password=PASSWORD)
            assert "add another one" in kept.text
            assert (await stranger.open("/sign-in/set-up")).address == "/sign-in"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_form_sent_too_late_waits_for_the_second_step_too(app, visit, clock):
    late = await visit("salesperson")
    generator, _ = await set_up_codes(late, clock)
    clock[0] += STEP_SECONDS
    page = await late.open("/settings")
    await app.parts.sessions.sign_out(late.client.cookies["kartoteka_session"])
    form = page.form_to("/settings")
    stopped = await late.send(form, time_zone="Europe/Lisbon")
    assert stopped.status == 401
    between = await late.send(
        stopped.form_to("/sign-in"), user_name="salesperson", password=PASSWORD
    )
    asked = await late.send(between.form_to("/sign-in/second-factor"))
    wrong = await late.send(asked.form_to("/sign-in/second-factor"), code="1")
    resumed = await late.send(wrong.form_to("/sign-in/second-factor"), code=generator.at(clock[0]))
    assert "What you typed is still here." in resumed.text
    assert (await late.send(resumed.form_to("/settings"))).status == 303
    assert (await app.principal("salesperson")).time_zone == "Europe/Lisbon"


async def test_the_picture_holds_what_generators_read(app):
    totp = app.parts.sign_in.totp
    user_id = (await app.principal("salesperson")).user_id
    secret = totp.new_secret(user_id)
    address = totp.address(secret, user_id, user_name="Anna Ö: & Co", app="Harbour: 1")
    read = pyotp.parse_uri(address)
    assert read.secret == totp.key(secret, user_id).replace(" ", "")
    assert (read.issuer, read.digits) == ("Harbour: 1", 6)
    query = parse_qs(urlsplit(address).query)
    assert (query["issuer"], query["period"]) == (["Harbour: 1"], ["30"])
    assert unquote(urlsplit(address).path).endswith("Anna Ö: & Co")


def visitor_of(client: httpx.AsyncClient) -> Any:
    """Return a visitor like those of the fixtures, for an app that a test has started itself."""
    return _VISITORS[0](client)


_VISITORS: list[Any] = []


@pytest.fixture(autouse=True)
def _visitor_class(request: pytest.FixtureRequest):
    _VISITORS[:] = [type(request.getfixturevalue("stranger"))]


async def rows(app, sql: str) -> list[Any]:
    async with app.parts.database.reading() as connection:
        return list(await connection.fetch_all(sql, {}))
