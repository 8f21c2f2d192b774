"""What answers when a customize page cannot be shown: the files' mistakes, or why they are shut."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from kartoteka_runtime.app_files import FilesUnusable
from kartoteka_runtime.web.customize.customizing import Customizing, FilesBroken, customizing
from kartoteka_runtime.web.error_pages import error_page
from kartoteka_runtime.web.page_request import PageRequest

Handler = Callable[[PageRequest], Awaitable[Response]]


def for_customizers(handler: Callable[[Customizing], Awaitable[Response]]) -> Handler:
    """Return a page handler that customizers alone get to."""

    async def handle(page: PageRequest) -> Response:
        try:
            return await handler(await customizing(page))
        except FilesBroken as broken:
            return page.render(
                "pages/customize/mistakes.html",
                status=409,
                title=page.text("customize.title"),
                mistakes=broken.mistakes,
            )
        except FilesUnusable as unusable:
            text = page.text("customize.cannot_read", reason=str(unusable))
            return error_page(page, 503, "customize.unusable", details=[text])

    return handle
