"""Passkeys: signing in with a key pair that a device keeps and proves by a signature.

Sources: WebAuthn level 3; the library verifies, we say what we expect.
"""

from __future__ import annotations

import json
import struct
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import webauthn
from cbor2 import CBORError
from cryptography.exceptions import UnsupportedAlgorithm
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from kartoteka_runtime.security.sign_in_attempts import SignInAttempts
from kartoteka_runtime.storage.sign_in_store import SignInStore, StoredPasskey

MOST_PASSKEYS = 20  # of one user
LONGEST_NAME = 100
_MOST_LETTERS = 64 * 1024  # of what a browser sends
# What reading an answer that no browser makes can end in, there and in what the library reads with.
_NO_PROOF = (
    WebAuthnException, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError,
    RecursionError, struct.error, CBORError, UnsupportedAlgorithm,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """The address that people come by; passkeys work at its host and nowhere else."""

    origin: str  # such as https://crm.example.com
    label: str

    @property
    def host(self) -> str:
        """Return the relying party's id."""
        return urlsplit(self.origin).hostname or ""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What the browser is asked to sign: the attempt's token and the options for its API."""

    token: str
    options: Mapping[str, Any]


class Passkeys:
    """Registers passkeys and recognizes who uses one."""

    def __init__(self, store: SignInStore, attempts: SignInAttempts) -> None:
        """Keep passkeys in ``store`` and challenges among ``attempts``."""
        self._store = store
        self._attempts = attempts

    async def of(self, user_id: str) -> tuple[StoredPasskey, ...]:
        """Return a user's passkeys, the oldest first."""
        return await self._store.passkeys(user_id)

    async def ask_new(self, site: Site, binding: str, *, user_id: str, user_name: str) -> Challenge:
        """Return what makes the browser of a user register a passkey."""
        known = await self._store.passkeys(user_id)
        options = webauthn.generate_registration_options(
            rp_id=site.host,
            rp_name=site.label,
            user_id=uuid.UUID(user_id).bytes,
            user_name=user_name,
            user_display_name=user_name,
            exclude_credentials=[_descriptor(one) for one in known],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        data = {"challenge": bytes_to_base64url(options.challenge), "origin": site.origin}
        token = await self._attempts.begin("new_passkey", binding, user_id=user_id, data=data)
        return Challenge(token, json.loads(webauthn.options_to_json(options)))

    async def add(
        self, token: str, binding: str, *, user_id: str, answer: str, name: str
    ) -> StoredPasskey | None:
        """Return the passkey that the browser has registered, or None when it proves nothing."""
        attempt = await self._attempts.end("new_passkey", token, binding)
        if attempt is None or attempt.user_id != user_id or len(answer) > _MOST_LETTERS:
            return None
        if len(await self._store.passkeys(user_id)) >= MOST_PASSKEYS:
            return None
        site = Site(attempt.data["origin"], "")
        try:
            verified = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=base64url_to_bytes(attempt.data["challenge"]),
                expected_rp_id=site.host,
                expected_origin=site.origin,
                require_user_verification=True,
            )
        except _NO_PROOF:
            return None
        credential_id = bytes_to_base64url(verified.credential_id)
        is_new = await self._store.add_passkey(
            credential_id,
            user_id=user_id,
            name=name.strip()[:LONGEST_NAME],
            public_key=bytes_to_base64url(verified.credential_public_key),
            sign_count=verified.sign_count,
        )
        return await self._store.passkey(credential_id) if is_new else None

    async def ask(self, site: Site, binding: str, *, user_id: str = "") -> Challenge:
        """Return what makes the browser prove a passkey: of one user, or of whoever is there."""
        known = await self._store.passkeys(user_id) if user_id else ()
        options = webauthn.generate_authentication_options(
            rp_id=site.host,
            allow_credentials=[_descriptor(one) for one in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        data = {"challenge": bytes_to_base64url(options.challenge), "origin": site.origin}
        token = await self._attempts.begin("passkey", binding, user_id=user_id, data=data)
        return Challenge(token, json.loads(webauthn.options_to_json(options)))

    async def proved_user(self, token: str, binding: str, answer: str) -> str | None:
        """Return the id of the user whose passkey has answered a challenge, or None.

        The device has verified its user, by a PIN or a finger: that is two factors at once.
        """
        attempt = await self._attempts.end("passkey", token, binding)
        if attempt is None or len(answer) > _MOST_LETTERS:
            return None
        known = await self._store.passkey(_credential_id(answer))
        if known is None or attempt.user_id not in ("", known.user_id):
            return None
        site = Site(attempt.data["origin"], "")
        try:
            verified = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=base64url_to_bytes(attempt.data["challenge"]),
                expected_rp_id=site.host,
                expected_origin=site.origin,
                credential_public_key=base64url_to_bytes(known.public_key),
                credential_current_sign_count=known.sign_count,
                require_user_verification=True,
            )
        except _NO_PROOF:
            return None
        is_first = await self._store.use_passkey(known, verified.new_sign_count)
        return known.user_id if is_first else None

    async def rename(self, user_id: str, credential_id: str, name: str) -> bool:
        """Call a user's passkey otherwise; False when the user has no such passkey."""
        return await self._store.rename_passkey(user_id, credential_id, name[:LONGEST_NAME])

    async def remove(self, user_id: str, credential_id: str) -> bool:
        """Forget a user's passkey; False when the user has no such passkey."""
        return await self._store.remove_passkey(user_id, credential_id)


def _descriptor(passkey: StoredPasskey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(passkey.credential_id))


def _credential_id(answer: str) -> str:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        return ""
    found = said.get("id") if isinstance(said, dict) else None
    return found if isinstance(found, str) else ""
