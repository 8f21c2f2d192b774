"""Values of a body: fields, bindings of lookups, and records inside of a new one.

| property | what it says |
|---|---|
| ``name`` | the value of a field |
| ``primarycontactid@odata.bind`` | a lookup, by the address of a record; null clears it |
| ``parentcustomerid_account@odata.bind`` | a lookup with several targets, by one of them |
| ``primarycontactid`` with an object | a new record that the lookup is to name |
| ``contact_customer_accounts`` with a list | new records that belong to the new one |
| ``contact_customer_accounts@odata.bind`` | records that are to belong to the new one |
| ``email_activity_parties`` with a list | who takes part in an activity, and as what |
| ``@odata.type``, ``name@OData.Community…`` | control information, which is not looked at |

Source: reference web-api, section 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kartoteka.conditions.entity_collections import PARTY, collections_of
from kartoteka.conditions.typed import Collection, LookupStep
from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.query.navigation_names import navigation_name
from kartoteka.query.odata_expand import navigations_of
from kartoteka.record_values import Party, Reference
from kartoteka.registry import Registry
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.record_address import record_at
from kartoteka_runtime.web_api.request_body import BAD_PAYLOAD

BIND = "@odata.bind"
ID = "@odata.id"

_MOST_PARTIES = 1_000  # of one activity in a body
_MOST_TOLD = 20  # unknown properties of one body: each of them is a sentence of the answer
_PARTICIPATION = "participationtypemask"
_OF_PARTY = frozenset({_PARTICIPATION, "partyid", "addressused", "activityid", "activitypartyid"})
_KEPT_NAVIGATIONS = "web_api.navigations"
_KEPT_UNSAID = "web_api.unsaid"


@dataclass(slots=True)
class BodyValues:
    """What a body says of a record.

    Attributes:
        values: ``{field: value}``, lookups as references.
        above: New records that lookups are to name, as their bodies.
        items: What is to belong to the record: bodies of new ones, and references.
    """

    values: dict[str, Any]
    above: list[tuple[LookupStep, Mapping[str, Any]]] = field(default_factory=list)
    items: list[tuple[Collection, list[Mapping[str, Any] | Reference]]] = field(
        default_factory=list
    )

    @property
    def is_flat(self) -> bool:
        """Return whether the body is about one record alone."""
        return not self.above and not self.items


async def read_values(
    call: ApiCall, entity: Entity, mapping: Mapping[str, Any], *, is_new: bool = False
) -> dict[str, Any]:
    """Return the values that a body gives one record, as the record service takes them.

    With ``is_new`` fields that are null say nothing where nobody may choose their value.

    Raises:
        RecordInvalid: A property is neither a field nor a lookup's.
        CallRefused: A binding names no record, or the body holds records inside.
    """
    found = await read_body(call, entity, mapping, is_new=is_new)
    if not found.is_flat:
        names = [step.key for step, _ in found.above] + [item.name for item, _ in found.items]
        raise _refused(f'"{shorten(names[0])}" holds records; only a new record takes them.')
    return found.values


async def read_body(
    call: ApiCall, entity: Entity, mapping: Mapping[str, Any], *, is_new: bool
) -> BodyValues:
    """Return what a body says of a record, and of others inside it.

    Raises:
        RecordInvalid: A property is neither a field nor a navigation property.
        CallRefused: A binding names no record, or a property holds what it cannot.
    """
    fields = entity.field_by_name
    found = BodyValues({})
    values = found.values
    others: list[tuple[str, Any]] = []
    for key, value in mapping.items():
        if "@" in key:
            if key.endswith(BIND):
                others.append((key, value))
        elif key not in fields or type(value) is dict or (value is None and is_new):
            others.append((key, value))
        else:
            values[key] = value
    if others:
        await _OtherProperties(call, entity, found, is_new=is_new).read(others)
    return found


async def read_party_lists(
    call: ApiCall, entity: Entity, key: str, items: list[Any]
) -> dict[str, Any]:
    """Return ``{field: parties}`` of an activity from a list of parties, as clients write them.

    Lists of parties that nobody is named for are not among them.

    Raises:
        RecordInvalid: A party has a property that parties have not.
        CallRefused: One is nobody, or takes part in a way in which nobody does.
    """
    fields = {item.participation: item.name for item in entity.fields if item.type == "party_list"}
    party = call.registry.entities[PARTY]
    found: dict[str, Any] = {}
    for item in items[: _MOST_PARTIES + 1]:
        if not isinstance(item, dict):
            raise _refused(f'"{key}" takes a list of objects.')
        said = await read_values(call, party, item, is_new=True)
        mask, address = said.get(_PARTICIPATION), said.get("addressused") or ""
        name = fields.get(mask) if type(mask) is int else None
        if name is None:
            known = ", ".join(str(known) for known in fields) or "none"
            raise _refused(
                f'"{key}", {_PARTICIPATION}: {shorten(mask)} is none of those of "{entity.name}" '
                f"({known})."
            )
        who = said.get("partyid")
        if (
            not isinstance(who, Reference | None)
            or not isinstance(address, str)
            or not (who or address)
        ):
            raise _refused(f'"{key}" takes parties by "partyid_…{BIND}" or "addressused".')
        if unknown := said.keys() - _OF_PARTY:
            raise _refused(f'"{key}": "{min(unknown)}" is nothing that a party takes here.')
        found.setdefault(name, []).append(Party(who, address))
    if len(items) > _MOST_PARTIES:
        raise _refused(f'"{key}" takes at most {_MOST_PARTIES} parties.')
    return {name: tuple(parties) for name, parties in found.items()}


class _OtherProperties:
    """Reads the properties of one body that are not plainly the value of a field."""

    def __init__(self, call: ApiCall, entity: Entity, found: BodyValues, *, is_new: bool) -> None:
        self._call = call
        self._entity = entity
        self._found = found
        self._is_new = is_new
        self._bound: dict[str, str] = {}
        self._unknown: list[Violation] = []

    async def read(self, properties: list[tuple[str, Any]]) -> None:
        for key, value in properties:
            if key.endswith(BIND):
                await self._bind(key, value)
            else:
                await self._property(key, value)
            if len(self._unknown) == _MOST_TOLD:
                break
        if self._unknown:
            raise RecordInvalid(self._entity.name, self._unknown)

    async def _property(self, key: str, value: Any) -> None:
        fields = self._entity.field_by_name
        if key in fields and value is None:
            is_said = key in self._bound or key in unsaid_names(self._call.registry, self._entity)
            if not is_said:
                self._found.values[key] = None
            return
        step = navigation_of(self._call.registry, self._entity, key)
        if step is not None:
            await self._navigation(key, step, value)
            return
        if key in fields:  # an object, which its check refuses, naming the field
            self._found.values[key] = value
            return
        collection = collections_of(self._call.registry, self._entity.name).get(key)
        if collection is not None:
            await self._items(key, collection, value)
        elif (item := _of_raw_name(self._entity, key)) is None:
            self._tell_unknown(key)
        elif value is not None or not self._is_new:
            raise _refused(_write_instead(key, item, self._entity))

    async def _navigation(self, key: str, step: LookupStep, value: Any) -> None:
        if value is None:
            self._set(key, step.field, None)
        elif not isinstance(value, dict):
            raise _refused(f'"{key}" takes an object, or "{key}{BIND}" the address of a record.')
        elif ID in value:
            self._set(key, step.field, await self._record_at(key, value[ID], (step.target,)))
        else:
            self._set(key, step.field, Reference(step.target, ""))
            self._found.above.append((step, value))

    async def _items(self, key: str, collection: Collection, value: Any) -> None:
        if value is None and self._is_new:
            return
        if not isinstance(value, list):
            raise _refused(f'"{key}" takes a list of objects.')
        if collection.entity == PARTY and self._entity.is_activity:
            self._found.values |= await read_party_lists(self._call, self._entity, key, value)
            return
        items: list[Mapping[str, Any] | Reference] = []
        for item in value:
            if not isinstance(item, dict):
                raise _refused(f'"{key}" takes a list of objects.')
            if ID in item:
                items.append(await self._record_at(key, item[ID], (collection.entity,)))
            else:
                items.append(item)
        self._found.items.append((collection, items))

    async def _bind(self, key: str, value: Any) -> None:
        name = key.removesuffix(BIND)
        registry, entity = self._call.registry, self._entity
        step = navigation_of(registry, entity, name)
        if step is not None:
            targets: tuple[str, ...] = (step.target,)
            item = step.field
        else:
            owner = entity.field_by_name.get(name)
            if owner is not None and owner.type == "owner":
                item, targets = owner, owner.targets
            else:
                await self._bind_items(key, name, value)
                return
        if value is None:
            self._set(key, item, None)
        else:
            self._set(key, item, await self._record_at(key, value, targets))

    async def _bind_items(self, key: str, name: str, value: Any) -> None:
        collection = collections_of(self._call.registry, self._entity.name).get(name)
        item = self._entity.field_by_name.get(name)
        if collection is None:
            if item is not None and item.is_lookup:
                raise _refused(_write_instead(key, item, self._entity))
            self._tell_unknown(key)
            return
        if not isinstance(value, list):
            raise _refused(f'"{key}" takes a list of addresses.')
        found = [await self._record_at(key, address, (collection.entity,)) for address in value]
        self._found.items.append((collection, list(found)))

    async def _record_at(self, key: str, address: Any, targets: tuple[str, ...]) -> Reference:
        reference = await record_at(self._call, address)
        if reference.entity not in targets:
            sets = " or ".join(
                self._call.registry.entities[target].set_name for target in targets[:3]
            )
            raise _refused(f'"{shorten(key)}" takes a record of {sets}.')
        return reference

    def _set(self, key: str, item: Field, value: Reference | None) -> None:
        """Give a lookup a record; null for one of its targets is no word about the others."""
        earlier = self._bound.get(item.name)
        if value is None:
            if earlier is None:
                self._found.values[item.name] = None
            return
        if earlier is not None:
            raise _refused(f'"{shorten(earlier)}" and "{shorten(key)}" set the same lookup.')
        self._bound[item.name] = key
        self._found.values[item.name] = value

    def _tell_unknown(self, key: str) -> None:
        self._unknown.append(Violation(None, "violation.unknown_field", {"value": shorten(key)}))


def navigation_of(registry: Registry, entity: Entity, name: str) -> LookupStep | None:
    """Return the lookup and target that a single-valued navigation property names."""
    kept: dict[str, Mapping[str, LookupStep]] = registry.kept.setdefault(_KEPT_NAVIGATIONS, {})
    known = kept.get(entity.name)
    if known is None:
        known = kept[entity.name] = navigations_of(entity)
    return known.get(name)


def unsaid_names(registry: Registry, entity: Entity) -> frozenset[str]:
    """Return the fields that a null in a new record does not empty.

    Clients that know nothing of a record type send null for everything: also for what the platform
    writes, and for what is never empty.
    """
    kept: dict[str, frozenset[str]] = registry.kept.setdefault(_KEPT_UNSAID, {})
    found = kept.get(entity.name)
    if found is None:
        found = kept[entity.name] = frozenset(
            item.name
            for item in entity.fields
            if item.read_only
            or item.is_calculated
            or item.type in ("autonumber", "state", "status")
            or (item.default is not None and _is_never_empty(item))
        )
    return found


def _is_never_empty(item: Field) -> bool:
    return item.type == "yes_no" or item.required is Required.ALWAYS


def _of_raw_name(entity: Entity, key: str) -> Field | None:
    """Return the lookup whose value a record tells under a name such as ``_ownerid_value``."""
    if not (key.startswith("_") and key.endswith("_value")):
        return None
    item = entity.field_by_name.get(key[1:-6])
    return item if item is not None and item.is_lookup else None


def _write_instead(key: str, item: Field, entity: Entity) -> str:
    names = [navigation_name(item, target, entity) for target in item.targets[:2]]
    if item.type == "owner":
        names = [item.name]
    shown = " or ".join(f'"{name}{BIND}"' for name in names)
    return f'"{shorten(key)}" cannot be written; write {shown}.'


def _refused(message: str) -> CallRefused:
    return CallRefused(400, message, code=BAD_PAYLOAD)
