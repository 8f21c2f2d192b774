"""Headers that every page carries: no foreign content, no framing, no stale copies."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import orjson
from starlette.requests import Request
from starlette.responses import Response

FLASH_COOKIE = "kartoteka_notice"

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'; manifest-src 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# No copy of what was shown stays anywhere once somebody has signed out.
_PAGE_HEADERS = {
    **SECURITY_HEADERS,
    "Cache-Control": "no-store",
    "Vary": "HX-Request, Cookie",
    "Content-Type": "text/html; charset=utf-8",
}


def html_response(content: str, status: int = 200) -> Response:
    """Return a page or fragment."""
    return Response(content, status_code=status, headers=_PAGE_HEADERS)


def see_other(address: str) -> Response:
    """Return the redirect that follows a post."""
    return Response(
        status_code=303,
        headers={**SECURITY_HEADERS, "Location": address, "Cache-Control": "no-store"},
    )


def is_fragment(request: Request) -> bool:
    """Return whether htmx asks for the part that changes rather than a page."""
    headers = request.headers
    return headers.get("hx-request") == "true" and headers.get("hx-request-type") == "partial"


def set_cookie(
    response: Response, name: str, value: str, *, max_age: int | None, is_secure: bool
) -> None:
    """Set a cookie that scripts cannot read and other sites cannot send along with posts."""
    response.set_cookie(
        name,
        value,
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_secure,
    )


def pack_notice(message: str, params: Mapping[str, object]) -> str:
    """Return what a cookie holds for the next page to say once; ``message`` is a message key."""
    shown = {key: str(value) for key, value in params.items()}
    return base64.urlsafe_b64encode(orjson.dumps([message, shown])).decode()


def read_notice(request: Request) -> tuple[str, dict[str, str]] | None:
    """Return what an earlier response wanted this page to say, or None."""
    packed = request.cookies.get(FLASH_COOKIE)
    if not packed:
        return None
    try:
        message, params = orjson.loads(base64.urlsafe_b64decode(packed))
        return str(message), {str(key): str(value) for key, value in params.items()}
    except (ValueError, TypeError, AttributeError):
        return None  # whoever changed the cookie gets no notice
