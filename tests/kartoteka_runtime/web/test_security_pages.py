"""One's own password, sessions and tokens in the browser, and a forgotten password."""

from __future__ import annotations

import re

import httpx
import pytest

from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.testing.running_app import ORIGIN

PASSWORD, NEW = "a long enough secret", "another long secret"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
async def user(app, visitor):
    """Give the id of the visitor's user, who has a password; the visitor's session is their own."""
    principal = await app.principal()
    await app.parts.sessions.set_password(principal.user_id, PASSWORD)
    visitor.client.cookies.clear()
    token = await app.parts.sessions.start(principal.user_id)
    visitor.client.cookies.set("kartoteka_session", token)
    return principal.user_id


async def test_the_password_is_changed_by_who_knows_it(app, visitor, user):
    page = await visitor.open("/settings/security")
    form = page.form_to("/settings/security/password")
    for values, says in (
        ({"current": "wrong", "password": NEW, "again": NEW}, "present password is wrong"),
        ({"current": PASSWORD, "password": NEW, "again": NEW + "x"}, "not the same"),
        ({"current": PASSWORD, "password": "short", "again": "short"}, "at least 10"),
        ({"current": PASSWORD, "password": "P@ssword2026", "again": "P@ssword2026"}, "first that"),
    ):
        answer = await visitor.send(form, **values)
        assert (answer.status, says in answer.text) == (422, True), answer.text
        assert NEW not in answer.html
    done = await visitor.send(form, current=PASSWORD, password=NEW, again=NEW)
    assert (done.status, done.address) == (303, "/settings/security")
    assert "has been changed" in (await visitor.open("/settings/security")).text
    assert await app.parts.sessions.sign_in("system_administrator", NEW)


async def test_sessions_are_ended_one_by_one_and_all_others(app, visitor, user):
    sessions = app.parts.sessions
    other = await sessions.start(user, address="192.0.2.99", browser=FIREFOX)
    page = await visitor.open("/settings/security")
    assert "Firefox 128, Windows 192.0.2.99" in page.text
    assert "This one" in page.text
    known = {one.address: one.id for one in await sessions.of(user)}
    ending = next(form for form in page.forms if form.values.get("session") == known["192.0.2.99"])
    assert (await visitor.send(ending)).status == 303
    assert await sessions.principal(other) is None
    assert "had ended already" in await notice(visitor, await visitor.send(ending))

    somebody = (await app.principal("salesperson")).user_id
    foreign = await sessions.start(somebody)
    row = (await sessions.of(somebody))[0]
    stolen = await visitor.send(ending, session=row.id)
    assert "had ended already" in await notice(visitor, stolen)
    assert await sessions.principal(foreign)

    third = await sessions.start(user)
    page = await visitor.open("/settings/security")
    await visitor.send(page.form_to("/settings/security/sessions"), session=[], others="1")
    assert await sessions.principal(third) is None
    assert (await visitor.open("/settings/security")).status == 200


async def notice(visitor, answer) -> str:
    assert answer.status == 303
    return str((await visitor.open(answer.address)).text)


async def test_a_token_is_shown_once_and_revoked(app, visitor, user):
    tokens = app.parts.sessions.tokens
    page = await visitor.open("/settings/tokens")
    form = page.form_to("/settings/tokens")
    assert form.values["days"] == "90"
    made = await visitor.send(form, name="Nightly <export>", scope="some", scopes="account:read")
    assert made.status == 200
    assert made.response.headers["cache-control"] == "no-store"
    (token,) = re.findall(r"kt_[\w-]{40,}", made.html)
    assert (await tokens.principal(token)).scopes == {"account:read"}
    page = await visitor.open("/settings/tokens")
    assert token not in page.html
    assert "Nightly <export> account:read" in page.text
    revoking = next(form for form in page.forms if "revoke" in form.values)
    assert "has been revoked" in await notice(visitor, await visitor.send(revoking))
    assert await app.parts.sessions.token_principal(token) is None

    for values, status in (
        ({"name": " "}, 422),
        ({"name": "x" * 101}, 422),
        ({"name": "x", "scope": "some", "scopes": "burn"}, 422),
        ({"name": "x", "scope": "some", "scopes": " "}, 422),
        ({"name": "x", "scope": "admin"}, 400),
        ({"name": "x", "days": "366"}, 400),
        ({"name": "x", "days": "-1"}, 400),
        ({"name": "x", "user": "other"}, 400),
        ({"name": "x", "_token": "0" * 64}, 403),
    ):
        assert ((await visitor.send(form, **values)).status, values) == (status, values)
    assert len(await tokens.of(user)) == 1


