"""The addresses of the web client."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kartoteka_runtime.web import (
    action_pages,
    create_pages,
    delete_pages,
    error_pages,
    home_pages,
    job_pages,
    link_pages,
    list_pages,
    lookup_pages,
    part_pages,
    record_pages,
    settings_pages,
    sign_in_pages,
)
from kartoteka_runtime.web.customize.routes import customize_routes
from kartoteka_runtime.web.page_endpoint import Handler, PageEndpoint
from kartoteka_runtime.web.static_files import FOREVER
from kartoteka_runtime.web.web_client import WebClient


def web_routes(client: WebClient) -> list[BaseRoute]:
    """Return the routes of all pages; the last one answers for every address that there is not."""

    def route(
        path: str,
        get: Handler | None = None,
        post: Handler | None = None,
        *,
        is_public: bool = False,
    ) -> Route:
        return Route(path, PageEndpoint(client, get=get, post=post, is_public=is_public))

    record = "/e/{entity}/{record_id:uuid}"
    return [
        *asset_routes(client),
        route("/", home_pages.show_home),
        route("/sign-in", sign_in_pages.show_sign_in, sign_in_pages.sign_in, is_public=True),
        route("/sign-out", None, sign_in_pages.sign_out),
        route("/area/{area}", home_pages.go_to_area),
        route("/settings", settings_pages.show_settings, settings_pages.save_settings),
        route("/settings/switch", None, settings_pages.switch),
        route("/lookup/{entities}", lookup_pages.offer_records),
        route("/e/{entity}", list_pages.show_list),
        route("/e/{entity}/new", create_pages.show_new, create_pages.create_record),
        route(record, record_pages.show_record, record_pages.save_record),
        route(f"{record}/delete", delete_pages.confirm_delete, delete_pages.delete_record),
        route(f"{record}/part/{{form}}/{{kind}}/{{name}}", part_pages.show_part),
        route(f"{record}/link/{{relationship}}", link_pages.show_link, link_pages.add_link),
        route(f"{record}/unlink/{{relationship}}", None, link_pages.remove_link),
        route(f"{record}/{{kind}}/{{name}}", action_pages.show_action, action_pages.do_action),
        route("/jobs", job_pages.show_jobs),
        route("/jobs/{job_id}", job_pages.show_job, job_pages.change_job),
        *customize_routes(route),
        route("/{path:path}", error_pages.not_found, error_pages.not_found, is_public=True),
    ]


def asset_routes(client: WebClient) -> list[BaseRoute]:
    """Return the routes of styles, scripts, pictures and the publication's colors."""
    return [
        Route("/static/{digest}/{path:path}", _static(client)),
        Route("/theme/{digest}/{name}", _theme(client)),
    ]


def _static(client: WebClient) -> Handler:
    async def respond(request: Request) -> Response:
        found = client.static.respond(request)
        return found or Response("not found", status_code=404, media_type="text/plain")

    return respond  # type: ignore[return-value]


def _theme(client: WebClient) -> Handler:
    async def respond(request: Request) -> Response:
        theme = client.theme(client.published)
        files = {"colors.css": theme.style_sheet, "icons.svg": theme.icons}
        file = files.get(request.path_params["name"])
        if file is None:
            return Response("not found", status_code=404, media_type="text/plain")
        is_current = request.path_params["digest"] == theme.digest
        return file.respond(request, cache=FOREVER if is_current else "no-cache")

    return respond  # type: ignore[return-value]
