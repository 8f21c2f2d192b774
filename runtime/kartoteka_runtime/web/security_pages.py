"""Settings of one's own security: the password, and where one is signed in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from kartoteka.errors import RecordInvalid
from kartoteka_runtime.localization.format_value import instant_writer
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.security.password_resets import CHANGED
from kartoteka_runtime.security.passwords import LONGEST, SHORTEST
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.sessions import USER, TooManyFailures
from kartoteka_runtime.security.tokens import digest_of
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import PostRefused
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.sign_in_form import SESSION_COOKIE

PLACE = "/settings/security"


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One session as its user sees it."""

    id: str
    browser: str
    address: str
    since: str
    used: str
    is_this: bool


async def show_security(page: PageRequest) -> Response:
    """Show the form for a new password, and every session."""
    return await _render(page)


async def change_password(page: PageRequest) -> Response:
    """Replace one's own password; every other session ends."""
    post = await page.post()
    post.check_names({TOKEN, "current", "password", "again"})
    parts, user_id = page.client.parts, page.principal.user_id
    if post.text("password") != post.text("again"):
        return await _render(page, problem=page.text("violation.password_again"), status=422)
    try:
        await parts.sessions.change_password(
            user_id,
            post.text("current"),
            post.text("password"),
            keep=page.request.cookies.get(SESSION_COOKIE, ""),
            address=client_address(page.request.scope),
        )
    except RecordInvalid as invalid:
        problem = " ".join(page.violation(USER, found) for found in invalid.violations)
        return await _render(page, problem=problem, status=422)
    except TooManyFailures as waiting:
        response = await _render(page, problem=page.text("sign_in.too_many"), status=429)
        response.headers["Retry-After"] = str(int(waiting.seconds) + 1)
        return response
    if parts.settings.mail is not None:
        records = parts.records.acting_as(SYSTEM)
        await records.enqueue(CHANGED, {"user_id": user_id}, key=user_id)
    return page.redirect(PLACE, "security.password_changed")


async def end_sessions(page: PageRequest) -> Response:
    """End one session, or every other."""
    post = await page.post()
    post.check_names({TOKEN, "session", "others"})
    sessions, user_id = page.client.parts.sessions, page.principal.user_id
    address = client_address(page.request.scope)
    if post.has("others"):
        own = page.request.cookies.get(SESSION_COOKIE, "")
        await sessions.end_others(user_id, own, address=address)
        return page.redirect(PLACE, "security.others_ended")
    if not post.text("session"):
        raise PostRefused(400, "error.bad_request", "no session is named")
    is_ended = await sessions.end(user_id, post.text("session"), address=address)
    return page.redirect(PLACE, "security.session_ended" if is_ended else "security.no_session")


async def _render(page: PageRequest, *, problem: str = "", status: int = 200) -> Response:
    sessions, user_id = page.client.parts.sessions, page.principal.user_id
    own = digest_of(page.request.cookies.get(SESSION_COOKIE, ""))
    write = moment_writer(page)
    rows = [
        SessionRow(
            id=one.id,
            browser=one.browser or page.text("security.unknown_browser"),
            address=one.address or "–",
            since=write(one.created_on),
            used=write(one.used_on),
            is_this=own.startswith(one.id),
        )
        for one in await sessions.of(user_id)
    ]
    return page.render(
        "pages/security.html",
        status=status,
        title=page.text("page.security"),
        settings_place=PLACE,
        problem=problem,
        has_password=await sessions.has_password(user_id),
        sessions=rows,
        has_others=any(not row.is_this for row in rows),
        shortest=SHORTEST,
        longest=LONGEST,
    )


def moment_writer(page: PageRequest) -> Callable[[datetime | None], str]:
    """Return what writes moments as the reader is used to; "–" for none."""
    write = instant_writer(page.language, page.zone)
    return lambda moment: "–" if moment is None else write(moment)
