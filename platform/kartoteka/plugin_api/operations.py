"""Operations: what the Web API offers beside records, declared as data, each with its handler.

A function is asked with GET and changes nothing; an action is sent with POST and is one
transaction. What is declared here is what parameters are checked against, once, and what
``$metadata`` and the description of the API list.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kartoteka.errors import PluginError
from kartoteka.plugin_api.contexts import Principal, Records
from kartoteka.record_values import Record
from kartoteka.registry import Registry

ACTION, FUNCTION = "action", "function"
UNBOUND, TO_RECORD, TO_COLLECTION = "", "record", "collection"

# Types of values: those of fields, and what only operations know.
SCALARS = (
    "text", "whole_number", "big_integer", "decimal", "float", "yes_no", "date", "date_time",
    "unique_id",
)  # fmt: skip
TYPES = (*SCALARS, "enum", "reference", "record", "object")


@dataclass(frozen=True, slots=True)
class ApiValue:
    """A parameter of an operation, a part of what it answers, or a member of either.

    Attributes:
        name: What clients call it.
        type: One of ``TYPES``. ``reference`` names a record, ``record`` brings values for one,
            ``object`` has ``members``, ``enum`` has ``options``.
        entities: Of a reference or record: which entities it may be of; none: any.
        is_list: Whether it is a list of such values.
        is_optional: Whether it may be left out, or be null.
        members: The values that an object holds.
        options: The names and numbers of an enum.
        is_flags: Whether several options of an enum may be named at once.
        type_name: What an object's or enum's type is called; the same name is the same type.
    """

    name: str
    type: str = "text"
    entities: tuple[str, ...] = ()
    is_list: bool = False
    is_optional: bool = False
    members: tuple[ApiValue, ...] = ()
    options: tuple[tuple[str, int], ...] = ()
    is_flags: bool = False
    type_name: str = ""


class RecordValues(NamedTuple):
    """Values for a record as a parameter brings them: not yet checked against the entity.

    ``record_id`` is the record's own id, "" when none was said; ``address`` the ``@odata.id`` as
    it was written. ``values`` are by logical name, lookups as ``Reference``.
    """

    entity: str
    record_id: str
    values: Mapping[str, Any]
    address: str = ""


@dataclass(slots=True)
class OperationContext:
    """One operation under way; an action shares one transaction.

    Attributes:
        operation: What is called.
        entity: The entity whose record or collection it is called on; "" when it is unbound.
        record_id: The id of that record; "" when there is none.
        record: That record as the caller may see it; empty when there is none.
        parameters: Every declared parameter by name, None where an optional one was left out.
            References are ``Reference``, records ``RecordValues``, objects mappings, enums the
            names of their options (with ``is_flags`` a tuple of them).
        records: The record service as ``principal``.
        system_records: The same without access limits.
    """

    operation: ApiOperation
    entity: str
    record_id: str
    record: Record
    parameters: Record
    principal: Principal
    records: Records
    system_records: Records
    registry: Registry


RunOperation = Callable[[OperationContext], Awaitable[Mapping[str, Any] | None]]


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """An action or a function of the Web API.

    Attributes:
        name: What clients call it; with its binding and entity it is the only one of that name.
        kind: ``action`` or ``function``.
        binding: Empty, or ``record`` or ``collection`` when it is called on such.
        entity: Of which entity that is; empty with a binding: of any.
        parameters: What it takes, without the record or collection that it is called on.
        result: What it answers, by name: nothing, or the members of an object. A single value
            without a name is the answer itself: a record, a list of records.
        run: Carries it out and returns the result by name (of the answer itself: under ""). The
            platform's own have none: the runtime knows how.
    """

    name: str
    kind: str = ACTION
    binding: str = UNBOUND
    entity: str = ""
    parameters: tuple[ApiValue, ...] = ()
    result: tuple[ApiValue, ...] = ()
    run: RunOperation | None = field(default=None, compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what tells the operation from all others: name, binding and entity."""
        return self.name, self.binding, self.entity

    @property
    def answers_itself(self) -> ApiValue | None:
        """Return the value that is the whole answer; None where the answer has named members."""
        return self.result[0] if len(self.result) == 1 and not self.result[0].name else None


def check_operation(operation: ApiOperation) -> None:
    """Return when an operation is declared as one can be.

    Raises:
        PluginError: It is not; the message says what is wrong with which.
    """
    name = operation.name
    if not name.isascii() or not name.isidentifier():
        raise PluginError(f'operation "{name}": its name is no identifier')
    if operation.kind not in (ACTION, FUNCTION):
        raise PluginError(f'operation "{name}": kind is "{ACTION}" or "{FUNCTION}"')
    if operation.binding not in (UNBOUND, TO_RECORD, TO_COLLECTION):
        known = f'empty, "{TO_RECORD}" or "{TO_COLLECTION}"'
        raise PluginError(f'operation "{name}": binding is {known}')
    if operation.entity and not operation.binding:
        raise PluginError(f'operation "{name}": it names an entity and is not bound to it')
    if operation.kind == FUNCTION and not operation.result:
        raise PluginError(f'operation "{name}": a function answers something')
    for values in (operation.parameters, operation.result):
        _check_values(name, values)


def _check_values(operation: str, values: tuple[ApiValue, ...]) -> None:
    names = [value.name for value in values]
    for value in values:
        if names.count(value.name) > 1:
            raise PluginError(f'operation "{operation}": "{value.name}" is there twice')
        if value.type not in TYPES:
            raise PluginError(
                f'operation "{operation}": "{value.type}" of "{value.name}" is none of'
                f" {', '.join(TYPES)}"
            )
        if value.type == "object" and not (value.members and value.type_name):
            raise PluginError(f'operation "{operation}": "{value.name}" has no members or type')
        if value.type == "enum" and not (value.options and value.type_name):
            raise PluginError(f'operation "{operation}": "{value.name}" has no options or type')
        _check_values(operation, value.members)
