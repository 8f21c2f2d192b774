"""ApiEndpoint: who calls, how often they may, and how what goes wrong is told."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kartoteka.errors import AccessDenied, KartotekaError
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.publication_refresh import is_last_try
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.refusals import client_address, record_limited, record_refusal
from kartoteka_runtime.security.request_limits import RequestLimit, address_key, retry_after
from kartoteka_runtime.security.tokens import TokenRefused
from kartoteka_runtime.storage.database import SchemaMoved
from kartoteka_runtime.web_api.addresses import root_of
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_router import ApiRouter
from kartoteka_runtime.web_api.problem import problem, problem_of, unauthorized
from kartoteka_runtime.web_api.resource_path import read_path

_REMAINING = b"x-ms-ratelimit-burst-remaining-xrm-requests"


class ApiEndpoint:
    """Answers every request below ``/api/data/v9.x``, for who has a token."""

    def __init__(self, parts: RuntimeParts, router: ApiRouter) -> None:
        """Serve the app that ``parts`` make up with the handlers of ``router``."""
        self._parts = parts
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, whatever its method."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        limits, address = self._parts.limits, address_key(client_address(request.scope))
        if wait := limits.addresses.take(address):
            return await self._too_many(request, limits.addresses, address, wait)
        principal: Principal | None = None
        try:
            found = await self._caller(request, address)
            if isinstance(found, Response):
                return found
            principal = found
            records = self._parts.records.bound_to_publication(principal)
            path = read_path(request.path_params.get("path", ""))
            call = ApiCall(request, path, principal, records, root_of(request))
            response = await self._router.dispatch(call)
        except SchemaMoved as moved:
            if not is_last_try(request.scope):
                raise
            return await self.problem(moved, request, principal)
        except KartotekaError as error:
            return await self.problem(error, request, principal)
        remaining = limits.users.remaining(principal.user_id)
        response.raw_headers.append((_REMAINING, str(remaining).encode()))
        return response

    async def problem(
        self, error: KartotekaError, request: Request, principal: Principal | None
    ) -> Response:
        """Return how an error is told; refusals for want of privileges are kept for auditors."""
        if isinstance(error, AccessDenied) and principal is not None:
            await record_refusal(self._parts.security_events, error, principal, request.scope)
        published = self._parts.live_registry.current
        language = principal.language if principal else published.registry.base_language
        return problem_of(error, published.registry, published.labels, language)

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
                return await self._too_many(request, limits.visitors, address, wait)
            return unauthorized(refusal, published.labels, published.registry.base_language)
        if wait := limits.users.take(principal.user_id):
            user = principal.user_id
            return await self._too_many(request, limits.users, user, wait, principal)
        if not principal.roles:
            message = published.labels.message("sign_in.no_role", principal.language)
            return problem(403, message)
        return principal

    async def _too_many(
        self,
        request: Request,
        limit: RequestLimit,
        key: str,
        wait: float,
        principal: Principal | None = None,
    ) -> Response:
        await record_limited(self._parts.security_events, limit, key, request.scope, principal)
        seconds = retry_after(wait)
        published = self._parts.live_registry.current
        language = principal.language if principal else published.registry.base_language
        text = published.labels.message("error.too_many_requests", language, seconds=seconds)
        response = problem(429, text)
        response.headers["Retry-After"] = seconds
        response.raw_headers.append((_REMAINING, b"0"))
        return response
