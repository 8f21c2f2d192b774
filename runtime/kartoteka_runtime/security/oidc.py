"""IdentityProvider: sign-in by OpenID Connect, with the authorization code flow and PKCE.

Sources: OpenID Connect Core 1.0 section 3.1, Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (issuer in
the answer), RFC 9700 (current practice).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import httpx2
import orjson
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet, OctKey

from kartoteka.errors import KartotekaError
from kartoteka_runtime.security.sign_in_settings import ProviderSettings, is_safe_address

# Signatures that only the provider can make: neither "none" nor a secret that we hold too.
_ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "Ed25519",
)  # fmt: skip
_DISCOVERY = "/.well-known/openid-configuration"
_KNOWN_SECONDS = 3600.0  # how long what a provider says of itself, and its keys, are believed
_LEEWAY_SECONDS = 60  # by which two clocks may differ
_TIMEOUT_SECONDS = 10.0
_MOST_BYTES = 1024 * 1024
_LONGEST_SUBJECT = 255
_log = logging.getLogger(__name__)


class ProviderUnavailable(KartotekaError):
    """The provider does not answer, or not as an OpenID provider does; the message says how."""


class ProviderRefused(KartotekaError):
    """The provider's answer does not prove who came; the message says why, for the log."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """What one attempt to sign in has sent along and must meet again."""

    redirect_uri: str
    state: str
    nonce: str
    verifier: str  # of PKCE


@dataclass(frozen=True, slots=True)
class ProvedIdentity:
    """Who somebody is, as a provider has proved it; ``subject`` never changes for a person."""

    issuer: str
    subject: str
    claims: Mapping[str, Any]

    @property
    def verified_email(self) -> str:
        """Return the mail address that the provider has verified; empty when there is none."""
        email = self.claims.get("email")
        is_verified = self.claims.get("email_verified") is True
        return email.strip() if is_verified and isinstance(email, str) else ""

    def texts(self, path: str) -> tuple[str, ...]:
        """Return the texts of a claim; dots in ``path`` go into nested claims."""
        value: Any = self.claims.get(path)
        if value is None and "." in path:
            value = self.claims
            for name in path.split("."):
                value = value.get(name) if isinstance(value, Mapping) else None
        found = value if isinstance(value, list) else [value]
        return tuple(text.strip() for text in found if isinstance(text, str) and text.strip())

    def text(self, path: str) -> str:
        """Return the first text of a claim, or an empty one."""
        return next(iter(self.texts(path)), "")


@dataclass(frozen=True, slots=True)
class _Metadata:
    said: Mapping[str, Any]
    until: float  # seconds of the clock

    def address(self, key: str) -> str:
        """Return an endpoint; empty when there is none."""
        value = self.said.get(key)
        if value is None:
            return ""
        if not isinstance(value, str) or not is_safe_address(value):
            raise ProviderUnavailable(f"{key} is no https address: {str(value)[:200]!r}")
        return value


@dataclass(frozen=True, slots=True)
class _Keys:
    keys: KeySet
    until: float


