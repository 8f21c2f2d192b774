"""Commands: named actions on one record, by a plugin or by state alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.errors import RecordInvalid, RecordNotFound, Violation
from kartoteka.plugin_api.contexts import CommandContext, CommandResult
from kartoteka.record_values import Reference
from kartoteka_runtime.records import pipeline
from kartoteka_runtime.records.compiled_model import CompiledCommand
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.record_access import allowed, require_all
from kartoteka_runtime.records.state_model import REASON, STATE
from kartoteka_runtime.validation.value_checks import Refused, shorten


async def execute(
    op: Operation, name: str, record_id: str, command: str, supplied: Mapping[str, Any]
) -> CommandResult:
    """Run a command on a record and return what it answers.

    Raises:
        RecordNotFound: There is no such record or command.
        RecordInvalid: The record's state does not allow it, a parameter is wrong, or it refused.
        AccessDenied: The principal may not change the record.
    """
    compiled = op.entity(name)
    definition = compiled.entity.command_by_name.get(command)
    if definition is None:
        raise RecordNotFound(name, command)
    op.require("read", name)
    found = await compiled.queries.read_allowed(
        op.connection, record_id, ("write",), with_labels=True, for_update=True, asker=op.asker
    )
    if found is None:
        raise RecordNotFound(name, record_id)
    record, may = found
    require_all(name, ("write",), may)
    if definition.from_states and compiled.states.has_states:
        current = compiled.entity.state_by_value.get(record[STATE])
        if current is None or current.name not in definition.from_states:
            params = {"command": definition.label, "state": current.label if current else ""}
            raise RecordInvalid(name, [Violation(None, "violation.command_not_offered", params)])
    action = compiled.commands[command]
    parameters = _checked(name, action, supplied)
    await _require_seen(op, name, parameters)
    if op.watch is not None:
        op.watch.ran(name, record_id, command)
    if action.handler is None:
        await set_state(op, name, record_id, definition.to_state, definition.to_reason, {})
        return CommandResult()
    inner = op.deeper()
    return await action.handler.run(
        CommandContext(
            entity=name,
            record_id=record_id,
            record=record,
            parameters=parameters,
            principal=op.principal,
            records=op.records_for(inner),
            system_records=op.records_for(inner.as_system()),
            registry=op.model.registry,
        )
    )


async def set_state(
    op: Operation,
    name: str,
    record_id: str,
    state: str,
    reason: str,
    values: Mapping[str, Any],
) -> None:
    """Write state and reason by name, as commands may, with further values in the same write.

    Raises:
        RecordInvalid: The entity has no such state or reason.
        RecordNotFound: There is no such record.
        AccessDenied: The principal may not change it.
    """
    try:
        state_value, reason_value = op.entity(name).states.named(state, reason)
    except KeyError:
        params = {"value": shorten(reason or state)}
        raise RecordInvalid(name, [Violation(STATE, "violation.not_an_option", params)]) from None
    written = {**values, STATE: state_value}
    if reason:
        written[REASON] = reason_value
    await pipeline.update(op.as_command(), name, record_id, written)


async def _require_seen(op: Operation, name: str, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that name records which the principal may not see: there are none such.

    Commands hand them to the platform's own writes too, which would attach them unasked.
    """
    if op.is_system:
        return
    violations = []
    for parameter, value in parameters.items():
        if isinstance(value, Reference):
            if await allowed(op, value.entity, value.id, ()) is None:
                params = {"value": value.name or value.id}
                violations.append(Violation(parameter, "violation.not_found", params))
    if violations:
        raise RecordInvalid(name, violations)


def _checked(name: str, action: CompiledCommand, supplied: Mapping[str, Any]) -> dict[str, Any]:
    parameters = dict(action.defaults)
    violations = []
    for parameter, value in supplied.items():
        check = action.checks.get(parameter)
        if check is None:
            violations.append(
                Violation(None, "violation.unknown_field", {"value": shorten(parameter)})
            )
        elif value is None or value == "":
            parameters[parameter] = None
        else:
            try:
                parameters[parameter] = check(value)
            except Refused as refused:
                violations.append(Violation(parameter, f"violation.{refused.rule}", refused.params))
    named = {violation.field for violation in violations}
    violations += [
        Violation(parameter, "violation.required")
        for parameter in action.required
        if parameters.get(parameter) is None and parameter not in named
    ]
    if violations:
        raise RecordInvalid(name, violations)
    return parameters
