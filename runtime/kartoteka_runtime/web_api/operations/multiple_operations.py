"""``CreateMultiple`` and its like: many records of one entity, all of them or none.

Source: reference web-api, section 10; decisions/0045.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from kartoteka.errors import KartotekaError, RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.operations import TO_COLLECTION, ApiOperation, ApiValue
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_errors import CallRefused, NoRecordOfKey
from kartoteka_runtime.web_api.body_values import read_body, read_values
from kartoteka_runtime.web_api.deep_insert import create_record
from kartoteka_runtime.web_api.operations.invocation import Invocation, OwnOperation
from kartoteka_runtime.web_api.operations.parameters import MOST_ITEMS
from kartoteka_runtime.web_api.record_address import BAD_PAYLOAD, path_of_address
from kartoteka_runtime.web_api.record_keys import RecordKey, find_record, primary_id_of, read_key
from kartoteka_runtime.web_api.record_writes import is_taken, put_record
from kartoteka_runtime.web_api.resource_path import NAMESPACE, read_path

TARGETS = "Targets"
MOST_BYTES = 32 * 1024 * 1024
_ID, _TYPE = "@odata.id", "@odata.type"
_MOST_TRIES = 5  # of putting records that others put at the same time

Target = dict[str, Any]


async def create_multiple(invocation: Invocation) -> Mapping[str, Any]:
    """Create records and return their ids in the order of the targets."""
    call, entity = invocation.call, _entity(invocation)
    bodies = []
    is_flat = True
    for place, target in _targets(invocation, entity):
        with _at(place):
            body = await read_body(call, entity, target, is_new=True)
        is_flat = is_flat and body.is_flat
        bodies.append(body)
    if is_flat:
        values = [body.values for body in bodies]
        return {"Ids": await call.records.create_many(entity.name, values)}
    ids = []
    for place, target in _targets(invocation, entity):
        with _at(place):
            ids.append(await create_record(call, entity, target))
    return {"Ids": ids}


async def update_multiple(invocation: Invocation) -> None:
    """Change records; each target names its own."""
    call, entity = invocation.call, _entity(invocation)
    for place, target in _targets(invocation, entity):
        with _at(place):
            record_id = await _existing(invocation, entity, target)
            await call.records.update(
                entity.name, record_id, await read_values(call, entity, target)
            )


async def upsert_multiple(invocation: Invocation) -> None:
    """Change the records that are there and create those that are not.

    When somebody else creates one of them at the same moment, all of it is tried again: then that
    one is there. Inside a change set it is refused, as there nothing is tried twice.
    """
    for tries in range(1, _MOST_TRIES + 1):
        try:
            async with invocation.records.transaction() as records:
                await _put(replace(invocation, call=replace(invocation.call, records=records)))
            return
        except _TakenMeanwhile:
            if tries == _MOST_TRIES or invocation.records.open_operation is not None:
                raise


class _TakenMeanwhile(RecordInvalid):
    """A record with the key of a target is there, which was not a moment ago, or is not seen."""


async def _put(invocation: Invocation) -> None:
    """Change or create the records of one call.

    Raises:
        _TakenMeanwhile: One could not be found, and not be created either.
    """
    entity = _entity(invocation)
    for place, target in _targets(invocation, entity):
        with _at(place):
            key = _key(invocation, entity, target)
            try:
                await put_record(invocation.call, entity, key, target)
            except RecordInvalid as refused:
                if not is_taken(refused, entity, key):
                    raise
                raise _TakenMeanwhile(refused.entity, refused.violations) from refused


async def delete_multiple(invocation: Invocation) -> None:
    """Delete records; each target names its own."""
    entity = _entity(invocation)
    for place, target in _targets(invocation, entity):
        with _at(place):
            record_id = await _existing(invocation, entity, target)
            await invocation.records.delete(entity.name, record_id)


def _entity(invocation: Invocation) -> Entity:
    return invocation.call.registry.entities[invocation.entity]


def _targets(invocation: Invocation, entity: Entity) -> Iterator[tuple[int, Target]]:
    """Yield each target with its place.

    Raises:
        CallRefused: There is no list of them, too many, or one is no object of this entity.
    """
    targets = invocation.parameters.get(TARGETS)
    if not isinstance(targets, list):
        raise _refused(f'{invocation.operation.name} needs the parameter "{TARGETS}", a list.')
    if len(targets) > MOST_ITEMS:
        raise _refused(f"There are {len(targets):,} targets, at most {MOST_ITEMS:,} are taken.")
    kinds = (NAMESPACE + entity.name, f"#{NAMESPACE}{entity.name}")
    for place, target in enumerate(targets):
        with _at(place):
            if not isinstance(target, dict):
                raise _refused(f"an object is needed, {shorten(target)} was found.")
            if target.get(_TYPE) not in kinds:
                raise _refused(
                    f'"{_TYPE}" is "{kinds[0]}" here, {shorten(target.get(_TYPE))} was found.'
                )
        yield place, target


def _key(invocation: Invocation, entity: Entity, target: Target) -> RecordKey:
    """Return what a target says of which record it is: its address, else its id.

    Raises:
        CallRefused: It says nothing, or names a record of something else.
    """
    address = target.get(_ID)
    if address is None:
        said = target.get(entity.primary_id)
        if said is None:
            raise _refused(f'"{entity.primary_id}" or "{_ID}" is needed.')
        if not isinstance(said, str) or not (record_id := primary_id_of(said.lower())):
            raise _refused(f'"{entity.primary_id}": {shorten(said)} is no id.')
        return RecordKey(record_id)
    if not isinstance(address, str):
        raise _refused(f'"{_ID}": {shorten(address)} is no address.')
    segments = read_path(path_of_address(invocation.call, address))
    if len(segments) != 1 or segments[0].name != entity.set_name or not segments[0].arguments:
        raise _refused(f'"{_ID}": "{shorten(address)}" names no record of "{entity.set_name}".')
    return read_key(invocation.call, entity, segments[0].arguments)


async def _existing(invocation: Invocation, entity: Entity, target: Target) -> str:
    key = _key(invocation, entity, target)
    record_id = await find_record(invocation.call, entity, key)
    if not record_id:
        raise NoRecordOfKey(entity.name, shorten(target[_ID]))
    if key.values and target.get(entity.primary_id) not in (None, record_id):
        raise RecordInvalid(entity.name, [Violation(entity.primary_id, "violation.read_only")])
    return record_id


@contextmanager
def _at(place: int) -> Iterator[None]:
    """Say of what is refused inside which target it is about."""
    try:
        yield
    except KartotekaError as error:
        if error.place is None:
            error.place = place
        raise


def _refused(message: str) -> CallRefused:
    return CallRefused(400, message, code=BAD_PAYLOAD)


_RECORDS = (ApiValue(TARGETS, "record", is_list=True),)


def _operation(name: str, result: tuple[ApiValue, ...] = ()) -> ApiOperation:
    return ApiOperation(name, "action", TO_COLLECTION, "", _RECORDS, result)


_IDS = (ApiValue("Ids", "unique_id", is_list=True),)

MULTIPLE_OPERATIONS: tuple[OwnOperation, ...] = tuple(
    OwnOperation(
        operation, run, most_bytes=MOST_BYTES, reads_parameters=False,
        in_transaction=run is not upsert_multiple,  # which has its own, as often as it tries
    )
    for operation, run in (
        (_operation("CreateMultiple", _IDS), create_multiple),
        (_operation("UpdateMultiple"), update_multiple),
        (_operation("UpsertMultiple"), upsert_multiple),
        (_operation("DeleteMultiple"), delete_multiple),
    )
)  # fmt: skip
