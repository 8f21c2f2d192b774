"""Error pages: what went wrong and how to go on, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from kartoteka_runtime.web.page_request import PageRequest


def error_page(
    page: PageRequest,
    status: int,
    message: str,
    params: Mapping[str, object] | None = None,
    *,
    details: Sequence[str] = (),
) -> Response:
    """Return a page that says what ``message`` says; a fragment when htmx asked for one."""
    whole = "pages/error.html" if page.principal.user_id else "pages/visitor_error.html"
    return page.render(
        "fragments/_error.html" if page.is_fragment else whole,
        status=status,
        title=page.text("error.title"),
        status_code=status,
        message=page.text(message, **(params or {})),
        details=details,
    )


async def not_found(page: PageRequest) -> Response:
    """Answer for an address that there is not."""
    return error_page(page, 404, "error.not_found")
