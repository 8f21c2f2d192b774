"""What plugins load their sample data through: a ``SampleDataContext`` over the record service."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date

from kartoteka.plugin_api.contexts import Principal, Records
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.cli.sign_in_sheet import SheetEntry
from kartoteka_runtime.cli.user import generated_password
from kartoteka_runtime.known_ids import role_id
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.runtime_parts import RuntimeParts


class SampleDataLoading:
    """One loading of sample data; it makes up the passwords of those who may sign in."""

    def __init__(
        self, parts: RuntimeParts, today: date, progress: Callable[[int, int, str], None]
    ) -> None:
        """Load around ``today`` into an app that is published."""
        self._parts = parts
        self._progress = progress
        self._records = parts.records.acting_as(SYSTEM)
        self.today = today
        self._passwords: dict[str, str] = {}  # by id of the user
        self._roles: dict[str, tuple[str, ...]] = {}  # logical names, by id of the user

    @property
    def registry(self) -> Registry:
        """Return the live registry."""
        return self._parts.live_registry.current.registry

    @property
    def records(self) -> Records:
        """Return the record service as the platform itself."""
        return self._records

    async def as_user(self, user_id: str) -> Records:
        """Return the record service as a user.

        Raises:
            RecordNotFound: There is no such user.
        """
        user = await self._records.read("systemuser", user_id)
        unit = user["businessunitid"]
        return self._parts.records.acting_as(
            Principal(
                user_id=user_id,
                name=str(user["fullname"]),
                business_unit_id=unit.id if isinstance(unit, Reference) else "",
            )
        )

    async def let_sign_in(
        self, user_id: str, *, roles: Sequence[str], language: str = "", time_zone: str = ""
    ) -> None:
        """Give a user roles, settings and a password made up here."""
        published = self._parts.live_registry.current
        for role in roles:
            await self._records.associate(
                "systemuserroles_association", user_id, role_id(published, role)
            )
        self._roles[user_id] = tuple(roles)
        await self.give_password(user_id)
        await self._parts.sessions.set_preferences(
            user_id, language=language or None, time_zone=time_zone or None
        )

    async def give_password(self, user_id: str) -> None:
        """Make up a password for a user: the slowest part of letting somebody sign in."""
        self._passwords[user_id] = generated_password()
        await self._parts.sessions.set_password(user_id, self._passwords[user_id])

    async def sign_in_sheet(self) -> list[SheetEntry]:
        """Return who may sign in and how, in the order in which they were let."""
        published = self._parts.live_registry.current
        entries = []
        for user_id, password in self._passwords.items():
            user = await self._records.read("systemuser", user_id)
            labels = (published.registry.roles[role].label for role in self._roles[user_id])
            entries.append(
                SheetEntry(
                    user_name=str(user["domainname"]),
                    password=password,
                    name=str(user["fullname"]),
                    roles=tuple(
                        published.labels.text(label, published.registry.base_language)
                        for label in labels
                    ),
                )
            )
        return entries

    def progress(self, done: int, total: int, text: str) -> None:
        """Tell how far loading is."""
        self._progress(done, total, text)
