"""The routes of the Web API: ``/api/data/v9.x/``."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_endpoint import ApiEndpoint
from kartoteka_runtime.web_api.api_router import ApiRouter
from kartoteka_runtime.web_api.problem import NO_SUCH_SEGMENT, problem
from kartoteka_runtime.web_api.record_endpoints import RecordEndpoints
from kartoteka_runtime.web_api.rollup_endpoint import NAME as ROLLUP
from kartoteka_runtime.web_api.rollup_endpoint import RollupEndpoint
from kartoteka_runtime.web_api.token_endpoint import ADDRESS as TOKEN_ADDRESS
from kartoteka_runtime.web_api.token_endpoint import TokenEndpoint

ROOT = "/api/data/v9.{minor:int}"


def api_routes(parts: RuntimeParts) -> list[BaseRoute]:
    """Return the endpoints of one app."""
    endpoint = ApiEndpoint(parts, router_of(parts))
    return [
        Route(f"{ROOT}/{{path:path}}", endpoint),
        Route(ROOT, endpoint),
        Route(TOKEN_ADDRESS, TokenEndpoint(parts).__call__, methods=["POST"]),
        Route(TOKEN_ADDRESS, MethodNotAllowed("POST")),
        Route("/api/{path:path}", no_such_address),
    ]


def router_of(parts: RuntimeParts) -> ApiRouter:
    """Return what answers the calls of one app."""
    return ApiRouter(
        first={ROLLUP: RollupEndpoint()},
        records=RecordEndpoints(parts).answer,
        operation=no_operation,
    )


async def no_operation(call: ApiCall) -> Response | None:
    """Return that there is none."""
    return None


class MethodNotAllowed:
    """Answers the methods that an address does not take."""

    def __init__(self, allowed: str) -> None:
        """Tell that ``allowed`` are those it takes."""
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        response = problem(405, f"This address takes {self._allowed}.")
        response.headers["Allow"] = self._allowed
        await response(scope, receive, send)


async def no_such_address(request: Request) -> Response:
    """Answer for every address of the API that there is not."""
    text = f"There is nothing at {shorten(request.url.path)}."
    return problem(404, text, code=NO_SUCH_SEGMENT)
