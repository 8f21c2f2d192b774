"""Operation: one call of the record service inside its transaction, and what it shares."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from kartoteka.access.reach import Reaches
from kartoteka.conditions.asker import Asker
from kartoteka.errors import KartotekaError, RecordNotFound
from kartoteka.plugin_api.contexts import Principal, Records
from kartoteka_runtime.records.compiled_model import CompiledEntity, CompiledModel
from kartoteka_runtime.records.watch import Watch
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.security.column_access import ColumnAccess
from kartoteka_runtime.security.events import AccessChange
from kartoteka_runtime.storage.database import Connection

MOST_DEPTH = 8  # nested operations. Source: reference platform, section 8.5


class TooDeep(KartotekaError):
    """Hooks called one another more than ``MOST_DEPTH`` times: most likely without end."""


def present() -> datetime:
    """Return the present moment, as instants are stored: in UTC and whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class JobOrigin:
    """The job on whose behalf something is done: what jobs that it enqueues come from.

    ``depth`` counts the jobs of the chain since ``chain_on``; ``correlation_id`` is its first one.
    """

    correlation_id: str
    depth: int
    chain_on: datetime


@dataclass(frozen=True)
class Operation:
    """Who does what, on which connection, against which publication.

    ``access`` says what the principal may do. ``is_system`` lifts the limits meant for people:
    access, read-only fields, states and transitions.
    ``visited`` holds (message, entity, id) of what is under way, so that cascades end; ``written``
    the names of the entities and relationships that the transaction has written;
    ``access_changes`` what auditors are told of once it is committed; ``undo`` what is done when it
    is not, for what it did outside of the database.
    """

    connection: Connection
    model: CompiledModel
    principal: Principal
    access: Access
    records_for: Callable[[Operation], Records]  # the record service inside this transaction
    is_system: bool = False
    depth: int = 0
    now: datetime = field(default_factory=present)
    visited: set[tuple[str, str, str]] = field(default_factory=set)
    origin: JobOrigin | None = None
    written: set[str] = field(default_factory=set)
    access_changes: list[AccessChange] = field(default_factory=list)
    undo: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    is_command: bool = False  # a command writes: no states or read-only fields stand in its way
    is_unmasked: bool = False  # masks are lifted, as far as the principal may ask for that
    watch: Watch | None = None  # what webhooks are told of, where there are any

    @property
    def asker(self) -> Asker:
        """Return who asks, as conditions and formulas need to know it."""
        principal = self.principal
        return Asker(
            principal.user_id,
            principal.business_unit_id,
            principal.time_zone,
            self.now,
            reaches=self.reaches,
        )

    @property
    def reaches(self) -> Reaches | None:
        """Return what statements are narrowed to; None for the platform itself."""
        return None if self.is_system else self.access

    @property
    def columns(self) -> ColumnAccess:
        """Return which secured columns may be used: by the platform itself, all."""
        return (self.model.system_access if self.is_system else self.access).columns

    def require(self, privilege: str, name: str) -> None:
        """Return when the principal holds a privilege on an entity at all.

        Raises:
            AccessDenied: No role gives it.
            RecordNotFound: There is no entity of that name.
        """
        if not self.is_system:
            self.access.require(privilege, self.entity(name).entity)

    def entity(self, name: str) -> CompiledEntity:
        """Return a compiled entity.

        Raises:
            RecordNotFound: There is no entity of that name.
        """
        try:
            return self.model.entities[name]
        except KeyError:
            raise RecordNotFound(name, "") from None

    def deeper(self) -> Operation:
        """Return the operation as hooks go on with it.

        Raises:
            TooDeep: It went on too often.
        """
        if self.depth >= MOST_DEPTH:
            raise TooDeep(f"hooks went {MOST_DEPTH} operations deep; most likely without end")
        return replace(self, depth=self.depth + 1, is_command=False, is_unmasked=False)

    @property
    def is_free(self) -> bool:
        """Return whether states, transitions and read-only fields are no limit."""
        return self.is_system or self.is_command

    def as_command(self) -> Operation:
        """Return the operation as commands write: as the principal, whatever states say."""
        return replace(self, is_command=True)

    def as_system(self) -> Operation:
        """Return the operation without the limits meant for people."""
        return replace(self, is_system=True)
