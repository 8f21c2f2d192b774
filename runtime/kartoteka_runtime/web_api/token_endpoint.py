"""``POST /oauth2/token``: an access token for a service's client id and secret.

Sources: RFC 6749 sections 2.3.1, 4.4, 5.1 and 5.2; RFC 6750.
"""

from __future__ import annotations

import base64
import binascii
import logging
from urllib.parse import parse_qsl, unquote_plus

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from kartoteka.errors import KartotekaError
from kartoteka_runtime.publication_refresh import is_last_try
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.scopes import ScopeUnknown, read_scopes
from kartoteka_runtime.security.services import ACCESS_LIFETIME
from kartoteka_runtime.storage.database import DatabaseBusy, DatabaseUnavailable, SchemaMoved
from kartoteka_runtime.web_api.serialize import to_json

ADDRESS = "/oauth2/token"
_log = logging.getLogger(__name__)
_MOST_BYTES = 16 * 1024  # of a request body
_FORM = "application/x-www-form-urlencoded"
_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class OAuthError(KartotekaError):
    """A request is refused with one of the RFC's codes."""

    def __init__(self, code: str, description: str, *, status: int = 400) -> None:
        """Keep the code, and what people who build a client read."""
        self.code = code
        self.status = status
        super().__init__(description)


class TokenEndpoint:
    """Gives access tokens to services of one app."""

    def __init__(self, parts: RuntimeParts) -> None:
        """Serve the app that ``parts`` make up."""
        self._parts = parts

    async def __call__(self, request: Request) -> Response:
        """Answer a request; nobody may keep the answer."""
        try:
            return await self._give(request)
        except (DatabaseBusy, DatabaseUnavailable, SchemaMoved) as error:
            if isinstance(error, SchemaMoved) and not is_last_try(request.scope):
                raise
            _log.warning("no access token given: %s", error)
            return Response(status_code=503, headers={**_NOT_KEPT, "Retry-After": "1"})
        except OAuthError as error:
            answer = {"error": error.code, "error_description": str(error)}
            response = Response(
                to_json(answer), error.status, _NOT_KEPT, media_type="application/json"
            )
            if error.status == 401:
                response.headers["WWW-Authenticate"] = 'Basic realm="kartoteka"'
            return response

    async def _give(self, request: Request) -> Response:
        address = client_address(request.scope)
        limits = self._parts.sessions.limits
        if wait := limits.begin(address):
            response = Response(status_code=429, headers=_NOT_KEPT)
            response.headers["Retry-After"] = str(int(wait) + 1)
            return response
        form = await _form(request)
        client_id, secret = _client(request, form)
        if not form.get("grant_type"):
            raise OAuthError("invalid_request", "grant_type is missing")
        if form["grant_type"] != "client_credentials":
            raise OAuthError("unsupported_grant_type", "client_credentials is the only grant here")
        services = self._parts.services
        service = await services.prove(client_id, secret)
        if service is None:
            await self._parts.security_events.record(
                "sign_in_failed", user_name=client_id, address=address, detail={"by": "service"}
            )
            raise OAuthError("invalid_client", "client id or secret is wrong", status=401)
        limits.succeeded(address)
        if not service.may_enter:
            raise OAuthError("unauthorized_client", "the service has no role")
        try:
            registry = self._parts.live_registry.current.registry
            scopes = read_scopes([form.get("scope", "")], registry)
        except ScopeUnknown as unknown:
            raise OAuthError("invalid_scope", str(unknown)) from unknown
        answer: dict[str, object] = {
            "access_token": await services.give_access(service, scopes),
            "token_type": "Bearer",
            "expires_in": int(ACCESS_LIFETIME.total_seconds()),
        }
        if scopes is not None:
            answer["scope"] = " ".join(sorted(scopes))
        await self._parts.security_events.record(
            "sign_in", user_id=service.user_id, address=address, detail={"by": "service"}
        )
        return Response(to_json(answer), 200, _NOT_KEPT, media_type="application/json")


async def _form(request: Request) -> dict[str, str]:
    """Return what was sent; each parameter at most once, empty ones as if they were not there."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise OAuthError("invalid_request", f"the body must be {_FORM}")
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise OAuthError("invalid_request", "the body is too large", status=413)
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except (UnicodeDecodeError, ValueError, ClientDisconnect) as error:
        raise OAuthError("invalid_request", "the body is damaged") from error
    form: dict[str, str] = {}
    for name, value in pairs:
        if name in form:
            raise OAuthError("invalid_request", "a parameter is sent twice")
        form[name] = value
    return {name: value for name, value in form.items() if value}


def _client(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """Return the client's id and secret, from the header or from the body, never from both."""
    header = request.headers.get("authorization", "")
    if not header:
        if "client_id" not in form or "client_secret" not in form:
            raise OAuthError("invalid_client", "the client does not say who it is", status=401)
        return form["client_id"], form["client_secret"]
    if "client_secret" in form:
        raise OAuthError("invalid_request", "the client proves itself in two ways at once")
    scheme, _, packed = header.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "Basic is the only scheme here", status=401)
    try:
        text = base64.b64decode(packed.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:
        raise OAuthError("invalid_client", "the header is damaged", status=401) from error
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise OAuthError("invalid_client", "the header is damaged", status=401)
    client_id = unquote_plus(client_id)
    if form.get("client_id", client_id) != client_id:
        raise OAuthError("invalid_request", "the client says two things about who it is")
    return client_id, unquote_plus(secret)
