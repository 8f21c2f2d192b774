"""Proof that a post comes from a page of ours: a token of the session in every form."""

from __future__ import annotations

import hmac
import secrets

from starlette.requests import Request

from kartoteka_runtime.web.form_posts import Post, PostRefused

TOKEN = "_token"
HEADER = "x-csrf-token"

# Before there is a session, this cookie stands in for it on the sign-in page.
VISITOR_COOKIE = "kartoteka_visitor"


def new_visitor() -> str:
    """Return a value for the visitor cookie."""
    return secrets.token_urlsafe(24)


def check_token(request: Request, post: Post, expected: str) -> None:
    """Return when the post carries the session's token, in the form or (htmx) in a header.

    Raises:
        PostRefused: It does not, or the browser says that another site sent it.
    """
    if request.headers.get("sec-fetch-site", "same-origin") == "cross-site":
        raise PostRefused(403, "error.forged", "sent by another site")
    sent = post.text(TOKEN) or request.headers.get(HEADER, "")
    if not expected or not hmac.compare_digest(sent.encode(), expected.encode()):
        raise PostRefused(403, "error.forged", "wrong or missing token")
