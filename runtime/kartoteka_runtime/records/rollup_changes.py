"""Which rollups a write outdates: jobs work them out again, one a record that they belong to.

They are enqueued in the transaction of the write, so they run if and only if it is committed; of a
record whose job waits already there is no second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kartoteka.calculated.rollups import rollups_of, rollups_over
from kartoteka.record_values import Reference
from kartoteka.registry import Registry

if TYPE_CHECKING:
    from kartoteka_runtime.records.operation import Operation

ROLLUPS_JOB = "kartoteka.rollups"
CURRENCY = "transactioncurrencyid"
RATE = "exchangerate"

Owner = tuple[str, str]  # entity and id of a record that has rollups


class RollupChanges:
    """What writes of one entity's records mean for rollups.

    ``needed`` are the fields that have to be known of a record before it is changed.
    """

    def __init__(self, entity: str, registry: Registry) -> None:
        """Find the rollups over records of the entity, and those of its own."""
        self._entity = entity
        self._primary_id = registry.entities[entity].primary_id
        self._over = rollups_over(registry, entity)
        own = rollups_of(registry, entity)
        self._parent = next((item.parent.name for item in own if item.parent is not None), "")
        self._in_currency = frozenset(
            {CURRENCY, RATE} if any(item.field.type == "money" for item in own) else ()
        )
        self.has_own = bool(own)
        self.needed = frozenset(item.item_field.name for item in self._over)
        if self._parent:
            self.needed |= {self._parent}
        self.decisive = frozenset(name for item in self._over for name in item.decisive)

    def __bool__(self) -> bool:
        """Return whether a write may outdate anything."""
        return bool(self._over) or self.has_own

    async def created(self, op: Operation, records: Iterable[Mapping[str, Any]]) -> None:
        """Enqueue what new records outdate."""
        await enqueue(op, {
            owner
            for values in records
            for item in self._over
            for owner in _owners(item.entity, values.get(item.item_field.name))
        })  # fmt: skip

    async def updated(
        self, op: Operation, record_id: str, values: Mapping[str, Any], before: Mapping[str, Any]
    ) -> None:
        """Enqueue what a change outdates: of the record it belonged to, and belongs to now."""
        changed = values.keys()
        found: set[Owner] = set()
        for item in self._over:
            if not item.decisive.isdisjoint(changed):
                name = item.item_field.name
                found |= _owners(item.entity, before.get(name))
                found |= _owners(item.entity, values.get(name, before.get(name)))
        if self._parent in changed:
            found |= _owners(self._entity, before.get(self._parent))
            found |= _owners(self._entity, values[self._parent])
        if not self._in_currency.isdisjoint(changed):
            found.add((self._entity, record_id))
        await enqueue(op, found)

    async def deleted(self, op: Operation, before: Mapping[str, Any]) -> None:
        """Enqueue what the end of a record outdates."""
        found = {
            owner
            for item in self._over
            for owner in _owners(item.entity, before.get(item.item_field.name))
        }
        if self._parent:
            found |= _owners(self._entity, before.get(self._parent))
        found.discard((self._entity, str(before[self._primary_id])))
        await enqueue(op, found)


def _owners(entity: str, named: Any) -> set[Owner]:
    """Return the record that a lookup names, if it is one of ``entity``."""
    is_owner = isinstance(named, Reference) and named.entity == entity
    return {(entity, named.id)} if is_owner else set()


async def enqueue(op: Operation, owners: set[Owner]) -> None:
    """Have the rollups of records worked out once the transaction is committed."""
    if not owners:
        return
    records = op.records_for(replace(op, origin=None))  # it begins no further write
    for entity, record_id in sorted(owners):
        arguments = {"entity": entity, "id": record_id}
        await records.enqueue(ROLLUPS_JOB, arguments, key=f"{entity}:{record_id}")
