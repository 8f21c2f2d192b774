"""The routes of the Web API: ``/api/data/v9.x/``, and of search: ``/api/search/v1.0/``."""

from __future__ import annotations

from dataclasses import replace

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from kartoteka_runtime.runtime_parts import Publisher, RuntimeParts
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.altering_endpoints import AlteringEndpoints
from kartoteka_runtime.web_api.api_call import Handler
from kartoteka_runtime.web_api.api_endpoint import ApiEndpoint
from kartoteka_runtime.web_api.api_router import ApiRouter
from kartoteka_runtime.web_api.batch_endpoint import NAME as BATCH
from kartoteka_runtime.web_api.batch_endpoint import BatchEndpoint
from kartoteka_runtime.web_api.definitions.handlers import definition_handlers
from kartoteka_runtime.web_api.file_endpoint import FileEndpoint
from kartoteka_runtime.web_api.openapi.openapi_endpoint import ADDRESS as OPENAPI_ADDRESS
from kartoteka_runtime.web_api.openapi.openapi_endpoint import OpenapiEndpoint
from kartoteka_runtime.web_api.operations.job_records import JOBS, JobRecords
from kartoteka_runtime.web_api.operations.message_filters import MESSAGE_FILTERS, MessageFilters
from kartoteka_runtime.web_api.operations.offered import Operations
from kartoteka_runtime.web_api.problem import NO_SUCH_SEGMENT, problem
from kartoteka_runtime.web_api.record_endpoints import RecordEndpoints
from kartoteka_runtime.web_api.search.search_router import SearchRouter
from kartoteka_runtime.web_api.token_endpoint import ADDRESS as TOKEN_ADDRESS
from kartoteka_runtime.web_api.token_endpoint import TokenEndpoint

ROOT = "/api/data/v9.{minor:minor_version}"
SEARCH = "/api/search/v{version:search_version}"


class MinorVersion(Convertor[int]):
    """The number after ``v9.``, of any length that a number of a version has."""

    regex = "[0-9]{1,3}"

    def convert(self, value: str) -> int:
        """Return the number."""
        return int(value)

    def to_string(self, value: int) -> str:
        """Return it as it stands in a path."""
        return str(value)


class SearchVersion(Convertor[str]):
    """A version of search."""

    regex = r"[12]\.0"

    def convert(self, value: str) -> str:
        """Return it."""
        return value

    def to_string(self, value: str) -> str:
        """Return it as it stands in a path."""
        return value


class Anything(Convertor[str]):
    """Whatever a path goes on with, line ends too: it is the API that refuses them."""

    regex = "(?s:.*)"

    def convert(self, value: str) -> str:
        """Return it."""
        return value

    def to_string(self, value: str) -> str:
        """Return it as it stands in a path."""
        return value


register_url_convertor("minor_version", MinorVersion())
register_url_convertor("search_version", SearchVersion())
register_url_convertor("anything", Anything())


def api_routes(parts: RuntimeParts, publisher: Publisher) -> list[BaseRoute]:
    """Return the endpoints of one app; definitions are published with ``publisher``."""
    endpoint = ApiEndpoint(parts, router_of(parts, publisher))
    return [
        Route(f"{ROOT}/{{path:anything}}", endpoint),
        Route(ROOT, endpoint),
        Route(f"{SEARCH}/{{path:anything}}", ApiEndpoint(parts, SearchRouter())),
        Route(TOKEN_ADDRESS, TokenEndpoint(parts).__call__, methods=["POST"]),
        Route(TOKEN_ADDRESS, MethodNotAllowed("POST")),
        Route(OPENAPI_ADDRESS, OpenapiEndpoint(parts)),
        Route("/api/{path:anything}", NothingHere()),
    ]


def router_of(parts: RuntimeParts, publisher: Publisher) -> ApiRouter:
    """Return what answers the calls of one app."""
    files = FileEndpoint(parts.files)
    operations = Operations(parts.records, parts.files)
    first: dict[str, Handler] = {
        **definition_handlers(operations.all),
        MESSAGE_FILTERS: MessageFilters(operations),
        JOBS: JobRecords(parts.database),
    }
    router = ApiRouter(
        first=AlteringEndpoints(parts, publisher).beside(first),
        records=RecordEndpoints(parts, {"file": files.answer, "image": files.answer}).answer,
        operation=operations.answer,
    )
    return replace(router, first={**router.first, BATCH: BatchEndpoint(parts, router)})


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


class NothingHere:
    """Answers for every address of the API that there is not, whatever the method."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        text = f"There is nothing at {shorten(scope['path'])}."
        await problem(404, text, code=NO_SUCH_SEGMENT)(scope, receive, send)
