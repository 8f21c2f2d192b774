"""The second step of signing in: a code, a passkey, or setting one of them up."""

from __future__ import annotations

from starlette.responses import Response

from kartoteka_runtime.security.sign_in_attempts import Attempt
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.factor_forms import (
    NEW_PASSKEY_INPUTS,
    TOTP_INPUTS,
    codes_page,
    totp_facts,
)
from kartoteka_runtime.web.form_posts import Post
from kartoteka_runtime.web.kept_posts import KEPT, KEPT_FOR
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.sign_in_flow import (
    ATTEMPT_COOKIE,
    CARRIED,
    Way,
    end_half_way,
    half_way,
    new_session,
    principal_of,
    record,
    set_session,
    start_again,
    start_session,
)
from kartoteka_runtime.web.sign_in_pages import PASSKEY_INPUTS, challenge_response, site

_CODE_INPUTS = CARRIED | {"code"}


async def show_second_factor(page: PageRequest) -> Response:
    """Ask for a code or a passkey of who has proved a password."""
    attempt = await half_way(page)
    return await _form(page, attempt) if attempt else start_again(page)


async def check_code(page: PageRequest) -> Response:
    """Start the session for the right code; a wrong one is counted."""
    post = await page.post()
    post.check_names(_CODE_INPUTS)
    attempt = await half_way(page)
    if attempt is None:
        return start_again(page)
    if not post.has("code"):  # a form that was sent too late has come along
        return await _form(page, attempt, post)
    factors = page.client.parts.sign_in.second_factors
    if not await factors.accept(attempt.user_id, post.text("code")):
        return await _wrong(page, attempt, post)
    return await _go_in(page, post, "code")


async def ask_second_passkey(page: PageRequest) -> Response:
    """Return what the browser asks the passkeys of who has proved a password."""
    post = await page.post()
    post.check_names({TOKEN})
    attempt = await half_way(page)
    if attempt is None:
        return Response(status_code=409)
    passkeys = page.client.parts.sign_in.passkeys
    challenge = await passkeys.ask(site(page), page.token, user_id=attempt.user_id)
    return challenge_response(challenge)


async def check_passkey(page: PageRequest) -> Response:
    """Start the session for a passkey of the same user."""
    post = await page.post()
    post.check_names(PASSKEY_INPUTS)
    attempt = await half_way(page)
    if attempt is None:
        return start_again(page)
    user_id = await page.client.parts.sign_in.passkeys.proved_user(
        post.text("attempt"), page.token, post.text("answer")
    )
    if user_id != attempt.user_id:
        return await _wrong(page, attempt, post)
    return await _go_in(page, post, "passkey")


async def show_set_up(page: PageRequest) -> Response:
    """Let somebody who needs a second factor and has none set one up."""
    attempt = await half_way(page)
    return await _set_up_form(page, attempt) if attempt else start_again(page)


async def set_up(page: PageRequest) -> Response:
    """Begin to use a generator of codes, and start the session."""
    post = await page.post()
    post.check_names(TOTP_INPUTS | CARRIED)
    attempt = await half_way(page)
    if attempt is None or await _has_any(page, attempt):
        return start_again(page)
    if not post.has("code"):
        return await _set_up_form(page, attempt, post)
    codes = await take_totp(page, post, attempt.user_id)
    if codes is None:
        return await _set_up_form(page, attempt, post, message=page.text("factors.code_wrong"))
    return await _go_in_with_codes(page, post, codes, "code")


async def ask_first_passkey(page: PageRequest) -> Response:
    """Return what makes the browser register a passkey while signing in."""
    post = await page.post()
    post.check_names({TOKEN})
    attempt = await half_way(page)
    if attempt is None or await _has_any(page, attempt):
        return Response(status_code=409)
    principal = await principal_of(page, attempt.user_id)
    if principal is None:
        return Response(status_code=409)
    challenge = await page.client.parts.sign_in.passkeys.ask_new(
        site(page), page.token, user_id=attempt.user_id, user_name=principal.name
    )
    return challenge_response(challenge)


async def set_up_passkey(page: PageRequest) -> Response:
    """Keep the first passkey, and start the session."""
    post = await page.post()
    post.check_names(NEW_PASSKEY_INPUTS | CARRIED)
    attempt = await half_way(page)
    if attempt is None or await _has_any(page, attempt):
        return start_again(page)
    passkey = await page.client.parts.sign_in.passkeys.add(
        post.text("attempt"),
        page.token,
        user_id=attempt.user_id,
        answer=post.text("answer"),
        name=post.text("name") or page.text("factors.passkey"),
    )
    if passkey is None:
        return await _set_up_form(page, attempt, post, message=page.text("factors.passkey_failed"))
    await record(page, "second_factor_added", user_id=attempt.user_id, factor="passkey")
    codes = await page.client.parts.sign_in.totp.new_recovery_codes(attempt.user_id)
    return await _go_in_with_codes(page, post, codes, "passkey")


