"""ActingScope: as whom records are used, and the transaction that calls share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Self

from kartoteka.errors import AccessDenied, RecordInvalid, Violation
from kartoteka.plugin_api.contexts import Principal, Records
from kartoteka_runtime.file_store.file_store import StoreUnavailable
from kartoteka_runtime.records import access_audit, webhook_messages
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.operation import JobOrigin, Operation
from kartoteka_runtime.records.service_parts import ServiceParts
from kartoteka_runtime.records.webhooks import watch_of
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.storage.database import (
    BadParameter,
    Connection,
    ReferenceViolation,
    UniqueViolation,
)
from kartoteka_runtime.validation.value_checks import shorten

_REFUSED = (BadParameter, ReferenceViolation, UniqueViolation)


class ActingScope(ABC):
    """One principal at the record service, alone or inside a transaction that is open."""

    def __init__(
        self,
        parts: ServiceParts,
        principal: Principal,
        operation: Operation | None = None,
        *,
        model: CompiledModel | None = None,
        origin: JobOrigin | None = None,
        is_unmasked: bool = False,
        made_of: ActingScope | None = None,
    ) -> None:
        """Act as ``principal``, inside ``operation`` when one is under way.

        ``model`` is the publication to stay with; without one each call takes the live one.
        ``is_unmasked`` lifts the masks of secured columns, as far as the principal may ask for it.
        ``has_written`` tells whether a transaction was committed, also to whom it is ``made_of``.
        """
        self._parts = parts
        self._principal = principal
        self._operation = operation
        self._bound_model = model
        self._origin = origin
        self._is_unmasked = is_unmasked
        self._commits: list[bool] = made_of._commits if made_of is not None else []

    @property
    def has_written(self) -> bool:
        """Return whether a transaction was committed, by this or by what was made of it."""
        return bool(self._commits)

    @property
    def model(self) -> CompiledModel:
        """Return the publication that calls work with."""
        return self._bound_model or self._parts.model

    @property
    def is_in_transaction(self) -> bool:
        """Return whether calls share a transaction that is open."""
        return self._operation is not None

    @property
    def principal(self) -> Principal:
        """Return who uses the service."""
        return self._principal

    @property
    def operation(self) -> Operation:
        """Return the operation whose transaction is open: inside ``transaction()`` there is one."""
        assert self._operation is not None
        return self._operation

    @property
    def open_operation(self) -> Operation | None:
        """Return the operation whose transaction is open, if one is."""
        return self._operation

    def as_system(self) -> Self:
        """Return the service without the limits meant for people, in the same transaction."""
        inside = self._operation.as_system() if self._operation is not None else None
        principal = replace(self._principal, is_system=True)
        return type(self)(
            self._parts, principal, inside,
            model=self._bound_model, origin=self._origin, made_of=self,
        )  # fmt: skip

    def unmasked(self) -> Self:
        """Return the service with the masks lifted that the principal may ask to have lifted.

        Auditors are told of everything that is read so.
        """
        inside = self._operation
        return type(self)(
            self._parts, self._principal, inside and replace(inside, is_unmasked=True),
            model=self._bound_model, origin=self._origin, is_unmasked=True, made_of=self,
        )  # fmt: skip

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Self]:
        """Yield the same service with all its calls in one transaction."""
        async with self._writing() as op:
            yield type(self)(self._parts, self._principal, op, model=self._bound_model)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Operation]:
        """Yield the operation of a read, for what belongs to records and lies beside them."""
        async with self._reading() as op:
            yield op

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Operation]:
        if self._operation is not None:
            yield self._operation
            return
        try:
            async with self._parts.database.reading() as connection:
                model = self.model
                op = Operation(
                    connection, model, self._principal, await self._access(model, connection),
                    self._inside, is_system=self._principal.is_system, now=self._parts.clock(),
                    is_unmasked=self._is_unmasked,
                )  # fmt: skip
                yield op
            if op.access_changes:
                await self._report(op)
        except _REFUSED as refused:
            raise _invalid(refused) from refused

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[Operation]:
        if self._operation is not None:
            yield replace(self._operation, visited=set(self._operation.visited))
            return
        if self._principal.seen_by is not None:
            raise AccessDenied("error.only_looking")
        try:
            async with _undoing() as undo, self._parts.database.writing() as connection:
                model = self.model
                op = Operation(
                    connection, model, self._principal, await self._access(model, connection),
                    self._inside, is_system=self._principal.is_system, now=self._parts.clock(),
                    origin=self._origin, watch=await watch_of(model, connection), undo=undo,
                )  # fmt: skip
                yield op
                if op.watch is not None:
                    await webhook_messages.tell(op, self._parts.outbox)
                changes_access = model.accesses.decides(op.written)
                if changes_access:
                    await model.accesses.note_change(connection)
            if changes_access:
                async with self._parts.database.reading() as connection:
                    await model.accesses.let_others_notice(connection)
            self._commits[:] = (True,)
            self._parts.user_changes.note(op.written)
            if op.access_changes:
                await self._report(op)
        except _REFUSED as refused:
            raise _invalid(refused) from refused
        except RecursionError as error:  # a cascade goes down one level of Python's a record
            raise RecordInvalid("", [Violation(None, "violation.too_deep")]) from error

    async def _report(self, op: Operation) -> None:
        events = self._parts.security_events
        await access_audit.report(events, self._principal, op.access_changes)

    async def _access(self, model: CompiledModel, connection: Connection) -> Access:
        """Return what the principal may do, as everything that decides over it stands now."""
        if self._principal.is_system:
            return model.system_access
        return await model.accesses.of(connection, self._principal)

    @abstractmethod
    def _inside(self, operation: Operation) -> Records:
        """Return what hooks use inside of an operation."""


@asynccontextmanager
async def _undoing() -> AsyncIterator[list[Callable[[], Awaitable[None]]]]:
    """Yield a list; what is added to it is done when the transaction inside fails."""
    undo: list[Callable[[], Awaitable[None]]] = []
    try:
        yield undo
    except BaseException:
        for step in undo:
            with suppress(StoreUnavailable):  # what is left lies there under a name nobody knows
                await step()
        raise


def _invalid(refused: BadParameter | ReferenceViolation | UniqueViolation) -> RecordInvalid:
    """Return what a refusal of the database means where no rule of ours came first.

    That takes two writers at once (a lookup whose record another deletes) or ids that an import
    brings twice.
    """
    match refused:
        case ReferenceViolation():
            violation = Violation(None, "violation.referenced_by", {"entities": ()})
        case UniqueViolation(index=index):
            violation = Violation(None, "violation.not_unique", {"value": index})
        case _:
            violation = Violation(None, "violation.unknown_option", {"value": shorten(refused)})
    error = RecordInvalid("", [violation])
    error.place = refused.place
    return error
