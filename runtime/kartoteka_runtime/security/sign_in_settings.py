"""SignInSettings: which identity providers people come by, and who needs a second factor."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal
from urllib.parse import urlsplit

from kartoteka.errors import KartotekaError

Requirement = Literal["none", "administrators", "everyone"]
REQUIREMENTS: tuple[Requirement, ...] = ("none", "administrators", "everyone")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,30}")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class SignInSettingsError(KartotekaError):
    """The section ``sign_in`` of ``kartoteka.yaml`` has a mistake; the message says which."""


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """What the provider calls what a user's record takes over; dots go into nested claims."""

    user_name: str = "preferred_username"
    email: str = "email"
    first_name: str = "given_name"
    last_name: str = "family_name"
    language: str = "locale"
    time_zone: str = "zoneinfo"
    business_unit: str = ""  # the unit's name; empty: nobody says


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """Whoever has ``value`` in ``claim`` gets ``gives``: a role's logical name or a team's name."""

    claim: str
    value: str
    gives: str


@dataclass(frozen=True, slots=True)
class Provisioning:
    """How a user is made of the claims of somebody whom nobody knows yet.

    Without ``default_roles`` whoever no rule gives a role is refused. Without
    ``default_business_unit`` who names no unit belongs to the root unit. ``trusts_email`` takes
    addresses over that the provider does not call verified.
    """

    claims: ClaimNames = field(default_factory=ClaimNames)
    roles: tuple[ClaimRule, ...] = ()
    teams: tuple[ClaimRule, ...] = ()
    default_roles: tuple[str, ...] = ()
    default_business_unit: str = ""
    trusts_email: bool = False


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One OpenID provider.

    ``link_by_email`` lets a verified mail address find the user at the first sign-in.
    ``trusts_second_factor``: the provider has asked for one itself. ``provisioning`` is None when
    only users who are known may come.
    """

    name: str
    label: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    link_by_email: bool = False
    trusts_second_factor: bool = False
    provisioning: Provisioning | None = None


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """What ``kartoteka.yaml`` says under ``sign_in``, with secrets from the environment."""

    require_second_factor: Requirement = "none"
    providers: tuple[ProviderSettings, ...] = ()


def read_sign_in(said: Any, environment: Mapping[str, str] | None = None) -> SignInSettings:
    """Return the section ``sign_in``.

    ``KARTOTEKA_OIDC_<NAME>_CLIENT_SECRET`` holds a provider's secret; ``…_ISSUER`` and
    ``…_CLIENT_ID`` win over the file, so that one folder serves several places.

    Raises:
        SignInSettingsError: It has a mistake.
    """
    env = os.environ if environment is None else environment
    section = _keys("sign_in", said, {"require_second_factor", "providers"})
    requirement = section.get("require_second_factor", "none")
    if requirement not in REQUIREMENTS:
        raise SignInSettingsError(
            f"sign_in: require_second_factor must be one of {', '.join(REQUIREMENTS)}"
        )
    listed = section.get("providers", [])
    if not isinstance(listed, list):
        raise SignInSettingsError("sign_in: providers must be a list")
    providers = tuple(_provider(one, env) for one in listed)
    names = [provider.name for provider in providers]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SignInSettingsError(f"sign_in: two providers are called {twice!r}")
    return SignInSettings(requirement, providers)


def is_safe_address(address: str) -> bool:
    """Return whether an address is HTTPS, or stays on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if not parts.hostname or parts.username or parts.password:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


_PROVIDER_KEYS = {
    "name", "label", "issuer", "client_id", "scopes", "link_by_email", "trusts_second_factor",
    "provision",
}  # fmt: skip
_PROVISION_KEYS = {
    "claims",
    "roles",
    "teams",
    "default_roles",
    "default_business_unit",
    "trusts_email",
}


def _provider(said: Any, env: Mapping[str, str]) -> ProviderSettings:
    given = _keys("sign_in.providers", said, _PROVIDER_KEYS)
    name = _text("sign_in.providers", given, "name")
    where = f"sign_in.providers {name}"
    if not _NAME.fullmatch(name):
        raise SignInSettingsError(f"{where}: a name has small letters, digits and underscores")
    prefix = f"KARTOTEKA_OIDC_{name.upper()}_"
    issuer = env.get(f"{prefix}ISSUER") or _text(where, given, "issuer")
    if not is_safe_address(issuer) or urlsplit(issuer).query or urlsplit(issuer).fragment:
        raise SignInSettingsError(f"{where}: issuer must be an https address")
    scopes = _texts(where, given, "scopes", ("openid", "profile", "email"))
    return ProviderSettings(
        name=name,
        label=_text(where, given, "label", name),
        issuer=issuer,
        client_id=env.get(f"{prefix}CLIENT_ID") or _text(where, given, "client_id"),
        client_secret=env.get(f"{prefix}CLIENT_SECRET", ""),
        scopes=scopes if "openid" in scopes else ("openid", *scopes),
        link_by_email=_yes_no(where, given, "link_by_email"),
        trusts_second_factor=_yes_no(where, given, "trusts_second_factor"),
        provisioning=_provisioning(where, given["provision"]) if "provision" in given else None,
    )


def _provisioning(where: str, said: Any) -> Provisioning:
    where = f"{where}: provision"
    given = _keys(where, said if said is not None else {}, _PROVISION_KEYS)
    known = {item.name for item in fields(ClaimNames)}
    names = _keys(f"{where}.claims", given.get("claims", {}), known)
    return Provisioning(
        claims=ClaimNames(**{key: _text(f"{where}.claims", names, key) for key in names}),
        roles=_rules(where, given, "roles", "role"),
        teams=_rules(where, given, "teams", "team"),
        default_roles=_texts(where, given, "default_roles", ()),
        default_business_unit=_text(where, given, "default_business_unit", ""),
        trusts_email=_yes_no(where, given, "trusts_email"),
    )


def _rules(where: str, given: Mapping[str, Any], key: str, gives: str) -> tuple[ClaimRule, ...]:
    listed = given.get(key, [])
    where = f"{where}.{key}"
    if not isinstance(listed, list):
        raise SignInSettingsError(f"{where} must be a list")
    rules = []
    for one in listed:
        rule = _keys(where, one, {"claim", "value", gives})
        rules.append(ClaimRule(*(_text(where, rule, name) for name in ("claim", "value", gives))))
    return tuple(rules)


def _keys(where: str, said: Any, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise SignInSettingsError(f"{where} must hold keys such as {', '.join(sorted(known)[:3])}")
    unknown = sorted(set(said) - known, key=str)
    if unknown:
        raise SignInSettingsError(
            f"{where}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}"
        )
    return said


def _text(where: str, given: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = given.get(key, default)
    if not isinstance(value, str) or (not value.strip() and default is None):
        raise SignInSettingsError(f"{where}: {key} must be a text")
    return value


def _texts(
    where: str, given: Mapping[str, Any], key: str, default: tuple[str, ...]
) -> tuple[str, ...]:
    value = given.get(key, list(default))
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        raise SignInSettingsError(f"{where}: {key} must be a list of texts")
    return tuple(value)


def _yes_no(where: str, given: Mapping[str, Any], key: str) -> bool:
    value = given.get(key, False)
    if not isinstance(value, bool):
        raise SignInSettingsError(f"{where}: {key} must be true or false")
    return value
