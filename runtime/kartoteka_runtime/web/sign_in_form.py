"""The sign-in form, wherever it is shown, and the cookies that belong to it."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import Response

from kartoteka_runtime.web.page_request import PageRequest

SESSION_COOKIE = "kartoteka_session"
LANGUAGE_COOKIE = "kartoteka_language"
PROVIDER_COOKIE = "kartoteka_provider"  # by which provider the session came about
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
_YEAR = 365 * 24 * 3600


def local_address(address: str) -> str:
    """Return an address of ours; whatever points elsewhere becomes the home page.

    Browsers drop tabs and line ends inside an address and take a backslash for a slash.
    """
    if not address.startswith("/") or address.startswith("//"):
        return "/"
    if "\\" in address or any(ord(letter) < 0x20 or ord(letter) == 0x7F for letter in address):
        return "/"
    try:
        parts = urlsplit(address)
    except ValueError:
        return "/"
    return "/" if parts.scheme or parts.netloc else address


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
    providers = page.client.parts.sign_in.providers
    signed_out = providers.get(page.query.get("signed_out", ""))
    response = page.render(
        "pages/sign_in.html",
        status=status,
        title=page.text("page.sign_in"),
        entered=user_name,
        message=message,
        can_reset=page.client.parts.resets.is_possible,
        kept=kept,
        kept_for=kept_for,
        next_address=next_address if local_address(next_address) != "/" else "",
        providers=[(name, one.settings.label) for name, one in providers.items()],
        signed_out=(signed_out.settings.name, signed_out.settings.label) if signed_out else None,
    )
    if page.query.get("language") == page.language:
        page.set_cookie(response, LANGUAGE_COOKIE, page.language, max_age=_YEAR)
    return response
