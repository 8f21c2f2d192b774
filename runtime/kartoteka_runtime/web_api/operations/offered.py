"""Operations: every action and function that the Web API offers, and the answers to their calls.

Source: reference web-api, section 10; decisions/0045.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.responses import Response

from kartoteka.errors import PluginError
from kartoteka.plugin_api.operations import (
    FUNCTION,
    TO_COLLECTION,
    TO_RECORD,
    UNBOUND,
    ApiOperation,
    OperationContext,
)
from kartoteka.registry import Registry
from kartoteka_runtime.records.hook_table import HookTable
from kartoteka_runtime.records.record_files import RecordFiles
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.upload_bodies import limit_of
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused, MethodNotTaken
from kartoteka_runtime.web_api.operations.access_operations import ACCESS_OPERATIONS
from kartoteka_runtime.web_api.operations.block_operations import block_operations
from kartoteka_runtime.web_api.operations.bulk_delete_operation import BULK_DELETE_OPERATION
from kartoteka_runtime.web_api.operations.command_operations import command_operations
from kartoteka_runtime.web_api.operations.invocation import Invocation, OwnOperation
from kartoteka_runtime.web_api.operations.merge_operation import MERGE_OPERATION
from kartoteka_runtime.web_api.operations.multiple_operations import MULTIPLE_OPERATIONS
from kartoteka_runtime.web_api.operations.organization_operations import ORGANIZATION_OPERATIONS
from kartoteka_runtime.web_api.operations.parameter_literals import read_literals
from kartoteka_runtime.web_api.operations.parameters import read_parameters
from kartoteka_runtime.web_api.operations.results import answer_of
from kartoteka_runtime.web_api.operations.search_operations import SEARCH_OPERATIONS
from kartoteka_runtime.web_api.record_keys import record_id_of
from kartoteka_runtime.web_api.request_body import parse_object, read_bytes
from kartoteka_runtime.web_api.resource_path import Segment

OWN_OPERATIONS = (
    *ORGANIZATION_OPERATIONS, *ACCESS_OPERATIONS, *MULTIPLE_OPERATIONS, BULK_DELETE_OPERATION,
    MERGE_OPERATION, *SEARCH_OPERATIONS,
)  # fmt: skip

Known = Mapping[tuple[str, str, str], OwnOperation]


class Operations:
    """The operations of one app."""

    def __init__(self, records: RecordService, files: RecordFiles) -> None:
        """Offer what the platform, the commands of entities and the plugins' hooks offer."""
        self._records = records
        self._own = (*OWN_OPERATIONS, *block_operations(files))
        self._kept: tuple[Registry, HookTable, Known] | None = None

    def all(self, registry: Registry) -> tuple[ApiOperation, ...]:
        """Return every operation, by name: the platform's, those of commands, the plugins'."""
        known = self._known(registry)
        return tuple(known[key].operation for key in sorted(known))

    async def answer(self, call: ApiCall) -> Response | None:
        """Answer a call of an operation; None when there is no such one.

        Raises:
            MethodNotTaken: A function takes GET, an action POST.
            CallRefused: A parameter is unknown, missing or wrong.
            KartotekaError: The operation refuses.
        """
        found = self._find(call)
        if found is None:
            return None
        own, entity = found
        operation = own.operation
        is_function = operation.kind == FUNCTION
        if call.method != ("GET" if is_function else "POST"):
            raise MethodNotTaken("GET" if is_function else "POST")
        said = _of_address(call, operation) if is_function else await _of_body(call, own)
        if is_function or not own.in_transaction:
            return answer_of(call, operation, await _run(call, own, entity, said))
        async with call.records.transaction() as records:
            inside = replace(call, records=records)
            return answer_of(inside, operation, await _run(inside, own, entity, said))

    def _find(self, call: ApiCall) -> tuple[OwnOperation, str] | None:
        """Return the operation that a path names and the entity that it is called on."""
        known = self._known(call.registry)
        path = call.segments
        if len(path) == 1:
            name = path[0].operation or path[0].name
            found = known.get((name, UNBOUND, ""))
            return None if found is None else (found, "")
        entity = call.registry.entity_by_set_name.get(path[0].name)
        if len(path) != 2 or entity is None:
            return None
        binding = TO_COLLECTION if path[0].arguments is None else TO_RECORD
        for of_entity in (entity.name, ""):
            found = known.get((path[1].operation, binding, of_entity))
            if found is not None:
                return found, entity.name
        return None

    def _known(self, registry: Registry) -> Known:
        hooks = self._records.hooks
        if self._kept is None or self._kept[0] is not registry or self._kept[1] is not hooks:
            self._kept = (registry, hooks, _known(registry, hooks, self._own))
        return self._kept[2]


