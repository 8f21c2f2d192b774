"""The start page, and going to an area."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka.model.view import View
from kartoteka_runtime.web.list_pages import rows_of
from kartoteka_runtime.web.page_request import AREA_COOKIE, PageRequest
from kartoteka_runtime.web.responses import see_other

ACTIVITIES = "activitypointer"
_SHOWN = 8  # activities on the start page


async def show_home(page: PageRequest) -> Response:
    """Show the areas and, when activities are kept, the reader's open ones."""
    work = _work_view(page)
    values: dict[str, Any] = {"rows": (), "work_total": 0, "unlink": ""}
    template = "pages/home.html"
    if work is not None:
        found = await page.records.page(ACTIVITIES, view=work, limit=_SHOWN)
        values |= {"rows": await rows_of(page, work, found.rows), "work_total": found.count}
        template = f"pages/home.html?view={work.name}"
    return page.render(template, title=page.text("page.home"), entity="", **values)


async def go_to_area(page: PageRequest) -> Response:
    """Make an area the current one and open its first entry that the reader may see."""
    name = page.request.path_params["area"]
    area = next((found for found in page.pages.navigation.areas if found.name == name), None)
    entries = [entry for group in area.groups for entry in group.entries] if area else []
    entry = next((found for found in entries if page.allows("read", found.entity)), None)
    if entry is None:
        raise RecordNotFound("navigation", name)
    response = see_other(entry.address)
    page.set_cookie(response, AREA_COOKIE, name)
    return response


def _work_view(page: PageRequest) -> View | None:
    """Return the view of the reader's open activities: a public one about ``me()``."""
    if not page.allows("read", ACTIVITIES):
        return None
    for view in page.registry.views_of.get(ACTIVITIES, ()):
        if view.type == "public" and "me()" in view.filter:
            return view
    return None
