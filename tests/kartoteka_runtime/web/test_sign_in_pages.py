"""Signing in and out."""

from __future__ import annotations

import httpx
import pytest

PASSWORD = "a long enough secret"


@pytest.fixture
async def user(app, visitor):
    """Give the name of a user who has a password."""
    principal = await app.principal("salesperson")
    await app.parts.sessions.set_password(principal.user_id, PASSWORD)
    return "salesperson"


async def test_the_right_password_starts_a_session_and_leads_back(stranger, user):
    page = await stranger.open("/sign-in?next=/e/sample")

    answer = await stranger.send(page.forms[0], user_name=user, password=PASSWORD)

    assert (answer.status, answer.address) == (303, "/e/sample")
    cookie = next(
        text
        for text in answer.response.headers.get_list("set-cookie")
        if text.startswith("kartoteka_session=")
    )
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert (await stranger.open("/")).status == 200


async def test_a_wrong_password_says_no_more_than_that(stranger, user):
    page = await stranger.open("/sign-in")

    for name in (user, "nobody"):
        answer = await stranger.send(page.forms[0], user_name=name, password="wrong")
        assert answer.status == 422
        assert "User name or password is wrong." in answer.text
        assert answer.forms[0].values["user_name"] == name
        assert answer.forms[0].values["password"] == ""


async def test_signing_in_never_leads_to_another_site(stranger, user):
    for goal in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "x",
        "/\t/evil.example",
    ):
        stranger.client.cookies.delete("kartoteka_session")
        page = await stranger.open("/sign-in")
        answer = await stranger.send(page.forms[0], user_name=user, password=PASSWORD, next=goal)
        assert (goal, answer.address) == (goal, "/")


async def test_signing_in_needs_the_token_of_the_page(stranger, user):
    page = await stranger.open("/sign-in")
    answer = await stranger.send(page.forms[0], user_name=user, password=PASSWORD, _token="0" * 64)
    assert answer.status == 403


async def test_signing_out_ends_the_session(stranger, user):
    page = await stranger.open("/sign-in")
    await stranger.send(page.forms[0], user_name=user, password=PASSWORD)
    home = await stranger.open("/")

    answer = await stranger.send(home.form_to("/sign-out"))

    assert answer.address == "/sign-in"
    assert (await stranger.open("/")).status == 303
    assert "You have signed out." in (await stranger.open("/sign-in")).text


async def test_the_sign_in_page_speaks_the_language_of_the_browser(stranger):
    for preferred, title in (
        ("pl,en;q=0.5", "Logowanie"),
        ("de-AT,sl;q=0.8", "Prijava"),
        ("xx", "Sign in"),
        ("", "Sign in"),
        ("\x7f;;;,=,q", "Sign in"),
    ):
        page = await stranger.open("/sign-in", accept_language=preferred)
        assert title in page.text


async def test_a_language_chosen_on_the_sign_in_page_stays(stranger):
    await stranger.open("/sign-in?language=ro", accept_language="en")
    assert 'lang="ro"' in (await stranger.open("/sign-in", accept_language="en")).html


async def test_https_makes_cookies_secure(app):
    transport = httpx.ASGITransport(app=app.app)
    async with httpx.AsyncClient(transport=transport, base_url="https://testserver") as client:
        answer = await client.get("/sign-in")
    assert all("Secure" in text for text in answer.headers.get_list("set-cookie"))


async def test_a_form_sent_after_the_session_ended_waits_for_its_sender(visitor, user, app):
    address = await visitor.create("sample", name="Long text", colors=["1", "2"])
    page = await visitor.open(address)
    await app.parts.sessions.sign_out(visitor.client.cookies["kartoteka_session"])

    stopped = await visitor.send(page.form, story="an hour's\nwork", colors=["12", "1"])
    assert stopped.status == 401
    failed = await visitor.send(stopped.forms[0], user_name=user, password="wrong")
    resumed = await visitor.send(failed.forms[0], user_name=user, password=PASSWORD)
    assert "What you typed is still here." in resumed.text
    saved = await visitor.send(resumed.forms[0])

    assert saved.status == 303
    stored = await app.system_records.read("sample", address.rsplit("/", 1)[1])
    assert (stored["story"], stored["colors"]) == ("an hour's\nwork", (1, 12))


async def test_a_forged_form_is_not_kept_over_signing_in(visitor, app):
    page = await visitor.open("/e/sample/new")
    await app.parts.sessions.sign_out(visitor.client.cookies["kartoteka_session"])
    answer = await visitor.send(page.form, at="/e/sample/new", name="Forged", _token="0" * 64)
    assert (answer.status, answer.address) == (303, "/sign-in?next=%2Fe%2Fsample%2Fnew")
