"""SignIn: the ways of proving who one is beside a password, put together once by ``app``."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka_runtime.security.oidc import IdentityProvider
from kartoteka_runtime.security.passkeys import Passkeys
from kartoteka_runtime.security.second_factors import SecondFactors
from kartoteka_runtime.security.sign_in_attempts import SignInAttempts
from kartoteka_runtime.security.sign_in_settings import SignInSettings
from kartoteka_runtime.security.totp import Totp
from kartoteka_runtime.storage.database import Database
from kartoteka_runtime.storage.sign_in_store import SignInStore


@dataclass(frozen=True, slots=True)
class SignIn:
    """Providers by name, second factors, passkeys and what is half-way."""

    store: SignInStore
    attempts: SignInAttempts
    totp: Totp
    passkeys: Passkeys
    second_factors: SecondFactors
    providers: dict[str, IdentityProvider]


def build_sign_in(settings: SignInSettings, database: Database, secret: bytes) -> SignIn:
    """Return the ways of one app; ``secret`` is the app's own."""
    store = SignInStore(database)
    attempts = SignInAttempts(store)
    totp = Totp(store, secret=secret)
    return SignIn(
        store=store,
        attempts=attempts,
        totp=totp,
        passkeys=Passkeys(store, attempts),
        second_factors=SecondFactors(store, totp, settings.require_second_factor),
        providers={one.name: IdentityProvider(one) for one in settings.providers},
    )
