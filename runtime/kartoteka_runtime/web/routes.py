"""The addresses of the web client."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from kartoteka_runtime.security import password_resets
from kartoteka_runtime.web import (
    action_pages,
    api_pages,
    create_pages,
    delete_pages,
    error_pages,
    factor_pages,
    file_pages,
    home_pages,
    job_pages,
    link_pages,
    list_pages,
    lookup_pages,
    part_pages,
    provider_pages,
    record_pages,
    reset_pages,
    role_pages,
    second_factor_pages,
    security_pages,
    see_as_pages,
    settings_pages,
    share_pages,
    sign_in_pages,
    token_pages,
    webhook_pages,
    why_pages,
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
        *_sign_in_routes(route),
        route("/sign-out", None, sign_in_pages.sign_out),
        route("/area/{area}", home_pages.go_to_area),
        route("/settings", settings_pages.show_settings, settings_pages.save_settings),
        *_factor_routes(route),
        *_own_security_routes(route),
        route("/settings/switch", None, settings_pages.switch),
        route(see_as_pages.PLACE, see_as_pages.show_see_as, see_as_pages.start),
        route(see_as_pages.END, None, see_as_pages.end),
        route("/lookup/{entities}", lookup_pages.offer_records),
        route("/e/{entity}", list_pages.show_list),
        route("/e/{entity}/new", create_pages.show_new, create_pages.create_record),
        route(record, record_pages.show_record, record_pages.save_record),
        route(f"/e/role/{{record_id:uuid}}/{role_pages.PLACE}", role_pages.show_grants),
        route(
            f"/e/webhook/{{record_id:uuid}}/{webhook_pages.PLACE}",
            webhook_pages.show_secret,
            webhook_pages.change_secret,
        ),
        route(f"{record}/why", why_pages.show_why),
        route(f"{record}/delete", delete_pages.confirm_delete, delete_pages.delete_record),
        route(f"{record}/share", share_pages.show_sharing, share_pages.change_sharing),
        route(f"{record}/assign", share_pages.show_assign, share_pages.assign),
        route(f"{record}/part/{{form}}/{{kind}}/{{name}}", part_pages.show_part),
        route(f"{record}/link/{{relationship}}", link_pages.show_link, link_pages.add_link),
        route(f"{record}/unlink/{{relationship}}", None, link_pages.remove_link),
        route(f"{record}/file/{{field}}", file_pages.send_file, file_pages.receive_file),
        route(f"{record}/file/{{field}}/remove", None, file_pages.remove_file),
        route("/Image/download.aspx", file_pages.send_picture),
        route(f"{record}/{{kind}}/{{name}}", action_pages.show_action, action_pages.do_action),
        route("/jobs", job_pages.show_jobs),
        route("/jobs/{job_id}", job_pages.show_job, job_pages.change_job),
        *customize_routes(route),
        route("/{path:path}", error_pages.not_found, error_pages.not_found, is_public=True),
    ]


def _sign_in_routes(route: Callable[..., Route]) -> Iterator[Route]:
    """Yield the ways in beside a password; nobody is signed in on them yet."""
    pages = second_factor_pages
    provider, second, first = (
        "/sign-in/with/{provider}",
        "/sign-in/second-factor",
        "/sign-in/set-up",
    )
    for path, get, post in (
        ("/sign-in/passkey", None, sign_in_pages.sign_in_with_passkey),
        ("/sign-in/passkey/challenge", None, sign_in_pages.ask_passkey),
        (provider, provider_pages.go_to_provider, None),
        (f"{provider}/back", provider_pages.come_back, None),
        (f"{provider}/sign-out", provider_pages.sign_out_there, None),
        (second, pages.show_second_factor, pages.check_code),
        (f"{second}/challenge", None, pages.ask_second_passkey),
        (f"{second}/passkey", None, pages.check_passkey),
        (first, pages.show_set_up, pages.set_up),
        (f"{first}/challenge", None, pages.ask_first_passkey),
        (f"{first}/passkey", None, pages.set_up_passkey),
    ):
        yield route(path, get, post, is_public=True)


def _own_security_routes(route: Callable[..., Route]) -> Iterator[Route]:
    """Yield the pages of a user's own password, sessions and tokens."""
    place = security_pages.PLACE
    yield route(place, security_pages.show_security)
    yield route(f"{place}/password", None, security_pages.change_password)
    yield route(f"{place}/sessions", None, security_pages.end_sessions)
    yield route(token_pages.PLACE, token_pages.show_tokens, token_pages.change_tokens)
    yield route(api_pages.PLACE, api_pages.show_api, api_pages.make_token)
    forgot, new_password = reset_pages.FORGOT, password_resets.ADDRESS
    yield route(forgot, reset_pages.show_forgot, reset_pages.ask_reset, is_public=True)
    yield route(new_password, reset_pages.show_reset, reset_pages.reset, is_public=True)


def _factor_routes(route: Callable[..., Route]) -> Iterator[Route]:
    """Yield the pages of a user's own second factors."""
    place = factor_pages.PLACE
    yield route(place, factor_pages.show_factors)
    yield route(f"{place}/codes", factor_pages.show_totp, factor_pages.set_up_totp)
    yield route(f"{place}/codes/remove", None, factor_pages.remove_totp)
    yield route(f"{place}/recovery-codes", None, factor_pages.new_recovery_codes)
    yield route(f"{place}/passkeys", None, factor_pages.add_passkey)
    yield route(f"{place}/passkeys/challenge", None, factor_pages.ask_new_passkey)
    yield route(f"{place}/passkeys/rename", None, factor_pages.rename_passkey)
    yield route(f"{place}/passkeys/remove", None, factor_pages.remove_passkey)


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
