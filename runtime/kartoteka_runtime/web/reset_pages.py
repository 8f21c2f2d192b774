"""A new password for who forgot theirs: asking for a mail, and the page that its link opens."""

from __future__ import annotations

from starlette.responses import Response

from kartoteka.errors import RecordInvalid
from kartoteka.text_folding import fold
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.security.password_resets import ASKED, CHANGED
from kartoteka_runtime.security.passwords import LONGEST, SHORTEST
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.sessions import USER
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.sign_in_form import SESSION_COOKIE, SIGN_IN

FORGOT = "/forgot-password"
_LONGEST_ASKED = 200


async def show_forgot(page: PageRequest) -> Response:
    """Ask for a user name or mail address, or say that no mails are sent."""
    return _forgot(page)


async def ask_reset(page: PageRequest) -> Response:
    """Have a mail sent to whoever is meant; the answer never says whether anybody is.

    Whom to send it to is looked up by the job, so that this takes the same time for everybody.
    """
    post = await page.post()
    post.check_names({TOKEN, "asked"})
    parts = page.client.parts
    asked = " ".join(post.text("asked").split())
    if not parts.resets.is_possible:
        return _forgot(page, status=403)
    if not asked or len(asked) > _LONGEST_ASKED:
        return _forgot(page, problem=page.text("reset.asked_needed"), status=422)
    await parts.security_events.record(
        "password_reset_asked", user_name=asked, address=client_address(page.request.scope)
    )
    records = parts.records.acting_as(SYSTEM)
    await records.enqueue(ASKED, {"asked": asked}, key=fold(asked))
    return _forgot(page, is_sent=True)


async def show_reset(page: PageRequest) -> Response:
    """Ask for a new password of who comes by the link of a mail."""
    return await _reset(page, page.query.get("token", ""))


async def reset(page: PageRequest) -> Response:
    """Keep the new password, once; every session of the user ends."""
    post = await page.post()
    post.check_names({TOKEN, "token", "password", "again"})
    parts, token = page.client.parts, post.text("token")
    if post.text("password") != post.text("again"):
        return await _reset(page, token, problem=page.text("violation.password_again"))
    person = await parts.resets.find(token)
    try:
        is_done = await parts.resets.use(token, post.text("password"))
    except RecordInvalid as invalid:
        problem = " ".join(page.violation(USER, found) for found in invalid.violations)
        return await _reset(page, token, problem=problem)
    if not is_done or person is None:
        return await _reset(page, "")
    records = parts.records.acting_as(SYSTEM)
    await records.enqueue(CHANGED, {"user_id": person.user_id}, key=person.user_id)
    response = page.redirect(SIGN_IN, "reset.done")
    response.delete_cookie(SESSION_COOKIE, path="/")
    return _unseen(response)


def _forgot(
    page: PageRequest, *, problem: str = "", is_sent: bool = False, status: int = 200
) -> Response:
    return page.render(
        "pages/forgot_password.html",
        status=status,
        title=page.text("page.forgot_password"),
        problem=problem,
        is_sent=is_sent,
        is_possible=page.client.parts.resets.is_possible,
    )


async def _reset(page: PageRequest, token: str, *, problem: str = "") -> Response:
    """Return the form, or the page that says that the link holds no more."""
    person = await page.client.parts.resets.find(token)
    response = page.render(
        "pages/reset_password.html",
        status=410 if person is None else 422 if problem else 200,
        title=page.text("page.reset_password"),
        problem=problem,
        user=person.user_name if person else "",
        reset_token=token if person else "",
        shortest=SHORTEST,
        longest=LONGEST,
    )
    return _unseen(response)


def _unseen(response: Response) -> Response:
    """Let nobody keep the page or learn its address."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
