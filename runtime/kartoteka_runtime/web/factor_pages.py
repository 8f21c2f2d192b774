"""A user's own second factors: codes by the clock, recovery codes and passkeys."""

from __future__ import annotations

from datetime import datetime

from babel.dates import format_datetime
from starlette.responses import Response

from kartoteka_runtime.security.passkeys import LONGEST_NAME
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.sessions import TooManyFailures
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.factor_forms import (
    NEW_PASSKEY_INPUTS,
    TOTP_INPUTS,
    codes_page,
    totp_facts,
)
from kartoteka_runtime.web.form_posts import Post, PostRefused
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.second_factor_pages import take_totp
from kartoteka_runtime.web.sign_in_flow import Way, must_have, record
from kartoteka_runtime.web.sign_in_pages import challenge_response, site

PLACE = "/settings/sign-in"


async def show_factors(page: PageRequest) -> Response:
    """Show what the reader has beside a password."""
    return await _page(page)


async def show_totp(page: PageRequest) -> Response:
    """Show the secret of a new generator of codes."""
    if await page.client.parts.sign_in.totp.is_set_up(page.principal.user_id):
        return page.redirect(PLACE)
    return await _totp_page(page, None)


async def set_up_totp(page: PageRequest) -> Response:
    """Begin to ask for codes, once a first one is right."""
    post = await page.post()
    post.check_names(TOTP_INPUTS)
    if not await _is_sure(page, post):
        return await _totp_page(page, post, message=page.text("factors.password_wrong"))
    codes = await take_totp(page, post, page.principal.user_id)
    if codes is None:
        return await _totp_page(page, post, message=page.text("factors.code_wrong"))
    return codes_page(page, codes, Way("", next_address=PLACE))


async def remove_totp(page: PageRequest) -> Response:
    """Ask for codes no more."""
    post = await page.post()
    post.check_names({TOKEN, "password"})
    sign_in, user_id = page.client.parts.sign_in, page.principal.user_id
    if refusal := await _refusal(page, post):
        return refusal
    if must_have(page, page.principal) and not await sign_in.passkeys.of(user_id):
        return await _page(page, message=page.text("factors.last_one"))
    if await sign_in.totp.remove(user_id):
        await record(
            page, "second_factor_removed", user_id=user_id, user_name=page.principal.name,
            factor="codes",
        )  # fmt: skip
    return page.redirect(PLACE, "factors.removed")


async def new_recovery_codes(page: PageRequest) -> Response:
    """Show new recovery codes; the older ones work no more."""
    post = await page.post()
    post.check_names({TOKEN, "password"})
    if refusal := await _refusal(page, post):
        return refusal
    user_id = page.principal.user_id
    if not (await page.client.parts.sign_in.second_factors.of(user_id)).has_any:
        return page.redirect(PLACE)
    codes = await page.client.parts.sign_in.totp.new_recovery_codes(user_id)
    await record(
        page, "second_factor_added", user_id=user_id, user_name=page.principal.name,
        factor="recovery codes",
    )  # fmt: skip
    return codes_page(page, codes, Way("", next_address=PLACE))


async def ask_new_passkey(page: PageRequest) -> Response:
    """Return what makes the browser register a passkey."""
    post = await page.post()
    post.check_names({TOKEN})
    challenge = await page.client.parts.sign_in.passkeys.ask_new(
        site(page), page.token, user_id=page.principal.user_id, user_name=page.principal.name
    )
    return challenge_response(challenge)


