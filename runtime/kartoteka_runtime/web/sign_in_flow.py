"""From the first proof of who somebody is to their session: every way of signing in ends here."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import Response

from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.sign_in_attempts import LIFETIMES, Attempt
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import Post
from kartoteka_runtime.web.kept_posts import KEPT, KEPT_FOR, unpack_post
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.sign_in_form import (
    PROVIDER_COOKIE,
    SESSION_COOKIE,
    SIGN_IN,
    local_address,
    sign_in_form,
)

ATTEMPT_COOKIE = "kartoteka_sign_in"
SECOND_FACTOR = "/sign-in/second-factor"
SET_UP = "/sign-in/set-up"
# What every form of the way in may carry along.
CARRIED = frozenset({TOKEN, "next", KEPT, KEPT_FOR})


@dataclass(frozen=True, slots=True)
class Way:
    """How somebody came in: what proved them first, and where they want to go."""

    by: str  # password, passkey, or a provider's name
    provider: str = ""
    next_address: str = ""
    kept: str = ""
    kept_for: str = ""

    @classmethod
    def of(cls, post: Post, by: str) -> Way:
        """Return the way that a form of ours carried along."""
        return cls(by, "", post.text("next"), post.text(KEPT), post.text(KEPT_FOR))


async def after_first_proof(
    page: PageRequest, user_id: str, way: Way, *, is_enough: bool = False
) -> Response:
    """Start the session, or ask for what is missing; ``is_enough``: nothing is.

    Until the last answer there is no session, only an attempt of ten minutes that belongs to this
    browser.
    """
    principal = await principal_of(page, user_id)
    if principal is None:
        return await refuse(page, way, "sign_in.disabled", user_id=user_id)
    if not principal.roles:
        return await refuse(page, way, "sign_in.no_role", status=403, user_id=user_id)
    factors = await page.client.parts.sign_in.second_factors.of(user_id)
    if is_enough or not (factors.has_any or must_have(page, principal)):
        return await start_session(page, user_id, way, principal=principal)
    attempt = await page.client.parts.sign_in.attempts.begin(
        "second_factor",
        page.token,
        user_id=user_id,
        data={"by": way.by, "provider": way.provider, "next": way.next_address},
    )
    goal = SECOND_FACTOR if factors.has_any else SET_UP
    if way.kept:
        response = page.render(
            "pages/kept.html",
            title=page.text("page.sign_in"),
            action=goal,
            kept=way.kept,
            kept_for=way.kept_for,
        )
    else:
        response = page.redirect(goal)
    lifetime = int(LIFETIMES["second_factor"].total_seconds())
    page.set_cookie(response, ATTEMPT_COOKIE, attempt, max_age=lifetime)
    return response


async def half_way(page: PageRequest) -> Attempt | None:
    """Return the sign-in of this browser that lacks its second factor, or None."""
    token = page.request.cookies.get(ATTEMPT_COOKIE, "")
    return await page.client.parts.sign_in.attempts.find("second_factor", token, page.token)


async def end_half_way(page: PageRequest) -> Attempt | None:
    """Return the same and forget it: whoever asks again gets nothing."""
    token = page.request.cookies.get(ATTEMPT_COOKIE, "")
    return await page.client.parts.sign_in.attempts.end("second_factor", token, page.token)


async def start_session(
    page: PageRequest, user_id: str, way: Way, *, principal: Principal, second: str = ""
) -> Response:
    """Return the way on, with the cookie of a new session."""
    session = await new_session(page, principal, way, second=second)
    if way.kept:
        page.token = page.client.parts.sessions.csrf_token(session)
        response = page.render(
            "pages/resume.html",
            title=page.text("page.sign_in"),
            action=local_address(way.kept_for),
            inputs=unpack_post(Post({KEPT: (way.kept,)})),
        )
    else:
        response = page.redirect(local_address(way.next_address))
    set_session(page, response, session, way)
    return response


async def new_session(page: PageRequest, principal: Principal, way: Way, *, second: str) -> str:
    """Return a new session, once every proof is there."""
    request = page.request
    session = await page.client.parts.sessions.start(
        principal.user_id,
        address=client_address(request.scope),
        browser=request.headers.get("user-agent", ""),
        previous=request.cookies.get(SESSION_COOKIE, ""),
    )
    detail = {"by": way.by}
    if second:
        detail["second_factor"] = second
    await record(page, "sign_in", user_id=principal.user_id, user_name=principal.name, **detail)
    return session


def set_session(page: PageRequest, response: Response, session: str, way: Way) -> None:
    """Give the browser its session, and take away what was half-way."""
    page.set_cookie(response, SESSION_COOKIE, session)
    response.delete_cookie(ATTEMPT_COOKIE, path="/")
    if way.provider:
        page.set_cookie(response, PROVIDER_COOKIE, way.provider)
    else:
        response.delete_cookie(PROVIDER_COOKIE, path="/")


async def refuse(
    page: PageRequest,
    way: Way,
    message: str,
    *,
    status: int = 422,
    user_id: str = "",
    user_name: str = "",
    **detail: str,
) -> Response:
    """Return the sign-in page, which says why it went no further."""
    await record(
        page,
        "sign_in_failed",
        user_id=user_id,
        user_name=user_name,
        by=way.by,
        reason=message,
        **detail,
    )
    return sign_in_form(
        page,
        status=status,
        user_name=user_name,
        message=page.text(message),
        next_address=way.next_address,
        kept=way.kept,
        kept_for=way.kept_for,
    )


async def record(
    page: PageRequest, kind: str, *, user_id: str = "", user_name: str = "", **detail: str
) -> None:
    """Record a security event of this request."""
    await page.client.parts.security_events.record(
        kind,
        user_id=user_id,
        user_name=user_name,
        address=client_address(page.request.scope),
        detail=detail,
    )


async def principal_of(page: PageRequest, user_id: str) -> Principal | None:
    """Return who a user acts as; None when they are gone or disabled."""
    sessions = page.client.parts.sessions
    return sessions.principal_of(await sessions.known_user(user_id))


def must_have(page: PageRequest, principal: Principal) -> bool:
    """Return whether a user may not sign in with a password alone."""
    roles = page.registry.roles
    return page.client.parts.sign_in.second_factors.must_have(
        is_administrator=any(roles[name].grants_all for name in principal.roles if name in roles)
    )


def start_again(page: PageRequest) -> Response:
    """Return the answer to who is not, or no longer, half-way."""
    return page.redirect(SIGN_IN, "sign_in.start_again")


def public_address(page: PageRequest) -> str:
    """Return where people reach the app: as the operator says, else as this request came."""
    url = page.request.url
    return page.client.parts.settings.public_url or f"{url.scheme}://{url.netloc}"
