"""ErrorAnswers: how what goes wrong with calls is told, and what auditors and operators hear."""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from kartoteka.errors import AccessDenied, KartotekaError
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.refusals import record_limited, record_refusal
from kartoteka_runtime.security.request_limits import RequestLimit, retry_after
from kartoteka_runtime.web_api.api_errors import TooManyCalls
from kartoteka_runtime.web_api.error_annotations import annotated
from kartoteka_runtime.web_api.problem import problem, problem_of

REMAINING = "x-ms-ratelimit-burst-remaining-xrm-requests"
TIME_REMAINING = "x-ms-ratelimit-time-remaining-xrm-requests"

_log = logging.getLogger(__name__)


class ErrorAnswers:
    """Tells the errors of one app."""

    def __init__(self, parts: RuntimeParts) -> None:
        """Tell them in the words of the app that ``parts`` make up."""
        self._parts = parts

    async def answer(
        self, error: KartotekaError, request: Request, principal: Principal | None
    ) -> Response:
        """Return how an error is told; refusals for want of privileges are kept for auditors."""
        if isinstance(error, AccessDenied) and principal is not None:
            await record_refusal(self._parts.security_events, error, principal, request.scope)
        if isinstance(error, TooManyCalls):
            return await self.too_many(request, error.limit, error.key, error.wait, principal)
        published = self._parts.live_registry.current
        language = principal.language if principal else published.registry.base_language
        response = problem_of(error, published.registry, published.labels, language)
        return annotated(response, request)

    def failed(self, failure: Exception, request: Request) -> Response:
        """Return the answer when something broke that should not have; the log says what."""
        if isinstance(failure, ClientDisconnect):
            return problem(400, "The request breaks off before its end.")
        if isinstance(failure, RecursionError):
            return problem(400, "The request is nested too deeply.")
        response = problem(500, "Something went wrong here; whoever runs the app can find it.")
        number = response.headers["x-ms-service-request-id"]
        _log.error("request %s failed: %s", number, request.url.path, exc_info=failure)
        return annotated(response, request)

    def take_more(self, principal: Principal, count: int) -> None:
        """Count more requests of somebody who calls, beside the one that brought them.

        Raises:
            TooManyCalls: That is more than they may send by now; none of them is counted.
        """
        caller = principal.on_behalf_of or principal
        limit = self._parts.limits.users
        if count > 0 and (wait := limit.take(caller.user_id, count)):
            raise TooManyCalls(limit, caller.user_id, wait)

    async def too_many(
        self,
        request: Request,
        limit: RequestLimit,
        key: str,
        wait: float,
        principal: Principal | None = None,
        code: str = "",
    ) -> Response:
        """Return the answer to who does too much; the first time in a while auditors are told."""
        await record_limited(self._parts.security_events, limit, key, request.scope, principal)
        seconds = retry_after(wait)
        published = self._parts.live_registry.current
        language = principal.language if principal else published.registry.base_language
        text = published.labels.message("error.too_many_requests", language, seconds=seconds)
        response = problem(429, text, code=code)
        response.headers["Retry-After"] = seconds
        caller = (principal.on_behalf_of or principal).user_id if principal else ""
        limits = self._parts.limits
        response.headers[REMAINING] = str(limits.users.remaining(caller) if caller else 0)
        response.headers[TIME_REMAINING] = limits.time_left(caller)
        return response
