"""Personal settings: language, time zone and appearance."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from starlette.responses import Response

from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import PostRefused
from kartoteka_runtime.web.page_request import THEME_COOKIE, THEMES, PageRequest
from kartoteka_runtime.web.sign_in_form import local_address

_YEAR = 365 * 24 * 3600
_INPUTS = frozenset({TOKEN, "language", "time_zone", "theme"})


async def show_settings(page: PageRequest) -> Response:
    """Show what the reader has chosen."""
    return page.render(
        "pages/settings.html",
        title=page.text("page.settings"),
        settings_place="/settings",
        zones=time_zones(),
        zone=page.principal.time_zone,
    )


async def save_settings(page: PageRequest) -> Response:
    """Keep language, time zone and appearance; each only if it was sent."""
    post = await page.post()
    post.check_names(_INPUTS)
    language, zone = post.text("language"), post.text("time_zone")
    if language:
        _check_language(page, language)
    if zone and zone not in time_zones():
        raise PostRefused(400, "error.bad_request", "no such time zone")
    await page.client.parts.sessions.set_preferences(
        page.principal.user_id, language=language or None, time_zone=zone or None
    )
    response = page.redirect("/settings", "settings.saved")
    if post.has("theme"):
        _keep_theme(page, response, post.text("theme"))
    return response


async def switch(page: PageRequest) -> Response:
    """Switch language or appearance from the menu, and stay on the page."""
    post = await page.post()
    post.check_names({TOKEN, "theme", "language", "back"})
    language = post.text("language")
    if language:
        _check_language(page, language)
        await page.client.parts.sessions.set_preferences(page.principal.user_id, language=language)
    response = page.redirect(local_address(post.text("back")))
    if post.has("theme"):
        _keep_theme(page, response, post.text("theme"))
    return response


@cache
def time_zones() -> tuple[str, ...]:
    """Return the names of the world's time zones: those that begin with a continent, and UTC."""
    continents = (
        "Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/", "Australia/", "Europe/",
        "Indian/", "Pacific/",
    )  # fmt: skip
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(continents)))


def _check_language(page: PageRequest, language: str) -> None:
    if language not in page.registry.languages:
        raise PostRefused(400, "error.bad_request", "no such language")


def _keep_theme(page: PageRequest, response: Response, theme: str) -> None:
    """Keep an appearance; an empty one follows the device."""
    if theme in THEMES:
        page.set_cookie(response, THEME_COOKIE, theme, max_age=_YEAR)
    elif theme == "":
        response.delete_cookie(THEME_COOKIE, path="/")
    else:
        raise PostRefused(400, "error.bad_request", "no such theme")
