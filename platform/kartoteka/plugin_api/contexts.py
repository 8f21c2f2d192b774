"""What hooks and commands receive: a principal, the record service, and the write under way."""

from __future__ import annotations

import builtins
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from kartoteka.query.query import LinkedTo as LinkedTo
from kartoteka.record_values import Record, Reference
from kartoteka.registry import Registry


@dataclass(frozen=True, slots=True)
class SeenBy:
    """The administrator who looks at the app as somebody else, ``until`` when at most (UTC)."""

    user_id: str
    name: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: a user with language, time zone and roles, or the platform itself.

    ``roles`` are logical names of security roles, the user's own and those of their owner teams;
    ``is_system`` marks work of the platform that no access rule limits. ``scopes`` narrow what a
    token of the user may do (``read``, ``contact:write``); None: nothing does. ``seen_by`` is who
    really looks when an administrator sees the app as this user: nothing can be changed then.
    ``on_behalf_of`` is who really calls when a program acts as this user: nothing is allowed then
    that the caller has no privilege for.
    """

    user_id: str
    name: str = ""
    language: str = "en"
    time_zone: str = "UTC"
    business_unit_id: str = ""
    roles: frozenset[str] = frozenset()
    is_system: bool = False
    scopes: frozenset[str] | None = None
    seen_by: SeenBy | None = None
    on_behalf_of: Principal | None = None


@dataclass(frozen=True, slots=True)
class SharedWith:
    """One user, team or organization that a record is shared with, and what it may do by that.

    ``explicit`` names the privileges that somebody gave, ``inherited`` those that came from
    records above it; both may hold the same one.
    """

    principal: Reference
    explicit: tuple[str, ...] = ()
    inherited: tuple[str, ...] = ()

    @property
    def privileges(self) -> tuple[str, ...]:
        """Return every privilege that the share gives."""
        return (*self.explicit, *(name for name in self.inherited if name not in self.explicit))


@dataclass(frozen=True, slots=True)
class AccessTeam:
    """The members of one record's access team; ``privileges`` are what its template gives now."""

    template: Reference
    privileges: tuple[str, ...] = ()
    members: tuple[Reference, ...] = ()


class Records(Protocol):
    """The record service as one principal, inside the transaction that is open (if one is).

    Every call runs the whole pipeline: access, validation, hooks, cascades.
    Raises: RecordInvalid, RecordNotFound, RecordConflict, AccessDenied.
    """

    async def create(self, entity: str, values: Record) -> str:
        """Create a record and return its id; ``values`` may hold the id under the primary id."""

    async def create_many(self, entity: str, values: Sequence[Record]) -> builtins.list[str]:
        """Create records as ``create`` does, all or none; return their ids in order.

        What refuses one says by its ``place`` which.
        """

    async def read(self, entity: str, record_id: str) -> Record:
        """Return every field of one record, lookups with names."""

    async def update(
        self, entity: str, record_id: str, values: Record, *, version: int | None = None
    ) -> None:
        """Change the named fields; refuse when ``version`` is given and no longer stored."""

    async def delete(self, entity: str, record_id: str, *, version: int | None = None) -> None:
        """Delete a record and what the relationships say goes with it."""

    async def list(
        self,
        entity: str,
        *,
        filter: str = "",
        linked_to: LinkedTo | None = None,
        fields: Sequence[str] = (),
        order: Sequence[str] = (),
        limit: int = 1000,
    ) -> list[Record]:
        """Return records that match a condition; ``order`` as ``["createdon desc"]``."""

    async def count(
        self, entity: str, *, filter: str = "", linked_to: LinkedTo | None = None
    ) -> int:
        """Return how many records match a condition."""

    async def associate(self, relationship: str, left_id: str, right_id: str) -> None:
        """Link two records by an N:N relationship; a pair already linked is a violation."""

    async def disassociate(self, relationship: str, left_id: str, right_id: str) -> None:
        """Remove a link."""

    async def merge(
        self,
        entity: str,
        target_id: str,
        subordinate_id: str,
        values: Record | None = None,
        *,
        checks_parents: bool = False,
    ) -> None:
        """Merge one record into another of the same entity, which goes on with ``values`` as well.

        What names the subordinate names the target from then on, as ``on_merge`` says; the
        subordinate stays, inactive. ``checks_parents`` refuses records that belong elsewhere.
        """

    async def share(
        self, entity: str, record_id: str, principal: Reference, privileges: Sequence[str]
    ) -> None:
        """Give a user, team or the organization privileges on a record, beside what it has."""

    async def change_share(
        self, entity: str, record_id: str, principal: Reference, privileges: Sequence[str]
    ) -> None:
        """Let a share give exactly these privileges; what is inherited stays."""

    async def unshare(self, entity: str, record_id: str, principal: Reference) -> None:
        """Take back what somebody was given of a record; what is inherited stays."""

    async def shares_of(self, entity: str, record_id: str) -> builtins.list[SharedWith]:
        """Return whom a record is shared with, by name."""

    async def principal_access(
        self, principal: Reference, entity: str, record_id: str
    ) -> frozenset[str]:
        """Return the privileges that a user or team has on a record, whatever they come from."""

    async def access_teams(self, entity: str, record_id: str) -> builtins.list[AccessTeam]:
        """Return the templates for records of an entity, with the members that a record has."""

    async def add_member(self, entity: str, record_id: str, template_id: str, user_id: str) -> None:
        """Make a user a member of a record's access team."""

    async def remove_member(
        self, entity: str, record_id: str, template_id: str, user_id: str
    ) -> None:
        """Let a user leave a record's access team."""

    async def execute(
        self, entity: str, record_id: str, command: str, parameters: Record
    ) -> CommandResult:
        """Run a command on a record."""

    async def set_state(
        self,
        entity: str,
        record_id: str,
        *,
        state: str,
        reason: str = "",
        values: Record | None = None,
    ) -> None:
        """Change state and reason by name as a command does, with further values in one write.

        Works on read-only records too and checks no generic transition: the caller is a command.
        """

    async def enqueue(
        self,
        job: str,
        arguments: Mapping[str, Any],
        *,
        run_at: datetime | None = None,
        key: str = "",
    ) -> str:
        """Have a job run once this transaction is committed, and return the job's id.

        It runs as whoever acts here, with the access they have then. ``arguments`` are JSON. With
        a ``key``, a job of that name and key that still waits, for no later than ``run_at``, does:
        its id is returned.
        """


