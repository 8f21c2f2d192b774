"""Every command of every entity as an action bound to its records, under the command's name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kartoteka.model.entity import Command, Entity
from kartoteka.model.field import Field
from kartoteka.plugin_api.contexts import CommandResult
from kartoteka.plugin_api.operations import ACTION, TO_RECORD, ApiOperation, ApiValue
from kartoteka.registry import Registry
from kartoteka_runtime.web_api.operations.invocation import Invocation, OwnOperation

_TYPES = {
    "text": "text", "autonumber": "text", "whole_number": "whole_number",
    "big_integer": "big_integer", "choice": "whole_number", "state": "whole_number",
    "status": "whole_number", "decimal": "decimal", "money": "decimal", "float": "float",
    "yes_no": "yes_no", "date": "date", "date_time": "date_time", "unique_id": "unique_id",
    "multi_choice": "text",
}  # fmt: skip
# What a command answers: a message for people, the record to go on with, and those it made.
RESULT = (
    ApiValue("Message", is_optional=True),
    ApiValue("Open", "reference", is_optional=True),
    ApiValue("Created", "reference", is_list=True),
)


def command_operations(registry: Registry) -> Iterator[OwnOperation]:
    """Yield the actions of all commands of a registry."""
    for entity in registry.entities.values():
        for command in entity.commands:
            parameters = tuple(
                value for item in command.parameters if (value := _value(item)) is not None
            )
            operation = ApiOperation(
                command.name, ACTION, TO_RECORD, entity.name, parameters, RESULT
            )
            yield OwnOperation(operation, _Run(entity, command))


class _Run:
    """Carries out one command."""

    def __init__(self, entity: Entity, command: Command) -> None:
        self._entity = entity.name
        self._command = command.name

    async def __call__(self, invocation: Invocation) -> Mapping[str, Any]:
        """Run the command with the parameters that were said; others have their defaults."""
        said = {name: value for name, value in invocation.parameters.items() if value is not None}
        result = await invocation.records.execute(
            self._entity, invocation.record_id, self._command, said
        )
        return told(invocation, result)


def told(invocation: Invocation, result: CommandResult) -> dict[str, Any]:
    """Return what a command answered, its message in the caller's language."""
    call = invocation.call
    message = None
    if result.message:
        message = call.labels.message(result.message, call.principal.language, **result.params)
    return {"Message": message, "Open": result.open, "Created": list(result.created)}


def _value(item: Field) -> ApiValue | None:
    """Return a parameter of a command as operations declare it; None where none says it."""
    if item.is_lookup:
        return ApiValue(item.name, "reference", tuple(item.targets), is_optional=True)
    kind = _TYPES.get(item.type)
    return None if kind is None else ApiValue(item.name, kind, is_optional=True)
