"""WaitingPage: what every address answers while nothing is published yet, and why that is so."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from kartoteka.assembly import assemble, load_bundles
from kartoteka.base_metadata import base_folder
from kartoteka.labels import LabelResolver
from kartoteka_runtime.dev.dev_session import DevSession
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.web.page_endpoint import visitor_language
from kartoteka_runtime.web.published_pages import PublishedPages
from kartoteka_runtime.web.responses import html_response
from kartoteka_runtime.web.routes import asset_routes
from kartoteka_runtime.web.web_client import WebClient

_ASSETS = ("/static/", "/theme/")


class WaitingPage:
    """Stands before the app until there is a publication to serve.

    Nobody can sign in before that, so that only people at this machine see the files' lines.
    """

    def __init__(self, app: ASGIApp, client: WebClient, session: DevSession) -> None:
        """Stand before ``app``."""
        self._app = app
        self._client = client
        self._session = session
        self._assets = Router(asset_routes(client))
        self._base: Published | None = None
        self._pages: dict[str, PublishedPages] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on when something is live."""
        is_waiting = self._client.parts.live_registry.current.number == 0
        if scope["type"] != "http" or not is_waiting:
            await self._app(scope, receive, send)
            return
        if scope["path"].startswith(_ASSETS):
            await self._assets(scope, receive, send)
            return
        response = self._respond(Request(scope, receive))
        await response(scope, receive, send)

    def _respond(self, request: Request) -> Response:
        status = self._session.status
        pages = self._pages_for(request)
        template = pages.templates.template("pages/dev/waiting.html")
        content = template.render(
            title=pages.words.message("dev.waiting"),
            theme="",
            found=status,
            state=str(status.state),
            changes=status.plan.changes if status.plan else (),
            is_near=_is_near(request),
            address=request.url.path,
        )
        response = html_response(content, 503)
        response.headers["Retry-After"] = "1"
        return response

    def _pages_for(self, request: Request) -> PublishedPages:
        """Return pages with the texts of the base bundle, which are there before any publish."""
        folder = self._client.parts.app_folder
        if self._base is None:
            registry = assemble(
                load_bundles([base_folder()]),
                command_handlers=None,
                panels=None,
                languages=folder.languages,
                base_language=folder.base_language,
            )
            self._base = Published(0, registry, LabelResolver(registry))
        language = visitor_language(request, folder.languages)
        if language not in self._pages:
            self._pages[language] = PublishedPages(
                self._base,
                language,
                static=self._client.static,
                theme=self._client.theme(self._client.published),
                app_label=folder.label,
                panels={},
                is_dev=True,
            )
        return self._pages[language]


def _is_near(request: Request) -> bool:
    """Return whether a request comes from this machine."""
    try:
        return request.client is not None and ip_address(request.client.host).is_loopback
    except ValueError:
        return False
