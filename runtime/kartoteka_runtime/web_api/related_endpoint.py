"""What lies behind a record: its properties, the records it is linked with, and theirs.

``accounts(…)/primarycontactid/fullname`` is read from left to right; each part but the last is a
record. Source: reference web-api, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import Collection, Compared, FieldPath
from kartoteka.errors import RecordNotFound
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Query
from kartoteka.query.shown import raw_name
from kartoteka.record_values import Reference
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.body_values import navigation_of
from kartoteka_runtime.web_api.collection_link import CollectionLink, link_of
from kartoteka_runtime.web_api.list_endpoint import ListEndpoint
from kartoteka_runtime.web_api.property_endpoint import PropertyEndpoint, PropertyHandler
from kartoteka_runtime.web_api.record_keys import record_id_of
from kartoteka_runtime.web_api.record_reads import ODATA, RecordReads
from kartoteka_runtime.web_api.record_writes import RecordWrites
from kartoteka_runtime.web_api.ref_endpoint import RefEndpoint, own_address
from kartoteka_runtime.web_api.resource_path import Segment
from kartoteka_runtime.web_api.unmasked import unmasked_if_asked

_REF, _COUNT, _VALUE = "$ref", "$count", "$value"
_READING = ("GET", "HEAD")


@dataclass(frozen=True, slots=True)
class _Lookup:
    """A single-valued navigation property: the lookup, and which targets it shows."""

    item: Field
    targets: tuple[str, ...]


class RelatedEndpoint:
    """Answers requests for what lies behind a record."""

    def __init__(
        self,
        reads: RecordReads,
        writes: RecordWrites,
        lists: ListEndpoint,
        by_type: Mapping[str, PropertyHandler],
    ) -> None:
        """Answer with records and lists; field types in ``by_type`` have handlers of their own."""
        self._reads = reads
        self._writes = writes
        self._lists = lists
        self._properties = PropertyEndpoint(reads, by_type)
        self._refs = RefEndpoint()

    async def answer(self, call: ApiCall, entity: Entity) -> Response:
        """Answer a call whose path goes on behind the record that its first segment names.

        Raises:
            NoSuchAddress: The path names something that there is not.
            RecordNotFound: A record on the way is not there.
            MethodNotTaken: The address does not take the method.
        """
        first, *rest = call.segments
        record_id = await record_id_of(call, entity, first.arguments or "")
        return await self._behind(call, Reference(entity.name, record_id), tuple(rest))

    async def _behind(
        self, call: ApiCall, record: Reference, segments: tuple[Segment, ...]
    ) -> Response:
        first, rest = segments[0], segments[1:]
        names = tuple(segment.name for segment in rest)
        entity = call.registry.entities[record.entity]
        if first.arguments is None:
            item = _property(entity, first.name)
            if item is not None and names in ((), (_VALUE,)):
                is_raw = bool(names)
                return await self._properties.answer(call, entity, record.id, item, is_raw=is_raw)
            lookup = _lookup(call, entity, first.name)
            if lookup is not None:
                return await self._single(call, record, lookup, rest)
            if first.name == _REF and not rest:
                await _require(call, record)
                return own_address(call, record)
        collection = collections_of(call.registry, entity.name).get(first.name)
        if collection is None:
            raise NoSuchAddress(shorten(first.name))
        if first.arguments is None:
            return await self._collection(call, record, collection, names)
        return await self._member(call, record, collection, segments)

    async def _single(
        self, call: ApiCall, record: Reference, lookup: _Lookup, rest: tuple[Segment, ...]
    ) -> Response:
        found = await _named(call, record, lookup)
        if rest and rest[0].name == _REF and len(rest) == 1:
            return await self._refs.single(call, record, lookup.item, lookup.targets, found)
        if not rest:
            if call.method not in _READING:
                raise MethodNotTaken("GET")
            return await self._record(call, found)
        if found is None:
            raise RecordNotFound(record.entity, record.id)
        return await self._behind(call, found, rest)

    async def _record(self, call: ApiCall, found: Reference | None) -> Response:
        """Return the record that a lookup names; one that may not be read is none."""
        if found is not None:
            try:
                entity = call.registry.entities[found.entity]
                return await self._reads.record(call, entity, found.id)
            except RecordNotFound:
                pass
        return Response(status_code=204, headers=ODATA)

    async def _collection(
        self, call: ApiCall, record: Reference, collection: Collection, names: tuple[str, ...]
    ) -> Response:
        within = _within(call, record, collection)
        target = call.registry.entities[collection.entity]
        if call.method not in ("DELETE", "POST") or names != (_REF,):
            await _require(call, record)
        if names == (_REF,):
            return await self._refs.collection(call, record, collection, within)
        if names == (_COUNT,):
            if call.method not in _READING:
                raise MethodNotTaken("GET")
            return await self._lists.count(call, target, within)
        if names:
            raise NoSuchAddress(shorten("/".join(names)))
        if call.method == "POST":
            return await self._writes.create_in(call, collection, record)
        if call.method not in _READING:
            raise MethodNotTaken("GET, POST")
        return await self._lists.answer(unmasked_if_asked(call), target, within)

    async def _member(
        self,
        call: ApiCall,
        record: Reference,
        collection: Collection,
        segments: tuple[Segment, ...],
    ) -> Response:
        target = call.registry.entities[collection.entity]
        member_id = await record_id_of(call, target, segments[0].arguments or "")
        member, rest = Reference(target.name, member_id), segments[1:]
        if len(rest) == 1 and rest[0].name == _REF:
            return await self._refs.member(call, record, collection, member)
        await _require(call, record)
        await _require(call, member, _within(call, record, collection))
        if rest:
            return await self._behind(call, member, rest)
        if call.method not in _READING:
            raise MethodNotTaken("GET")
        return await self._reads.record(call, target, member_id)


def _property(entity: Entity, name: str) -> Field | None:
    """Return the field whose value a record tells under a name."""
    item = entity.field_by_name.get(name)
    if item is not None and not item.is_lookup:
        return None if item.type == "party_list" else item
    if name.startswith("_") and name.endswith("_value"):
        item = entity.field_by_name.get(name[1:-6])
        return item if item is not None and raw_name(item) == name else None
    return None


def _lookup(call: ApiCall, entity: Entity, name: str) -> _Lookup | None:
    step = navigation_of(call.registry, entity, name)
    if step is not None:
        return _Lookup(step.field, (step.target,))
    item = entity.field_by_name.get(name)
    if item is not None and item.type == "owner":
        return _Lookup(item, item.targets)
    return None


def _within(call: ApiCall, record: Reference, collection: Collection) -> CollectionLink:
    entity = call.registry.entities[record.entity]
    address = f"{entity.set_name}({record.id})/{collection.name}"
    return link_of(call.registry, collection, record.id, address)


async def _named(call: ApiCall, record: Reference, lookup: _Lookup) -> Reference | None:
    """Return the record that a lookup names, when it is of the targets.

    Raises:
        RecordNotFound: The record with the lookup is not there.
    """
    path = path_of(call.registry, record.entity, lookup.item.name)
    value = (await _row(call, record, path)).get(path.key)
    if isinstance(value, Reference) and value.entity in lookup.targets:
        return value
    return None


async def _require(call: ApiCall, record: Reference, within: CollectionLink | None = None) -> None:
    """Return when a record is there, and where it has to be.

    Raises:
        RecordNotFound: It is not.
    """
    await _row(call, record, within=within)


async def _row(
    call: ApiCall,
    record: Reference,
    *columns: FieldPath,
    within: CollectionLink | None = None,
) -> Mapping[str, object]:
    entity = call.registry.entities[record.entity]
    identity = path_of(call.registry, entity.name, entity.primary_id)
    condition = Compared(identity, Operator.EQ, record.id)
    query = Query(entity.name, (identity, *columns), condition, with_labels=False)
    page = await call.records.query(within.narrowed(query) if within else query, limit=1)
    if not page.rows:
        raise RecordNotFound(entity.name, record.id)
    return page.rows[0]
