"""Invocation: one operation under way, and what the platform's own operations are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kartoteka.plugin_api.operations import ApiOperation
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.web_api.api_call import MOST_BODY_BYTES, ApiCall


@dataclass(frozen=True, slots=True)
class Invocation:
    """One operation under way.

    Attributes:
        call: The call; its record service shares the transaction of the action.
        operation: What is called.
        entity: The entity whose record or collection it is called on; "" when it is unbound.
        record_id: The id of that record; "" when there is none.
        parameters: Every declared parameter by name, in record form.
    """

    call: ApiCall
    operation: ApiOperation
    entity: str
    record_id: str
    parameters: Mapping[str, Any]

    @property
    def records(self) -> ActingRecords:
        """Return the record service as the caller uses it."""
        return self.call.records


Run = Callable[[Invocation], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class OwnOperation:
    """An operation that the platform carries out itself.

    ``in_transaction`` says whether an action is one transaction; those that publish are not.
    ``most_bytes`` is how long its body may be. Without ``reads_parameters`` it gets the body as it
    is, and reads it itself as the operation declares.
    """

    operation: ApiOperation
    run: Run
    in_transaction: bool = True
    most_bytes: int = MOST_BODY_BYTES
    reads_parameters: bool = True
