"""Signing in and out."""

from __future__ import annotations

from starlette.responses import Response

from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.page_endpoint import LANGUAGE_COOKIE, SESSION_COOKIE, SIGN_IN
from kartoteka_runtime.web.page_request import PageRequest

_YEAR = 365 * 24 * 3600
_INPUTS = frozenset({TOKEN, "user_name", "password", "next"})


async def show_sign_in(page: PageRequest) -> Response:
    """Show the form, in a language that the visitor may change."""
    if page.principal.user_id:
        return page.redirect(local_address(page.query.get("next", "")))
    return _form(page, next_address=page.query.get("next", ""))


async def sign_in(page: PageRequest) -> Response:
    """Start a session, or show the form again."""
    post = await page.post()
    post.check_names(_INPUTS)
    user_name = post.text("user_name").strip()
    sessions = page.client.parts.sessions
    session = await sessions.sign_in(user_name, post.text("password"))
    if session is None:
        return _form(
            page,
            status=422,
            user_name=user_name,
            message=page.text("sign_in.failed"),
            next_address=post.text("next"),
        )
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


def local_address(address: str) -> str:
    """Return an address of ours; whatever points elsewhere becomes the home page."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_ours and "\n" not in address and "\r" not in address else "/"


def _form(
    page: PageRequest,
    *,
    status: int = 200,
    user_name: str = "",
    message: str = "",
    next_address: str = "",
) -> Response:
    response = page.render(
        "pages/sign_in.html",
        status=status,
        title=page.text("page.sign_in"),
        entered=user_name,
        message=message,
        next_address=next_address if local_address(next_address) != "/" else "",
    )
    if page.query.get("language") == page.language:
        page.set_cookie(response, LANGUAGE_COOKIE, page.language, max_age=_YEAR)
    return response
