"""Signing in and out."""

from __future__ import annotations

from starlette.responses import Response

from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import Post
from kartoteka_runtime.web.kept_posts import KEPT, KEPT_FOR, unpack_post
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.sign_in_form import (
    SESSION_COOKIE,
    SIGN_IN,
    local_address,
    sign_in_form,
)

_INPUTS = frozenset({TOKEN, "user_name", "password", "next", KEPT, KEPT_FOR})


async def show_sign_in(page: PageRequest) -> Response:
    """Show the form, in a language that the visitor may change."""
    if page.principal.user_id:
        return page.redirect(local_address(page.query.get("next", "")))
    return sign_in_form(page, next_address=page.query.get("next", ""))


async def sign_in(page: PageRequest) -> Response:
    """Start a session, or show the form again."""
    post = await page.post()
    post.check_names(_INPUTS)
    user_name = post.text("user_name").strip()
    sessions = page.client.parts.sessions
    session = await sessions.sign_in(user_name, post.text("password"))
    if session is None:
        return sign_in_form(
            page,
            status=422,
            user_name=user_name,
            message=page.text("sign_in.failed"),
            next_address=post.text("next"),
            kept=post.text(KEPT),
            kept_for=post.text(KEPT_FOR),
        )
    if post.text(KEPT):
        response = _resume(page, post, session)
    else:
        response = page.redirect(local_address(post.text("next")))
    page.set_cookie(response, SESSION_COOKIE, session)
    return response


async def sign_out(page: PageRequest) -> Response:
    """End the session; nothing of it stays in the browser."""
    post = await page.post()
    post.check_names({TOKEN})
    await page.client.parts.sessions.sign_out(page.request.cookies[SESSION_COOKIE])
    response = page.redirect(SIGN_IN, "sign_in.signed_out")
    response.delete_cookie(SESSION_COOKIE, path="/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _resume(page: PageRequest, post: Post, session: str) -> Response:
    """Return the page that sends on what was typed before the session ended."""
    page.token = page.client.parts.sessions.csrf_token(session)
    return page.render(
        "pages/resume.html",
        title=page.text("page.sign_in"),
        action=local_address(post.text(KEPT_FOR)),
        inputs=unpack_post(post),
    )