def _known(registry: Registry, hooks: HookTable, owns: Sequence[OwnOperation]) -> Known:
    """Return all operations by their keys; a plugin's stands before a command of its name.

    Raises:
        PluginError: A plugin takes a name of the platform's.
    """
    known = {own.operation.key: own for own in command_operations(registry)}
    known |= {own.operation.key: own for own in owns}
    taken = {own.operation.key for own in owns}
    for operation in hooks.operations:
        if operation.key in taken:
            raise PluginError(f'operation "{operation.name}" is one of the platform\'s')
        if not operation.entity or operation.entity in registry.entities:
            known[operation.key] = OwnOperation(operation, _run_plugin)
    return {key: own for key, own in known.items() if not key[2] or key[2] in registry.entities}


def _of_address(call: ApiCall, operation: ApiOperation) -> dict[str, Any]:
    """Return the parameters of a function as its address says them.

    Raises:
        CallRefused: The query string holds something else than aliases, or one of them twice.
    """
    pairs = call.request.query_params.multi_items()
    options = dict(pairs)
    if len(options) < len(pairs):
        raise CallRefused(400, f"{operation.name}: an option is there twice.")
    for name in options:
        if name.startswith("$"):
            raise CallRefused(400, f'{operation.name} does not take "{shorten(name)}".')
    declared = {value.name: value for value in operation.parameters}
    return read_literals(_last(call).arguments or "", options, declared)


async def _of_body(call: ApiCall, own: OwnOperation) -> dict[str, Any]:
    """Return the parameters of an action as its body says them; without a body there are none.

    Raises:
        CallRefused: They stand in the address.
    """
    if (_last(call).arguments or "").strip():
        raise CallRefused(400, f"{own.operation.name} takes its parameters from the body.")
    limit = limit_of(call.request.scope)
    limit.most_bytes = max(limit.most_bytes, own.most_bytes)
    body = await read_bytes(call.request, most=own.most_bytes)
    return parse_object(body) if body.strip() not in (b"", b"null") else {}


def _last(call: ApiCall) -> Segment:
    return call.segments[-1]


async def _run(
    call: ApiCall, own: OwnOperation, entity: str, said: Mapping[str, Any]
) -> Mapping[str, Any] | None:
    operation = own.operation
    record_id = ""
    if operation.binding == TO_RECORD:
        of = call.registry.entities[entity]
        record_id = await record_id_of(call, of, call.segments[0].arguments or "")
    if own.reads_parameters:
        parameters: Mapping[str, Any] = await read_parameters(call, operation, said)
    else:
        parameters = _declared_only(operation, said)
    return await own.run(Invocation(call, operation, entity, record_id, parameters))


def _declared_only(operation: ApiOperation, said: Mapping[str, Any]) -> Mapping[str, Any]:
    known = {value.name for value in operation.parameters}
    for name in said:
        if name not in known and "@" not in name:
            raise CallRefused(400, f'{operation.name} has no parameter "{shorten(name)}".')
    return said


async def _run_plugin(invocation: Invocation) -> Mapping[str, Any] | None:
    """Let a plugin carry out its operation."""
    call, operation = invocation.call, invocation.operation
    assert operation.run is not None
    record: Mapping[str, Any] = {}
    if operation.binding == TO_RECORD:
        record = await call.records.read(invocation.entity, invocation.record_id)
    return await operation.run(
        OperationContext(
            operation=operation,
            entity=invocation.entity,
            record_id=invocation.record_id,
            record=record,
            parameters=invocation.parameters,
            principal=call.principal,
            records=call.records,
            system_records=call.records.as_system(),
            registry=call.registry,
        )
    )
