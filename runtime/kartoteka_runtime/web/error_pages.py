"""Error pages: what went wrong and how to go on, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from starlette.responses import Response

from kartoteka.checks.role_checks import MISCELLANEOUS
from kartoteka.errors import AccessDenied
from kartoteka.model.role import PRIVILEGES
from kartoteka_runtime.web.page_request import PageRequest

_ASK_ROLE = "access.ask_role"


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


def denied_page(page: PageRequest, denied: AccessDenied) -> Response:
    """Return the page for what somebody may not do: which right is missing, and whom to ask."""
    privilege, name = (str(denied.params.get(key, "")) for key in ("privilege", "entity"))
    if name not in page.registry.entities:
        details = []
        if privilege in MISCELLANEOUS:
            told = page.text(f"access.task.{privilege}")
            details = [page.text("access.missing_task", privilege=told), page.text(_ASK_ROLE)]
        return error_page(page, 403, denied.code, denied.params, details=details)
    entity = page.pages.entity_model(name)
    message = denied.code
    if message == "error.access_denied" and privilege in PRIVILEGES:
        message = f"access.{privilege}"
    told = page.text(f"customize.privilege.{privilege}") if privilege in PRIVILEGES else privilege
    # A share replaces no privilege, so an owner can help only who has it for other records.
    can_be_shared = privilege != "create" and page.allows(privilege, name)
    details = [
        page.text("access.missing", privilege=told, entities=entity.plural),
        page.text("access.ask" if can_be_shared else _ASK_ROLE),
    ]
    params = {**denied.params, "entity": entity.label}
    return error_page(page, 403, message, params, details=details)


async def not_found(page: PageRequest) -> Response:
    """Answer for an address that there is not."""
    return error_page(page, 404, "error.not_found")
