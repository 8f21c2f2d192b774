"""One-time codes by the clock (TOTP), and recovery codes for who has lost the generator.

Source: RFC 6238 with HMAC-SHA-1, six digits and thirty seconds, which every generator knows.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable
from urllib.parse import quote, urlencode

import segno
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from kartoteka_runtime.storage.sign_in_store import SignInStore

STEP_SECONDS = 30
_log = logging.getLogger(__name__)
_DIGITS = 6
_SECRET_BYTES = 20  # as long as what HMAC-SHA-1 returns
_NONCE_BYTES = 12
_WINDOW = (0, -1, 1)  # steps by which the user's clock may be off
_RECOVERY_CODES = 10
_RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none is mistaken for another
_RECOVERY_LENGTH = 10


class Totp:
    """Gives out secrets and says whether a code is right, and right for the first time."""

    def __init__(
        self, store: SignInStore, *, secret: bytes, clock: Callable[[], float] = time.time
    ) -> None:
        """Keep secrets in ``store``, encrypted with a key that comes from the app's ``secret``."""
        self._store = store
        self._cipher = AESGCM(_derived(secret, b"kartoteka totp"))
        self._code_key = _derived(secret, b"kartoteka recovery codes")
        self._clock = clock

    async def is_set_up(self, user_id: str) -> bool:
        """Return whether a user has a generator of codes."""
        return await self._store.totp(user_id) is not None

    async def codes_left(self, user_id: str) -> int:
        """Return how many recovery codes a user has not used."""
        return await self._store.recovery_codes_left(user_id)

    def new_secret(self, user_id: str) -> str:
        """Return a new secret, encrypted for this user; it counts once ``set_up`` has seen a code.

        The caller keeps it meanwhile.
        """
        return self._encrypted(secrets.token_bytes(_SECRET_BYTES), user_id)

    def key(self, encrypted: str, user_id: str) -> str:
        """Return a secret as people type it: letters and digits in groups of four."""
        text = _base32(self._decrypted(encrypted, user_id))
        return " ".join(text[at : at + 4] for at in range(0, len(text), 4))

    def address(self, encrypted: str, user_id: str, *, user_name: str, app: str) -> str:
        """Return a secret as the address that generators read."""
        query = {
            "secret": _base32(self._decrypted(encrypted, user_id)),
            "issuer": app,
            "algorithm": "SHA1",
            "digits": _DIGITS,
            "period": STEP_SECONDS,
        }
        label = f"{quote(app, safe='')}:{quote(user_name, safe='')}"
        return f"otpauth://totp/{label}?{urlencode(query, quote_via=quote)}"

    async def set_up(self, encrypted: str, user_id: str, code: str) -> tuple[str, ...] | None:
        """Return new recovery codes, shown this once, or None when ``code`` is wrong.

        From now on the user is asked for codes of this secret.
        """
        counter = self._counter(self._decrypted(encrypted, user_id), code)
        if counter is None:
            return None
        codes = _new_codes()
        hashes = [self._code_hash(user_id, one) for one in codes]
        is_new = await self._store.add_totp(
            user_id, secret=encrypted, counter=counter, code_hashes=hashes
        )
        return codes if is_new else None

    async def new_recovery_codes(self, user_id: str) -> tuple[str, ...]:
        """Return new recovery codes, shown this once; older ones work no more."""
        codes = _new_codes()
        await self._store.set_recovery_codes(
            user_id, [self._code_hash(user_id, one) for one in codes]
        )
        return codes

    async def accept(self, user_id: str, code: str) -> bool:
        """Return whether a code is right; the same one is never right again, nor an older one."""
        stored = await self._store.totp(user_id)
        if stored is None:
            return False
        counter = self._counter(self._decrypted(stored.secret, user_id), code)
        return counter is not None and await self._store.use_counter(user_id, counter)

    async def accept_recovery_code(self, user_id: str, code: str) -> bool:
        """Return whether a recovery code is right, and use it up."""
        plain = "".join(code.split()).replace("-", "").lower()
        if len(plain) != _RECOVERY_LENGTH:
            return False
        return await self._store.use_recovery_code(user_id, self._code_hash(user_id, plain))

    async def remove(self, user_id: str) -> bool:
        """Ask a user for codes no more."""
        return await self._store.remove_totp(user_id)

    def _counter(self, secret: bytes, code: str) -> int | None:
        """Return the time step that a code belongs to, at most one away from now."""
        typed = "".join(code.split())
        if len(typed) != _DIGITS or not (typed.isascii() and typed.isdecimal()):
            return None
        now = int(self._clock()) // STEP_SECONDS
        generator = HOTP(secret, _DIGITS, SHA1())  # noqa: S303 - what RFC 6238 and generators say
        found = None
        for offset in _WINDOW:  # all of them, whichever fits: as long for every code
            is_right = hmac.compare_digest(generator.generate(now + offset), typed.encode())
            found = now + offset if is_right and found is None else found
        return found

    def _encrypted(self, secret: bytes, user_id: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, secret, user_id.encode())
        return base64.urlsafe_b64encode(sealed).decode()

    def _decrypted(self, encrypted: str, user_id: str) -> bytes:
        """Return a secret; one that belongs to somebody else, or to another app, opens nothing."""
        sealed = base64.urlsafe_b64decode(encrypted)
        try:
            return self._cipher.decrypt(
                sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], user_id.encode()
            )
        except InvalidTag:
            _log.error("the secret of user %s was encrypted with another key", user_id)
            return secrets.token_bytes(_SECRET_BYTES)  # no code fits; recovery codes still do

    def _code_hash(self, user_id: str, code: str) -> str:
        plain = code.replace("-", "")
        return hmac.new(self._code_key, f"{user_id}.{plain}".encode(), hashlib.sha256).hexdigest()


def qr_code(address: str) -> str:
    """Return the picture of an address, as an SVG element without any style or script."""
    made = segno.make(address, error="m", micro=False)
    return made.svg_inline(scale=5, border=4, dark="#000", light="#fff")


def _new_codes() -> tuple[str, ...]:
    def one() -> str:
        letters = [secrets.choice(_RECOVERY_LETTERS) for _ in range(_RECOVERY_LENGTH)]
        return "".join(letters[:5]) + "-" + "".join(letters[5:])

    return tuple(one() for _ in range(_RECOVERY_CODES))


def _base32(secret: bytes) -> str:
    return base64.b32encode(secret).decode().rstrip("=")


def _derived(secret: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(secret)