async def add_passkey(page: PageRequest) -> Response:
    """Keep the passkey that the browser has registered; the first factor brings recovery codes."""
    post = await page.post()
    post.check_names(NEW_PASSKEY_INPUTS)
    if refusal := await _refusal(page, post):
        return refusal
    sign_in, user_id = page.client.parts.sign_in, page.principal.user_id
    had_any = (await sign_in.second_factors.of(user_id)).has_any
    passkey = await sign_in.passkeys.add(
        post.text("attempt"),
        page.token,
        user_id=user_id,
        answer=post.text("answer"),
        name=post.text("name").strip() or page.text("factors.passkey"),
    )
    if passkey is None:
        return await _page(page, message=page.text("factors.passkey_failed"))
    await record(
        page, "second_factor_added", user_id=user_id, user_name=page.principal.name,
        factor="passkey", name=passkey.name,
    )  # fmt: skip
    if had_any:
        return page.redirect(PLACE, "factors.added")
    codes = await sign_in.totp.new_recovery_codes(user_id)
    return codes_page(page, codes, Way("", next_address=PLACE))


async def rename_passkey(page: PageRequest) -> Response:
    """Call a passkey otherwise."""
    post = await page.post()
    post.check_names({TOKEN, "passkey", "name"})
    name = post.text("name").strip()
    if not 0 < len(name) <= LONGEST_NAME:
        raise PostRefused(400, "error.bad_request", "no name")
    await page.client.parts.sign_in.passkeys.rename(
        page.principal.user_id, post.text("passkey"), name
    )
    return page.redirect(PLACE, "settings.saved")


async def remove_passkey(page: PageRequest) -> Response:
    """Forget a passkey."""
    post = await page.post()
    post.check_names({TOKEN, "passkey", "password"})
    if refusal := await _refusal(page, post):
        return refusal
    sign_in, user_id = page.client.parts.sign_in, page.principal.user_id
    known = await sign_in.passkeys.of(user_id)
    has_totp = await sign_in.totp.is_set_up(user_id)
    if must_have(page, page.principal) and not has_totp and len(known) < 2:
        return await _page(page, message=page.text("factors.last_one"))
    if await sign_in.passkeys.remove(user_id, post.text("passkey")):
        await record(
            page, "second_factor_removed", user_id=user_id, user_name=page.principal.name,
            factor="passkey",
        )  # fmt: skip
    return page.redirect(PLACE, "factors.removed")


async def _page(page: PageRequest, *, message: str = "") -> Response:
    sign_in, user_id = page.client.parts.sign_in, page.principal.user_id
    factors = await sign_in.second_factors.of(user_id)
    return page.render(
        "pages/factors.html",
        status=422 if message else 200,
        title=page.text("page.factors"),
        settings_place=PLACE,
        message=message,
        has_totp=factors.has_totp,
        has_any=factors.has_any,
        is_required=must_have(page, page.principal),
        codes_left=await sign_in.totp.codes_left(user_id),
        has_password=await page.client.parts.sessions.has_password(user_id),
        passkeys=[
            (one.credential_id, one.name, _moment(page, one.added_on), _moment(page, one.used_on))
            for one in await sign_in.passkeys.of(user_id)
        ],
    )


async def _totp_page(page: PageRequest, post: Post | None, *, message: str = "") -> Response:
    user_id = page.principal.user_id
    response = page.render(
        "pages/totp.html",
        status=422 if message else 200,
        title=page.text("page.set_up_second_factor"),
        message=message,
        has_password=await page.client.parts.sessions.has_password(user_id),
        **await totp_facts(page, user_id, page.principal.name, post),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def _refusal(page: PageRequest, post: Post) -> Response | None:
    """Return the answer to who does not prove to be the user still, or None."""
    if await _is_sure(page, post):
        return None
    return await _page(page, message=page.text("factors.password_wrong"))


async def _is_sure(page: PageRequest, post: Post) -> bool:
    """Return whether it is the user who asks, not somebody at a screen that was left alone.

    Whoever has no password came by a provider, and has nothing to type.
    """
    sessions, user_id = page.client.parts.sessions, page.principal.user_id
    if not await sessions.has_password(user_id):
        return True
    try:
        return await sessions.is_password_of(
            user_id, post.text("password"), address=client_address(page.request.scope)
        )
    except TooManyFailures:
        return False


def _moment(page: PageRequest, text: str | None) -> str:
    if not text:
        return ""
    moment = datetime.fromisoformat(text)
    return format_datetime(moment, "short", tzinfo=page.zone, locale=page.language)
