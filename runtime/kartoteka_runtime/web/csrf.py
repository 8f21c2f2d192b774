"""Proof that a post comes from a page of ours: a token of the session in every form."""

from __future__ import annotations

import hmac
import secrets

from starlette.requests import Request

from kartoteka_runtime.web.form_posts import Post, PostRefused

TOKEN = "_token"  # noqa: S105 - the name of an input
HEADER = "x-csrf-token"

# Before there is a session, this cookie stands in for it on the sign-in page.
VISITOR_COOKIE = "kartoteka_visitor"


def new_visitor() -> str:
    """Return a value for the visitor cookie."""
    return secrets.token_urlsafe(24)


def check_origin(request: Request) -> None:
    """Return when a browser says that a page of ours sent this, or says nothing of it.

    Another port or a subdomain is another site. Where browsers send no ``Sec-Fetch-Site`` (without
    HTTPS) the host of ``Origin`` is compared, whose scheme a proxy may have changed.

    Raises:
        PostRefused: Another site sent it.
    """
    site = request.headers.get("sec-fetch-site", "")
    if site:
        if site not in ("same-origin", "none"):
            raise PostRefused(403, "error.forged", "sent by another site")
        return
    origin = request.headers.get("origin", "")
    if origin and origin.partition("://")[2] != request.headers.get("host", ""):
        raise PostRefused(403, "error.forged", "sent by another site")


def check_token(request: Request, post: Post, expected: str) -> None:
    """Return when the post carries the session's token, in the form or (htmx) in a header.

    Raises:
        PostRefused: It does not, or the browser says that another site sent it.
    """
    check_origin(request)
    sent = post.text(TOKEN) or request.headers.get(HEADER, "")
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise PostRefused(403, "error.forged", "wrong or missing token")
