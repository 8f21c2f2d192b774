"""Settings: what the operator decides, read once from the environment and the app's folder."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from kartoteka.errors import KartotekaError

DATABASE_URL = "KARTOTEKA_DATABASE_URL"
SECURE_COOKIES = "KARTOTEKA_SECURE_COOKIES"
HOSTS = "KARTOTEKA_HOSTS"
TRUSTED_PROXIES = "KARTOTEKA_TRUSTED_PROXIES"
REQUESTS_PER_USER = "KARTOTEKA_REQUESTS_PER_USER"
REQUESTS_PER_ADDRESS = "KARTOTEKA_REQUESTS_PER_ADDRESS"
VISITS_PER_ADDRESS = "KARTOTEKA_VISITS_PER_ADDRESS"
READING_SECONDS = "KARTOTEKA_READING_SECONDS"
JOBS = "KARTOTEKA_JOBS"
JOBS_INSIDE, JOBS_SEPARATE = "inside", "separate"
PUBLIC_URL = "KARTOTEKA_PUBLIC_URL"
SESSION_HOURS, SESSION_IDLE_MINUTES = "KARTOTEKA_SESSION_HOURS", "KARTOTEKA_SESSION_IDLE_MINUTES"
SMTP_HOST, SMTP_PORT, SMTP_TLS = "KARTOTEKA_SMTP_HOST", "KARTOTEKA_SMTP_PORT", "KARTOTEKA_SMTP_TLS"
SMTP_USER, SMTP_PASSWORD = "KARTOTEKA_SMTP_USER", "KARTOTEKA_SMTP_PASSWORD"
SMTP_SENDER = "KARTOTEKA_SMTP_SENDER"
FILES, MOST_FILE_MB = "KARTOTEKA_FILES", "KARTOTEKA_MOST_FILE_MB"
S3_ENDPOINT, S3_REGION = "KARTOTEKA_S3_ENDPOINT", "KARTOTEKA_S3_REGION"
S3_ACCESS_KEY, S3_SECRET_KEY = "KARTOTEKA_S3_ACCESS_KEY", "KARTOTEKA_S3_SECRET_KEY"
WEBHOOK_NETWORKS, WEBHOOK_HTTP = "KARTOTEKA_WEBHOOK_NETWORKS", "KARTOTEKA_WEBHOOK_HTTP"
SmtpTls = Literal["none", "starttls", "tls"]
SMTP_TLS_WAYS: tuple[SmtpTls, ...] = ("none", "starttls", "tls")
_SMTP_PORTS: Mapping[str, int] = {"none": 25, "starttls": 587, "tls": 465}
_MAIL_ADDRESS = re.compile(r"[^\s@<>,;\x00-\x1f]+@[^\s@<>,;\x00-\x1f]+")
MOST_BY_USER = 6000  # requests in five minutes. Source: reference web-api, section 14
MOST_BY_ADDRESS = 30_000  # a whole office may come from one
MOST_VISITS = 100
MOST_READING_SECONDS = 10
_SECRET_BYTES = 32


class SettingsError(KartotekaError):
    """What the app needs to start is missing or damaged; the message says what."""


@dataclass(frozen=True, slots=True)
class MailSettings:
    """The server that takes mail from us, and the address that it comes from.

    ``tls``: ``starttls`` (begin in the clear, go on encrypted or not at all), ``tls``, ``none``.
    """

    host: str
    sender: str
    port: int = _SMTP_PORTS["starttls"]
    user: str = ""
    password: str = field(default="", repr=False)
    tls: SmtpTls = "starttls"


@dataclass(frozen=True, slots=True)
class S3Settings:
    """A bucket of storage that speaks S3; files lie below ``prefix`` in it.

    Without ``endpoint`` it is that of AWS; without keys they come from where AWS's own programs
    find them, such as the role of the machine.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    access_key: str = ""
    secret_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class FileSettings:
    """Where the files of fields and notes lie, and how large one may be at most, in bytes."""

    folder: Path
    s3: S3Settings | None = None
    most_bytes: int = 10 * 1024**3


