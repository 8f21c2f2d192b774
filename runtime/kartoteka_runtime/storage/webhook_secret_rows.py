"""Secrets of webhooks as rows: the one that signs, and the former one as long as it holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Dialect

from kartoteka_runtime.storage.database import Connection
from kartoteka_runtime.storage.moments import encode_moment
from kartoteka_runtime.storage.record_queries import compile_text


@dataclass(frozen=True, slots=True)
class SecretRow:
    """One secret, encrypted."""

    id: str
    sealed: str


class WebhookSecretRows:
    """Statements about secrets of webhooks."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile the statements."""

        def text(sql: str) -> str:
            return compile_text(sa.text(sql), dialect)

        self._add = text(
            "INSERT INTO kartoteka_webhook_secret (id, webhook_id, sealed, created_on, expires_on)"
            " VALUES (:id, :webhook, :sealed, :now, NULL)"
        )
        self._of = text(
            "SELECT id, sealed FROM kartoteka_webhook_secret WHERE webhook_id = :webhook"
            " AND (expires_on IS NULL OR expires_on > :now) ORDER BY expires_on IS NOT NULL, id"
        )
        self._end = text(
            "UPDATE kartoteka_webhook_secret SET expires_on = :until"
            " WHERE webhook_id = :webhook AND expires_on IS NULL"
        )
        self._forget_former = text(
            "DELETE FROM kartoteka_webhook_secret"
            " WHERE webhook_id = :webhook AND expires_on IS NOT NULL"
        )
        self._forget = text("DELETE FROM kartoteka_webhook_secret WHERE webhook_id = :webhook")

    async def of(self, connection: Connection, webhook_id: str, now: datetime) -> list[SecretRow]:
        """Return the secrets that hold, the one that signs first."""
        params = {"webhook": webhook_id, "now": encode_moment(now)}
        return [SecretRow(*row) for row in await connection.fetch_all(self._of, params)]

    async def replace(
        self, connection: Connection, webhook_id: str, new: SecretRow, *, now: datetime,
        until: datetime,
    ) -> None:  # fmt: skip
        """Keep a new secret; the one before holds ``until``, an older one no more."""
        webhook = {"webhook": webhook_id}
        await connection.execute(self._forget_former, webhook)
        await connection.execute(self._end, {**webhook, "until": encode_moment(until)})
        params = {**webhook, "id": new.id, "sealed": new.sealed, "now": encode_moment(now)}
        await connection.execute(self._add, params)

    async def forget_former(self, connection: Connection, webhook_id: str) -> None:
        """Forget the former secret."""
        await connection.execute(self._forget_former, {"webhook": webhook_id})

    async def forget(self, connection: Connection, webhook_id: str) -> None:
        """Forget every secret of a webhook."""
        await connection.execute(self._forget, {"webhook": webhook_id})
