"""The sign-in form, wherever it is shown, and the cookies that belong to it."""

from __future__ import annotations

from starlette.responses import Response

from kartoteka_runtime.web.page_request import PageRequest

SESSION_COOKIE = "kartoteka_session"
LANGUAGE_COOKIE = "kartoteka_language"
SIGN_IN = "/sign-in"
_YEAR = 365 * 24 * 3600


def local_address(address: str) -> str:
    """Return an address of ours; whatever points elsewhere becomes the home page."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if is_ours and "\n" not in address and "\r" not in address else "/"


def sign_in_form(
    page: PageRequest,
    *,
    status: int = 200,
    user_name: str = "",
    message: str = "",
    next_address: str = "",
    kept: str = "",
    kept_for: str = "",
) -> Response:
    """Return the sign-in page; ``kept`` is a form that was sent too late, ``kept_for`` its goal."""
    response = page.render(
        "pages/sign_in.html",
        status=status,
        title=page.text("page.sign_in"),
        entered=user_name,
        message=message,
        kept=kept,
        kept_for=kept_for,
        next_address=next_address if local_address(next_address) != "/" else "",
    )
    if page.query.get("language") == page.language:
        page.set_cookie(response, LANGUAGE_COOKIE, page.language, max_age=_YEAR)
    return response