@dataclass(frozen=True, slots=True)
class Settings:
    """Where the app lies, where its records lie, and how its sessions are protected.

    ``secret`` signs form tokens; it is made on the first start and kept in the data folder.
    ``has_secure_cookies`` sends the session's cookie over HTTPS only. ``runs_jobs`` lets a server
    run jobs in its own process. ``hosts`` are the names that the app answers for (none: any);
    ``trusted_proxies`` the addresses and networks whose word is taken for where a request comes
    from. Requests are counted over five minutes in each process; 0 is without limit, and a visit
    is what somebody posts who is not signed in. A statement that reads for a request is ended
    after ``reading_seconds``; 0 is without limit.

    A session ends after ``session_hours``, and when it was not used for ``session_idle_minutes``.
    ``public_url`` is where people reach the app, without a slash at its end; links in mails begin
    with it. Without ``mail`` none is sent. Webhooks post to public addresses over https; beside
    those to ``webhook_networks``, and in the clear if ``webhooks_over_http``.
    """

    app_folder: Path
    database_url: str
    secret: bytes
    has_secure_cookies: bool = False
    session_hours: int = 12
    runs_jobs: bool = False
    session_idle_minutes: int = 120
    public_url: str = ""
    mail: MailSettings | None = None
    hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    requests_per_user: int = MOST_BY_USER
    requests_per_address: int = MOST_BY_ADDRESS
    visits_per_address: int = MOST_VISITS
    reading_seconds: float = MOST_READING_SECONDS
    webhook_networks: tuple[str, ...] = ()
    webhooks_over_http: bool = False
    files: FileSettings | None = None  # none: in the app's data folder

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
            session_hours=_number_to(SESSION_HOURS, 12, most=24 * 31),
            runs_jobs=_runs_jobs(url),
            session_idle_minutes=_number_to(SESSION_IDLE_MINUTES, 120, most=60 * 24 * 31),
            public_url=_public_url(),
            mail=_mail(),
            hosts=_several(HOSTS),
            trusted_proxies=_networks(TRUSTED_PROXIES),
            requests_per_user=_number(REQUESTS_PER_USER, MOST_BY_USER),
            requests_per_address=_number(REQUESTS_PER_ADDRESS, MOST_BY_ADDRESS),
            visits_per_address=_number(VISITS_PER_ADDRESS, MOST_VISITS),
            reading_seconds=_number(READING_SECONDS, MOST_READING_SECONDS),
            webhook_networks=_networks(WEBHOOK_NETWORKS),
            webhooks_over_http=os.environ.get(WEBHOOK_HTTP, "") in ("1", "true"),
            files=_files(data),
        )

    @property
    def file_settings(self) -> FileSettings:
        """Return where files lie: in the app's data folder unless said otherwise."""
        return self.files or FileSettings(self.app_folder / "data" / "files")

    @property
    def can_mail_links(self) -> bool:
        """Return whether mails with links into the app can be sent."""
        return self.mail is not None and bool(self.public_url)


def _runs_jobs(url: str) -> bool:
    """Return whether a server runs jobs: on SQLite unless told otherwise."""
    said = os.environ.get(JOBS) or (JOBS_INSIDE if url.startswith("sqlite:") else JOBS_SEPARATE)
    if said not in (JOBS_INSIDE, JOBS_SEPARATE):
        raise SettingsError(f"{JOBS} is {said!r}; {JOBS_INSIDE} and {JOBS_SEPARATE} are known")
    return said == JOBS_INSIDE


def _several(name: str) -> tuple[str, ...]:
    """Return what stands in a variable, divided by commas."""
    return tuple(part for text in os.environ.get(name, "").split(",") if (part := text.strip()))


def _networks(name: str) -> tuple[str, ...]:
    """Return addresses and networks, each checked: a mistyped one would mean nobody."""
    found = _several(name)
    for text in found:
        try:
            ip_network(text)
        except ValueError as error:
            raise SettingsError(f"{name}: {error}") from error
    return found


def _number(name: str, default: int) -> int:
    text = os.environ.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise SettingsError(f"{name} is {text[:40]!r}; a whole number is needed, 0 for no limit")
    return int(text)


def _public_url() -> str:
    """Return where people reach the app; it is the operator who says so, never a request."""
    said = os.environ.get(PUBLIC_URL, "").rstrip("/")
    try:
        parts = urlsplit(said)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if said and (not is_address or parts.query or parts.fragment or parts.username):
        raise SettingsError(f"{PUBLIC_URL} is {said!r}; such as https://crm.example.com is meant")
    return said


def _files(data: Path) -> FileSettings:
    """Return where files lie: ``s3://bucket/prefix``, or a folder."""
    said = os.environ.get(FILES, "").strip()
    most = _number_to(MOST_FILE_MB, 10_240, most=10_240) * 1024**2
    if not said.startswith("s3://"):
        if "://" in said:
            raise SettingsError(f"{FILES} is {said[:60]!r}; a folder or s3://bucket is meant")
        return FileSettings(Path(said) if said else data / "files", most_bytes=most)
    bucket, _, prefix = said.removeprefix("s3://").partition("/")
    if not bucket:
        raise SettingsError(f"{FILES} is {said[:60]!r}; s3://bucket/prefix is meant")
    s3 = S3Settings(
        bucket,
        prefix.strip("/"),
        endpoint=os.environ.get(S3_ENDPOINT, "").rstrip("/"),
        region=os.environ.get(S3_REGION, ""),
        access_key=os.environ.get(S3_ACCESS_KEY, ""),
        secret_key=os.environ.get(S3_SECRET_KEY, ""),
    )
    return FileSettings(data / "files", s3, most)


def _mail() -> MailSettings | None:
    host = os.environ.get(SMTP_HOST, "")
    if not host:
        return None
    said = os.environ.get(SMTP_TLS) or "starttls"
    tls = next((known for known in SMTP_TLS_WAYS if known == said), None)
    if tls is None:
        raise SettingsError(f"{SMTP_TLS} is {said!r}; {', '.join(SMTP_TLS_WAYS)} are known")
    sender = os.environ.get(SMTP_SENDER, "")
    if not _MAIL_ADDRESS.fullmatch(sender):
        raise SettingsError(
            f"{SMTP_SENDER} is {sender!r}; the address that mails come from is meant"
        )
    return MailSettings(
        host,
        sender,
        port=_number_to(SMTP_PORT, _SMTP_PORTS[tls], most=65_535),
        user=os.environ.get(SMTP_USER, ""),
        password=os.environ.get(SMTP_PASSWORD, ""),
        tls=tls,
    )


def _number_to(name: str, default: int, *, most: int) -> int:
    said = os.environ.get(name, "")
    if not said:
        return default
    if not (said.isascii() and said.isdecimal() and 1 <= int(said[:9]) <= most):
        raise SettingsError(f"{name} is {said[:40]!r}; a whole number from 1 to {most} is meant")
    return int(said)


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
