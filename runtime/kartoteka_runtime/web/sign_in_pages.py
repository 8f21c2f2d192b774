"""Signing in by password or passkey, and signing out."""

from __future__ import annotations

import math
from urllib.parse import urlsplit

import orjson
from starlette.responses import Response

from kartoteka_runtime.security.passkeys import Challenge, Site
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.sessions import TooManyFailures
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.responses import SECURITY_HEADERS
from kartoteka_runtime.web.sign_in_flow import (
    CARRIED,
    Way,
    after_first_proof,
    public_address,
    record,
    refuse,
)
from kartoteka_runtime.web.sign_in_form import (
    PROVIDER_COOKIE,
    SESSION_COOKIE,
    SIGN_IN,
    local_address,
    sign_in_form,
)

_INPUTS = CARRIED | {"user_name", "password"}
PASSKEY_INPUTS = CARRIED | {"attempt", "answer"}


async def show_sign_in(page: PageRequest) -> Response:
    """Show the form, in a language that the visitor may change."""
    if page.principal.user_id:
        return page.redirect(local_address(page.query.get("next", "")))
    return sign_in_form(page, next_address=page.query.get("next", ""))


async def sign_in(page: PageRequest) -> Response:
    """Go on with the right password, or show the form again."""
    post = await page.post()
    post.check_names(_INPUTS)
    way = Way.of(post, "password")
    user_name = post.text("user_name").strip()
    address = client_address(page.request.scope)
    try:
        user_id = await page.client.parts.sessions.proved_user(
            user_name, post.text("password"), address=address
        )
    except TooManyFailures as error:
        response = await refuse(page, way, "sign_in.too_many", status=429, user_name=user_name)
        response.headers["Retry-After"] = str(max(1, math.ceil(error.seconds)))
        return response
    if user_id is None:
        return await refuse(page, way, "sign_in.failed", user_name=user_name)
    return await after_first_proof(page, user_id, way)


async def ask_passkey(page: PageRequest) -> Response:
    """Return what the browser asks whichever passkey its user chooses to prove."""
    post = await page.post()
    post.check_names({TOKEN})
    passkeys = page.client.parts.sign_in.passkeys
    return challenge_response(await passkeys.ask(site(page), page.token))


async def sign_in_with_passkey(page: PageRequest) -> Response:
    """Start a session for who has proved a passkey: device and finger are two factors."""
    post = await page.post()
    post.check_names(PASSKEY_INPUTS)
    way = Way.of(post, "passkey")
    user_id = await page.client.parts.sign_in.passkeys.proved_user(
        post.text("attempt"), page.token, post.text("answer")
    )
    if user_id is None:
        return await refuse(page, way, "sign_in.passkey_failed")
    return await after_first_proof(page, user_id, way, is_enough=True)


async def sign_out(page: PageRequest) -> Response:
    """End the session; nothing of it stays in the browser."""
    post = await page.post()
    post.check_names({TOKEN})
    await page.client.parts.sessions.sign_out(page.request.cookies[SESSION_COOKIE])
    who = page.principal.seen_by or page.principal
    await record(page, "sign_out", user_id=who.user_id, user_name=who.name)
    provider = page.request.cookies.get(PROVIDER_COOKIE, "")
    is_known = provider in page.client.parts.sign_in.providers
    goal = f"{SIGN_IN}?signed_out={provider}" if is_known else SIGN_IN
    response = page.redirect(goal, "sign_in.signed_out")
    response.delete_cookie(SESSION_COOKIE, path="/")
    response.delete_cookie(PROVIDER_COOKIE, path="/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def site(page: PageRequest) -> Site:
    """Return where passkeys work: at the address that people come by."""
    parts = urlsplit(public_address(page))
    return Site(f"{parts.scheme}://{parts.netloc}", page.client.parts.app_folder.label)


def challenge_response(challenge: Challenge) -> Response:
    """Return a challenge as the script reads it."""
    return Response(
        orjson.dumps({"attempt": challenge.token, "options": challenge.options}),
        media_type="application/json",
        headers={**SECURITY_HEADERS, "Cache-Control": "no-store"},
    )
