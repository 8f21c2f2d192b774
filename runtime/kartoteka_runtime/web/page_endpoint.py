"""PageEndpoint: the way of every request to its handler, and of every refusal to an error page."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

from babel import negotiate_locale
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.errors import AccessDenied, RecordConflict, RecordInvalid, RecordNotFound
from kartoteka_runtime.publication_refresh import is_last_try
from kartoteka_runtime.security.refusals import (
    client_address,
    record_forged,
    record_limited,
    record_refusal,
)
from kartoteka_runtime.security.request_limits import RequestLimit, address_key, retry_after
from kartoteka_runtime.storage.database import (
    DatabaseBusy,
    DatabaseUnavailable,
    Overtaken,
    SchemaMoved,
    TooComplex,
    TookTooLong,
)
from kartoteka_runtime.web import csrf
from kartoteka_runtime.web.error_pages import denied_page, error_page
from kartoteka_runtime.web.form_posts import PostRefused
from kartoteka_runtime.web.kept_posts import keep_post
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.responses import see_other
from kartoteka_runtime.web.see_as_pages import refusal_of_looking
from kartoteka_runtime.web.sign_in_form import (
    LANGUAGE_COOKIE,
    SESSION_COOKIE,
    SIGN_IN,
    SIGN_OUT,
    sign_in_form,
)
from kartoteka_runtime.web.web_client import WebClient

Handler = Callable[[PageRequest], Awaitable[Response]]
_log = logging.getLogger(__name__)


class PageEndpoint:
    """One address: its handler for GET and its handler for POST, either may be missing.

    A public address is served to visitors too; any other sends them to sign in first.
    """

    def __init__(
        self,
        client: WebClient,
        *,
        get: Handler | None = None,
        post: Handler | None = None,
        is_public: bool = False,
    ) -> None:
        """Answer with ``get`` and ``post``."""
        self._client = client
        self._handlers = {"GET": get, "HEAD": get, "POST": post}
        self._is_public = is_public

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except SchemaMoved as moved:
            if not is_last_try(scope):
                raise
            _log.error("no publication fits the tables: %s (%s)", moved, request.url.path)
            response = error_page(self._visitor_page(request)[0], 503, "error.unavailable")
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        limits, address = self._client.parts.limits, address_key(client_address(request.scope))
        if wait := limits.addresses.take(address):
            page, _ = self._visitor_page(request)
            return await self._too_many(page, limits.addresses, address, wait)
        if self._is_public and request.method == "POST":
            if wait := limits.visitors.take(address):
                page, _ = self._visitor_page(request)
                return await self._too_many(page, limits.visitors, address, wait)
        try:
            page, new_visitor = await self._page(request)
            if page.principal.roles:
                await page.load_access()
        except (DatabaseBusy, DatabaseUnavailable) as error:
            _log.warning("database unavailable: %s (%s)", error, request.url.path)
            return error_page(self._visitor_page(request)[0], 503, "error.unavailable")
        user_id = page.principal.user_id
        sender = (page.principal.seen_by or page.principal).user_id
        if sender and (wait := limits.users.take(sender)):
            return await self._too_many(page, limits.users, sender, wait)
        if not self._is_public and not user_id:
            return await self._stop_visitor(page)
        if user_id and not page.principal.roles and not self._is_open(request):
            return error_page(page, 403, "sign_in.no_role")
        if page.principal.seen_by is not None and (refused := refusal_of_looking(request)):
            return error_page(page, 403, refused)
        handler = self._handlers.get(request.method)
        if handler is None:
            allowed = ", ".join(method for method, found in self._handlers.items() if found)
            response = error_page(page, 405, "error.method_not_allowed")
            response.headers["Allow"] = allowed
            return response
        response = await _handle(handler, page)
        if new_visitor:
            page.set_cookie(response, csrf.VISITOR_COOKIE, new_visitor)
        return response

    def _is_open(self, request: Request) -> bool:
        """Return whether an address is there for who has no role: visitors' ones and the exit."""
        return self._is_public or request.url.path == SIGN_OUT

    async def _too_many(
        self, page: PageRequest, limit: RequestLimit, key: str, wait: float
    ) -> Response:
        """Answer who sends too many requests, with the seconds to wait."""
        events, scope = self._client.parts.security_events, page.request.scope
        principal = page.principal if page.principal.user_id else None
        await record_limited(events, limit, key, scope, principal)
        seconds = retry_after(wait)
        response = error_page(page, 429, "error.too_many_requests", {"seconds": seconds})
        response.headers["Retry-After"] = seconds
        return response

    async def _stop_visitor(self, page: PageRequest) -> Response:
        """Send a visitor to sign in; a form sent after the session ended goes along."""
        request = page.request
        session = request.cookies.get(SESSION_COOKIE, "")
        is_whole_page = request.headers.get("hx-request") != "true"
        if request.method != "POST" or not session or not is_whole_page:
            return _to_sign_in(request)
        try:
            token = self._client.parts.sessions.csrf_token(session)
            kept = await keep_post(request, token)
        except PostRefused as refused:
            _log.info("post refused: %s (%s)", refused, request.url.path)
            return _to_sign_in(request)
        visitor = request.cookies.get(csrf.VISITOR_COOKIE, "") or csrf.new_visitor()
        page.token = self._client.parts.sessions.csrf_token(visitor)
        response = sign_in_form(page, kept=kept, kept_for=_own_address(request), status=401)
        page.set_cookie(response, csrf.VISITOR_COOKIE, visitor)
        return response

    async def _page(self, request: Request) -> tuple[PageRequest, str]:
        """Return the request as handlers see it, and a visitor cookie to set (mostly none)."""
        client = self._client
        sessions = client.parts.sessions
        session = request.cookies.get(SESSION_COOKIE, "")
        principal = await sessions.principal(session) if session else None
        if principal is not None:
            page = PageRequest(
                client,
                request,
                client.published,
                principal=principal,
                language=principal.language,
                token=sessions.csrf_token(session),
            )
            return page, ""
        return self._visitor_page(request)

    def _visitor_page(self, request: Request) -> tuple[PageRequest, str]:
        """Return the request of somebody who has not signed in, and a cookie to set."""
        client = self._client
        published = client.published
        known = request.cookies.get(csrf.VISITOR_COOKIE, "")
        visitor = known or csrf.new_visitor()
        page = PageRequest(
            client,
            request,
            published,
            language=visitor_language(request, published.registry.languages),
            token=client.parts.sessions.csrf_token(visitor),
        )
        return page, "" if known else visitor


