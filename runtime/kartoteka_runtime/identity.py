"""Who may sign in, as sessions ask for it and storage keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

# What KnownUser is read from: entities, and the relationships of users and teams with roles.
_USERS = frozenset(
    {
        "systemuser", "systemuserroles_association", "businessunit", "role", "team",
        "teamroles_association", "teammembership_association",
    }
)  # fmt: skip

# An API token that a user made, or what a service got for its secret, for an hour.
TokenKind = Literal["api", "access"]


@dataclass(frozen=True, slots=True)
class Credential:
    """What the database knows of a user who wants to sign in."""

    user_id: str
    password_hash: str
    failures: int
    locked_until: datetime | None
    is_disabled: bool


@dataclass(frozen=True, slots=True)
class KnownUser:
    """What the database knows of the user behind a session or token.

    ``role_ids`` are the user's own roles and those of their owner teams.
    """

    user_id: str
    name: str
    business_unit_id: str
    is_disabled: bool
    language: str | None
    time_zone: str | None
    role_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UserNames:
    """What a user is called: what others know, so that it is no password."""

    user_id: str
    user_name: str
    name: str
    email: str
    is_disabled: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """Return all of it."""
        return (self.user_name, self.name, self.email)


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session as its user sees it; ``id`` names it and opens nothing."""

    id: str
    user_id: str
    address: str
    browser: str
    created_on: datetime
    used_on: datetime
    expires_on: datetime


@dataclass(frozen=True, slots=True)
class SeenAs:
    """Whom a session sees the app as, and until when at most (UTC)."""

    user_id: str
    until: datetime


