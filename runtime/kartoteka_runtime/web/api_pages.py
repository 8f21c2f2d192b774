"""The description of the Web API as a page, on which every call can be tried."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import Response

from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.page_request import PageRequest

PLACE = "/settings/api"
_LIFETIME = timedelta(hours=1)


async def show_api(page: PageRequest) -> Response:
    """Show every call; who has a token can paste it."""
    return _render(page)


async def make_token(page: PageRequest) -> Response:
    """Show the same with a token that holds for an hour, which this answer alone knows."""
    post = await page.post()
    post.check_names({TOKEN})
    token, _ = await page.client.parts.sessions.tokens.create(
        page.principal.user_id, page.text("api.token_name"), lifetime=_LIFETIME
    )
    response = _render(page, token=token)
    response.headers["Cache-Control"] = "no-store"
    return response


def _render(page: PageRequest, *, token: str = "") -> Response:
    return page.render(
        "pages/api.html",
        title=page.text("page.api"),
        settings_place=PLACE,
        api_token=token,
    )
