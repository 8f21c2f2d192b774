"""Which media types a client can read, and which a body may have: refused only where really wrong.

Source: reference web-api, section 1.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_errors import CallRefused

# What a body of JSON is never called by mistake.
_NO_JSON = ("application/x-www-form-urlencoded", "multipart/", "image/", "audio/", "video/",
            "text/html", "text/csv")  # fmt: skip


def require_json(request: Request) -> None:
    """Return when the body of a request may be JSON: one without a type is taken for it.

    Raises:
        CallRefused: It says that it is something else.
    """
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said.startswith(_NO_JSON) or (said.endswith("xml") and "/" in said):
        raise CallRefused(415, f"The body is {shorten(said)}; application/json is meant.")


def is_readable(response: Response, request: Request) -> bool:
    """Return whether a client said that it can read the type of what it asked for.

    JSON of any flavour is one type; who says nothing reads everything.
    """
    accept = request.headers.get("accept", "")
    if not accept or "*/*" in accept or "json" in accept:
        return True
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind:
        return True
    group = kind.partition("/")[0]
    ranges = (part.partition(";")[0].strip().lower() for part in accept[:4000].split(","))
    return any(one in (kind, f"{group}/*") or one == "multipart/mixed" for one in ranges)