async def _handle(handler: Handler, page: PageRequest) -> Response:
    events, request = page.client.parts.security_events, page.request
    try:
        if request.method == "POST":
            await page.check_post()
        return await handler(page)
    except PostRefused as refused:
        _log.info("post refused: %s (%s)", refused, page.request.url.path)
        if refused.status == 403 and page.principal.user_id:
            await record_forged(events, refused.message, page.principal, request.scope)
        return error_page(page, refused.status, refused.message)
    except RecordNotFound:
        return error_page(page, 404, "error.not_found")
    except AccessDenied as denied:
        await record_refusal(events, denied, page.principal, request.scope)
        return denied_page(page, denied)
    except RecordConflict:
        return error_page(page, 409, "error.conflict")
    except RecordInvalid as invalid:
        texts = [page.violation(invalid.entity, found) for found in invalid.violations]
        return error_page(page, 400, "error.invalid", details=texts)
    except TookTooLong as too_long:
        _log.warning("ended: %s (%s)", too_long, page.request.url.path)
        seconds = f"{too_long.seconds:g}"
        return error_page(page, 400, "error.took_too_long", {"seconds": seconds})
    except (ConditionError, TooComplex) as error:
        _log.info("condition refused: %s (%s)", error, page.request.url.path)
        return error_page(page, 400, "error.bad_request")
    except Overtaken:
        if not page.records.has_written and not is_last_try(page.request.scope):
            raise  # it runs once more
        return error_page(page, 409, "error.conflict")
    except (DatabaseBusy, DatabaseUnavailable) as error:
        _log.warning("database unavailable: %s (%s)", error, page.request.url.path)
        return error_page(page, 503, "error.unavailable")
    except SchemaMoved as moved:
        if page.records.has_written:  # running again would write again
            _log.error("stopped after a write: %s (%s)", moved, page.request.url.path)
            return error_page(page, 409, "error.saved_but_moved")
        if not is_last_try(page.request.scope):
            raise
        _log.error("no publication fits the tables: %s (%s)", moved, page.request.url.path)
        return error_page(page, 503, "error.unavailable")
    except Exception:
        # The one place that catches everything: people get a page, operators the traceback.
        _log.exception("page failed: %s", page.request.url.path)
        return error_page(page, 500, "error.server")


def _to_sign_in(request: Request) -> Response:
    """Return the way to the sign-in page, and from there back to what was asked for."""
    wanted = _own_address(request) if request.method == "GET" else request.url.path
    address = f"{SIGN_IN}?{urlencode({'next': wanted})}" if wanted != "/" else SIGN_IN
    if request.headers.get("hx-request") == "true":
        return Response(status_code=200, headers={"HX-Redirect": address})
    return see_other(address)


def _own_address(request: Request) -> str:
    url = request.url
    return f"{url.path}?{url.query}" if url.query else url.path


def visitor_language(request: Request, languages: tuple[str, ...]) -> str:
    """Return the language that a visitor chose, or the one that the browser prefers."""
    chosen = request.query_params.get("language") or request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen in languages:
        return chosen
    preferred = [
        part.partition(";")[0].strip()
        for part in request.headers.get("accept-language", "")[:200].split(",")
    ]
    found = negotiate_locale([text for text in preferred if text], languages, sep="-")
    return found or languages[0]
