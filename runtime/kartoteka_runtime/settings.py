"""Settings: what the operator decides, read once from the environment and the app's folder."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass
from pathlib import Path

from kartoteka.errors import KartotekaError

DATABASE_URL = "KARTOTEKA_DATABASE_URL"
SECURE_COOKIES = "KARTOTEKA_SECURE_COOKIES"
JOBS = "KARTOTEKA_JOBS"
JOBS_INSIDE, JOBS_SEPARATE = "inside", "separate"
_SECRET_BYTES = 32


class SettingsError(KartotekaError):
    """What the app needs to start is missing or damaged; the message says what."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the app lies, where its records lie, and how its sessions are protected.

    ``secret`` signs form tokens; it is made on the first start and kept in the data folder.
    ``has_secure_cookies`` sends the session's cookie over HTTPS only. ``runs_jobs`` lets a server
    run jobs in its own process.
    """

    app_folder: Path
    database_url: str
    secret: bytes
    has_secure_cookies: bool = False
    session_hours: int = 12
    runs_jobs: bool = False

    @classmethod
    def load(cls, app_folder: Path) -> Settings:
        """Return the settings of the app in ``app_folder``.

        Raises:
            SettingsError: One has a value that it cannot have.
        """
        data = app_folder / "data"
        url = os.environ.get(DATABASE_URL) or f"sqlite:///{(data / 'kartoteka.db').resolve()}"
        return cls(
            app_folder=app_folder,
            database_url=url,
            secret=_secret(data / "secret.key"),
            has_secure_cookies=os.environ.get(SECURE_COOKIES, "") in ("1", "true"),
            runs_jobs=_runs_jobs(url),
        )


def _runs_jobs(url: str) -> bool:
    """Return whether a server runs jobs: on SQLite unless told otherwise."""
    said = os.environ.get(JOBS) or (JOBS_INSIDE if url.startswith("sqlite:") else JOBS_SEPARATE)
    if said not in (JOBS_INSIDE, JOBS_SEPARATE):
        raise SettingsError(f"{JOBS} is {said!r}; {JOBS_INSIDE} and {JOBS_SEPARATE} are known")
    return said == JOBS_INSIDE


def _secret(path: Path) -> bytes:
    """Return the app's secret, made when it is missing; several processes agree on one.

    It appears under its name when it is complete: nobody ever reads half of one.
    """
    try:
        if not path.is_file():
            _make_secret(path)
        secret = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path} can be neither read nor made: {error.strerror}") from error
    if len(secret) < _SECRET_BYTES:
        raise SettingsError(
            f"{path} is damaged; delete it and a new one is made (forms that are open now expire)"
        )
    return secret


def _make_secret(path: Path) -> None:
    """Write a new secret; the folder it makes for it is its owner's alone, as the records are."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_SECRET_BYTES))
        try:
            os.link(unfinished, path)
        except FileExistsError:
            pass  # another process was first: its secret is everybody's
        except OSError:  # a file system without hard links
            os.replace(unfinished, path)
    finally:
        Path(unfinished).unlink(missing_ok=True)
