"""Who may sign in, as sessions ask for it and storage keeps it."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

# What KnownUser is read from: entities, and the relationship of users and roles.
_USERS = frozenset({"systemuser", "systemuserroles_association", "businessunit", "role"})


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
    """What the database knows of the user behind a session or token."""

    user_id: str
    name: str
    business_unit_id: str
    is_disabled: bool
    language: str | None
    time_zone: str | None
    role_ids: tuple[str, ...]


class UserChanges:
    """Counts the writes of this process that may change who a user is or what they may do."""

    def __init__(self) -> None:
        """Begin to count."""
        self.number = 0

    def note(self, written: Set[str]) -> None:
        """Note what a transaction wrote, as names of entities and relationships."""
        if not _USERS.isdisjoint(written):
            self.number += 1


class IdentityStore(Protocol):
    """Where users, sessions and tokens are kept."""

    async def credential(self, user_name: str) -> Credential | None:
        """Return the credential of a user name, written in any case."""

    async def save_password(self, user_id: str, password_hash: str) -> None:
        """Keep a password's hash; forget failures and end the user's sessions."""

    async def add_failure(self, user_id: str, locked_until: datetime | None) -> None:
        """Count one more wrong password, and keep until when the user has to wait."""

    async def forget_failures(self, user_id: str) -> None:
        """Count no wrong passwords any more."""

    async def add_session(self, token_hash: str, user_id: str, expires_on: datetime) -> None:
        """Keep a session."""

    async def remove_session(self, token_hash: str) -> None:
        """Forget a session."""

    async def session_user(self, token_hash: str) -> KnownUser | None:
        """Return the user of a session that has not expired."""

    async def add_token(self, token_hash: str, user_id: str, name: str) -> None:
        """Keep an API token."""

    async def token_user(self, token_hash: str) -> KnownUser | None:
        """Return the user of an API token."""

    async def user(self, user_id: str) -> KnownUser | None:
        """Return a user, whether disabled or not."""

    async def save_preferences(
        self, user_id: str, language: str | None, time_zone: str | None
    ) -> None:
        """Keep what a user prefers; None leaves it as it is."""
