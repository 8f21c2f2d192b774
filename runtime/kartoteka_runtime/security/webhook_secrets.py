"""WebhookSecrets: what messages to other systems are signed with; shown once, kept encrypted.

Source: standard-webhooks specification, sections on signatures and on secret rotation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.webhook_secret_rows import SecretRow, WebhookSecretRows

FORMER_HOLDS = timedelta(days=1)  # so long messages bear a signature by the former secret too
_PREFIX = "whsec_"
_SECRET_BYTES = 32
_NONCE_BYTES = 12


class WebhookSecrets:
    """Makes secrets, and gives them to what signs; nothing else ever sees one again."""

    def __init__(self, dialect: Dialect, *, secret: bytes) -> None:
        """Encrypt with a key that comes from the app's ``secret``."""
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"kartoteka webhooks")
        self._cipher = AESGCM(derived.derive(secret))
        self._rows = WebhookSecretRows(dialect)

    async def make(self, connection: Connection, webhook_id: str, now: datetime) -> str:
        """Return a new secret, which signs from now on; the one before holds for a day."""
        made = secrets.token_bytes(_SECRET_BYTES)
        row = SecretRow(uuid.uuid4().hex, self._sealed(made, webhook_id))
        await self._rows.replace(connection, webhook_id, row, now=now, until=now + FORMER_HOLDS)
        return _PREFIX + base64.b64encode(made).decode()

    async def of(self, connection: Connection, webhook_id: str, now: datetime) -> tuple[bytes, ...]:
        """Return what messages of a webhook are signed with; nothing where there is no secret.

        One that was encrypted with another key than the app's cannot be used.
        """
        rows = await self._rows.of(connection, webhook_id, now)
        opened = (self._opened(row.sealed, webhook_id) for row in rows)
        return tuple(secret for secret in opened if secret is not None)

    async def end_former(self, connection: Connection, webhook_id: str) -> None:
        """Let the former secret hold no more."""
        await self._rows.forget_former(connection, webhook_id)

    async def forget(self, connection: Connection, webhook_id: str) -> None:
        """Forget the secrets of a webhook that is gone."""
        await self._rows.forget(connection, webhook_id)

    def _sealed(self, secret: bytes, webhook_id: str) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, secret, webhook_id.encode())
        return base64.urlsafe_b64encode(sealed).decode()

    def _opened(self, text: str, webhook_id: str) -> bytes | None:
        sealed = base64.urlsafe_b64decode(text)
        nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, webhook_id.encode())
        except InvalidTag:
            return None


def signatures(holding: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature``: a signature by each secret that holds."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    found = (hmac.new(secret, signed, hashlib.sha256).digest() for secret in holding)
    return " ".join(f"v1,{base64.b64encode(one).decode()}" for one in found)
