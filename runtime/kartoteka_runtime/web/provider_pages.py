"""Signing in by an identity provider: the way there, the way back, and signing out there too."""

from __future__ import annotations

import logging
import secrets

from babel import negotiate_locale
from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka_runtime.records.provisioned_users import FoundUser, ProvisionedUsers, UserRefused
from kartoteka_runtime.security.oidc import (
    Authorization,
    IdentityProvider,
    ProvedIdentity,
    ProviderRefused,
    ProviderUnavailable,
)
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.request_limits import address_key
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.responses import see_other
from kartoteka_runtime.web.settings_pages import time_zones
from kartoteka_runtime.web.sign_in_flow import (
    Way,
    after_first_proof,
    public_address,
    record,
    refuse,
)
from kartoteka_runtime.web.sign_in_form import SIGN_IN, local_address

_LONGEST = 4096  # letters of a code or state
_log = logging.getLogger(__name__)


async def go_to_provider(page: PageRequest) -> Response:
    """Send the browser to the provider, with what its answer must meet again.

    A link, not a form: the pages' policy lets no form go to another site.
    """
    provider = _provider(page)
    name = provider.settings.name
    way = Way(name, name, local_address(page.query.get("next", "")))
    if page.principal.user_id:
        return page.redirect(way.next_address)
    visitors, address = page.client.parts.limits.visitors, client_address(page.request.scope)
    if visitors.take(address_key(address)):  # it writes, as a visitor's post does
        return await refuse(page, way, "sign_in.too_many", status=429)
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    redirect_uri = _back(page, name)
    state = await page.client.parts.sign_in.attempts.begin(
        "provider",
        page.token,
        data={
            "provider": name,
            "nonce": nonce,
            "verifier": verifier,
            "redirect_uri": redirect_uri,
            "next": way.next_address,
        },
    )
    authorization = Authorization(redirect_uri, state, nonce, verifier)
    try:
        address = await provider.address(authorization, language=page.language)
    except ProviderUnavailable as error:
        return await _unavailable(page, way, error)
    return see_other(address)


async def come_back(page: PageRequest) -> Response:
    """Sign in whom the provider has proved; its answer is taken once, from this browser alone."""
    provider = _provider(page)
    name, query = provider.settings.name, page.query
    way = Way(name, name)
    state, code = query.get("state", ""), query.get("code", "")
    if len(state) > _LONGEST or len(code) > _LONGEST:
        return await refuse(page, way, "sign_in.provider_again", status=400)
    attempt = await page.client.parts.sign_in.attempts.end("provider", state, page.token)
    if attempt is None or attempt.data["provider"] != name:
        return await refuse(page, way, "sign_in.provider_again", status=400)
    way = Way(name, name, attempt.data["next"])
    if "error" in query or not code:
        said = query.get("error", "")[:100]
        _log.info("provider %s sent no code: %s", name, said)
        return await refuse(page, way, "sign_in.provider_refused", status=403, error=said)
    authorization = Authorization(
        attempt.data["redirect_uri"], state, attempt.data["nonce"], attempt.data["verifier"]
    )
    try:
        identity = await provider.identity(authorization, code=code, issuer=query.get("iss", ""))
        found = await _users(page).user_of(identity, provider.settings)
    except ProviderUnavailable as error:
        return await _unavailable(page, way, error)
    except ProviderRefused as error:
        _log.warning("answer of provider %s refused: %s", name, error)
        return await refuse(page, way, "sign_in.provider_refused", status=403)
    except UserRefused as error:
        _log.warning("provider %s: %s", name, error)
        return await refuse(page, way, f"sign_in.provider_{error.reason}", status=403)
    await _note(page, provider, identity, found)
    is_enough = provider.settings.trusts_second_factor
    return await after_first_proof(page, found.user_id, way, is_enough=is_enough)


async def sign_out_there(page: PageRequest) -> Response:
    """Send the browser to where one signs out of the provider; it comes back to the form."""
    provider = _provider(page)
    try:
        address = await provider.sign_out_address(f"{public_address(page)}{SIGN_IN}")
    except ProviderUnavailable as error:
        _log.warning("provider %s: %s", provider.settings.name, error)
        address = ""
    return see_other(address or SIGN_IN)


async def _note(
    page: PageRequest, provider: IdentityProvider, identity: ProvedIdentity, found: FoundUser
) -> None:
    """Record who was found or made for the first time; who is new speaks as the claims say."""
    if found.origin == "known":
        return
    await record(
        page,
        "provisioned",
        user_id=found.user_id,
        how=found.origin,
        provider=provider.settings.name,
        subject=identity.subject,
    )
    provisioning = provider.settings.provisioning
    if found.origin == "linked" or provisioning is None:
        return
    wanted = identity.text(provisioning.claims.language)
    language = negotiate_locale([wanted], page.registry.languages, sep="-") if wanted else None
    zone = identity.text(provisioning.claims.time_zone)
    await page.client.parts.sessions.set_preferences(
        found.user_id, language=language, time_zone=zone if zone in time_zones() else None
    )


async def _unavailable(page: PageRequest, way: Way, error: ProviderUnavailable) -> Response:
    _log.warning("provider %s: %s", way.provider, error)
    return await refuse(page, way, "sign_in.provider_unavailable", status=503)


def _provider(page: PageRequest) -> IdentityProvider:
    name = page.request.path_params["provider"]
    provider = page.client.parts.sign_in.providers.get(name)
    if provider is None:
        raise RecordNotFound("identity provider", name)
    return provider


def _users(page: PageRequest) -> ProvisionedUsers:
    parts = page.client.parts
    return ProvisionedUsers(parts.records, parts.sign_in.store)


def _back(page: PageRequest, name: str) -> str:
    return f"{public_address(page)}{SIGN_IN}/with/{name}/back"