@dataclass(frozen=True, slots=True)
class KnownToken:
    """A token as its user sees it; ``id`` names it and opens nothing.

    ``scopes`` narrow what it may do; None: everything its user may. ``issued_by`` is the id of
    the client secret that an access token was given for.
    """

    id: str
    user_id: str
    name: str
    kind: TokenKind
    scopes: frozenset[str] | None
    created_on: datetime
    expires_on: datetime
    used_on: datetime | None = None
    revoked_on: datetime | None = None
    issued_by: str = ""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A secret of a service, which signs in by its client id; only a hash of it is kept."""

    id: str
    user_id: str
    client_id: str
    name: str
    created_on: datetime
    expires_on: datetime
    used_on: datetime | None = None
    revoked_on: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reset:
    """A way to a new password that was sent by mail and has not been used."""

    user_id: str
    for_hash: str  # of the password hash that it replaces


class UserChanges:
    """Counts the writes of this process that may change who a user is or what they may do."""

    def __init__(self) -> None:
        """Begin to count."""
        self.number = 0

    def note(self, written: Set[str]) -> None:
        """Note what a transaction wrote, as names of entities and relationships."""
        if not _USERS.isdisjoint(written):
            self.number += 1


class EventSink(Protocol):
    """Where security events go; see ``kartoteka_runtime.security.events``."""

    async def record(
        self,
        kind: str,
        *,
        user_id: str = "",
        user_name: str = "",
        address: str = "",
        entity: str = "",
        record_id: str = "",
        detail: Mapping[str, str] = {},  # noqa: B006 - never written to
    ) -> None:
        """Keep what happened."""


class IdentityStore(Protocol):
    """Where users, sessions and tokens are kept. Moments are in UTC and whole seconds."""

    engine: str  # sqlite or postgresql

    async def credential(self, user_name: str) -> Credential | None:
        """Return the credential of a user name, written in any case."""

    async def credential_of(self, user_id: str) -> Credential | None:
        """Return the credential of a user."""

    async def save_password(self, user_id: str, password_hash: str, *, keep: str = "") -> None:
        """Keep a password's hash; forget failures and resets, and end the user's sessions.

        The session with the token hash ``keep`` stays.
        """

    async def replace_hash(self, user_id: str, old: str, new: str) -> None:
        """Keep another hash of the same password, unless it was changed meanwhile."""

    async def add_failure(
        self, user_id: str, locked_until: Callable[[int], datetime | None]
    ) -> int:
        """Count one more wrong password, and return how many there are now.

        ``locked_until`` says for a count until when the user has to wait; attempts that come at
        once are counted one after the other.
        """

    async def forget_failures(self, user_id: str) -> None:
        """Count no wrong passwords any more."""

    async def add_session(self, token_hash: str, session: KnownSession) -> None:
        """Keep a session, and forget those that have expired."""

    async def remove_session(self, token_hash: str) -> None:
        """Forget a session."""

    async def session_user(
        self, token_hash: str, idle_since: datetime
    ) -> tuple[KnownUser, datetime, SeenAs | None] | None:
        """Return the user of a session, when it was used last, and whom it sees the app as.

        None when it has expired; one that was not used after ``idle_since`` has.
        """

    async def set_seen_as(self, token_hash: str, seen_as: SeenAs | None) -> bool:
        """Keep whom a session sees the app as (None: nobody); return whether that is news."""

    async def touch_session(self, token_hash: str, now: datetime) -> None:
        """Keep when a session was used, unless the database is busy with something else."""

    async def sessions_of(self, user_id: str, idle_since: datetime) -> Sequence[KnownSession]:
        """Return a user's sessions that have not expired, the one used last first."""

    async def end_session(self, user_id: str, session_id: str) -> bool:
        """End a session of a user; return whether there was one."""

    async def end_other_sessions(self, user_id: str, keep: str) -> int:
        """End the sessions of a user but the one with a token hash; return how many."""

    async def add_token(self, token_hash: str, token: KnownToken) -> None:
        """Keep a token, and forget those that ended long ago."""

    async def token_user(self, token_hash: str) -> tuple[KnownUser, KnownToken] | None:
        """Return the user of a token, whether it still holds or not."""

    async def touch_token(self, token_hash: str, now: datetime) -> None:
        """Keep when a token was used, unless the database is busy with something else."""

    async def tokens_of(self, user_id: str) -> Sequence[KnownToken]:
        """Return the API tokens of a user (of everybody: ""), the newest first."""

    async def revoke_token(self, token_id: str, user_id: str, now: datetime) -> KnownToken | None:
        """Revoke a token of a user (of anybody: ""), and return it; None: no such is in force."""

    async def access_version(self) -> int:
        """Return the number that changes with every write that may change what somebody may do."""

    async def add_secret(self, secret_hash: str, secret: ClientSecret) -> None:
        """Keep a secret of a service."""

    async def secret(self, client_id: str, secret_hash: str) -> ClientSecret | None:
        """Return the secret of a client id that has a hash."""

    async def touch_secret(self, secret_id: str, now: datetime) -> None:
        """Keep when a secret was used, unless the database is busy with something else."""

    async def secrets_of(self, user_id: str) -> Sequence[ClientSecret]:
        """Return the secrets of a service (of every service: ""), the newest first."""

    async def revoke_secrets(self, user_id: str, now: datetime, *, secret_id: str = "") -> int:
        """Revoke the secrets of a service, or one, with what was given for them; say how many."""

    async def add_reset(self, token_hash: str, reset: Reset, expires_on: datetime) -> None:
        """Keep a way to a new password, and forget those that have expired."""

    async def reset(self, token_hash: str) -> Reset | None:
        """Return a way to a new password that has neither expired nor been used."""

    async def take_reset(self, token_hash: str) -> Reset | None:
        """Return the same and forget it: whoever asks again gets nothing."""

    async def resets_since(self, user_id: str, since: datetime) -> int:
        """Return how many ways to a new password were made for a user since a moment."""

    async def people_at(self, address: str) -> Sequence[UserNames]:
        """Return users who have a password, by user name or mail address in any case, at most 5."""

    async def names(self, user_id: str) -> UserNames | None:
        """Return what a user is called."""

    async def user(self, user_id: str) -> KnownUser | None:
        """Return a user, whether disabled or not."""

    async def preferred_language(self, user_id: str) -> str | None:
        """Return the language that a user chose."""

    async def save_preferences(
        self, user_id: str, language: str | None, time_zone: str | None
    ) -> None:
        """Keep what a user prefers; None leaves it as it is."""