class IdentityProvider:
    """One OpenID provider, met over HTTPS; what it says of itself is remembered for an hour."""

    def __init__(
        self, settings: ProviderSettings, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Meet the provider that ``settings`` names, when somebody first asks for it."""
        self.settings = settings
        self._clock = clock
        self._metadata: _Metadata | None = None
        self._keys: _Keys | None = None

    async def address(self, authorization: Authorization, *, language: str = "") -> str:
        """Return where the browser goes to sign in there.

        Raises:
            ProviderUnavailable: The provider cannot be asked.
        """
        metadata = await self._discovered()
        endpoint = metadata.address("authorization_endpoint")
        if not endpoint:
            raise ProviderUnavailable("it has no authorization_endpoint")
        async with self._client(authorization.redirect_uri) as client:
            more = {"ui_locales": language} if language else {}
            address, _ = client.create_authorization_url(
                endpoint,
                state=authorization.state,
                code_verifier=authorization.verifier,
                nonce=authorization.nonce,
                **more,
            )
        return str(address)

    async def identity(
        self, authorization: Authorization, *, code: str, issuer: str = ""
    ) -> ProvedIdentity:
        """Return who came back with ``code``; ``issuer`` is the one named beside it, if any.

        Raises:
            ProviderUnavailable: The provider cannot be asked.
            ProviderRefused: The code or the token is not what a sign-in here would bring.
        """
        metadata = await self._discovered()
        says_issuer = metadata.said.get("authorization_response_iss_parameter_supported") is True
        if issuer != self.settings.issuer and (issuer or says_issuer):
            raise ProviderRefused(f"the answer comes from {issuer[:200]!r}")
        token = await self._token(metadata, authorization, code)
        id_token, access_token = token.get("id_token"), token.get("access_token")
        if not isinstance(id_token, str) or not isinstance(access_token, str):
            raise ProviderRefused("there is no ID token")
        claims = await self._verified(metadata, id_token, authorization.nonce, access_token)
        more = await self._user_info(metadata, access_token, claims["sub"])
        return ProvedIdentity(self.settings.issuer, claims["sub"], {**more, **claims})

    async def sign_out_address(self, after: str) -> str:
        """Return where one signs out of the provider too; empty when it has no such page.

        Raises:
            ProviderUnavailable: The provider cannot be asked.
        """
        endpoint = (await self._discovered()).address("end_session_endpoint")
        if not endpoint:
            return ""
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": after}
        return str(httpx2.URL(endpoint).copy_merge_params(query))

    async def _discovered(self) -> _Metadata:
        """Return what the provider says of itself."""
        if self._metadata is None or self._metadata.until < self._clock():
            said = await self._json(self.settings.issuer.rstrip("/") + _DISCOVERY)
            if said.get("issuer") != self.settings.issuer:
                raise ProviderUnavailable(f"it calls itself {str(said.get('issuer'))[:200]!r}")
            self._metadata = _Metadata(said, self._clock() + _KNOWN_SECONDS)
        return self._metadata

    async def _token(
        self, metadata: _Metadata, authorization: Authorization, code: str
    ) -> Mapping[str, Any]:
        endpoint = metadata.address("token_endpoint")
        if not endpoint:
            raise ProviderUnavailable("it has no token_endpoint")
        try:
            async with self._client(authorization.redirect_uri) as client:
                client.token_endpoint_auth_method = self._authentication(metadata)
                token = await client.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=authorization.verifier,
                )
        except AuthlibBaseError as error:
            raise ProviderRefused(f"the code was refused: {error}") from error
        except (httpx2.HTTPError, ValueError, TypeError) as error:
            raise ProviderUnavailable(f"{endpoint}: {error!r}") from error
        return cast(Mapping[str, Any], token)

    def _authentication(self, metadata: _Metadata) -> str:
        """Return how the provider learns that it is us who ask."""
        if not self.settings.client_secret:
            return "none"
        known = metadata.said.get("token_endpoint_auth_methods_supported")
        if isinstance(known, list) and "client_secret_basic" not in known:
            return "client_secret_post"
        return "client_secret_basic"

    async def _verified(
        self, metadata: _Metadata, id_token: str, nonce: str, access_token: str
    ) -> dict[str, Any]:
        """Return the claims of an ID token that was made for us, now, in this very attempt."""
        decoded = await self._decoded(metadata, id_token)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": self.settings.issuer},
                "aud": {"essential": True, "value": self.settings.client_id},
                "nonce": {"essential": True, "value": nonce},
            },
            params={
                "nonce": nonce,
                "client_id": self.settings.client_id,
                "access_token": access_token,
            },
        )
        try:
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, AuthlibBaseError, ValueError, TypeError) as error:
            raise ProviderRefused(f"the ID token is not for this sign-in: {error}") from error
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT:
            raise ProviderRefused("the ID token names nobody")
        return dict(claims)

    async def _decoded(self, metadata: _Metadata, id_token: str) -> jwt.Token:
        """Return an ID token whose signature holds; keys are asked for anew when none fits.

        A provider changes its keys while we remember the old ones.
        """
        is_remembered = self._keys is not None and self._keys.until >= self._clock()
        if is_remembered and self._keys is not None:
            try:
                return jwt.decode(id_token, self._keys.keys, algorithms=_ALGORITHMS)
            except (JoseError, ValueError):
                _log.info("no remembered key of %s fits an ID token", self.settings.name)
        self._keys = _Keys(await self._key_set(metadata), self._clock() + _KNOWN_SECONDS)
        try:
            return jwt.decode(id_token, self._keys.keys, algorithms=_ALGORITHMS)
        except (JoseError, ValueError) as error:
            raise ProviderRefused(f"the ID token is not signed by the provider: {error}") from error

    async def _key_set(self, metadata: _Metadata) -> KeySet:
        endpoint = metadata.address("jwks_uri")
        listed = (await self._json(endpoint)).get("keys") if endpoint else None
        if not isinstance(listed, list):
            raise ProviderUnavailable("it has no keys")
        keys: list[Key] = []
        for one in listed:
            try:
                key = JWKRegistry.import_key(one)
            except (JoseError, ValueError, TypeError, KeyError):
                continue  # a kind of key from after our time; tokens signed with it are refused
            if not isinstance(key, OctKey):
                keys.append(key)
        return KeySet(keys)

    async def _user_info(
        self, metadata: _Metadata, access_token: str, subject: str
    ) -> Mapping[str, Any]:
        """Return the claims that the provider keeps out of its tokens."""
        endpoint = metadata.address("userinfo_endpoint")
        if not endpoint:
            return {}
        said = await self._json(endpoint, access_token)
        if said.get("sub") != subject:
            raise ProviderRefused("userinfo speaks of somebody else")
        return said

    async def _json(self, address: str, access_token: str = "") -> Mapping[str, Any]:
        headers = {"Accept": "application/json"}
        if access_token:
            headers["Authorization"] = f"Bearer {access_token}"
        body = bytearray()
        try:
            async with (
                httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS) as client,
                client.stream("GET", address, headers=headers) as response,
            ):
                if response.status_code != 200:
                    raise ProviderUnavailable(f"{address}: {response.status_code}")
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        raise ProviderUnavailable(f"{address}: too long")
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ProviderUnavailable(f"{address}: {error!r}") from error
        try:
            said = orjson.loads(bytes(body))
        except orjson.JSONDecodeError as error:
            raise ProviderUnavailable(f"{address}: no JSON") from error
        if not isinstance(said, dict):
            raise ProviderUnavailable(f"{address}: no JSON object")
        return said

    def _client(self, redirect_uri: str) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret or None,
            scope=" ".join(self.settings.scopes),
            redirect_uri=redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT_SECONDS,
        )