async def take_totp(page: PageRequest, post: Post, user_id: str) -> tuple[str, ...] | None:
    """Return recovery codes when a first code of a new secret is right; None: it is not."""
    sign_in, token = page.client.parts.sign_in, post.text("attempt")
    attempt = await sign_in.attempts.find("totp", token, page.token)
    if attempt is None or attempt.user_id != user_id:
        return None
    codes = await sign_in.totp.set_up(attempt.data["secret"], user_id, post.text("code"))
    if codes is None:
        await sign_in.attempts.fail(token, page.token)
        return None
    await sign_in.attempts.end("totp", token, page.token)
    await record(page, "second_factor_added", user_id=user_id, factor="codes")
    return codes


async def _form(
    page: PageRequest, attempt: Attempt, post: Post | None = None, *, message: str = ""
) -> Response:
    sign_in = page.client.parts.sign_in
    factors = await sign_in.second_factors.of(attempt.user_id)
    if not factors.has_any:
        return page.redirect("/sign-in/set-up")
    has_codes = factors.has_totp or await sign_in.totp.codes_left(attempt.user_id) > 0
    response = page.render(
        "pages/second_factor.html",
        status=422 if message else 200,
        title=page.text("page.second_factor"),
        message=message,
        has_totp=factors.has_totp,
        has_codes=has_codes,
        has_passkeys=factors.has_passkeys,
        **_carried(post),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def _set_up_form(
    page: PageRequest, attempt: Attempt, post: Post | None = None, *, message: str = ""
) -> Response:
    """Return the page of who has no second factor; whoever has one is asked for it instead."""
    principal = await principal_of(page, attempt.user_id)
    if principal is None:
        return start_again(page)
    if await _has_any(page, attempt):
        return page.redirect("/sign-in/second-factor")
    response = page.render(
        "pages/set_up_second_factor.html",
        status=422 if message else 200,
        title=page.text("page.set_up_second_factor"),
        message=message,
        **await totp_facts(page, attempt.user_id, principal.name, post),
        **_carried(post),
    )
    response.headers["Cache-Control"] = "no-store"
    return response


async def _wrong(page: PageRequest, attempt: Attempt, post: Post) -> Response:
    """Count a wrong factor; after five the password is asked for again."""
    sign_in = page.client.parts.sign_in
    await sign_in.attempts.fail(page.request.cookies[ATTEMPT_COOKIE], page.token)
    await record(
        page, "sign_in_failed", user_id=attempt.user_id,
        by=attempt.data["by"], reason="second factor",
    )  # fmt: skip
    if await half_way(page) is None:
        return start_again(page)
    is_locked = await sign_in.second_factors.is_locked(attempt.user_id)
    key = "sign_in.too_many" if is_locked else "factors.code_wrong"
    return await _form(page, attempt, post, message=page.text(key))


async def _go_in(page: PageRequest, post: Post, second: str) -> Response:
    """Start the session; of several right answers at once, one does."""
    attempt = await end_half_way(page)
    principal = await principal_of(page, attempt.user_id) if attempt else None
    if attempt is None or principal is None:
        return start_again(page)
    return await start_session(
        page, attempt.user_id, _way(attempt, post), principal=principal, second=second
    )


async def _go_in_with_codes(
    page: PageRequest, post: Post, codes: tuple[str, ...], second: str
) -> Response:
    """Start the session, and show recovery codes before going on."""
    attempt = await end_half_way(page)
    principal = await principal_of(page, attempt.user_id) if attempt else None
    if attempt is None or principal is None:
        return start_again(page)
    way = _way(attempt, post)
    session = await new_session(page, principal, way, second=second)
    page.token = page.client.parts.sessions.csrf_token(session)
    response = codes_page(page, codes, way)
    set_session(page, response, session, way)
    return response


async def _has_any(page: PageRequest, attempt: Attempt) -> bool:
    return (await page.client.parts.sign_in.second_factors.of(attempt.user_id)).has_any


def _way(attempt: Attempt, post: Post) -> Way:
    data = attempt.data
    kept, kept_for = post.text(KEPT), post.text(KEPT_FOR)
    return Way(data["by"], data["provider"], data["next"], kept, kept_for)


def _carried(post: Post | None) -> dict[str, str]:
    return {
        "kept": post.text(KEPT) if post else "",
        "kept_for": post.text(KEPT_FOR) if post else "",
    }
