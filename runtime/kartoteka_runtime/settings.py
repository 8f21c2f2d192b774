"""Settings: what the operator decides, read once from the environment and the app's folder."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

DATABASE_URL = "KARTOTEKA_DATABASE_URL"
SECURE_COOKIES = "KARTOTEKA_SECURE_COOKIES"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the app lies, where its records lie, and how its sessions are protected.

    ``secret`` signs form tokens; it is made on the first start and kept in the data folder.
    ``has_secure_cookies`` sends the session's cookie over HTTPS only.
    """

    app_folder: Path
    database_url: str
    secret: bytes
    has_secure_cookies: bool = False
    session_hours: int = 12

    @classmethod
    def load(cls, app_folder: Path) -> Settings:
        """Return the settings of the app in ``app_folder``."""
        data = app_folder / "data"
        url = os.environ.get(DATABASE_URL) or f"sqlite:///{(data / 'kartoteka.db').resolve()}"
        return cls(
            app_folder=app_folder,
            database_url=url,
            secret=_secret(data / "secret.key"),
            has_secure_cookies=os.environ.get(SECURE_COOKIES, "") in ("1", "true"),
        )


def _secret(path: Path) -> bytes:
    """Return the app's secret, made when it is missing; several processes agree on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        secret = secrets.token_bytes(32)
        file.write(secret)
    return secret