async def test_nobody_revokes_a_token_of_somebody_else(app, visitor, user):
    other = (await app.principal("salesperson")).user_id
    token, kept = await app.parts.sessions.tokens.create(other, "t")
    page = await visitor.open("/settings/tokens")
    answer = await visitor.send(page.form_to("/settings/tokens"), revoke=kept.id)
    assert "not in force" in await notice(visitor, answer)
    assert await app.parts.sessions.token_principal(token)


async def test_who_has_no_role_is_told_and_may_only_leave(app, stranger):
    user = await add_user(
        app.parts.records, user_name="newcomer", first_name="", last_name="New", roles=()
    )
    await app.parts.sessions.set_password(user, PASSWORD)
    page = await stranger.open("/sign-in")
    answer = await stranger.send(page.forms[0], user_name="newcomer", password=PASSWORD)
    assert answer.status == 403
    assert "no role" in answer.text
    assert "kartoteka_session" not in stranger.client.cookies

    session = await app.parts.sessions.start(user)  # as one whose last role was taken away
    stranger.client.cookies.set("kartoteka_session", session)
    for address in ("/", "/e/sample", "/settings", "/settings/tokens"):
        page = await stranger.open(address)
        assert page.status == 403
        assert "no role" in page.text
    leaving = await stranger.send(page.form_to("/sign-out"))
    assert leaving.address == "/sign-in"
    assert await app.parts.sessions.principal(session) is None


async def test_signing_in_ends_the_session_that_the_browser_had(app, stranger):
    principal = await app.principal("salesperson")
    await app.parts.sessions.set_password(principal.user_id, PASSWORD)
    page = await stranger.open("/sign-in")
    planted = await app.parts.sessions.start((await app.principal()).user_id)
    form = page.forms[0]
    csrf = app.parts.sessions.csrf_token(planted)
    stranger.client.cookies.set("kartoteka_session", planted)
    answer = await stranger.send(form, user_name="salesperson", password=PASSWORD, _token=csrf)
    assert answer.status == 303
    begun = answer.response.cookies["kartoteka_session"]
    assert begun != planted
    assert await app.parts.sessions.principal(planted) is None
    assert (await app.parts.sessions.principal(begun)).user_id == principal.user_id


async def test_without_a_mail_server_nobody_is_offered_a_mail(stranger):
    assert "/forgot-password" not in (await stranger.open("/sign-in")).links()
    page = await stranger.open("/forgot-password")
    assert "sends no mail" in page.text
    assert page.forms == []


async def test_a_forgotten_password_is_replaced_by_a_link(start_app, visitor_with, monkeypatch):
    for name, value in (
        ("PUBLIC_URL", "https://crm.example.com"), ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_SENDER", "k@example.com"),
    ):  # fmt: skip
        monkeypatch.setenv(f"KARTOTEKA_{name}", value)
    app = await start_app(metadata={})
    user = await add_user(
        app.parts.records, user_name="maria", first_name="M", last_name="K",
        roles=["salesperson"], email="maria@example.com",
    )  # fmt: skip
    await app.parts.sessions.set_password(user, PASSWORD)
    sent: list[str] = []

    async def send(to: str, subject: str, text: str) -> None:
        sent.append(text)

    monkeypatch.setattr(app.parts.resets._mailer, "send", send)  # the edge: nothing goes out
    transport = httpx.ASGITransport(app=app.app)
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        stranger = visitor_with(client)
        assert "/forgot-password" in (await stranger.open("/sign-in")).links()
        page = await stranger.open("/forgot-password", host="evil.example")
        answers = []
        for asked in ("maria@example.com", "nobody@example.com"):
            answer = await stranger.send(page.forms[0], asked=asked, at="/forgot-password")
            answers.append((answer.status, answer.text))
        assert answers[0] == answers[1]
        assert answers[0][0] == 200
        assert (await stranger.send(page.forms[0], asked=" ")).status == 422
        await app.run_jobs()
        (text,) = sent
        (link,) = re.findall(r"https://crm\.example\.com(/reset-password\?token=\S+)", text)
        page = await stranger.open(link)
        assert page.status == 200
        assert page.response.headers["referrer-policy"] == "no-referrer"
        assert page.response.headers["cache-control"] == "no-store"
        weak = await stranger.send(page.forms[0], password="maria-maria-1", again="maria-maria-1")
        assert weak.status == 422
        done = await stranger.send(weak.forms[0], password=NEW, again=NEW)
        assert (done.status, done.address) == (303, "/sign-in")
        assert "kartoteka_session" not in stranger.client.cookies
        for again in (await stranger.send(page.forms[0], password=NEW, again=NEW),
                      await stranger.open(link)):  # fmt: skip
            assert again.status == 410
            assert "does not hold any more" in again.text
        await app.run_jobs()
        assert "has just been changed" in sent[-1]
    assert await app.parts.sessions.sign_in("maria", NEW)
