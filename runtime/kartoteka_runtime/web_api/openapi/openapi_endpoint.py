"""``GET /api/openapi.json``: the description of the API, for who is signed in or has a token."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.request_limits import address_key
from kartoteka_runtime.security.tokens import TokenRefused
from kartoteka_runtime.storage.database import DatabaseBusy, DatabaseUnavailable
from kartoteka_runtime.web_api.compression import compressed
from kartoteka_runtime.web_api.openapi.document import openapi_document
from kartoteka_runtime.web_api.operations.offered import Operations
from kartoteka_runtime.web_api.problem import problem, unauthorized
from kartoteka_runtime.web_api.serialize import to_json

ADDRESS = "/api/openapi.json"
_SESSION_COOKIE = "kartoteka_session"


@dataclass(frozen=True, slots=True)
class _Made:
    """The description of one publication, as it is sent."""

    published: Published
    content: bytes
    tag: str


class OpenapiEndpoint:
    """Answers with the description of one app's API."""

    def __init__(self, parts: RuntimeParts) -> None:
        """Describe the app that ``parts`` make up."""
        self._parts = parts
        self._operations = Operations(parts.records, parts.files)
        self._made: _Made | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        response = await compressed(await self._answer(request), request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in ("GET", "HEAD"):
            response = problem(405, "This address takes GET.")
            response.headers["Allow"] = "GET, HEAD"
            return response
        limits = self._parts.limits
        if wait := limits.addresses.take(address_key(client_address(request.scope))):
            return _too_many(wait)
        published = self._parts.live_registry.current
        try:
            found = await self._caller(request)
        except TokenRefused as refused:
            return unauthorized(refused.code, published.labels, published.registry.base_language)
        except (DatabaseBusy, DatabaseUnavailable):
            return problem(503, "The database does not answer now.")
        if found is None:
            language = published.registry.base_language
            return unauthorized("token.missing", published.labels, language)
        if wait := limits.users.take(found.user_id):
            return _too_many(wait)
        if not found.roles:
            return problem(403, published.labels.message("sign_in.no_role", found.language))
        made = self._of(published)
        headers = {"ETag": made.tag, "Cache-Control": "private, no-cache", "Vary": "Cookie"}
        if made.tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(made.content, 200, headers, media_type="application/json")

    async def _caller(self, request: Request) -> Principal | None:
        """Return who asks: by a token, or by the session of a browser.

        Raises:
            TokenRefused: The token holds no more.
        """
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        sessions = self._parts.sessions
        if scheme.lower() == "bearer" and token.strip():
            return await sessions.tokens.principal(token.strip())
        cookie = request.cookies.get(_SESSION_COOKIE, "")
        return await sessions.principal(cookie) if cookie else None

    def _of(self, published: Published) -> _Made:
        """Return the description of a publication, made on its first use."""
        if self._made is None or self._made.published is not published:
            app = self._parts.app_folder
            document = openapi_document(
                published.registry,
                published.labels,
                self._operations.all(published.registry),
                title=app.label,
                version=str(published.number),
            )
            content = to_json(document)
            tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
            self._made = _Made(published, content, tag)
        return self._made


def _too_many(wait: float) -> Response:
    response = problem(429, "Too many requests.")
    response.headers["Retry-After"] = str(int(wait) + 1)
    return response
