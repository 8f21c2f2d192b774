"""Loading: one load under way, with what has been written so far and how it is written."""

from __future__ import annotations

import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from kartoteka import CommandResult, Party, Records, Reference, SampleDataContext
from kartoteka_demo.colleagues import COLLEAGUES
from kartoteka_demo.countries.country import Country
from kartoteka_demo.draws import Draws

FOR_A_EURO = {  # ISO code → units
    "EUR": Decimal(1),
    "PLN": Decimal("4.25"),
    "RON": Decimal("4.98"),
    "USD": Decimal("1.09"),
}
PLANNED_WRITES = 3442  # what a whole load takes; progress shows a part of it
_TOLD_EVERY = 100  # writes

# Letters that do not fall apart into a plain one and an accent
_PLAIN_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "đ": "d", "ø": "o"})


@dataclass(frozen=True, slots=True)
class Account:
    """An account written: what the records that come after it need to know."""

    id: str
    name: str
    country: Country
    domain: str
    address: Mapping[str, Any]  # fields of the first address
    owner: str  # user name


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact written; ``account`` is None for people who come on their own."""

    id: str
    name: str
    country: Country
    email: str
    owner: str  # user name
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A record that activities and notes are about, with who takes part on both sides.

    ``opened`` and ``closed`` are offsets from today in days; ``closed`` is None while it is open.
    """

    reference: Reference
    owner: str  # user name
    opened: int
    closed: int | None
    contact: Contact | None = None
    address: str = ""  # where mail goes when there is no contact


@dataclass
class Loading:
    """One load: the context it was given, the draws, and the records so far by what they are."""

    context: SampleDataContext
    draws: Draws
    units: dict[str, str] = field(default_factory=dict)  # name → id
    currencies: dict[str, str] = field(default_factory=dict)  # ISO code → id
    users: dict[str, str] = field(default_factory=dict)  # user name → id
    accounts: list[Account] = field(default_factory=list)
    contacts: list[Contact] = field(default_factory=list)
    subjects: list[Subject] = field(default_factory=list)
    names_of_leads: set[str] = field(default_factory=set)
    endings: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _as_users: dict[str, Records] = field(default_factory=dict)
    _writes: int = 0
    _stage: str = ""

    def begin(self, stage: str) -> None:
        """Say what comes next."""
        self._stage = stage
        self.context.progress(self._writes, PLANNED_WRITES, stage)

    async def create(
        self, entity: str, values: Mapping[str, Any], *, by: str = "", on: datetime | None = None
    ) -> str:
        """Create a record and return its id.

        It is written as the platform, as an import would be, so that it may say that ``by``
        (a user name) made it at ``on``. Where records have owners, ``by`` is the owner.
        """
        definition = self.context.registry.entities[entity]
        record = dict(values)
        if definition.primary_id not in record:
            record[definition.primary_id] = self.draws.record_id(entity)
        if by:
            record |= {"createdby": self.owner(by), "modifiedby": self.owner(by)}
            if definition.ownership == "user":
                record["ownerid"] = self.owner(by)
        if on is not None:
            record |= {"createdon": on, "modifiedon": on}
        self._count()
        return await self.context.records.create(entity, record)

    async def update(self, entity: str, record_id: str, values: Mapping[str, Any]) -> None:
        """Change a record as the platform."""
        self._count()
        await self.context.records.update(entity, record_id, values)

    async def associate(self, relationship: str, left_id: str, right_id: str, *, by: str) -> None:
        """Link two records as a user."""
        self._count()
        await (await self.records_of(by)).associate(relationship, left_id, right_id)

    async def execute(
        self, entity: str, record_id: str, command: str, by: str, **parameters: Any
    ) -> CommandResult:
        """Run a command as a user."""
        self._count()
        return await (await self.records_of(by)).execute(entity, record_id, command, parameters)

    async def records_of(self, user_name: str) -> Records:
        """Return the record service as a user."""
        if user_name not in self._as_users:
            self._as_users[user_name] = await self.context.as_user(self.users[user_name])
        return self._as_users[user_name]

    def amount(self, euros: int, currency: str) -> Decimal:
        """Return about as much in another currency, in round tens."""
        return (euros * FOR_A_EURO[currency] / 10).quantize(Decimal(1)) * 10

    def owner(self, user_name: str) -> Reference:
        """Return a user as the owner of a record."""
        return Reference("systemuser", self.users[user_name])

    def party(self, user_name: str) -> Party:
        """Return a user as a party of an activity."""
        return Party(self.owner(user_name))

    def currency(self, code: str) -> Reference:
        """Return a currency by its ISO code."""
        return Reference("transactioncurrency", self.currencies[code])

    def colleague(self, line: str, country: Country) -> str:
        """Return the name of a user who does ``line`` for customers of a country."""
        return self.draws.one_of(
            [
                person.user_name
                for person in COLLEAGUES
                if person.line == line and country.code in person.countries
            ]
        )

    def _count(self) -> None:
        self._writes += 1
        if self._writes % _TOLD_EVERY == 0:
            self.context.progress(self._writes, PLANNED_WRITES, self._stage)


def plain(text: str) -> str:
    """Return a name as addresses spell it: small letters and digits without accents."""
    parts = unicodedata.normalize("NFKD", text.translate(_PLAIN_LETTERS))
    return "".join(letter for letter in parts.lower() if letter.isascii() and letter.isalnum())
