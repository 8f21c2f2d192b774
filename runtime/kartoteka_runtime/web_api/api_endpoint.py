"""ApiEndpoint: who calls, how often they may, and how what goes wrong is told."""

from __future__ import annotations

from time import perf_counter

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kartoteka.errors import KartotekaError, RecordInvalid
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.publication_refresh import is_last_try
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.request_limits import address_key
from kartoteka_runtime.security.tokens import TokenRefused
from kartoteka_runtime.storage.database import Overtaken, ReferenceViolation, SchemaMoved
from kartoteka_runtime.web_api import impersonation
from kartoteka_runtime.web_api.accepted import is_readable
from kartoteka_runtime.web_api.addresses import root_of
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused, SavedButMoved
from kartoteka_runtime.web_api.api_router import Dispatcher
from kartoteka_runtime.web_api.compression import compressed
from kartoteka_runtime.web_api.error_answers import REMAINING, TIME_REMAINING, ErrorAnswers
from kartoteka_runtime.web_api.impersonation import Impersonation
from kartoteka_runtime.web_api.problem import ENDED, OVERTAKEN, problem, unauthorized
from kartoteka_runtime.web_api.resource_path import read_path
from kartoteka_runtime.web_api.response_headers import complete

_REMAINING, _TIME_REMAINING = REMAINING.encode(), TIME_REMAINING.encode()
_CONSISTENCY = "consistency"
_SPECIAL = frozenset(
    name.encode() for name in (impersonation.BY_ID, impersonation.BY_DIRECTORY, _CONSISTENCY)
)
_TOO_LONG, _TOO_MANY_AT_ONCE = "0x80072321", "0x80072326"


class ApiEndpoint:
    """Answers every request below one address, such as ``/api/data/v9.x``, for who has a token."""

    def __init__(self, parts: RuntimeParts, router: Dispatcher) -> None:
        """Serve the app that ``parts`` make up with the handlers of ``router``."""
        self._parts = parts
        self._router = router
        self._errors = ErrorAnswers(parts)
        self._impersonation = Impersonation(parts.records, parts.sessions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever its method."""
        request = Request(scope, receive)
        response = await compressed(await self._answer(request), request)
        complete(response)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        limits, address = self._parts.limits, address_key(client_address(request.scope))
        if wait := limits.addresses.take(address):
            return await self._errors.too_many(request, limits.addresses, address, wait)
        principal: Principal | None = None
        try:
            found = await self._caller(request, address)
            if isinstance(found, Response):
                return found
            principal = found
            user_id = principal.user_id
            if not limits.at_once.begin(user_id):
                return await self._errors.too_many(
                    request, limits.users, user_id, 1, principal, _TOO_MANY_AT_ONCE
                )
            began = perf_counter()
            try:
                if any(name in _SPECIAL for name, _ in request.scope["headers"]):
                    principal = await self._specially(request, principal)
                response = await self._dispatch(request, principal)
            finally:
                limits.at_once.end(user_id)
                limits.seconds.spend(user_id, perf_counter() - began)
        except (SchemaMoved, Overtaken) as moved:
            if not is_last_try(request.scope):
                raise
            return await self._errors.answer(moved, request, principal)
        except KartotekaError as error:
            return await self._errors.answer(error, request, principal)
        except Exception as failure:
            return self._errors.failed(failure, request)
        response.raw_headers.append((_REMAINING, str(limits.users.remaining(user_id)).encode()))
        response.raw_headers.append((_TIME_REMAINING, limits.time_left(user_id).encode()))
        return response

    async def _dispatch(self, request: Request, principal: Principal) -> Response:
        records = self._parts.records.bound_to_publication(principal)
        path = read_path(request.path_params.get("path", ""))
        call = ApiCall(request, path, principal, records, root_of(request))
        try:
            response = await self._router.dispatch(call)
        except SchemaMoved as moved:
            if records.has_written:  # to run again would be to write again
                raise SavedButMoved(str(moved)) from moved
            raise
        except RecordInvalid as refused:
            # A reference broke that no rule had refused: when it runs again, a rule says which.
            is_raced = isinstance(refused.__cause__, ReferenceViolation)
            if is_raced and not records.has_written and not is_last_try(request.scope):
                raise Overtaken(str(refused)) from refused
            raise
        except Overtaken as overtaken:
            if records.has_written:  # nor may this run again
                raise CallRefused(409, OVERTAKEN, code=ENDED) from overtaken
            raise
        if request.method == "GET" and not is_readable(response, request):
            kind = response.headers["content-type"].partition(";")[0]
            raise CallRefused(406, f"This is {kind}, which the client does not accept.")
        return response

    async def _specially(self, request: Request, caller: Principal) -> Principal:
        """Return as whom a request acts that has special headers. Source: reference web-api, 13."""
        if request.headers.get(_CONSISTENCY, "").strip().lower() == "strong":
            await refresh(self._parts.database, self._parts.live_registry)
        return await self._impersonation.acting(caller, request.headers)

    async def _caller(self, request: Request, address: str) -> Principal | Response:
        """Return who calls, or the answer to whom may not."""
        limits, published = self._parts.limits, self._parts.live_registry.current
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        principal: Principal | None = None
        refusal = "token.missing"
        if scheme.lower() == "bearer" and token.strip():
            try:
                principal = await self._parts.sessions.tokens.principal(token.strip())
            except TokenRefused as refused:
                refusal = refused.code
        if principal is None:
            if token and (wait := limits.visitors.take(address)):
                return await self._errors.too_many(request, limits.visitors, address, wait)
            return unauthorized(refusal, published.labels, published.registry.base_language)
        user = principal.user_id
        if wait := limits.users.take(user):
            return await self._errors.too_many(request, limits.users, user, wait, principal)
        if wait := limits.seconds.take(user, 0):
            return await self._errors.too_many(
                request, limits.seconds, user, wait, principal, _TOO_LONG
            )
        if not principal.roles:
            message = published.labels.message("sign_in.no_role", principal.language)
            return problem(403, message)
        return principal