@dataclass(slots=True)
class WriteContext:
    """One create, update, delete, associate, disassociate or merge under way.

    Attributes:
        message: ``create``, ``update``, ``delete``, ``associate``, ``disassociate`` or ``merge``.
        values: What will be written, by logical name; before-hooks may change it. Empty on delete.
            When records are linked by an N:N relationship: ``relationship`` (its name),
            ``left_id`` and ``right_id``; ``entity`` and ``record_id`` say whose hook is run.
            When records are merged: what the target gets.
        before: The stored record as it was; None on create, and when records are linked.
        subordinate: When records are merged, the one that goes, as it was; ``record_id`` and
            ``before`` are the other's.
        records: The record service in this transaction, as ``principal``.
        system_records: The same without access limits, for what the platform keeps in step.
        shared: A bag that later hooks of the same operation see.
    """

    message: str
    entity: str
    record_id: str
    values: dict[str, Any]
    before: Record | None
    principal: Principal
    records: Records
    system_records: Records
    registry: Registry
    shared: dict[str, Any] = field(default_factory=dict)
    subordinate: Record | None = None

    def value(self, name: str) -> Any:
        """Return the field as it will be stored: the new value, else the stored one, else None."""
        if name in self.values:
            return self.values[name]
        return self.before.get(name) if self.before is not None else None


@dataclass(frozen=True, slots=True)
class RecordHandler:
    """Takes part in writes of ``entity`` (empty: of every entity).

    ``moment`` is ``before_`` or ``after_`` with create, update, delete, associate, disassociate or
    merge, all inside the transaction. ``fields`` limits update handlers to writes that supply one
    of them. Links concern the handlers of both entities of their relationship. Handlers of one
    moment run by ``rank``, lowest first.
    """

    entity: str
    moment: str
    run: Callable[[WriteContext], Awaitable[None]]
    fields: tuple[str, ...] = ()
    rank: int = 100


@dataclass(slots=True)
class CommandContext:
    """One command under way on one record, in its own transaction."""

    entity: str
    record_id: str
    record: Record
    parameters: Record
    principal: Principal
    records: Records
    system_records: Records
    registry: Registry


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command answers: where to go next and a message key to show (with its params)."""

    open: Reference | None = None
    message: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    created: tuple[Reference, ...] = ()


@dataclass(frozen=True, slots=True)
class CommandHandler:
    """Carries out ``command`` of ``entity``."""

    entity: str
    command: str
    run: Callable[[CommandContext], Awaitable[CommandResult]]


@dataclass(frozen=True, slots=True)
class PanelRows:
    """What a panel shows: records of ``entity`` in the columns of ``view``; ``total`` is a badge.

    ``empty_message`` is a message key for when there are none; ``filter`` is a condition.
    """

    entity: str
    view: str
    filter: str
    limit: int = 10
    empty_message: str = ""


@dataclass(slots=True)
class PanelContext:
    """A panel of a form about to be shown."""

    entity: str
    record: Record
    principal: Principal
    records: Records
    registry: Registry


@dataclass(frozen=True, slots=True)
class Panel:
    """A list that a plugin computes for a form; forms place it by ``name``.

    ``label`` is a message key. ``load`` returns None when there is nothing to say for the record.
    """

    name: str
    entity: str
    label: str
    load: Callable[[PanelContext], Awaitable[PanelRows | None]]


class SampleDataContext(Protocol):
    """What sample data is loaded through: the record service, and what lies outside of records."""

    @property
    def registry(self) -> Registry:
        """Return the live registry."""

    @property
    def records(self) -> Records:
        """Return the record service as the platform itself."""

    @property
    def today(self) -> date:
        """Return the day around which the data is laid; the same day gives the same data."""

    async def as_user(self, user_id: str) -> Records:
        """Return the record service as a user: what is created so is theirs.

        Raises: RecordNotFound.
        """

    async def let_sign_in(
        self, user_id: str, *, roles: Sequence[str], language: str = "", time_zone: str = ""
    ) -> None:
        """Give a user security roles by name, settings, and a password that whoever asked chose."""

    def progress(self, done: int, total: int, text: str) -> None:
        """Tell how far loading is; ``text`` says in a few English words what comes next."""


@dataclass(frozen=True, slots=True)
class SampleData:
    """Records to look around with; ``load`` writes them into an app that has none yet."""

    load: Callable[[SampleDataContext], Awaitable[None]]
